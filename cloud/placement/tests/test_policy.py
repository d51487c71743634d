"""Where value goes, as a plan: whatever it says, it never gives out what is not there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloud.placement import ASK_LIFETIME_MS, Ask, Plan, heir, plan
from core.wallet import CLOUD, Asset, Holding, Leg

HERE, THERE, FAR = "1" * 16, "2" * 16, "3" * 16
HUBS = frozenset({HERE, THERE, FAR})


def ask(**changes):
    known = {"id": "q", "hub": HERE, "member": "m", "want": 0, "at": 1_000}
    return Ask(**(known | changes))


def lot(name, amount, asset=Asset.PRINCIPAL):
    return Holding(asset=asset, lot=name, amount=amount, opened_at=0)


def test_who_asks_gets_all_that_the_pool_has_points_too():
    pool = [lot("a", 500), lot("a", 50, Asset.BONUS), lot("2027-01", 9, Asset.POINTS)]
    planned = plan(ask(), pool=pool, places={CLOUD: 559}, hubs=HUBS)
    assert planned == Plan(
        grant=(
            Leg(Asset.PRINCIPAL, "a", 500),
            Leg(Asset.BONUS, "a", 50),
            Leg(Asset.POINTS, "2027-01", 9),
        )
    )


def test_what_lies_in_other_stores_is_called_in_and_what_lies_here_is_not():
    places = {CLOUD: 0, HERE: 100, THERE: 200, FAR: 0}
    assert plan(ask(), pool=[], places=places, hubs=HUBS).recall == (THERE,)


def test_who_was_called_already_and_who_cannot_be_reached_is_not_called():
    places = {THERE: 200, FAR: 300, "9" * 16: 400}
    planned = plan(ask(), pool=[], places=places, hubs=HUBS, recalled={FAR})
    assert planned.recall == (THERE,)


def test_points_in_the_pool_do_not_count_towards_a_want_of_money():
    places = {THERE: 200}
    pool = [lot("2027-01", 900, Asset.POINTS), lot("a", 100)]
    assert plan(ask(want=100), pool=pool, places=places, hubs=HUBS).recall == ()
    assert plan(ask(want=101), pool=pool, places=places, hubs=HUBS).recall == (THERE,)


@given(
    amounts=st.lists(st.integers(0, 10_000), max_size=6),
    want=st.integers(0, 20_000),
    places=st.dictionaries(st.sampled_from([*HUBS, CLOUD, "x"]), st.integers(0, 10_000)),
    recalled=st.sets(st.sampled_from(sorted(HUBS))),
)
def test_no_plan_gives_more_than_there_is_or_calls_on_who_asks(amounts, want, places, recalled):
    pool = [lot(str(number), amount) for number, amount in enumerate(amounts)]
    planned = plan(ask(want=want), pool=pool, places=places, hubs=HUBS, recalled=recalled)
    held = {(h.asset, h.lot): h.amount for h in pool}
    assert all(0 < leg.amount <= held[leg.asset, leg.lot] for leg in planned.grant)
    assert len({(leg.asset, leg.lot) for leg in planned.grant}) == len(planned.grant)
    assert HERE not in planned.recall
    assert CLOUD not in planned.recall
    assert not set(planned.recall) & recalled
    assert all(places[hub] > 0 for hub in planned.recall)


def test_what_arrives_goes_to_the_newest_ask_that_is_still_alive():
    old, new = ask(id="old", at=1_000), ask(id="new", hub=THERE, at=5_000)
    assert heir([old, new], now=6_000) == new
    assert heir([new, old], now=6_000) == new
    assert heir([old], now=1_000 + ASK_LIFETIME_MS - 1) == old
    assert heir([old], now=1_000 + ASK_LIFETIME_MS) is None
    assert heir([], now=0) is None
