"""A box fills wallets up to its right and no further, whoever has it in hands."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.epochs import close_epoch
from cloud.ingest import differences
from cloud.ingest.tests import stores
from cloud.ingest.tests.stores import Desk
from cloud.platform import find_hub, replace_code
from cloud.platform.tests.office import Hub, join, merchant_in, office_in
from core.clock import DAY_MS
from core.errors import Refused
from core.wallet import MINT, Leg, issue, mint_left, right_of, withdraw
from core.wallet.accounts import Asset
from core.wallet.events import Adjusted
from hub import members, wallet
from hub.sync.downlink import begin_downlink, downlink_stream
from hub.sync.link import link_of
from tests.rights.shops import Shop, allow, furnish, sync


def left(shop):
    with shop.door.read() as db:
        return mint_left(db, shop.place)


def known(merchant, shop):
    with merchant.door.read() as db:
        return mint_left(db, shop.place)


def forge(shop, member, amount, *, taking=0, own_right=0):
    """Write what a stolen box would: value out of its mint, past every check of ours."""
    legs = [Leg(Asset.PRINCIPAL, "forged", amount)]
    body = Adjusted(member=member, lot="forged", asset="principal", amount=amount, reason="x")
    postings = issue(member, shop.place, legs)
    if own_right:
        postings += issue(MINT, shop.place, right_of(own_right))
    if taking:
        postings += withdraw(MINT, shop.place, right_of(taking))
    shop.append(body, postings=postings)


def test_a_box_without_head_office_never_notices(first):
    member = first.register()
    first.fill(member, 400_000)
    assert left(first) is None


def test_a_joined_box_gets_its_right_by_itself_and_it_is_filled_up_again(merchant, desk, first):
    allow(merchant, mint={"limit_cents": 200_000})
    member = first.register()
    first.fill(member, 50_000)
    sync(desk, first)
    assert left(first) == known(merchant, first) == 200_000, "what was before takes none of it"
    first.fill(member, 120_000)
    assert left(first) == 80_000
    sync(desk, first)
    assert left(first) == known(merchant, first) == 200_000
    assert desk.alarms() == []
    assert first.balance(member).here == 170_000


def test_at_the_end_of_its_right_a_box_waits_for_the_line(merchant, desk, first):
    allow(merchant, mint={"limit_cents": 100_000})
    member = first.register()
    sync(desk, first)
    first.fill(member, 70_000)
    with pytest.raises(Refused) as caught:
        first.fill(member, 40_000)
    assert caught.value.code == "mint_right_spent"
    assert caught.value.facts == {"left_cents": 30_000, "needed_cents": 40_000}
    assert left(first) == 30_000
    first.spend(member)
    sync(desk, first)
    first.fill(member, 40_000)
    assert left(first) == 60_000


def test_what_is_corrected_upwards_and_brought_along_takes_of_the_right_too(
    merchant, desk, first
):
    allow(merchant, mint={"limit_cents": 100_000})
    member = first.register()
    sync(desk, first)
    first.do(
        lambda tx, act: wallet.adjust(
            tx, act, member=member, asset=Asset.BONUS, amount=30_000, reason="补"
        )
    )
    first.top_up(member, 10_000)
    assert left(first) == 60_000
    first.do(
        lambda tx, act: wallet.adjust(
            tx, act, member=member, asset=Asset.POINTS, amount=90_000, reason="补"
        )
    )
    assert left(first) == 60_000, "points are outside of it"


@pytest.mark.parametrize(
    ("taking", "own_right"), [(0, 0), (50_000, 0), (500_000, 0), (500_000, 400_000)]
)
def test_what_a_stolen_box_mints_beyond_its_right_counts_nowhere(
    platform, merchant, desk, first, taking, own_right
):
    allow(merchant, mint={"limit_cents": 100_000})
    member = first.register()
    sync(desk, first)
    first.door.write(
        lambda tx: tx.run("UPDATE holding SET amount = amount + 900000 WHERE member = 'mint'")
    )
    forge(first, member, 500_000, taking=taking, own_right=own_right)
    sync(desk, first)
    with merchant.door.read() as db:
        held = db.value("SELECT SUM(amount) FROM holding WHERE member = :m", m=member)
    assert held is None
    assert [kind for kind, _ in desk.alarms()] == ["set_aside"]
    assert differences(platform, merchant) == []


def test_a_stolen_box_that_says_so_mints_its_right_and_not_a_fen_more(merchant, desk, first):
    allow(merchant, mint={"limit_cents": 100_000, "day_cents": 150_000})
    member = first.register()
    sync(desk, first)
    minted = 0
    for _ in range(6):
        forge(first, member, 60_000, taking=min(60_000, left(first) or 0))
        sync(desk, first)
    with merchant.door.read() as db:
        minted = db.value("SELECT SUM(amount) FROM holding WHERE member = :m", m=member)
    assert minted <= 150_000, "what head office gives in a day, and no more"


def test_the_next_day_brings_the_next_right(merchant, desk, first):
    allow(merchant, mint={"limit_cents": 100_000, "day_cents": 120_000})
    member = first.register()
    sync(desk, first)
    first.fill(member, 100_000)
    sync(desk, first)
    assert left(first) == 20_000
    desk.platform.clock.advance(DAY_MS)
    first.clock.advance(DAY_MS)
    first.spend(member)
    sync(desk, first)
    assert left(first) == 100_000


def test_a_limit_that_is_lowered_is_called_in_and_none_is_no_limit(merchant, desk, first):
    first.register()
    sync(desk, first)
    assert left(first) == 100_000_000
    allow(merchant, mint={"limit_cents": 100_000})
    desk.carry(merchant.id)
    sync(desk, first)
    assert left(first) == 100_000
    allow(merchant, mint={"on": False})
    desk.carry(merchant.id)
    sync(desk, first)
    assert left(first) > 900_000_000_000
    assert desk.alarms() == []


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.integers(1, 90_000),
            st.integers(0, 90_000),
            st.sampled_from([0, 0, 0, 40_000]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_whatever_a_stolen_box_writes_no_more_counts_than_it_was_given(
    tmp_path_factory, forgeries
):
    folder = tmp_path_factory.mktemp("stolen")
    platform = office_in(folder / "office")
    merchant = merchant_in(platform, stores=("s1",))
    furnish(merchant)
    allow(merchant, mint={"limit_cents": 100_000, "day_cents": 100_000})
    desk = Desk(platform)
    shop = Shop(folder, platform, merchant, name="1111111111111111", store="s1", seed=11)
    member = shop.register()
    sync(desk, shop)
    shop.door.write(
        lambda tx: tx.run("UPDATE holding SET amount = 100000000 WHERE member = 'mint'")
    )
    for amount, taking, own_right in forgeries:
        forge(shop, member, amount, taking=taking, own_right=own_right)
    sync(desk, shop)
    with merchant.door.read() as db:
        held = db.value("SELECT SUM(amount) FROM holding WHERE member = :m", m=member) or 0
    honest = 0
    for amount, taking, own_right in forgeries:
        if not own_right and amount <= taking <= 100_000 - honest:
            honest += taking
    assert held <= 100_000
    assert known(merchant, shop) == 100_000 - honest
    shop.close()
    platform.close()


@pytest.fixture
def successor(platform, merchant, desk, first, tmp_path, monkeypatch):
    """Another box in the first one's place, of which nobody has heard yet."""
    allow(merchant, mint={"limit_cents": 100_000})
    sync(desk, first)
    close_epoch(platform, first.id, reason="broken")
    desk.exchange.look_again(desk.now)
    desk.carry(merchant.id)
    monkeypatch.setattr(stores, "join", partial(join, waits_for_right=True))
    with platform.door.read() as db:
        code = replace_code(platform, find_hub(db, first.id))
    box = Shop(
        tmp_path / "next",
        platform,
        merchant,
        name=first.id,
        store="s1",
        seed=31,
        at=first.clock.at,
        epoch=2,
        code=code,
    )
    link = link_of(box.answer, birth=box.papers.birth, at=1)
    box.door.write(lambda tx: begin_downlink(tx, downlink_stream(link)))
    desk.exchange.look_again(desk.now)
    yield box
    box.close()


def test_a_box_in_anothers_place_fills_no_wallet_before_it_has_a_right(
    merchant, desk, first, successor
):
    member = successor.register()
    with pytest.raises(Refused, match="mint_right_spent"):
        successor.fill(member, 100)
    sync(desk, successor)
    assert left(successor) == known(merchant, successor) == 100_000
    successor.fill(member, 60_000)
    sync(desk, successor)
    assert successor.balance(member).here == 60_000
    assert desk.alarms() == []


def test_a_stolen_box_in_anothers_place_mints_nothing_before_its_right(
    platform, merchant, desk, first, successor
):
    member = successor.register()
    forge(successor, member, 900_000)
    sync(desk, successor)
    assert [kind for kind, _ in desk.alarms()] == ["set_aside"]
    with merchant.door.read() as db:
        sums = "SELECT COALESCE(SUM(amount), 0) FROM holding WHERE asset = 'principal'"
        assert db.value(sums) == 0
    assert differences(platform, merchant) == []


def test_a_box_that_knows_of_no_right_does_not_follow_one_that_had_it(
    platform, merchant, desk, first
):
    sync(desk, first)
    close_epoch(platform, first.id, reason="broken")
    with platform.door.read() as db:
        code = replace_code(platform, find_hub(db, first.id))
    with pytest.raises(Refused, match="box_too_old"):
        join(platform, Hub(first.id, 31, 2), code)


def test_two_people_never_have_one_number_because_a_box_was_replaced(
    platform, merchant, desk, first, successor
):
    """The old one gave numbers away in its last hours that nobody had heard of."""

    def number(shop, member):
        with shop.door.read() as db:
            return db.value("SELECT number FROM member WHERE id = :id", id=member)

    theirs, mine = number(first, first.register()), number(successor, successor.register())
    assert mine == f"{theirs}-2"
    taken = members.Application(profile=members.Profile(name="王"), number="MA000009-2")
    with pytest.raises(Refused, match="number_reserved"):
        successor.do(lambda tx, act: members.register(tx, act, taken))
