"""How often a spend goes through with the line cut, by the placement that head office runs.

The reference trace: 6,000 members, 20 stores, 60 days, two visits a week, every store off the
line for 2 to 4 % of the time. Who gets what is decided by `cloud.placement` alone; line, disk and
journals are left out, so that two months pass in seconds.
"""

from __future__ import annotations

import heapq
import itertools
import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date as calendar_date
from datetime import timedelta

from rich.table import Table

from cloud.placement import (
    ASK_LIFETIME_MS,
    RECALL_EVERY_MS,
    REST_MS,
    RETRY_MS,
    Ask,
    Seat,
    plan,
    split,
    weigh,
)
from core.clock import DAY_MS, HOUR_MS
from core.wallet import CLOUD, Asset, Holding, Leg, plan_spend, spend_order, take
from tests.bench import Ratio, Report

MEMBERS, STORES, DAYS = 6_000, 20, 60
VISITS_A_WEEK = 2
HOMES = (72, 45)
"""Percent of visits to the store at home; of the rest half go to one other store, half to any."""
OFF_MEAN_MS = 4 * HOUR_MS
OFF_FROM, OFF_TO = 0.02, 0.04
SPENT_FROM, SPENT_TO = 2_000, 8_000
TOPPED_UP, KEPT_AT_LEAST = 20_000, 10_000
"""Who would be left with less than the second tops up by the first, at every fourth visit."""
FLOOR = 8_000
"""Ten euros in fen: the largest single spend of the trace, as it was in the study's."""
OPENS_MS, SHUTS_MS = 10 * HOUR_MS, 22 * HOUR_MS
FIRST_DAY = calendar_date(2026, 1, 1)
FULL_SEEDS = 3


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Who goes where, what is spent, and which stores are off the line when."""

    members: int = MEMBERS
    stores: int = STORES
    days: int = DAYS
    home: int = HOMES[0]
    seed: int = 1

    def outages(self) -> list[list[tuple[int, int]]]:
        chance = random.Random(f"outages {self.seed}")
        return [list(self._outages_of_one(chance)) for _ in range(self.stores)]

    def visits(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield (ms, member, store, fen to spend) in order of time."""
        chance = random.Random(f"visits {self.seed} {self.home}")
        firsts = [chance.sample(range(self.stores), 2) for _ in range(self.members)]
        for day in range(self.days):
            today = []
            for member, (home, second) in enumerate(firsts):
                if chance.random() < VISITS_A_WEEK / 7:
                    at = day * DAY_MS + chance.randrange(OPENS_MS, SHUTS_MS)
                    store = self._where(chance, home, second)
                    spent = chance.randrange(SPENT_FROM, SPENT_TO + 1, 100)
                    today.append((at, member, store, spent))
            yield from sorted(today)

    def _where(self, chance: random.Random, home: int, second: int) -> int:
        drawn = chance.random() * 100
        if drawn < self.home:
            return home
        return second if drawn < (self.home + 100) / 2 else chance.randrange(self.stores)

    def _outages_of_one(self, chance: random.Random) -> Iterator[tuple[int, int]]:
        share = chance.uniform(OFF_FROM, OFF_TO)
        at = 0.0
        while at < self.days * DAY_MS:
            begins = at + chance.expovariate(share / (1 - share) / OFF_MEAN_MS)
            at = begins + chance.expovariate(1 / OFF_MEAN_MS)
            yield int(begins), int(at)


@dataclass(slots=True)
class Tally:
    """What became of the spends that a member's whole money could fund."""

    offline: int = 0
    accepted: int = 0
    online: int = 0
    local: int = 0
    pool: int = 0
    other: int = 0
    stranded: int = 0
    moves: int = 0
    """Grants and recalls, for visits and for the split."""


Lots = dict[tuple[str, str], Holding]


@dataclass(slots=True)
class Guest:
    """A member: where each lot of theirs lies, where they were seen, and what is due."""

    places: dict[str, Lots] = field(default_factory=lambda: {CLOUD: {}})
    visits: list[tuple[str, str, int]] = field(default_factory=list)
    due_at: int = 0
    recalled_at: int = -RECALL_EVERY_MS
    called: set[str] = field(default_factory=set)
    ask: Ask | None = None
    advanced: dict[tuple[str, int], int] = field(default_factory=dict)

    def at(self, place: str) -> list[Holding]:
        return list(self.places.get(place, {}).values())

    def sum(self, place: str) -> int:
        return sum(one.amount for one in self.places.get(place, {}).values())

    @property
    def total(self) -> int:
        return sum(self.sum(place) for place in self.places) - sum(self.advanced.values())

    def move(self, source: str, target: str | None, legs: list[Leg]) -> None:
        """Move lots from one place to another, or out of the wallet."""
        here = self.places.setdefault(source, {})
        there = None if target is None else self.places.setdefault(target, {})
        for leg in legs:
            key = (leg.asset, leg.lot)
            lot = here.pop(key)
            assert 0 < leg.amount <= lot.amount
            if leg.amount < lot.amount:
                here[key] = replace(lot, amount=lot.amount - leg.amount)
            if there is not None:
                before = there[key].amount if key in there else 0
                there[key] = replace(lot, amount=before + leg.amount)


class World:
    """The trace lived through under one policy; an offline advance up to `floor` fen."""

    def __init__(self, trace: Trace, *, rests: bool, floor: int = 0) -> None:
        self.trace, self.rests, self.floor = trace, rests, floor
        self.tally = Tally()
        self.outages = trace.outages()
        self.begins = [[begin for begin, _ in one] for one in self.outages]
        self.guests = [Guest() for _ in range(trace.members)]
        self.later: list[tuple[int, int, str, int, str]] = []
        self.numbers = itertools.count()
        self.stores = {f"hub{n:02}": n for n in range(trace.stores)}

    def live(self) -> Tally:
        for at, member, store, spent in self.trace.visits():
            while self.later and self.later[0][0] <= at:
                self._happen(*heapq.heappop(self.later))
            self._visit(at, member, f"hub{store:02}", spent)
        return self.tally

    def _back_at(self, hub: str, at: int) -> int | None:
        """Return when a store that is off the line now is back; None for one that is on it."""
        store = self.stores[hub]
        number = bisect_right(self.begins[store], at) - 1
        if number < 0 or self.outages[store][number][1] <= at:
            return None
        return self.outages[store][number][1]

    def _soon(self, at: int, what: str, member: int, hub: str = "") -> None:
        heapq.heappush(self.later, (at, next(self.numbers), what, member, hub))

    def _happen(self, at: int, _number: int, what: str, member: int, hub: str) -> None:
        guest = self.guests[member]
        match what:
            case "look":
                if guest.due_at == at:
                    self._look(at, member)
            case "release":
                self._release(at, member, hub)
            case _:
                self._collect(guest, hub)

    # -- a visit ---------------------------------------------------------------------------

    def _visit(self, at: int, member: int, hub: str, spent: int) -> None:
        guest, back_at = self.guests[member], self._back_at(hub, at)
        today = (FIRST_DAY + timedelta(days=at // DAY_MS)).isoformat()
        if guest.total < spent + KEPT_AT_LEAST:
            lot = f"{member}-{next(self.numbers)}"
            held = Holding(asset=Asset.PRINCIPAL, lot=lot, amount=TOPPED_UP, opened_at=at)
            guest.places.setdefault(hub, {})[held.asset, lot] = held
        self._classify(guest, hub, spent, at, back_at)
        if back_at is None:
            self._follow(at, member, hub)
        here = guest.sum(hub)
        if here >= spent:
            legs = plan_spend(guest.at(hub), spent, store=hub, date=today)
            guest.move(hub, None, legs)
            self.tally.accepted += back_at is not None
        elif back_at is not None and self._advances(guest, hub, spent - here, back_at):
            guest.move(hub, None, take(spend_order(guest.at(hub), bonus_first=False), here))
            self.tally.accepted += 1
            self._soon(back_at, "collect", member, hub)
        guest.visits = [*guest.visits[-30:], (hub, today, 1)]
        # Head office learns of it once the store is back.
        self._due(at if back_at is None else back_at, member)

    def _classify(
        self, guest: Guest, hub: str, spent: int, at: int, back_at: int | None
    ) -> None:
        tally = self.tally
        if back_at is not None:
            tally.offline += 1
            return
        tally.online += 1
        here, pool = guest.sum(hub), guest.sum(CLOUD)
        reached = sum(
            guest.sum(one)
            for one in guest.places
            if one not in {hub, CLOUD} and self._back_at(one, at) is None
        )
        if here >= spent:
            tally.local += 1
        elif here + pool >= spent:
            tally.pool += 1
        elif here + pool + reached >= spent:
            tally.other += 1
        else:
            tally.stranded += 1

    def _advances(self, guest: Guest, hub: str, short: int, back_at: int) -> bool:
        advanced = guest.advanced.get((hub, back_at), 0)
        if advanced + short > self.floor:
            return False
        guest.advanced[hub, back_at] = advanced + short
        return True

    def _collect(self, guest: Guest, hub: str) -> None:
        """Take what was advanced from wherever the member has money, the pool first."""
        for key in [key for key in guest.advanced if key[0] == hub]:
            left = guest.advanced.pop(key)
            for place in sorted(guest.places, key=lambda place: place != CLOUD):
                legs = take(guest.at(place), left)
                guest.move(place, None, legs)
                left -= sum(leg.amount for leg in legs)

    def _follow(self, at: int, member: int, hub: str) -> None:
        """Let value follow who is recognised, as head office does when a store asks."""
        guest = self.guests[member]
        places = {place: guest.sum(place) for place in guest.places}
        if not any(amount for place, amount in places.items() if place != hub):
            return
        guest.ask = Ask(id=str(at), hub=hub, member=str(member), want=0, at=at)
        planned = plan(
            guest.ask,
            pool=guest.at(CLOUD),
            places=places,
            hubs=self.stores.keys(),
            recalled=guest.called,
        )
        if planned.grant:
            self.tally.moves += 1
            guest.move(CLOUD, hub, list(planned.grant))
        for holder in planned.recall:
            self.tally.moves += 1
            guest.called.add(holder)
            back_at = self._back_at(holder, at)
            if back_at is None:
                self._release(at, member, holder)
            else:
                self._soon(back_at, "release", member, holder)

    def _release(self, at: int, member: int, holder: str) -> None:
        """Let a store give up what it holds, to whoever waits for it, else to the pool."""
        guest = self.guests[member]
        guest.called.discard(holder)
        legs = [Leg(one.asset, one.lot, one.amount) for one in guest.at(holder)]
        waits = guest.ask is not None and at - guest.ask.at < ASK_LIFETIME_MS
        guest.move(holder, CLOUD, legs)
        if guest.ask is not None and waits and legs:
            self.tally.moves += 1
            guest.move(CLOUD, guest.ask.hub, legs)
        elif legs:
            self._due(at - REST_MS, member)

    # -- coming to rest --------------------------------------------------------------------

    def _due(self, at: int, member: int) -> None:
        if self.rests:
            self.guests[member].due_at = at + REST_MS
            self._soon(at + REST_MS, "look", member)

    def _look(self, at: int, member: int) -> None:
        guest = self.guests[member]
        today = (FIRST_DAY + timedelta(days=at // DAY_MS)).isoformat()
        weights = weigh(guest.visits, today=today)
        for _ in range(2):
            planned = split(
                [
                    Seat(
                        hub=hub,
                        store=hub,
                        weight=weights.get(hub, 0),
                        online=self._back_at(hub, at) is None,
                        held=tuple(guest.at(hub)),
                    )
                    for hub in {*weights, *guest.places} - {CLOUD}
                ],
                pool=guest.at(CLOUD),
                date=today,
            )
            self.tally.moves += len(planned.grants)
            for hub, legs in planned.grants.items():
                guest.move(CLOUD, hub, list(legs))
            if planned.waits:
                self._due(at + RETRY_MS - REST_MS, member)
            if not planned.recalls:
                return
            if at - guest.recalled_at < RECALL_EVERY_MS:
                self._due(guest.recalled_at + RECALL_EVERY_MS - REST_MS, member)
                return
            guest.recalled_at = at
            self.tally.moves += len(planned.recalls)
            for hub, legs in planned.recalls.items():
                guest.move(hub, CLOUD, list(legs))


def run(
    *, full: bool = False, members: int = MEMBERS, days: int = DAYS, stores: int = STORES
) -> Report:
    """Live the trace through for both kinds of members, strictly and with the floor."""
    seeds = range(1, 1 + (FULL_SEEDS if full else 1))
    goals: list[Ratio] = []
    table = Table(title="where the money was, percent of spends")
    for heading in ("home", "policy", "offline", "local", "pool", "other", "stranded", "moves"):
        table.add_column(heading, justify="left" if heading == "policy" else "right")
    for home in HOMES:
        traces = [
            Trace(members=members, days=days, stores=stores, home=home, seed=seed)
            for seed in seeds
        ]
        follow = [World(one, rests=False).live() for one in traces]
        strict = [World(one, rests=True).live() for one in traces]
        floor = [World(one, rests=True, floor=FLOOR).live() for one in traces]
        goals += _goals(home, strict, floor)
        for name, lived in (("follow only", follow), ("split", strict), ("+ ¥80", floor)):
            table.add_row(f"{home} %", name, *_shares(lived))
    return Report(
        title=f"offline: {members:,} members, {stores} stores, {days} days",
        reading=[
            "Spends that a member's whole money could fund, while the store was off the line;",
            "stranded: while it was on the line, and the money in a store that was not.",
            "moves: grants and recalls a visit.",
        ],
        ratios=goals,
        tables=[table],
    )


def _goals(home: int, strict: list[Tally], floor: list[Tally]) -> list[Ratio]:
    first = home == HOMES[0]
    accepted = [one.accepted / max(1, one.offline) for one in strict]
    floored = [one.accepted / max(1, one.offline) for one in floor]
    stranded = [100 * one.stranded / max(1, one.online) for one in strict]
    what = f"home {home} %: "
    return [
        Ratio(
            name="G15",
            what=f"{what}accepted offline, strictly",
            rounds=accepted,
            at_least=0.80 if first else None,
        ),
        Ratio(
            name="G15",
            what=f"{what}accepted offline, with the floor of ¥80",
            rounds=floored,
            at_least=0.99 if first else None,
        ),
        Ratio(
            name="G15",
            what=f"{what}stranded online, percent",
            rounds=stranded,
            at_most=0.3 if first else None,
        ),
    ]


def _shares(lived: list[Tally]) -> list[str]:
    online = max(1, sum(one.online for one in lived))
    offline = max(1, sum(one.offline for one in lived))
    visits = online + offline
    ways = ("local", "pool", "other", "stranded")
    return [
        f"{100 * sum(one.accepted for one in lived) / offline:.1f}",
        *(f"{100 * sum(getattr(one, way) for one in lived) / online:.2f}" for way in ways),
        f"{sum(one.moves for one in lived) / visits:.2f}",
    ]
