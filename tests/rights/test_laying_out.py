"""What is laid out while the line is cut comes back from the member's own value, or is booked."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.ingest import differences
from cloud.ingest.tests.stores import Desk
from cloud.platform.tests.office import merchant_in, office_in
from core.clock import HOUR_MS
from core.errors import Refused
from core.wallet import RISK, Advanced, advance, all_claims, risk_sums
from hub import wallet
from tests.rights.shops import Shop, allow, balance_of, furnish, sync

FLOOR = {"per_member_cents": 10_000, "per_outage_cents": 15_000, "snapshot_age_ms": HOUR_MS}


def total(merchant, member):
    with merchant.door.read() as db:
        return db.value(
            "SELECT COALESCE(SUM(amount), 0) FROM holding WHERE member = :m"
            " AND asset IN ('principal', 'bonus')",
            m=member,
        )


def owed(merchant):
    """Return what each member owes."""
    debts: dict[str, int] = {}
    with merchant.door.read() as db:
        for row in all_claims(db, limit=100):
            debts[row["member"]] = debts.get(row["member"], 0) + row["owed"]
    return debts


def at_risk(merchant):
    with merchant.door.read() as db:
        return risk_sums(db).get("principal", 0) + risk_sums(db).get("bonus", 0)


@pytest.fixture
def known(merchant, desk, first, second):
    """Somebody with ¥300 in the first store whom the second knows; then the line is cut."""
    allow(merchant, floor=FLOOR)
    member = first.register()
    sync(desk, first, second)
    first.fill(member, 30_000)
    sync(desk, first, second)
    assert second.balance(member).elsewhere == 30_000
    return member


def test_what_was_laid_out_is_taken_from_the_store_that_holds_the_money(
    platform, merchant, desk, first, second, known
):
    second.spend(known, ahead=9_900)
    assert second.balance(known).here == 0
    sync(desk, first, second)
    assert total(merchant, known) == 20_100
    assert owed(merchant) == {}
    assert at_risk(merchant) == 0
    assert sum(balance_of(merchant, RISK).values()) == 0
    assert first.balance(known).total == second.balance(known).total == 20_100
    assert differences(platform, merchant) == []
    assert desk.alarms() == []


def test_what_the_other_store_sold_meanwhile_stays_at_the_merchants_risk(
    merchant, desk, first, second, known
):
    for _ in range(3):
        first.spend(known)  # ¥297 of ¥300, with the line cut there as well.
    second.spend(known, ahead=9_900)
    sync(desk, first, second)
    assert total(merchant, known) == 0
    assert owed(merchant) == {known: 9_600}
    assert at_risk(merchant) == 9_600
    with merchant.door.read() as db:
        rows = db.all("SELECT reason, amount FROM risk_booking ORDER BY amount DESC")
    assert [(row["reason"], row["amount"]) for row in rows] == [
        ("advance", 9_900),
        ("advance", -300),
    ]


def test_what_is_owed_is_taken_when_something_comes_by(merchant, desk, first, second, known):
    for _ in range(3):
        first.spend(known)
    second.spend(known, ahead=9_900)
    sync(desk, first, second)
    first.fill(known, 20_000)
    sync(desk, first, second)
    second.do(lambda tx, act: wallet.follow(tx, act, member=known, why="bill"))
    sync(desk, first, second)
    assert owed(merchant) == {}
    assert at_risk(merchant) == 0
    assert second.balance(known).here == 10_400


def test_what_is_owed_is_called_in_from_the_store_where_something_has_come_by(
    platform, merchant, desk, first, second, known
):
    """Nobody asks for the money, and no more of it is taken from there than is owed."""
    for _ in range(3):
        first.spend(known)
    second.spend(known, ahead=9_900)
    sync(desk, first, second)
    assert owed(merchant) == {known: 9_600}
    first.fill(known, 20_000)
    for one in (first, second, platform):
        one.clock.advance(2 * HOUR_MS)  # They have left the shop.
    sync(desk, first, second, rounds=6)
    assert owed(merchant) == {}
    assert at_risk(merchant) == 0
    assert total(merchant, known) == first.balance(known).here == 10_400
    assert differences(platform, merchant) == []


def test_an_outage_is_over_when_head_office_has_heard_of_it(
    merchant, desk, first, second, known
):
    second.spend(known, ahead=9_900)
    with pytest.raises(Refused, match="advance_member_spent"):
        second.spend(known, ahead=9_900)
    sync(desk, first, second)
    # All the rest followed its owner: of it enough lies in the second store now, or the first.
    here = second.balance(known).here
    if here < 9_900:
        second.spend(known, ahead=9_900 - here)
    else:
        second.spend(known)
    sync(desk, first, second)
    assert total(merchant, known) == 10_200
    assert at_risk(merchant) == 0


def test_a_reversal_of_what_was_laid_out_gives_the_member_their_money(
    merchant, desk, first, second, known
):
    ticket = second.spend(known, ahead=9_900)
    second.reverse(ticket)
    sync(desk, first, second)
    assert total(merchant, known) == 30_000
    assert at_risk(merchant) == 0


@pytest.mark.parametrize("limits", [{}, {"floor": FLOOR | {"per_member_cents": 5_000}}])
def test_what_a_stolen_box_lays_out_beyond_the_limits_counts_nowhere(
    merchant, desk, first, limits
):
    allow(merchant, **limits)
    member = first.register()
    sync(desk, first)
    body = Advanced(advance="a1", member=member, lot="l1", amount=9_900, round=0, ticket="t1")
    first.append(body, postings=advance(member, first.place, "l1", 9_900))
    false_round = Advanced(
        advance="a2", member=member, lot="l2", amount=100, round=7, ticket="t1"
    )
    first.append(false_round, postings=advance(member, first.place, "l2", 100))
    more = Advanced(advance="a3", member=member, lot="l3", amount=100, round=0, ticket="t1")
    first.append(more, postings=advance(member, first.place, "l3", 9_000))
    sync(desk, first)
    assert at_risk(merchant) == 0
    assert total(merchant, member) == 0
    assert [kind for kind, _ in desk.alarms()] == ["set_aside"] * 3


def laid_out(merchant):
    """Return what was ever laid out, settled or not."""
    with merchant.door.read() as db:
        return db.value(
            "SELECT COALESCE(SUM(amount), 0) FROM risk_booking"
            " WHERE reason = 'advance' AND amount > 0"
        )


def say(shop, member, number, amount, *, round_):
    """Let a box write what it likes of an advance."""
    told = Advanced(
        advance=f"a{number}",
        member=member,
        lot=f"l{number}",
        amount=amount,
        round=round_,
        ticket="t1",
    )
    shop.append(told, postings=advance(member, shop.place, told.lot, amount))


def test_a_round_that_is_over_does_not_come_again(platform, merchant, desk, first):
    allow(merchant, floor=FLOOR)
    member = first.register()
    sync(desk, first)
    for number in range(3):
        say(first, member, number, 100, round_=0)
    sync(desk, first)
    assert laid_out(merchant) == 300
    say(first, member, 3, 5_000, round_=3)
    say(first, member, 4, 1_000, round_=2)
    say(first, member, 5, 1_000, round_=0)
    sync(desk, first)
    assert laid_out(merchant) == 5_300
    with merchant.door.read() as db:
        reasons = [
            row["reason"] for row in db.all("SELECT reason FROM quarantine ORDER BY seq")
        ]
    assert [one for one in reasons if "which is over" in one] == reasons[:2]
    assert differences(platform, merchant) == []


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    said=st.lists(
        st.tuples(st.integers(1, 9_000), st.integers(0, 6), st.booleans()), max_size=12
    )
)
def test_no_number_that_a_box_says_lets_it_lay_out_more_at_once(tmp_path_factory, said):
    """Small advances make many rounds; each would be a limit of its own."""
    folder = tmp_path_factory.mktemp("rounds")
    platform = office_in(folder / "office")
    merchant = merchant_in(platform, stores=("s1",))
    furnish(merchant)
    allow(merchant, floor=FLOOR)
    desk = Desk(platform)
    shop = Shop(folder, platform, merchant, name="1" * 16, store="s1", seed=11)
    member = shop.register()
    sync(desk, shop)
    before = 0
    for number, (amount, round_, hears) in enumerate(said):
        say(shop, member, number, amount, round_=round_)
        if hears:
            sync(desk, shop)
            assert laid_out(merchant) - before <= FLOOR["per_member_cents"]
            before = laid_out(merchant)
    sync(desk, shop)
    assert laid_out(merchant) - before <= FLOOR["per_member_cents"]
    assert differences(platform, merchant) == []
    shop.close()
    platform.close()


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    spends=st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(["i1", "i2"]), st.booleans()),
        max_size=14,
    )
)
def test_the_worst_outage_costs_no_more_than_was_agreed(tmp_path_factory, spends):
    """Three members spend in two stores that are both cut off; then the line is back."""
    folder = tmp_path_factory.mktemp("outage")
    platform = office_in(folder / "office")
    merchant = merchant_in(platform, stores=("s1", "s2"))
    furnish(merchant)
    allow(merchant, floor=FLOOR)
    desk = Desk(platform)
    shops = [
        Shop(folder, platform, merchant, name=str(n) * 16, store=f"s{n}", seed=10 + n)
        for n in (1, 2)
    ]
    first, second = shops
    members = [first.register(name) for name in ("甲", "乙", "丙")]
    sync(desk, *shops)
    for member in members:
        first.fill(member, 12_000)
    sync(desk, *shops)
    served: set[str] = set()
    spent = dict.fromkeys(members, 0)
    for who, item, at_first in spends:
        member, price = members[who], {"i1": 9_900, "i2": 3_800}[item]
        with suppress(Refused):
            if at_first:
                first.spend(member, item=item)
            else:
                short = price - second.balance(member).here
                second.spend(member, item=item, ahead=max(0, short))
                served.add(member)
            spent[member] += price
    laid_out = -sum(balance_of_shop(second).values())
    bound = min(FLOOR["per_outage_cents"], FLOOR["per_member_cents"] * len(served))
    assert 0 <= laid_out <= bound
    sync(desk, *shops, rounds=6)
    assert 0 <= at_risk(merchant) <= bound
    for member in members:
        debt = owed(merchant).get(member, 0)
        assert total(merchant, member) == 12_000 - spent[member] + debt
        assert total(merchant, member) == 0 or debt == 0
    assert at_risk(merchant) == sum(owed(merchant).values())
    assert differences(platform, merchant) == []
    assert desk.alarms() == []
    for shop in shops:
        shop.close()
    platform.close()


def balance_of_shop(shop):
    """Return what a box's own journal adds up to at the merchant's risk."""
    return {key: amount for key, amount in balance_of(shop, RISK).items() if amount < 0}
