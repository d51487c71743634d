"""One member, whole: who they are, what they hold, what they bought, who changed what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.journal import Act
from core.members import aliases_of, holder_of, person, relatives_of
from core.organisation import settings, stores
from core.sqlite import Reader, Row
from core.wallet import points_ends
from hub.checkout import sale_lines, sale_payments, sales_of_member
from hub.counter import sql
from hub.members import cards_of, changes, member_of
from hub.receipts import tender_label
from hub.tickets import family_spent
from hub.wallet import Balance, Bringing, HeldPass, balance, bringing, held_passes

SHOWN_MAX = 20
ALL_SHOWN_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """A settled bill or a reversal, with its lines and how it was paid."""

    row: Row
    store: str
    lines: list[Row]
    payments: list[Row]
    tenders: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Who a member is and what they hold: the part of the profile that money changes."""

    member: Row
    balance: Balance
    bringing: Bringing
    passes: list[HeldPass]
    points_ends: list[tuple[str, int]]
    """The last dates of the points here, and how many each has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilySeen:
    """Whose account a member pays from, and who pays from theirs; spent this month in fen."""

    holder: Row | None
    spent: int
    relatives: list[tuple[Row, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything that the profile shows of a member."""

    member: Row
    balance: Balance
    bringing: Bringing
    passes: list[HeldPass]
    points_ends: list[tuple[str, int]]
    spent: Row
    cards: list[Row]
    lots: list[Row]
    bills: list[Bill]
    movements: list[Row]
    changes: list[Row]
    store: str
    merged: list[Row]
    """Duplicates that this member stands for."""
    family: FamilySeen


def look_at_held(db: Reader, act: Act, member: str, *, connected: Callable[[], bool]) -> Held:
    """Return what a member holds. Refused: no_member."""
    return Held(
        member=member_of(db, member),
        balance=balance(db, act, member),
        bringing=bringing(db, act, member, connected=connected),
        passes=held_passes(db, act, member),
        points_ends=points_ends(db, member, place=act.journal.identity.place),
    )


def look_at(
    db: Reader,
    act: Act,
    member: str,
    *,
    connected: Callable[[], bool],
    limit: int = SHOWN_MAX,
) -> Seen:
    """Return a member whole. Drain history first. Refused: no_member.

    `connected` says whether head office can be reached; see `hub.wallet.bringing`.
    """
    row = member_of(db, member)
    member = row["id"]
    here = act.journal.identity.place
    names = {store_id: branch.name for store_id, branch in stores(db).items()}
    return Seen(
        member=row,
        balance=balance(db, act, member),
        bringing=bringing(db, act, member, connected=connected),
        passes=held_passes(db, act, member),
        points_ends=points_ends(db, member, place=here),
        spent=sql.spent(db, member),
        cards=cards_of(db, member),
        lots=sql.lots(db, member, here=here),
        bills=_bills(db, member, names, limit),
        movements=sql.value_history(db, member, here=here, limit=limit),
        changes=changes(db, member, limit=limit),
        store=names.get(row["store"]) or str(row["store"]),
        merged=[person(db, one) for one in aliases_of(db, member)[1:]],
        family=family_seen(db, act, row),
    )


def family_seen(db: Reader, act: Act, row: Row) -> FamilySeen:
    """Return with whom a member shares an account."""
    month = act.date[:7]
    holder = holder_of(db, row["id"])
    return FamilySeen(
        holder=member_of(db, holder) if holder else None,
        spent=family_spent(db, row["id"], month=month),
        relatives=[
            (one, family_spent(db, one["id"], month=month))
            for one in relatives_of(db, row["id"])
        ],
    )


def _bills(db: Reader, member: str, names: dict[str, str], limit: int) -> list[Bill]:
    rules = settings(db)
    bills = []
    for row in sales_of_member(db, member, limit=limit):
        payments = sale_payments(db, row["id"])
        bills.append(
            Bill(
                row=row,
                store=names.get(row["store"]) or str(row["store"]),
                lines=sale_lines(db, row["id"]),
                payments=payments,
                tenders=[tender_label(one["tender"], rules) for one in payments],
            )
        )
    return bills
