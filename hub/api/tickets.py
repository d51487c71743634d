"""Bills: written, paid, given up, answered by their opposite, and on paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec

from core.journal import Act
from core.sqlite import Reader, Row, Writer
from core.tickets import PricedLine
from core.till import Offered
from core.wallet import ByPass
from core.web import Asked, Endpoint, fresh_read, read, reading_act, write
from hub.access import till
from hub.api.blueprint import api
from hub.api.members import paid
from hub.api.passes import PassAsked, wishes
from hub.api.shapes import Id, Left, Payment, PaymentAsked, Printing, ShortText, offered
from hub.attempts import Answer, once
from hub.checkout import (
    pay_ticket,
    propose_passes,
    reprint,
    reverse_ticket,
    sale_document,
    suggest,
)
from hub.devices import plain_text
from hub.tickets import (
    account_of,
    add_line,
    change_line,
    open_ticket,
    open_tickets,
    read_ticket,
    set_member,
    set_payer,
    staff_line,
    ticket_row,
    void,
)
from hub.wallet import RECOGNISED, follow

LINES_MAX = 100
Quantity = Annotated[int, msgspec.Meta(ge=0, le=999)]
CHANGE_REFUSALS = ("no_ticket", "ticket_closed")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line with its price for this bill; `rule` says which price that is."""

    id: str
    item: str
    code: str
    name: str
    kind: str
    unit: str
    quantity: int
    list_price_cents: int
    member_price_cents: int | None
    price_cents: int
    amount_cents: int
    rule: str
    staff: str | None
    staff_name: str | None


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A bill. `version` is what settling must name; `from_balance_cents` could pay of it."""

    id: str
    number: str
    state: Literal["open", "settled", "void", "reversed"]
    version: int
    member: str | None
    payer: str | None
    """Out of whose account it is paid and who earns, where that is not the member's own."""
    store: str
    date: str
    opened_at_ms: int
    settled_at_ms: int | None
    lines: list[Line]
    list_total_cents: int
    total_cents: int
    from_balance_cents: int
    from_passes: list[PassAsked]
    """What the member's passes here would pay, as `passes` of settling takes it."""
    payments: list[Payment]


class ListedTicket(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    number: str
    version: int
    member: str | None
    member_name: str | None
    lines: int
    opened_at_ms: int


class ListedTickets(msgspec.Struct, frozen=True, kw_only=True):
    tickets: list[ListedTicket]


class TicketSearch(Asked, frozen=True, kw_only=True):
    state: Literal["open"] = "open"


class NewLine(Asked, frozen=True, kw_only=True):
    item: Id
    quantity: Quantity = 1


class NewTicket(Asked, frozen=True, kw_only=True):
    """A bill; without a member it is a walk-in's."""

    member: Id | None = None
    lines: Annotated[tuple[NewLine, ...], msgspec.Meta(max_length=LINES_MAX)] = ()


class LineEdit(Asked, frozen=True, kw_only=True):
    """What is left out stays; quantity 0 takes the line off; staff null names nobody."""

    quantity: Quantity | msgspec.UnsetType = msgspec.UNSET
    staff: Id | msgspec.UnsetType | None = msgspec.UNSET


class Owner(Asked, frozen=True, kw_only=True):
    """Whose bill it is; null makes it a walk-in's."""

    member: Id | None


class Payer(Asked, frozen=True, kw_only=True):
    """True pays from the account of the family's holder, false from the member's own."""

    shared: bool


class Reason(Asked, frozen=True, kw_only=True):
    reason: ShortText = ""


class Settlement(Asked, frozen=True, kw_only=True):
    """How a bill is paid, as the cashier saw it: the payments' sum must match."""

    version: int
    payments: Annotated[tuple[PaymentAsked, ...], msgspec.Meta(max_length=20)] = ()
    passes: Annotated[tuple[PassAsked, ...], msgspec.Meta(max_length=LINES_MAX)] = ()
    """Pieces of lines that passes pay; `payments` then pay the rest."""


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What was booked. `head` is the journal's check value, as it stands on the receipt."""

    ticket: str
    number: str
    member: str | None
    payer: str | None
    list_total_cents: int
    total_cents: int
    points: int
    payments: list[Payment]
    change_cents: int
    left: Left | None
    at_ms: int
    head: str
    print_job: str | None


class Reversed(msgspec.Struct, frozen=True, kw_only=True):
    """What went back. `points_short` were spent meanwhile and could not be taken back."""

    ticket: str
    reversal: str
    number: str
    member: str | None
    payer: str | None
    total_cents: int
    points: int
    points_short: int
    payments: list[Payment]
    left: Left | None
    at_ms: int
    head: str
    print_job: str | None


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt as it was printed: its parts, and the same as lines of text."""

    number: str
    parts: list[dict[str, Any]]
    text: str


@api.post("/tickets")
@Endpoint(
    permission="sale.create",
    body=NewTicket,
    answer=Ticket,
    status=201,
    keyed=True,
    refusals=("no_member", "item_gone", "quantity_wrong", "too_many_lines"),
)
def create_ticket(asked: NewTicket, key: str) -> Answer:
    """Begin a bill, with lines if they are known already."""

    def create(tx: Writer, act: Act) -> Answer:
        def run() -> Answer:
            ticket = act.new_id()
            open_ticket(tx, act, ticket=ticket, member=asked.member)
            _recognise(tx, act, ticket)
            for line in asked.lines:
                _add(tx, act, ticket, line)
            return {"ticket": ticket}

        content = msgspec.to_builtins(asked)
        return once(tx, act, key=key, verb="ticket.open", content=content, run=run)

    done = write(create)
    return done | _shown(done["ticket"])


@api.get("/tickets")
@Endpoint(permission="sale.create", query=TicketSearch, answer=ListedTickets)
def list_tickets(asked: TicketSearch) -> Answer:
    """Return the bills that are being written, newest first."""
    del asked
    names = ("id", "number", "version", "member", "member_name", "lines")
    with read() as db:
        return {
            "tickets": [
                {name: row[name] for name in names} | {"opened_at_ms": row["opened_at"]}
                for row in open_tickets(db)
            ]
        }


@api.get("/tickets/<ticket_id>")
@Endpoint(permission="sale.create", answer=Ticket, refusals=("no_ticket",))
def show_ticket(ticket_id: str) -> Answer:
    """Return a bill with its lines."""
    return _shown(ticket_id)


@api.post("/tickets/<ticket_id>/lines")
@Endpoint(
    permission="sale.create",
    body=NewLine,
    answer=Ticket,
    status=201,
    keyed=True,
    refusals=(*CHANGE_REFUSALS, "item_gone", "quantity_wrong", "too_many_lines"),
)
def create_line(ticket_id: str, asked: NewLine, key: str) -> Answer:
    """Put an item on a bill; one that is there already counts up."""

    def create(tx: Writer, act: Act) -> Answer:
        def run() -> Answer:
            _add(tx, act, ticket_id, asked)
            return {"ticket": ticket_id}

        content = [ticket_id, msgspec.to_builtins(asked)]
        return once(tx, act, key=key, verb="ticket.line", content=content, run=run)

    done = write(create)
    return done | _shown(ticket_id)


@api.patch("/tickets/<ticket_id>/lines/<line_id>")
@Endpoint(
    permission="sale.create",
    body=LineEdit,
    answer=Ticket,
    refusals=(*CHANGE_REFUSALS, "no_line", "no_staff", "quantity_wrong"),
)
def edit_line(ticket_id: str, line_id: str, asked: LineEdit) -> Answer:
    """Change how many, or who does the work."""

    def edit(tx: Writer, act: Act) -> None:
        if asked.staff is not msgspec.UNSET:
            staff_line(tx, act, ticket=ticket_id, line=line_id, staff_id=asked.staff)
        if asked.quantity is not msgspec.UNSET:
            change_line(tx, act, ticket=ticket_id, line=line_id, quantity=asked.quantity)

    return _edited(ticket_id, edit)


@api.put("/tickets/<ticket_id>/member")
@Endpoint(
    permission="sale.create",
    body=Owner,
    answer=Ticket,
    refusals=(*CHANGE_REFUSALS, "no_member"),
)
def put_member(ticket_id: str, asked: Owner) -> Answer:
    """Say whose bill it is; members pay member prices, and their money follows them here."""

    def edit(tx: Writer, act: Act) -> None:
        set_member(tx, act, ticket=ticket_id, member=asked.member)
        _recognise(tx, act, ticket_id)

    return _edited(ticket_id, edit)


@api.put("/tickets/<ticket_id>/payer")
@Endpoint(
    permission="sale.create",
    body=Payer,
    answer=Ticket,
    refusals=(*CHANGE_REFUSALS, "not_in_family"),
)
def put_payer(ticket_id: str, asked: Payer) -> Answer:
    """Pay a relative's bill from the holder's account, or from their own."""

    def edit(tx: Writer, act: Act) -> None:
        set_payer(tx, act, ticket=ticket_id, shared=asked.shared)
        _recognise(tx, act, ticket_id)

    return _edited(ticket_id, edit)


def _recognise(tx: Writer, act: Act, ticket: str) -> None:
    """Let the money of whoever came follow, and that of the account that pays for them."""
    row = ticket_row(tx, ticket)
    for member in {row["member"], account_of(tx, row)} - {None}:
        follow(tx, act, member=member, why=RECOGNISED)


@api.post("/tickets/<ticket_id>/void")
@Endpoint(
    permission="sale.void_open",
    body=Reason,
    answer=Ticket,
    refusals=(*CHANGE_REFUSALS, "reason_missing"),
)
def void_ticket(ticket_id: str, asked: Reason) -> Answer:
    """Give up an unpaid bill; one with lines needs a reason."""
    return _edited(
        ticket_id, lambda tx, act: void(tx, act, ticket=ticket_id, reason=asked.reason)
    )


@api.post("/tickets/<ticket_id>/settle")
@Endpoint(
    permission="sale.create",
    body=Settlement,
    answer=Settled,
    keyed=True,
    refusals=(
        *CHANGE_REFUSALS,
        "stale_ticket",
        "empty_ticket",
        "no_period",
        "no_member_to_charge",
        "insufficient_balance",
        "not_in_family",
        "family_limit",
        "block_list_old",
        "card_blocked",
        "card_replaced",
        "payments_differ",
        "pass_wrong",
        "pass_short",
        "coupon_least",
        "tender_unknown",
        "tendered_short",
        "amount_wrong",
        "no_company",
    ),
)
def settle_ticket(ticket_id: str, asked: Settlement, key: str) -> Answer:
    """Take payment for a bill, as the version that the cashier saw."""
    place = till()
    payments: tuple[Offered | ByPass, ...] = (*offered(asked.payments), *wishes(asked.passes))
    return write(
        lambda tx, act: pay_ticket(
            tx,
            act,
            ticket=ticket_id,
            version=asked.version,
            till=place,
            payments=payments,
            key=key,
        )
    )


@api.post("/tickets/<ticket_id>/reverse")
@Endpoint(
    permission="sale.void_paid",
    body=Reason,
    answer=Reversed,
    keyed=True,
    refusals=(
        "no_ticket",
        "not_settled",
        "reason_missing",
        "no_period",
        "over_limit",
        "no_company",
    ),
)
def reverse_settled_ticket(ticket_id: str, asked: Reason, key: str) -> Answer:
    """Answer a settled bill by its opposite: money, value, points and stock go back."""
    place = till()
    return write(
        lambda tx, act: reverse_ticket(
            tx, act, ticket=ticket_id, till=place, reason=asked.reason, key=key
        )
    )


@api.get("/tickets/<ticket_id>/receipt")
@Endpoint(permission="sale.create", answer=Receipt, refusals=("not_settled", "no_company"))
def show_receipt(ticket_id: str) -> Answer:
    """Return the receipt of a settled bill, or of a reversal by its own id."""
    number, document = write(lambda tx, act: sale_document(tx, act, ticket_id))
    return {
        "number": number,
        "parts": msgspec.to_builtins(document.parts),
        "text": plain_text(document),
    }


@api.post("/tickets/<ticket_id>/prints")
@Endpoint(
    permission="sale.reprint",
    answer=Printing,
    status=201,
    refusals=("not_settled", "no_company"),
)
def print_receipt(ticket_id: str) -> Answer:
    """Print a bill's receipt; after the first time, marked as a copy."""
    return write(lambda tx, act: reprint(tx, act, sale=ticket_id))


def _add(tx: Writer, act: Act, ticket: str, line: NewLine) -> None:
    add_line(tx, act, ticket=ticket, line=act.new_id(), item=line.item, quantity=line.quantity)


def _edited(ticket: str, edit: Callable[[Writer, Act], None]) -> Answer:
    write(edit)
    return _shown(ticket)


def _shown(ticket: str) -> Answer:
    """Return a bill. How it was paid is history, which an unpaid one need not wait for."""
    with read() as db:
        told = _ticket(db, ticket)
    if told["state"] in {"open", "void"}:
        return told
    with fresh_read() as db:
        return _ticket(db, ticket)


def _ticket(db: Reader, ticket: str) -> dict[str, Any]:
    found = read_ticket(db, ticket)
    names = ("id", "number", "state", "version", "member", "store", "date")
    is_open = found.row["state"] == "open"
    return {
        **{name: found.row[name] for name in names},
        "payer": found.row["payer"] or None,
        "opened_at_ms": found.row["opened_at"],
        "settled_at_ms": found.row["settled_at"],
        "lines": [
            _line(line, priced)
            for line, priced in zip(found.lines, found.bill.lines, strict=True)
        ],
        "list_total_cents": found.bill.list_total,
        "total_cents": found.bill.total,
        "from_balance_cents": suggest(db, reading_act(db), found) if is_open else 0,
        "from_passes": [
            msgspec.to_builtins(wish)
            for wish in (propose_passes(db, reading_act(db), found) if is_open else ())
        ],
        "payments": paid(db, ticket),
    }


def _line(row: Row, priced: PricedLine) -> dict[str, Any]:
    names = ("id", "item", "code", "name", "kind", "unit", "quantity", "staff", "staff_name")
    return {
        **{name: row[name] for name in names},
        "list_price_cents": row["list_price"],
        "member_price_cents": row["member_price"],
        "price_cents": priced.price,
        "amount_cents": priced.amount,
        "rule": priced.rule,
    }
