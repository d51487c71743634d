"""A spend that the merchant lays out for a member while the line is cut.

What head office said of a member's value is believed only so long after this box last had all
of it. Everything is asked again in the transaction that books it: two tills cannot lay out the
same fen.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.clock import Quality
from core.errors import N_, Refusal, Refused
from core.journal import Act
from core.sqlite import Reader, Writer
from core.wallet import (
    Advanced,
    Floor,
    advance,
    current_round,
    outstanding,
    rights,
    why_not,
)
from hub.members import list_as_of
from hub.wallet.elsewhere import elsewhere
from hub.wallet.service import balance


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What a cashier agreed to have laid out, in fen, and whether head office was reached."""

    amount: int
    connected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Whether the merchant lays out what is missing: `amount` fen, and why not if so."""

    amount: int
    why: str
    floor: Floor
    member: int = 0
    """Laid out for this member in this outage before, in fen."""
    box: int = 0
    """Laid out by this box in this outage before, in fen."""


def layout(db: Reader, act: Act, *, member: str, due: int, connected: bool) -> Layout:
    """Return what the merchant would lay out of `due` fen beyond what lies here."""
    floor = rights(db).floor
    short = due - balance(db, act, member).here
    if not floor.on or short <= 0:
        return Layout(amount=max(short, 0), why="off" if short > 0 else "enough", floor=floor)
    if connected:
        return Layout(amount=short, why="connected", floor=floor)
    here = act.journal.identity.place
    theirs, whole = outstanding(db, here, current_round(db, here), member)
    why = why_not(
        floor,
        short,
        # What was laid out already will be taken from there.
        total=elsewhere(db, act, member).stored - theirs,
        member=theirs,
        box=whole,
        age_ms=_age(db, act),
    )
    return Layout(amount=short, why=why, floor=floor, member=theirs, box=whole)


def lay_out(
    tx: Writer, act: Act, *, member: str, due: int, ticket: str, ahead: Ahead
) -> Advanced:
    """Lay out what is missing of `due` fen, so that all of it can be spent here at once.

    Refused: advance_changed, advance_off, advance_connected, advance_stale,
    advance_unfunded, advance_member_spent, advance_outage_spent.
    """
    found = layout(tx, act, member=member, due=due, connected=ahead.connected)
    _refuse(found)
    if found.amount != ahead.amount:
        raise Refused("advance_changed", amount_cents=found.amount)
    here = act.journal.identity.place
    lot = act.new_id()
    body = Advanced(
        advance=act.new_id(),
        member=member,
        lot=lot,
        amount=found.amount,
        round=current_round(tx, here),
        ticket=ticket,
    )
    act.append(tx, body, postings=advance(member, here, lot, found.amount))
    return body


def _refuse(found: Layout) -> None:
    match found.why:
        case "":
            return
        case "off":
            raise Refused("advance_off")
        case "connected":
            raise Refused("advance_connected")
        case "stale":
            raise Refused("advance_stale")
        case "total":
            raise Refused("advance_unfunded", amount_cents=found.amount)
        case "member":
            limit = found.floor.per_member_cents
            raise Refused("advance_member_spent", had_cents=found.member, limit_cents=limit)
        case "outage":
            limit = found.floor.per_outage_cents
            raise Refused("advance_outage_spent", had_cents=found.box, limit_cents=limit)
        case _:
            raise Refused("advance_changed", amount_cents=0)


def _age(db: Reader, act: Act) -> int | None:
    """Return how old (ms) what is known here is; None where the clock cannot be trusted."""
    as_of = list_as_of(db)
    if as_of is None or act.reading.quality is Quality.UNSURE:
        return None
    return act.at - as_of


REFUSALS = {
    "advance_off": Refusal(409, N_("总部没有开通断网垫付，请用其它方式收款")),
    "advance_connected": Refusal(409, N_("线路已经通了：请先调来其余余额，不用垫付")),
    "advance_stale": Refusal(
        409, N_("断网太久，余额可能已经变了，总部不垫付；请用其它方式收款")
    ),
    "advance_unfunded": Refusal(
        409, N_("会员在别处的余额不够这 ¥%(amount)s，总部不垫付；请用其它方式收款")
    ),
    "advance_member_spent": Refusal(
        409, N_("这次断网已为这位会员垫付 ¥%(had)s，最多 ¥%(limit)s；请用其它方式收款")
    ),
    "advance_outage_spent": Refusal(
        409, N_("这次断网本店已垫付 ¥%(had)s，最多 ¥%(limit)s；请用其它方式收款")
    ),
    "advance_changed": Refusal(409, N_("余额刚刚变了，现在要垫付 ¥%(amount)s，请核对后再收")),
}
