"""The till's screen as verbs: what a tap, a scan or a key does to the bill on this device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from core.catalog import categories, find_item, items
from core.errors import Refused
from core.journal import Act
from core.members import (
    by_number,
    by_phone,
    card_row,
    holder_of,
    meet_card,
    read_medium,
)
from core.money import yuan
from core.organisation import Tender, settings
from core.sqlite import Reader, Row, Writer
from core.till import STORED_VALUE, Offered
from hub import checkout, members, tickets, till, wallet
from hub.attempts import once
from hub.devices import was_printed
from hub.pos import tables
from hub.pos.passes import Choice, choices, paid_by_passes, passes_of
from hub.tickets import OpenTicket

CASH = "cash"
QUICK_NOTES = (1_000, 2_000, 5_000, 10_000)
"""Banknotes in fen that people hand over."""
QUICK_MAX = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Everything that the till shows."""

    ticket: OpenTicket | None
    member: Row | None
    balance: wallet.Balance | None
    bringing: wallet.Bringing
    open_tickets: list[Row]
    shift_open: bool
    holder: Row | None = None
    """Whose account the member may pay from, besides their own."""
    shared: bool = False
    """The bill is paid from the holder's account."""
    staff_choices: list[Row] = field(default_factory=list)
    passes: list[wallet.HeldPass] = field(default_factory=list)
    """The passes of whoever pays."""
    rest: int = 0
    """What the passes leave of the bill, in fen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayPlan:
    """How a bill is to be paid, as far as it was chosen; fen.

    `rest` is what is due once the passes that are on have paid.
    """

    due: int
    rest: int
    passes: list[Choice]
    stored: int
    stored_most: int
    others: dict[str, int]
    cash: int
    tenders: list[Tender]
    quick: list[int]

    @property
    def ticked(self) -> list[str]:
        """Return the passes that are on, as the form carries them."""
        return [one.value for one in self.passes if one.on]


def read_screen(
    db: Reader, act: Act, *, device: str, till_name: str, connected: Callable[[], bool]
) -> Screen:
    """Return what the till of this device shows now.

    `connected` says whether head office can be reached; see `wallet.bringing`.
    """
    ticket = current(db, device)
    member_id = ticket.row["member"] if ticket else None
    account = tickets.account_of(db, ticket.row) if ticket else None
    holder = holder_of(db, member_id) if member_id else None
    return Screen(
        ticket=ticket,
        member=members.member_of(db, member_id) if member_id else None,
        holder=members.member_of(db, holder) if holder else None,
        shared=bool(ticket and ticket.row["payer"]),
        balance=wallet.balance(db, act, account) if account else None,
        bringing=(
            wallet.bringing(db, act, account, connected=connected)
            if account
            else wallet.Bringing()
        ),
        passes=passes_of(db, act, account),
        rest=ticket.bill.total - paid_by_passes(db, act, ticket) if ticket else 0,
        open_tickets=[row for row in tickets.open_tickets(db) if row["lines"]],
        shift_open=till.find_open_period(db, act.store, till_name) is not None,
        staff_choices=db.all(
            "SELECT id, number, name FROM staff WHERE active = 1"
            " AND role IN ('technician', 'manager') ORDER BY number"
        ),
    )


def current(db: Reader, device: str) -> OpenTicket | None:
    """Return the bill that lies open on a device, if it is still being written."""
    row = tables.counter(db, device)
    if row is None or row["ticket"] is None:
        return None
    found = tickets.read_ticket(db, row["ticket"])
    return found if found.row["state"] == "open" else None


def shelf(db: Reader, act: Act, *, typed: str = "", category: str = "") -> list[Row]:
    """Return the items to show, filtered by a heading or by what was typed."""
    offered = items(db, act.store)
    if category:
        offered = [row for row in offered if row["category"] == category]
    words = typed.lower().split()
    return [row for row in offered if _matches(row, words)]


def headings(db: Reader) -> list[Row]:
    return categories(db)


def tap(tx: Writer, act: Act, *, device: str, item_id: str, operation: str) -> None:
    """Put one more of an item on this device's bill, beginning one if there is none."""
    ticket = _ticket(tx, act, device)

    def add() -> dict[str, str]:
        tickets.add_line(tx, act, ticket=ticket, line=act.new_id(), item=item_id)
        return {"ticket": ticket}

    once(tx, act, key=operation, verb="pos.tap", content=[ticket, item_id], run=add)


def step(tx: Writer, act: Act, *, device: str, line: str, change: int, operation: str) -> None:
    """Count a line up or down; below one takes it off. Refused: no_ticket, no_line."""
    found = _current(tx, device)

    def count() -> dict[str, int]:
        held = next((x for x in found.lines if x["id"] == line), None)
        if held is None:
            raise Refused("no_line")
        quantity = max(0, held["quantity"] + change)
        tickets.change_line(tx, act, ticket=found.id, line=line, quantity=quantity)
        return {"quantity": quantity}

    once(tx, act, key=operation, verb="pos.step", content=[found.id, line, change], run=count)


def name_staff(tx: Writer, act: Act, *, device: str, line: str, staff_id: str | None) -> None:
    """Say who does the work of a line. Refused: no_ticket, no_line, no_staff."""
    found = _current(tx, device)
    tickets.staff_line(tx, act, ticket=found.id, line=line, staff_id=staff_id)


def set_member(
    tx: Writer, act: Act, *, device: str, member: str | None, card: str = ""
) -> None:
    """Make the bill a member's, or a walk-in's. A member's money follows, and the holder's."""
    ticket = _ticket(tx, act, device)
    before = tickets.ticket_row(tx, ticket)["member"]
    tickets.set_member(tx, act, ticket=ticket, member=member, card=card)
    tables.remember_member(tx, device, member or before)
    _recognise(tx, act, ticket)


def set_payer(tx: Writer, act: Act, *, device: str, shared: bool) -> None:
    """Pay a relative's bill from the holder's account, or from their own.

    Refused: no_ticket, not_in_family.
    """
    ticket = _current(tx, device).id
    tickets.set_payer(tx, act, ticket=ticket, shared=shared)
    _recognise(tx, act, ticket)


def toggle_walkin(tx: Writer, act: Act, *, device: str) -> None:
    """Switch the bill to cardless, or back to the member it had."""
    ticket = _ticket(tx, act, device)
    row = tables.counter(tx, device)
    member = tickets.ticket_row(tx, ticket)["member"]
    back = row["last_member"] if row else None
    tickets.set_member(tx, act, ticket=ticket, member=None if member else back)
    tables.remember_member(tx, device, member or back)
    _recognise(tx, act, ticket)


def bring(tx: Writer, act: Act, *, device: str) -> None:
    """Ask for what this bill's member has elsewhere. Refused: no_ticket."""
    account = tickets.account_of(tx, _current(tx, device).row)
    if account is not None:
        wallet.follow(tx, act, member=account, why=wallet.ASKED_FOR)


def scan(
    tx: Writer, act: Act, *, device: str, code: str, operation: str, typed: bool = False
) -> None:
    """Take in a card, a barcode or a code, whatever it is.

    What a person `typed` may also be the beginning of one item's name, pinyin or initials.
    Refused: scan_unknown, item_gone, card_blocked, card_replaced.
    """
    code = code.strip()
    found = find_item(tx, code)
    if found is None and typed:
        likely = shelf(tx, act, typed=code) if code else []
        found = likely[0] if len(likely) == 1 else None
    if found is not None:
        tap(tx, act, device=device, item_id=found["id"], operation=operation)
        return
    card = _card(tx, act, code)
    member = _member_by(tx, code) if card is None else card["member"]
    if member is None:
        raise Refused("scan_unknown", scanned=code[:40])
    set_member(tx, act, device=device, member=member, card=code if card else "")


def park(tx: Writer, *, device: str) -> None:
    """Leave the bill open and clear the screen for the next guest."""
    tables.lay_open(tx, device, None)


def resume(tx: Writer, *, device: str, ticket: str) -> None:
    """Take an open bill onto this device. Refused: no_ticket, ticket_closed."""
    tickets.require_open(tickets.ticket_row(tx, ticket))
    tables.lay_open(tx, device, ticket)


def void(tx: Writer, act: Act, *, device: str, reason: str) -> None:
    """Give up this device's bill. Refused: no_ticket, reason_missing."""
    found = _current(tx, device)
    tickets.void(tx, act, ticket=found.id, reason=reason)
    tables.lay_open(tx, device, None)


def plan_payment(
    db: Reader,
    act: Act,
    *,
    device: str,
    chosen: dict[str, int] | None,
    ticked: list[str] | None = None,
) -> tuple[OpenTicket, PayPlan]:
    """Return how this device's bill can be paid.

    `chosen` are fen by tender as entered so far; None asks for the hub's proposal: as much
    from the balance as there is, the rest in cash. `ticked` are the passes as chosen so far;
    None proposes those, too. Refused: no_ticket.
    """
    found = _current(db, device)
    rules = settings(db)
    held = passes_of(db, act, tickets.account_of(db, found.row))
    passes = choices(db, act, found, held=held, ticked=ticked)
    due = found.bill.total
    rest = due - sum(one.cents for one in passes)
    most = min(checkout.suggest(db, act, found), rest)
    entered = {STORED_VALUE: most} if chosen is None else chosen
    stored = max(0, min(entered.get(STORED_VALUE, 0), most))
    others: dict[str, int] = {}
    left = rest - stored
    for tender in rules.tenders:
        if tender.id != CASH:
            others[tender.id] = max(0, min(entered.get(tender.id, 0), left))
            left -= others[tender.id]
    return found, PayPlan(
        due=due,
        rest=rest,
        passes=passes,
        stored=stored,
        stored_most=most,
        others=others,
        cash=left,
        tenders=[t for t in rules.tenders if t.id != CASH],
        quick=_quick(left),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixed:
    """A way to pay with what the card has here and the rest (fen) by another tender."""

    tender: Tender
    stored: int
    rest: int

    @property
    def chosen(self) -> dict[str, str]:
        """Return what such a choice puts into the form, in yuan."""
        typed = {f"tender_{STORED_VALUE}": yuan(self.stored)}
        if self.tender.id != CASH:
            typed[f"tender_{self.tender.id}"] = yuan(self.rest)
        return typed


def mixed_ways(db: Reader, act: Act, found: OpenTicket) -> list[Mixed]:
    """Return how a bill is paid where the card covers a part of it only; else nothing.

    The passes that are proposed have paid their part of it.
    """
    due = found.bill.total - paid_by_passes(db, act, found)
    here = min(due, checkout.suggest(db, act, found))
    if not 0 < here < due:
        return []
    tenders = sorted(settings(db).tenders, key=lambda one: one.id != CASH)
    return [Mixed(tender=one, stored=here, rest=due - here) for one in tenders]


def offered(amounts: dict[str, int], *, received: int) -> tuple[Offered, ...]:
    """Return tenders from the amounts (fen by tender) that stood on the form.

    Nothing is looked up: a form that is sent again must ask for exactly the same.
    """
    return tuple(
        Offered(
            tender=tender,
            amount=amount,
            tendered=received if tender == CASH and received else None,
        )
        for tender, amount in amounts.items()
        if amount
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """A settled bill as the till tells it."""

    sale: Row
    payments: list[Row]
    member: Row | None
    balance: wallet.Balance | None
    printed: bool
    passes: list[wallet.HeldPass] = field(default_factory=list)
    """The passes that paid, as they are now."""
    payer: Row | None = None
    """Out of whose account it was paid, where that is not the member's own."""

    @property
    def change(self) -> int:
        return sum(row["change"] for row in self.payments)


def read_paid(db: Reader, act: Act, *, ticket: str) -> Paid:
    """Return a settled bill. Read fresh. Refused: no_ticket."""
    sale = checkout.sale(db, ticket)
    if sale is None:
        raise Refused("no_ticket")
    member = sale["member"]
    account = sale["payer"] or member
    used = wallet.passes_moved(db, sale)
    return Paid(
        passes=[
            one
            for one in (wallet.held_passes(db, act, account, used=used) if used else ())
            if (one.lot.asset, one.lot.lot) in used
        ],
        sale=sale,
        payments=checkout.sale_payments(db, ticket),
        member=members.member_of(db, member) if member else None,
        payer=members.member_of(db, sale["payer"]) if sale["payer"] else None,
        balance=wallet.balance(db, act, account) if account else None,
        printed=was_printed(db, ticket),
    )


def payment_key(found: OpenTicket) -> str:
    """Return the key of this attempt: the same for every try at the same bill as it stands."""
    return f"pay:{found.id}:{found.version}"


def _ticket(tx: Writer, act: Act, device: str) -> str:
    found = current(tx, device)
    if found is not None:
        return found.id
    ticket = act.new_id()
    tickets.open_ticket(tx, act, ticket=ticket)
    tables.lay_open(tx, device, ticket)
    tables.remember_member(tx, device, None)
    return ticket


def _current(db: Reader, device: str) -> OpenTicket:
    found = current(db, device)
    if found is None:
        raise Refused("no_ticket")
    return found


def _recognise(tx: Writer, act: Act, ticket: str) -> None:
    """Let the money of whoever came follow, and that of the account that pays for them."""
    row = tickets.ticket_row(tx, ticket)
    for member in {row["member"], tickets.account_of(tx, row)} - {None}:
        wallet.follow(tx, act, member=member, why=wallet.RECOGNISED)


def _card(tx: Writer, act: Act, code: str) -> Row | None:
    """Return the card that was swiped; None for what is no card that is known here.

    Refused: card_blocked, card_replaced.
    """
    try:
        number = read_medium(code).number
    except Refused:
        return None
    row = card_row(tx, number)
    return meet_card(tx, act, text=code) if row is not None and row["active"] else None


def _member_by(db: Reader, code: str) -> str | None:
    """Find a member by number or phone, exactly."""
    upper = code.upper()
    row = by_number(db, upper) or by_phone(db, code)
    return None if row is None else str(row["id"])


def _matches(row: Row, words: list[str]) -> bool:
    terms = row["terms"].split()
    return all(any(term.startswith(word) for term in terms) for word in words)


def _quick(due: int) -> list[int]:
    """Return round sums that somebody is likely to hand over for what is due."""
    sums = sorted({-(-due // note) * note for note in QUICK_NOTES if due})
    return [amount for amount in sums if amount > due][:QUICK_MAX]
