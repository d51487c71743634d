"""What lay at a closed place goes into the pool; what comes late is paid for, then swept.

Verbs on a merchant's transaction. They are a function of what the tables say then, so that a
crash between two of them, or a second call, changes nothing that was done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from cloud.epochs.events import LateTaken, PlaceEmptied
from cloud.platform import DOWNLINK
from core.journal import Act, Event, decode, kind_name, kind_of, place_of
from core.members import standing_for
from core.sqlite import Reader, Writer
from core.wallet import (
    CLOUD,
    Accepted,
    Asset,
    Funded,
    Leg,
    SentLegs,
    Voided,
    all_legs,
    fund,
    holdings,
    parse_member_account,
    parse_transit_account,
    plan_taking,
    void,
    written_legs,
)

VOID_MEMBERS_MAX = 100
"""In one transaction; an ask for money waits for no more."""
LATE, FORK = "late", "fork"
_ACCEPTED = kind_name(Accepted)
_ANY_SEQ = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedPlace:
    """An epoch that ended: behind event `seq` everything came late."""

    hub: str
    epoch: int
    reason: str
    seq: int

    @property
    def place(self) -> str:
        return place_of(self.hub, self.epoch)


def is_voided(db: Reader, closed: ClosedPlace) -> bool:
    """Say whether all that lay at a closed place has gone into the pool."""
    found = db.one(
        "SELECT 1 FROM emptied_place WHERE hub = :hub AND epoch = :epoch",
        hub=closed.hub,
        epoch=closed.epoch,
    )
    return found is not None


def void_some(tx: Writer, act: Act, closed: ClosedPlace) -> tuple[list[str], bool]:
    """Move what up to VOID_MEMBERS_MAX members have there into the pool.

    Returns the members for whom something changed, and whether that was the last of it: then
    the errands of that epoch have ended too, and an ask that waited for one waits no more.
    """
    members = _members_there(tx, closed)
    for member in members:
        sweep(tx, act, closed, member, reason=closed.reason)
    if len(members) == VOID_MEMBERS_MAX:
        return members, False
    waiting = _end_errands(tx, closed)
    act.append(tx, PlaceEmptied(hub=closed.hub, epoch=closed.epoch))
    return [*members, *(one for one in waiting if one not in members)], True


def late_seq(db: Reader, origin: str, epoch: int) -> int:
    """Return up to which event what came late of a history is paid for."""
    seq: int | None = db.value(
        "SELECT MAX(seq) FROM late_taken WHERE origin = :origin AND epoch = :epoch",
        origin=origin,
        epoch=epoch,
    )
    return seq or 0


def note_late(tx: Writer, act: Act, origin: str, epoch: int, seq: int) -> None:
    """Say that what came late of a history is paid for up to an event; again says nothing."""
    if seq > late_seq(tx, origin, epoch):
        act.append(tx, LateTaken(origin=origin, epoch=epoch, seq=seq))


def sweep(  # noqa: PLR0913 - whose value, where it lies, and why it goes home
    tx: Writer,
    act: Act,
    closed: ClosedPlace,
    member: str,
    *,
    reason: str,
    about: str = "",
    also: Sequence[str] = (),
) -> bool:
    """Move all that a member has at a closed place, or on a way to it, into the pool.

    `also` names further transfers that are to end here.
    """
    legs = all_legs(tx, member, closed.place)
    sent = _on_the_way(tx, closed, member)
    for transfer in also:
        sent |= _under(tx, member, transfer)
    if not legs and not sent:
        return False
    body = Voided(
        member=member,
        hub=closed.hub,
        hub_epoch=closed.epoch,
        legs=written_legs(legs),
        transfers=_written(sent),
        reason=reason,
        about=about,
    )
    act.append(tx, body, postings=void(member, closed.place, legs, list(sent.items())))
    return True


def fund_for(
    tx: Writer, act: Act, closed: ClosedPlace, event: Event, *, reason: str
) -> list[str]:
    """Put there what a late event is about to take, as far as it is not there.

    It comes out of the member's pool, which may go below zero for it: what the event leaves is
    swept into it, and `settle_pool` then pays what is missing. Returns the members whose pool
    was drawn on.
    """
    short = _shortfalls(tx, closed, event)
    for member, needs in sorted(short.items()):
        missing = [*needs.legs, *(leg for way in needs.sent.values() for leg in way)]
        body = Funded(
            member=member,
            hub=closed.hub,
            hub_epoch=closed.epoch,
            legs=written_legs(needs.legs),
            transfers=_written(needs.sent),
            taken=written_legs(missing),
            reason=reason,
            about=event.id,
        )
        sent = list(needs.sent.items())
        postings = fund(member, closed.place, legs=needs.legs, sent=sent, taken=missing)
        act.append(tx, body, postings=postings)
    return sorted(short)


def sweep_after(
    tx: Writer, act: Act, closed: ClosedPlace, event: Event, *, reason: str
) -> list[str]:
    """Bring what a late event left there, or sent off, into the pool; return for whom.

    What a box sent to head office before anybody knew that it was closed is on no way any
    more: it is home with this.
    """
    ways: dict[str, list[str]] = {}
    for posting in event.postings:
        owner = parse_member_account(posting.account)
        way = parse_transit_account(posting.account)
        if owner is not None and owner[1] == closed.place:
            ways.setdefault(owner[0], [])
        elif way is not None and posting.amount > 0:
            ways.setdefault(way[0], []).append(way[1])
    return [
        member
        for member, sent in sorted(ways.items())
        if sweep(tx, act, closed, member, reason=reason, about=event.id, also=sent)
    ]


def settle_pool(
    tx: Writer, act: Act, closed: ClosedPlace, member: str, *, reason: str, about: str
) -> None:
    """Pay what is missing in a pool: by the member's other lots, then at the merchant's risk.

    What happened in the store happened. For a merged duplicate whoever stands for it pays.
    """
    missing = _below_zero(tx, member)
    if not missing:
        return
    payer = standing_for(tx, member)
    taken = plan_taking(missing, holdings(tx, payer, CLOUD))
    body = Funded(
        member=member,
        hub=closed.hub,
        hub_epoch=closed.epoch,
        legs=written_legs(missing),
        taken=written_legs(taken),
        reason=reason,
        about=about,
        pooled=True,
        payer="" if payer == member else payer,
    )
    postings = fund(member, CLOUD, legs=missing, taken=taken, payer=payer)
    act.append(tx, body, postings=postings)


def repay(
    tx: Writer,
    act: Act,
    closed: ClosedPlace,
    event: Event,
    *,
    paid: Mapping[str, int],
    reason: str,
) -> None:
    """Give the merchant what a late reversal brought back and had been paid at risk, by asset.

    Called when the pool has it, and before anybody else draws on that.
    """
    left = dict(paid)
    back: dict[str, list[Leg]] = {}
    for posting in event.postings:
        owner = parse_member_account(posting.account)
        part = min(posting.amount, left.get(posting.asset, 0))
        if owner is not None and owner[1] == closed.place and part > 0:
            back.setdefault(owner[0], []).append(Leg(Asset(posting.asset), posting.lot, part))
            left[posting.asset] -= part
    for member, legs in sorted(back.items()):
        body = Funded(
            member=member,
            hub=closed.hub,
            hub_epoch=closed.epoch,
            taken=written_legs(legs),
            reason=reason,
            about=event.id,
            pooled=True,
        )
        act.append(tx, body, postings=fund(member, CLOUD, legs=(), taken=legs))


def not_sent(
    db: Reader, closed: ClosedPlace, event: Event, *, history: list[tuple[str, int]]
) -> str:
    """Return what a late event takes from a way that was not its own; empty where nothing.

    `history` names the streams that lead up to it, each with its last event that counts. Head
    office's own words say what was sent, and the history whether it was taken in before: the
    ways themselves are empty since the epoch was closed.
    """
    taken: Counter[tuple[str, str, str, str]] = Counter()
    for posting in event.postings:
        way = parse_transit_account(posting.account)
        if way is not None and posting.amount < 0:
            taken[*way, posting.asset, posting.lot] -= posting.amount
    for (member, transfer, asset, lot), amount in taken.items():
        sent = _sent_legs(db, closed, member, transfer)
        if sent.get((asset, lot), 0) < amount:
            return f"{amount} {asset} under {transfer} was not sent to it"
        if any(_took_in(db, *stream, closed.epoch, transfer) for stream in history):
            return f"{transfer} was taken in before"
    return ""


def hands_on_missing(db: Reader, closed: ClosedPlace, event: Event) -> str:
    """Return what a late event puts into another name although it is not there; else nothing.

    Whoever was served was served, and that is paid for. But what lay there went home with its
    owner when the epoch was closed, also to whom that one was merged with: from one name into
    another it would be paid out twice.
    """
    net: Counter[tuple[str, str, str]] = Counter()
    for posting in event.postings:
        owner = parse_member_account(posting.account)
        way = parse_transit_account(posting.account)
        if owner or way:
            member = (owner or way or ("",))[0]
            net[member, posting.asset, posting.lot] += posting.amount
    takers = {(name, *value) for (name, *value), amount in net.items() if amount > 0}
    for member, needs in _shortfalls(db, closed, event).items():
        for leg in [*needs.legs, *(leg for way in needs.sent.values() for leg in way)]:
            for name, *value in sorted(takers):
                if name != member and value == [leg.asset, leg.lot]:
                    return f"it gives {name} what {member} has not"
    return ""


@dataclass(slots=True)
class _Short:
    legs: list[Leg] = field(default_factory=list)
    sent: dict[str, list[Leg]] = field(default_factory=dict)


def _shortfalls(db: Reader, closed: ClosedPlace, event: Event) -> dict[str, _Short]:
    """Return by member what an event takes below zero at a closed place and on ways to it."""
    sums: Counter[tuple[str, str, str]] = Counter()
    for posting in event.postings:
        sums[posting.account, posting.asset, posting.lot] += posting.amount
    short: dict[str, _Short] = {}
    for (account, asset, lot), amount in sums.items():
        if amount >= 0:
            continue
        owner, way = parse_member_account(account), parse_transit_account(account)
        if owner and owner[1] == closed.place:
            missing = -amount - _held(db, closed.place, owner[0], asset, lot)
            if missing > 0:
                short.setdefault(owner[0], _Short()).legs.append(
                    Leg(Asset(asset), lot, missing)
                )
        elif way:
            missing = -amount - _under_way(db, *way, asset, lot)
            if missing > 0:
                ways = short.setdefault(way[0], _Short()).sent
                ways.setdefault(way[1], []).append(Leg(Asset(asset), lot, missing))
    return short


def _held(db: Reader, place: str, member: str, asset: str, lot: str) -> int:
    amount: int | None = db.value(
        "SELECT amount FROM holding WHERE place = :place AND member = :member"
        " AND asset = :asset AND lot = :lot",
        place=place,
        member=member,
        asset=asset,
        lot=lot,
    )
    return amount or 0


def _under_way(db: Reader, member: str, transfer: str, asset: str, lot: str) -> int:
    amount: int | None = db.value(
        "SELECT amount FROM transit WHERE member = :member AND transfer = :transfer"
        " AND asset = :asset AND lot = :lot",
        member=member,
        transfer=transfer,
        asset=asset,
        lot=lot,
    )
    return amount or 0


def _under(db: Reader, member: str, transfer: str) -> dict[str, list[Leg]]:
    rows = db.all(
        "SELECT asset, lot, amount FROM transit"
        " WHERE member = :member AND transfer = :transfer AND amount > 0 ORDER BY asset, lot",
        member=member,
        transfer=transfer,
    )
    legs = [Leg(Asset(row["asset"]), row["lot"], row["amount"]) for row in rows]
    return {transfer: legs} if legs else {}


def _below_zero(db: Reader, member: str) -> list[Leg]:
    rows = db.all(
        "SELECT asset, lot, amount FROM holding"
        " WHERE place = :pool AND member = :member AND amount < 0 ORDER BY asset, lot",
        pool=CLOUD,
        member=member,
    )
    return [Leg(Asset(row["asset"]), row["lot"], -row["amount"]) for row in rows]


def _on_the_way(db: Reader, closed: ClosedPlace, member: str) -> dict[str, list[Leg]]:
    ways: dict[str, list[Leg]] = {}
    for row in db.all(
        """SELECT t.transfer, t.asset, t.lot, t.amount
             FROM granted g JOIN transit t ON t.transfer = g.transfer AND t.member = g.member
            WHERE g.hub = :hub AND g.epoch = :epoch AND g.member = :member AND t.amount > 0
            ORDER BY t.transfer, t.asset, t.lot""",
        hub=closed.hub,
        epoch=closed.epoch,
        member=member,
    ):
        leg = Leg(Asset(row["asset"]), row["lot"], row["amount"])
        ways.setdefault(row["transfer"], []).append(leg)
    return ways


def _members_there(db: Reader, closed: ClosedPlace) -> list[str]:
    rows = db.all(
        """SELECT member FROM holding WHERE place = :place AND amount > 0
           UNION
           SELECT g.member
             FROM granted g JOIN transit t ON t.transfer = g.transfer AND t.member = g.member
            WHERE g.hub = :hub AND g.epoch = :epoch AND t.amount > 0
           ORDER BY 1 LIMIT :limit""",
        place=closed.place,
        hub=closed.hub,
        epoch=closed.epoch,
        limit=VOID_MEMBERS_MAX,
    )
    return [row["member"] for row in rows]


def _end_errands(tx: Writer, closed: ClosedPlace) -> list[str]:
    """End what was asked of a closed epoch and what it asked; return who waited for it."""
    place = {"hub": closed.hub, "epoch": closed.epoch}
    rows = tx.all(
        "SELECT DISTINCT member FROM recall WHERE hub = :hub AND epoch = :epoch AND open = 1"
        " ORDER BY member",
        **place,
    )
    tx.run("UPDATE recall SET open = 0 WHERE hub = :hub AND epoch = :epoch", **place)
    return [row["member"] for row in rows]


def _written(sent: dict[str, list[Leg]]) -> tuple[SentLegs, ...]:
    return tuple(
        SentLegs(transfer=transfer, legs=written_legs(legs)) for transfer, legs in sent.items()
    )


def _sent_legs(
    db: Reader, closed: ClosedPlace, member: str, transfer: str
) -> dict[tuple[str, str], int]:
    """Return what head office sent to this epoch under a transfer, from its own words."""
    known = db.one(
        "SELECT 1 FROM granted WHERE transfer = :transfer AND hub = :hub AND epoch = :epoch"
        " AND member = :member",
        transfer=transfer,
        hub=closed.hub,
        epoch=closed.epoch,
        member=member,
    )
    if known is None:
        return {}
    sums: Counter[tuple[str, str]] = Counter()
    account = f"transit/{member}/{transfer}"
    for event in _telling(db, closed.hub + DOWNLINK, closed.epoch, _ANY_SEQ, transfer):
        for posting in event.postings:
            if posting.account == account and posting.amount > 0:
                sums[posting.asset, posting.lot] += posting.amount
    return sums


def _took_in(db: Reader, origin: str, seq: int, epoch: int, transfer: str) -> bool:
    return any(
        kind_of(event) == _ACCEPTED for event in _telling(db, origin, epoch, seq, transfer)
    )


def _telling(db: Reader, origin: str, epoch: int, seq: int, name: str) -> Iterator[Event]:
    """Yield the events of a stream, up to a number, in which a transfer's name stands."""
    for row in db.each(
        "SELECT raw FROM journal WHERE origin = :origin AND epoch = :epoch AND seq <= :seq"
        " AND instr(raw, CAST(:name AS BLOB)) > 0 ORDER BY seq",
        origin=origin,
        epoch=epoch,
        seq=seq,
        name=name,
    ):
        with suppress(msgspec.MsgspecError):
            yield decode(row["raw"])
