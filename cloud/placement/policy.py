"""The rules, pure: from who asks and where value lies to what is granted and recalled."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.clock import MINUTE_MS
from core.wallet import CLOUD, STORED_VALUE, Holding, Leg

ASK_LIFETIME_MS = 30 * MINUTE_MS
"""How long a recognised guest is taken to be still in the store. What a hub that was away
gives up later stays in the pool, a round trip from every store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A hub recognised a member and wants their value. `want` is fen; 0 is all of it."""

    id: str
    hub: str
    member: str
    want: int
    at: int
    """When head office heard it, in ms of its own clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one ask sets in motion."""

    grant: tuple[Leg, ...] = ()
    recall: tuple[str, ...] = ()
    """The hubs that are to give up what they hold, in a fixed order."""


def plan(
    ask: Ask,
    *,
    pool: Sequence[Holding],
    places: Mapping[str, int],
    hubs: Collection[str],
    recalled: Collection[str] = (),
) -> Plan:
    """Grant all that the pool has; call in the rest from hubs that hold some.

    `places` is how much of anything lies at each place, `hubs` are those that can be reached
    by a stream at all, `recalled` those that were called already for this member and have not
    answered. A want that the pool covers disturbs no other store.
    """
    grant = tuple(Leg(h.asset, h.lot, h.amount) for h in pool if h.amount > 0)
    granted = sum(leg.amount for leg in grant if leg.asset in STORED_VALUE)
    if 0 < ask.want <= granted:
        return Plan(grant=grant)
    holders = (
        place
        for place, amount in places.items()
        if amount > 0 and place not in {CLOUD, ask.hub} and place in hubs
    )
    return Plan(grant=grant, recall=tuple(sorted(set(holders) - set(recalled))))


def heir(asks: Iterable[Ask], *, now: int) -> Ask | None:
    """Return which ask gets what arrived in the pool: the newest that is still alive.

    Two stores that know the same guest within minutes are one guest who walked on.
    """
    alive = [ask for ask in asks if now - ask.at < ASK_LIFETIME_MS]
    return max(alive, key=lambda ask: (ask.at, ask.id), default=None)
