"""Where a member's value should rest when nobody waits for it: the split, pure.

Nine tenths of the stored value lie in the two stores that the member visits most, each by its
share of the visits; a tenth stays in the pool, one round trip from every store. Points, which
are spent in one piece, go to the first of the two. So do passes, whose units are whole: each to
the most visited store in which it counts, so that with the line cut all of it can be used where
the member goes. What else there is stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.money import Cents
from core.money import split as share
from core.wallet import STORED_VALUE, Asset, Holding, Leg, is_pass, spend_order, take

STORES_MAX = 2
POOL_PARTS, ALL_PARTS = 1, 10
"""The pool keeps one part of ten."""
GRANT_MIN_CENTS, GRANT_PERCENT = 1_000, 5
RECALL_MIN_CENTS, RECALL_PERCENT = 2_000, 12
"""A move is worth its messages from so many fen and so much of the member's money on. A recall
costs a round trip more, and a tenth too much at home, after a visit, is worth none."""
WHOLE = frozenset({Asset.POINTS})
"""What is not divided between stores, and moves only beside money or out of the pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A store's box as a place for a member's value."""

    hub: str
    store: str
    weight: int
    """How much its visits count; 0 for a store that the member does not visit."""
    online: bool
    """Whether it hears us now. What lies in a store that does not is left out of every move."""
    held: tuple[Holding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """What to move: out of the pool by hub, and into the pool by hub."""

    grants: Mapping[str, tuple[Leg, ...]] = field(default_factory=dict)
    recalls: Mapping[str, tuple[Leg, ...]] = field(default_factory=dict)
    waits: bool = False
    """A store that should have more cannot be reached: worth another look."""

    @property
    def moves(self) -> bool:
        return bool(self.grants or self.recalls)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    """The lots that may be spent in the same stores: where they lie, where they should lie."""

    pool: Sequence[Holding]
    held: Mapping[str, Sequence[Holding]]
    wanted: Mapping[str, int]
    """By hub, in fen; only the stores among which it is split."""
    reserve: int

    def lacks(self, hub: str) -> int:
        return max(0, self.wanted.get(hub, 0) - _sum(self.held.get(hub, ())))

    def spare(self, hub: str) -> int:
        return max(0, _sum(self.held.get(hub, ())) - self.wanted.get(hub, 0))


def split(seats: Sequence[Seat], *, pool: Sequence[Holding], date: str) -> Split:
    """Plan how a member's value comes to rest; nothing where it is well enough as it lies.

    `date` is the business date by which lots have ended; those are left where they are. A plan
    never moves more than there is, never to or from a store that is not online, and once it is
    carried out the next one is empty: first what the pool can spare is granted, then what is
    too much somewhere is recalled, and granted on when it has arrived.
    """
    total = sum(_sum(_living(lots, date)) for lots in (pool, *(seat.held for seat in seats)))
    shares = _shares(seats, pool, date)
    online = [seat for seat in sorted(seats, key=_rank) if seat.online]
    grants = _grants(shares, online, least=_least(total, GRANT_MIN_CENTS, GRANT_PERCENT))
    recalls = _recalls(shares, online, least=_least(total, RECALL_MIN_CENTS, RECALL_PERCENT))
    _beside(seats, pool, grants, recalls)
    passes_wait = _passes(seats, pool, date, grants, recalls)
    away = {seat.hub for seat in seats if not seat.online}
    lacking = sum(one.lacks(hub) for one in shares for hub in away)
    return Split(
        grants=grants,
        recalls=recalls,
        waits=passes_wait or lacking >= _least(total, GRANT_MIN_CENTS, GRANT_PERCENT),
    )


def _shares(seats: Sequence[Seat], pool: Sequence[Holding], date: str) -> list[_Share]:
    """Sort lots by the stores in which they may be spent, and share each sort out."""
    lots = [*_living(pool, date), *(one for s in seats for one in _living(s.held, date))]
    shares = []
    for stores in sorted({lot.stores for lot in lots}):
        held = {seat.hub: _of(seat.held, stores, date) for seat in seats}
        inside = _of(pool, stores, date)
        total = _sum(inside) + sum(_sum(part) for part in held.values())
        wanted, reserve = _wanted(seats, stores, total)
        if wanted:
            shares.append(_Share(pool=inside, held=held, wanted=wanted, reserve=reserve))
    return shares


def _wanted(
    seats: Sequence[Seat], stores: tuple[str, ...], total: int
) -> tuple[dict[str, int], int]:
    """Return how much each of the first stores should have, and what the pool keeps."""
    fit = [seat for seat in seats if seat.weight > 0 and (not stores or seat.store in stores)]
    first = sorted(fit, key=_rank)[:STORES_MAX]
    if not first:
        return {}, total
    visits = sum(seat.weight for seat in first)
    weights = [seat.weight * (ALL_PARTS - POOL_PARTS) for seat in first]
    *parts, reserve = share(Cents(total), [*weights, visits * POOL_PARTS])
    return {seat.hub: part for seat, part in zip(first, parts, strict=True)}, reserve


def _grants(
    shares: Sequence[_Share], online: Sequence[Seat], *, least: int
) -> dict[str, tuple[Leg, ...]]:
    grants = {}
    spare = [list(spend_order(one.pool, bonus_first=False)) for one in shares]
    for seat in online:
        legs = []
        for one, lots in zip(shares, spare, strict=True):
            may = max(0, _sum(lots) - one.reserve)
            legs += take(lots, min(may, one.lacks(seat.hub)))
        if _amount(legs) >= least:
            grants[seat.hub] = tuple(legs)
            spare = [_less(lots, legs) for lots in spare]
    return grants


def _recalls(
    shares: Sequence[_Share], online: Sequence[Seat], *, least: int
) -> dict[str, tuple[Leg, ...]]:
    """Call in what is too much, as far as another store or the pool lacks it.

    A store that is none of the first gives up all; the first only what is lacking.
    """
    recalls: dict[str, list[Leg]] = {}
    for one in shares:
        lacking = sum(one.lacks(seat.hub) for seat in online)
        lacking = max(0, lacking + one.reserve - _sum(one.pool))
        for seat in sorted(online, key=lambda seat: seat.hub in one.wanted):
            third = seat.hub not in one.wanted
            amount = one.spare(seat.hub) if third else min(lacking, one.spare(seat.hub))
            # What the store would spend first stays there.
            ordered = spend_order(one.held[seat.hub], bonus_first=False)[::-1]
            if legs := take(ordered, amount):
                recalls.setdefault(seat.hub, []).extend(legs)
                lacking = max(0, lacking - amount)
    if sum(_amount(legs) for legs in recalls.values()) < least:
        return {}
    return {hub: tuple(legs) for hub, legs in recalls.items()}


def _beside(
    seats: Sequence[Seat],
    pool: Sequence[Holding],
    grants: dict[str, tuple[Leg, ...]],
    recalls: dict[str, tuple[Leg, ...]],
) -> None:
    """Let what is not divided go along: to the first store, and away from third ones."""
    visited = sorted((seat for seat in seats if seat.weight > 0), key=_rank)
    if not visited:
        return
    home = visited[0]
    if home.online and (whole := _whole(pool)):
        grants[home.hub] = (*grants.get(home.hub, ()), *whole)
    first = {seat.hub for seat in visited[:STORES_MAX]}
    for seat in seats:
        if seat.hub in recalls and seat.hub not in first:
            recalls[seat.hub] = (*recalls[seat.hub], *_whole(seat.held))


def _passes(
    seats: Sequence[Seat],
    pool: Sequence[Holding],
    date: str,
    grants: dict[str, tuple[Leg, ...]],
    recalls: dict[str, tuple[Leg, ...]],
) -> bool:
    """Bring each pass to the most visited store where it counts; say whether one has to wait.

    From the pool it is granted. It is called in from a store that is none of the first two:
    between those the member goes to and fro, and whoever comes is followed by it anyway.
    """
    visited = sorted((seat for seat in seats if seat.weight > 0), key=_rank_for_passes)
    waits = False
    for one in _living_passes(pool, date):
        homes = _homes_of(one, visited)
        if homes and homes[0].online:
            leg = Leg(one.asset, one.lot, one.amount)
            grants[homes[0].hub] = (*grants.get(homes[0].hub, ()), leg)
        waits = waits or bool(homes and not homes[0].online)
    for seat in seats:
        for one in _living_passes(seat.held, date) if seat.online else ():
            homes = _homes_of(one, visited)
            if homes and homes[0].online and seat.hub not in {home.hub for home in homes}:
                leg = Leg(one.asset, one.lot, one.amount)
                recalls[seat.hub] = (*recalls.get(seat.hub, ()), leg)
    return waits


def _rank_for_passes(seat: Seat) -> tuple[int, int, str]:
    """Order by visits; of two that are visited alike, the one with more passes comes first."""
    return -seat.weight, -sum(one.amount for one in seat.held if is_pass(one)), seat.hub


def _homes_of(one: Holding, visited: Sequence[Seat]) -> list[Seat]:
    """Return the first stores in which a pass counts, the most visited before the other."""
    fit = [seat for seat in visited if not one.stores or seat.store in one.stores]
    return fit[:STORES_MAX]


def _living_passes(lots: Iterable[Holding], date: str) -> list[Holding]:
    return [one for one in lots if is_pass(one) and not one.ended(date=date)]


def _rank(seat: Seat) -> tuple[int, int, str]:
    """Order by visits; of two boxes in one store the one that holds more comes first."""
    return -seat.weight, -_sum(seat.held), seat.hub


def _living(lots: Iterable[Holding], date: str) -> list[Holding]:
    return [
        one
        for one in lots
        if one.asset in STORED_VALUE and one.amount > 0 and not one.ended(date=date)
    ]


def _of(lots: Iterable[Holding], stores: tuple[str, ...], date: str) -> list[Holding]:
    return [one for one in _living(lots, date) if one.stores == stores]


def _whole(lots: Iterable[Holding]) -> tuple[Leg, ...]:
    return tuple(
        Leg(one.asset, one.lot, one.amount)
        for one in lots
        if one.asset in WHOLE and one.amount > 0
    )


def _less(lots: Sequence[Holding], legs: Sequence[Leg]) -> list[Holding]:
    gone = {(leg.asset, leg.lot): leg.amount for leg in legs}
    left = (replace(one, amount=one.amount - gone.get((one.asset, one.lot), 0)) for one in lots)
    return [one for one in left if one.amount > 0]


def _least(total: int, cents: int, percent: int) -> int:
    return max(cents, total * percent // 100)


def _amount(legs: Iterable[Leg]) -> int:
    return sum(leg.amount for leg in legs)


def _sum(lots: Iterable[Holding]) -> int:
    return sum(one.amount for one in lots if one.asset in STORED_VALUE)
