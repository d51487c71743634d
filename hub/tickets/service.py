"""Writing a bill: open it, put lines on it, say whose it is."""

from __future__ import annotations

from dataclasses import dataclass

from core.catalog import item as item_for_sale
from core.errors import N_, Refused
from core.journal import Act
from core.members import holder_of, standing_for
from core.organisation import store
from core.sqlite import Reader, Row, Writer
from core.staff import staff
from core.tickets import (
    Bill,
    LineAdded,
    LineChanged,
    LineStaffed,
    MemberSet,
    Priceable,
    TicketOpened,
    TicketVoided,
    price,
)
from hub.members import member_of
from hub.tickets import sql

LINES_MAX = 100
QUANTITY_MAX = 999
STATES = {"settled": N_("结账"), "void": N_("作废"), "reversed": N_("冲正")}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTicket:
    """A bill with its lines, priced."""

    row: Row
    lines: list[Row]
    bill: Bill

    @property
    def id(self) -> str:
        ticket_id: str = self.row["id"]
        return ticket_id

    @property
    def version(self) -> int:
        version: int = self.row["version"]
        return version


def open_ticket(tx: Writer, act: Act, *, ticket: str, member: str | None = None) -> str:
    """Begin a bill under an id made by the caller and return the bill's number.

    The same id again returns the first number. Refused: no_member.
    """
    if known := tx.value("SELECT number FROM ticket WHERE id = :id", id=ticket):
        return str(known)
    payer = None
    if member is not None:
        member = member_of(tx, member)["id"]
        payer = holder_of(tx, member)
    number = _number(tx, act)
    opened = TicketOpened(ticket=ticket, number=number, member=member, payer=payer)
    act.append(tx, opened)
    return number


def read_ticket(db: Reader, ticket: str) -> OpenTicket:
    """Return a bill priced as of now. Refused: no_ticket."""
    row = sql.ticket(db, ticket)
    lines = sql.lines(db, ticket)
    return OpenTicket(row=row, lines=lines, bill=_priced(row, lines))


def add_line(
    tx: Writer, act: Act, *, ticket: str, line: str, item: str, quantity: int = 1
) -> None:
    """Put an item on a bill; one that is there already, with nobody named for it, counts up.

    `line` is an id made by the caller: the same one again adds nothing.
    Refused: no_ticket, ticket_closed, item_gone, quantity_wrong, too_many_lines.
    """
    row = _open(tx, ticket)
    if tx.one("SELECT 1 FROM ticket_line WHERE id = :line", line=line):
        return
    known = item_for_sale(tx, item)
    same = next(
        (x for x in sql.lines(tx, ticket) if x["item"] == item and x["staff"] is None), None
    )
    if same is not None and same["list_price"] == known["price"]:
        change_line(
            tx, act, ticket=ticket, line=same["id"], quantity=same["quantity"] + quantity
        )
        return
    _check_quantity(quantity, low=1)
    if len(sql.lines(tx, ticket)) >= LINES_MAX:
        raise Refused("too_many_lines", limit=LINES_MAX)
    act.append(
        tx,
        LineAdded(
            ticket=ticket,
            version=row["version"] + 1,
            line=line,
            item=item,
            code=known["code"],
            name=known["name"],
            item_kind=known["kind"],
            unit=known["unit"],
            quantity=quantity,
            list_price=known["price"],
            member_price=known["member_price"],
            points_times=known["points_times"],
        ),
    )


def change_line(tx: Writer, act: Act, *, ticket: str, line: str, quantity: int) -> None:
    """Set a line's quantity; 0 takes it off the bill, and stays a fact.

    Refused: no_ticket, ticket_closed, no_line, quantity_wrong.
    """
    row = _open(tx, ticket)
    held = sql.line(tx, ticket, line)
    _check_quantity(quantity, low=0)
    if quantity != held["quantity"]:
        act.append(
            tx,
            LineChanged(
                ticket=ticket,
                version=row["version"] + 1,
                line=line,
                quantity=quantity,
                before=held["quantity"],
            ),
        )


def staff_line(tx: Writer, act: Act, *, ticket: str, line: str, staff_id: str | None) -> None:
    """Say who did the work of a line. Refused: no_ticket, ticket_closed, no_line, no_staff."""
    row = _open(tx, ticket)
    held = sql.line(tx, ticket, line)
    if staff_id is not None and staff(tx, staff_id) is None:
        raise Refused("no_staff")
    if held["staff"] != staff_id:
        version = row["version"] + 1
        act.append(tx, LineStaffed(ticket=ticket, version=version, line=line, staff=staff_id))


def set_member(
    tx: Writer, act: Act, *, ticket: str, member: str | None, card: str = ""
) -> None:
    """Say whose bill it is; None makes it a walk-in's. `card` is the medium that said so.

    A relative pays from the holder's account, unless `set_payer` says otherwise. Who was
    recognised by a card before stays so recognised.
    Refused: no_ticket, ticket_closed, no_member.
    """
    row = _open(tx, ticket)
    payer = None
    if member is not None:
        member = member_of(tx, member)["id"]
        payer = holder_of(tx, member)
    same = row["member"] == member
    if same and (not card or row["card"] == card):
        return
    set_now = MemberSet(
        ticket=ticket,
        version=row["version"] + 1,
        member=member,
        payer=None if same else _told(payer or "", row["payer"]),
        card=_told(card, row["card"]),
    )
    act.append(tx, set_now)


def set_payer(tx: Writer, act: Act, *, ticket: str, shared: bool) -> None:
    """Let a relative's bill be paid from the holder's account, or from their own.

    Refused: no_ticket, ticket_closed, not_in_family.
    """
    row = _open(tx, ticket)
    payer = (holder_of(tx, row["member"]) if row["member"] else None) if shared else ""
    if payer is None:
        raise Refused("not_in_family")
    if payer != row["payer"]:
        act.append(
            tx,
            MemberSet(
                ticket=ticket, version=row["version"] + 1, member=row["member"], payer=payer
            ),
        )


def account_of(db: Reader, row: Row) -> str | None:
    """Return out of whose account a bill is paid and who earns on it; None is a walk-in's."""
    if row["member"] is None:
        return None
    return standing_for(db, row["payer"] or row["member"])


def void(tx: Writer, act: Act, *, ticket: str, reason: str) -> None:
    """Give up an unpaid bill. Refused: no_ticket, ticket_closed, reason_missing.

    A bill without lines needs no reason.
    """
    found = read_ticket(tx, ticket)
    _open(tx, ticket)
    reason = reason.strip()
    if found.lines and not reason:
        raise Refused("reason_missing")
    act.append(
        tx,
        TicketVoided(
            ticket=ticket,
            version=found.version + 1,
            reason=reason[:80],
            total=found.bill.total,
        ),
    )


def require_open(row: Row) -> None:
    """Refused: ticket_closed."""
    if row["state"] != "open":
        raise Refused("ticket_closed", state=STATES[row["state"]])


def _told(wanted: str, held: str) -> str | None:
    """Return a field as an event says it: nothing where nothing changes."""
    return None if wanted == held else wanted


def _open(tx: Writer, ticket: str) -> Row:
    row = sql.ticket(tx, ticket)
    require_open(row)
    return row


def _priced(row: Row, lines: list[Row]) -> Bill:
    return price(
        [
            Priceable(
                line=line["id"],
                quantity=line["quantity"],
                list_price=line["list_price"],
                member_price=line["member_price"],
            )
            for line in lines
        ],
        member=row["member"] is not None,
    )


def _check_quantity(quantity: int, *, low: int) -> None:
    if not low <= quantity <= QUANTITY_MAX:
        raise Refused("quantity_wrong", low=low, high=QUANTITY_MAX)


def _number(tx: Writer, act: Act) -> str:
    """Return a bill's number: the branch's code, the business date, a count."""
    code = store(tx, act.store).code
    day = act.date[2:].replace("-", "")
    mark = act.journal.identity.mark
    return f"{code}-{day}-{sql.issued(tx, act.store, act.date) + 1:04}{mark}"
