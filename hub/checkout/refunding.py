"""Whether a bill may be reversed here: its right lies in one place (`core.wallet.refunding`).

A bill that was settled here has its right here until it is sent off. For another store's bill
both come down from head office, the bill and then its right, after this store asked for it by
the number on the paper; nothing is asked while the line is cut, and nothing is reversed.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import N_, Refusal, Refused
from core.journal import Act, Event, Part, Posting
from core.sqlite import Migration, Reader, Row, Writer
from core.tickets import (
    TicketSettled,
    parts_of,
    reversed_place,
    sent_bill_named,
    settled_place,
)
from core.wallet import (
    REFUND_WISH,
    Recalled,
    Released,
    break_up,
    refund_held,
    refund_rest,
    refund_right,
    send_first,
    use_up,
    written_legs,
)
from core.wire import Ask

WISH_FRESH_MS = 10 * 60_000
"""A right that could not be had for so long is asked for again by somebody, if at all."""
ASKED, NOTHING = "asked", "nothing"
NUMBER_CHARACTERS_MAX = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What became of asking for a bill's right; `at` in ms when it was asked for."""

    number: str
    state: str
    at: int
    ticket: str = ""
    """The bill's id, once it is here with its right."""


def right_here(db: Reader, act: Act, ticket: str) -> list[Posting]:
    """Return what spends a bill's right here; nothing where it never left.

    Refused: refund_elsewhere, where the right lies in another place.
    """
    here = act.journal.identity.place
    held = refund_held(db, ticket, here)
    if held:
        return use_up(ticket, here)
    if held is None and _is_settled_here(db, act, ticket):
        return []
    raise Refused("refund_elsewhere")


@dataclass(frozen=True, slots=True, kw_only=True)
class RightHere:
    """What of a bill may still be reversed here, by part; `breaking` breaks the right first."""

    rest: dict[str, int]
    breaking: list[Posting]

    @property
    def is_broken(self) -> bool:
        """Whether some lines were reversed before."""
        return not self.breaking


def rest_here(db: Reader, act: Act, sale: TicketSettled) -> RightHere:
    """Return what of a settled bill may still be reversed here.

    Refused: refund_elsewhere, where the right lies in another place.
    """
    here = act.journal.identity.place
    rest = refund_rest(db, sale.ticket, here)
    if rest:
        return RightHere(rest=rest, breaking=[])
    travelled = bool(right_here(db, act, sale.ticket))
    parts = parts_of(sale)
    breaking = break_up(sale.ticket, here, parts, travelled=travelled)
    return RightHere(rest=parts, breaking=breaking)


def release_right(tx: Writer, act: Act, asked: Recalled, *, transfer: str) -> Event | None:
    """Send a bill's right off for the first time; None where it is no bill of this box's.

    A bill that was reversed has no right any more, and nothing is sent.
    """
    bill, here = asked.member, act.journal.identity.place
    if refund_held(tx, bill, here) is not None or not _is_settled_here(tx, act, bill):
        return None
    legs = refund_right(bill)
    body = Released(
        transfer=transfer, member=bill, legs=written_legs(legs), request=asked.request
    )
    return act.append(tx, body, postings=send_first(bill, here, transfer))


def ask_for_right(tx: Writer, act: Act, *, number: str, connected: bool) -> str:
    """Ask head office for another store's bill and the right to reverse it; return its number.

    A second wish while the first may still bring something is the same.
    Refused: no_ticket, refund_needs_line.
    """
    number = number.strip().upper()
    if not 0 < len(number) <= NUMBER_CHARACTERS_MAX:
        raise Refused("no_ticket")
    if not connected:
        raise Refused("refund_needs_line")
    held = _wish(tx, number)
    if held is not None and held["state"] != NOTHING and act.at - held["asked_at"] < 15_000:
        return number
    tx.run("DELETE FROM refund_wish WHERE number = :number", number=number)
    tx.run(
        "INSERT INTO refund_wish (number, id, asked_at, state)"
        " VALUES (:number, :id, :at, 'asked')",
        number=number,
        id=act.new_id(),
        at=act.at,
    )
    return number


def wish_of(db: Reader, act: Act, number: str) -> Wish | None:
    """Return what became of a wish; with the bill's id once it can be reversed here."""
    row = _wish(db, number)
    sent = sent_bill_named(db, number)
    if row is None and sent is None:
        return None
    here = act.journal.identity.place
    ready = sent is not None and bool(
        refund_held(db, sent["ticket"], here) or refund_rest(db, sent["ticket"], here)
    )
    return Wish(
        number=number,
        state=row["state"] if row else ASKED,
        at=row["asked_at"] if row else act.at,
        ticket=sent["ticket"] if sent is not None and ready else "",
    )


def due_wishes(db: Reader, *, now: int) -> list[Ask]:
    """Return the wishes that head office has not answered and that are still of use."""
    rows = db.all(
        "SELECT id, number FROM refund_wish WHERE state = 'asked' AND asked_at > :since"
        " ORDER BY asked_at, id",
        since=now - WISH_FRESH_MS,
    )
    return [Ask(id=row["id"], member=row["number"], why=REFUND_WISH) for row in rows]


def note_wish(tx: Writer, *, request: str, state: str) -> None:
    """Keep what head office answered to a wish: granted, recalling or nothing."""
    tx.run("UPDATE refund_wish SET state = :state WHERE id = :id", state=state, id=request)


def _is_settled_here(db: Reader, act: Act, ticket: str) -> bool:
    """Say whether this epoch of this box settled a bill and has not reversed it."""
    here = act.journal.identity.place
    return settled_place(db, ticket) == here and not reversed_place(db, ticket)


def _wish(db: Reader, number: str) -> Row | None:
    return db.one("SELECT * FROM refund_wish WHERE number = :number", number=number)


LOCAL = Part(
    name="refund_wish",
    migrations=(
        Migration(
            "refund_wish/1",
            (
                """CREATE TABLE refund_wish (
                     number TEXT PRIMARY KEY,
                     id TEXT NOT NULL UNIQUE,
                     asked_at INTEGER NOT NULL,
                     state TEXT NOT NULL
                       CHECK (state IN ('asked', 'granted', 'recalling', 'nothing'))
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
    ),
    refusals={
        "refund_elsewhere": Refusal(
            409,
            N_(
                "这张单现在不能在本店冲正：退款权在开单的门店或总部。"
                "联网时可以调过来；断网时请到开单的门店退，或请顾客改天再来"
            ),
        ),
        "refund_needs_line": Refusal(
            409,
            N_("断网时不能冲正别店的单，免得两家店各退一次。请到开单的门店退，或联网后再来"),
        ),
    },
)
