"""Here now, and in all: the two figures that a store needs, and the wish between them."""

from __future__ import annotations

import pytest

from core.errors import Refused
from core.organisation import settings
from core.till import Offered
from core.verifying import Book, examine
from core.wallet import CLOUD
from hub import wallet
from hub.checkout import reprint, reverse_ticket
from hub.devices import plain_text
from hub.devices.printer.document import from_json
from hub.tests.shop import TILL
from hub.wallet import Way
from hub.wallet.elsewhere import FOLLOW_FRESH_MS, FOLLOW_PATIENCE_MS
from hub.wallet.tests.head_office import HeadOffice

OTHER = "0123456789abcdef"


@pytest.fixture
def office(shop):
    shop.open_shift()
    return HeadOffice(shop)


@pytest.fixture
def member(shop):
    return shop.member()


def held(shop, member):
    return shop.do(lambda tx, act: wallet.balance(tx, act, member))


def figures(shop, member):
    now = held(shop, member)
    return now.here, now.elsewhere, now.total


def follow(shop, member):
    return shop.do(lambda tx, act: wallet.follow(tx, act, member=member, why="bill"))


def way(shop, member, *, live=True):
    told = shop.do(lambda tx, act: wallet.bringing(tx, act, member, connected=lambda: live))
    return told.way


def test_a_shop_on_its_own_has_nothing_elsewhere(shop, member):
    shop.open_shift()
    shop.top_up(member)
    assert figures(shop, member) == (100_000, 0, 100_000)
    assert follow(shop, member) is None
    assert way(shop, member, live=False) is Way.NONE


def test_what_other_places_hold_is_told_apart_from_what_can_be_spent_here(shop, office, member):
    shop.top_up(member, 20_000)
    office.tell(
        member,
        {
            office.hub: {"principal": 7, "points": 7},
            OTHER: {"principal": 50_000, "bonus": 5_000, "points": 300},
            CLOUD: {"principal": 1_000},
            "transit": {"principal": 200},
        },
    )
    assert figures(shop, member) == (20_000, 56_200, 76_200)
    now = held(shop, member)
    assert (now.points, now.points_elsewhere, now.all_points) == (200, 300, 500)


def test_what_arrives_is_counted_once_before_and_after_head_office_says_so(
    shop, office, member
):
    office.tell(member, {OTHER: {"principal": 30_000}, CLOUD: {"principal": 50_000}})
    office.send(member, principal=50_000)
    assert figures(shop, member) == (50_000, 30_000, 80_000)
    shop.sale("i2", member=member, tender="stored_value")
    assert figures(shop, member) == (46_200, 30_000, 76_200)
    office.tell(
        member,
        {OTHER: {"principal": 30_000}, office.hub: {"principal": 50_000}},
        {office.hub: {"principal": 50_000}},
    )
    assert figures(shop, member) == (46_200, 30_000, 76_200)


def test_what_is_sent_off_lies_elsewhere_at_once(shop, office, member):
    shop.top_up(member, 20_000)
    office.fetch(member)
    assert figures(shop, member) == (0, 20_000, 20_000)
    office.tell(member, {CLOUD: {"principal": 20_000}}, {office.hub: {"principal": -20_000}})
    assert figures(shop, member) == (0, 20_000, 20_000)


def test_value_that_nobody_told_of_is_not_owed_to_other_places(shop, office, member):
    office.send(member, principal=50_000)
    assert figures(shop, member) == (50_000, 0, 50_000)


def test_a_wish_is_made_once_while_it_may_bring_something(shop, office, member):
    office.tell(member, {OTHER: {"principal": 30_000}})
    first = follow(shop, member)
    assert first is not None
    assert follow(shop, member) == first
    shop.clock.advance(FOLLOW_PATIENCE_MS)
    second = follow(shop, member)
    assert second != first
    rows = shop.ask(lambda db: [dict(r) for r in db.all("SELECT * FROM follow_request")])
    assert [(r["id"], r["member"], r["state"], r["why"]) for r in rows] == [
        (second, member, "asked", "bill")
    ]


def test_a_wish_is_of_use_until_it_was_answered_or_is_old(shop, office, member):
    office.tell(member, {OTHER: {"points": 10}})
    wish = follow(shop, member)
    now = shop.clock.read().at

    def unsent(at):
        return shop.ask(lambda db: [r["id"] for r in wallet.unsent_wishes(db, now=at)])

    assert unsent(now) == [wish]
    assert unsent(now + FOLLOW_FRESH_MS) == []
    shop.do(lambda tx, _act: wallet.note_answer(tx, request=wish, state="recalling"))
    assert unsent(now) == []


def test_the_till_says_how_the_rest_is_faring(shop, office, member):
    office.tell(member, {OTHER: {"principal": 30_000}})
    assert way(shop, member) is Way.THERE
    assert way(shop, member, live=False) is Way.CUT
    wish = follow(shop, member)
    assert way(shop, member) is Way.COMING
    assert way(shop, member, live=False) is Way.CUT
    shop.do(lambda tx, _act: wallet.note_answer(tx, request=wish, state="recalling"))
    assert way(shop, member) is Way.COMING
    shop.clock.advance(FOLLOW_PATIENCE_MS)
    assert way(shop, member) is Way.STUCK
    shop.clock.advance(FOLLOW_FRESH_MS)
    assert way(shop, member) is Way.THERE
    office.send(member, principal=30_000)
    assert way(shop, member) is Way.NONE


def test_an_answer_of_nothing_lets_somebody_ask_again_at_once(shop, office, member):
    office.tell(member, {OTHER: {"principal": 30_000}})
    wish = follow(shop, member)
    shop.do(lambda tx, _act: wallet.note_answer(tx, request=wish, state="nothing"))
    assert way(shop, member) is Way.KEPT
    assert follow(shop, member) != wish


def test_that_head_office_recovers_is_another_reason_than_that_nothing_was_given(
    shop, office, member
):
    office.tell(member, {OTHER: {"principal": 30_000}})
    wish = follow(shop, member)
    shop.do(
        lambda tx, _act: wallet.note_answer(
            tx, request=wish, state="nothing", reason="recovering"
        )
    )
    assert way(shop, member) is Way.RECOVERING


def test_what_lies_elsewhere_pays_nothing_here_and_the_refusal_names_both(shop, office, member):
    shop.top_up(member, 5_000)
    office.tell(member, {OTHER: {"principal": 30_000}})
    with pytest.raises(Refused) as caught:
        shop.sale("i1", member=member, tender="stored_value")
    assert caught.value.code == "insufficient_balance"
    assert caught.value.facts == {
        "available_cents": 5_000,
        "total_cents": 35_000,
        "needed_cents": 9_900,
    }


def test_a_card_limit_counts_what_lies_elsewhere(shop, office, member):
    limit = shop.ask(lambda db: settings(db).topup_max_cents)
    office.tell(member, {OTHER: {"principal": limit - 100}})
    wanted = wallet.TopUp(
        member=member, amount=200, payments=(Offered(tender="cash", amount=200),)
    )
    with pytest.raises(Refused, match="over_card_limit") as caught:
        shop.do(lambda tx, act: wallet.top_up(tx, act, wanted, topup="t", till=TILL))
    assert caught.value.facts["balance_cents"] == limit + 100


def printed(shop, subject):
    """Return what the printer was given for a receipt, the copy last."""
    rows = shop.ask(
        lambda db: db.all(
            "SELECT job FROM print_job WHERE subject = :s AND kind = 'receipt' ORDER BY is_copy",
            s=subject,
        )
    )
    return [plain_text(from_json(row["job"])) for row in rows]


def said(paper, label):
    """Return what stands beside a label."""
    return next(
        (line.split()[-1] for line in paper.splitlines() if line.split()[:1] == [label]), None
    )


def test_money_that_moved_here_is_refunded_to_its_lot_here(shop, office, member):
    office.tell(member, {CLOUD: {"principal": 50_000}})
    office.send(member, principal=50_000)
    sale = shop.sale("i2", member=member, tender="stored_value")
    office.fetch(member)
    assert held(shop, member).held == 0
    shop.do(
        lambda tx, act: reverse_ticket(
            tx, act, ticket=sale, till=TILL, reason="退单", key=act.new_id()
        ),
        role="owner",
    )
    rows = shop.ask(
        lambda db: [
            (r["lot"], r["amount"])
            for r in db.all(
                "SELECT lot, amount FROM holding WHERE place = :h AND amount > 0"
                " AND asset = 'principal'",
                h=office.hub,
            )
        ]
    )
    assert rows == [("far-away", 3_800)]
    assert figures(shop, member)[1] == 46_200


def test_a_hub_with_others_members_and_money_can_be_verified(shop, office, member):
    shop.top_up(member, 20_000)
    office.tell(member, {OTHER: {"principal": 30_000}, CLOUD: {"points": 5}})
    office.send(member, principal=10_000)
    office.fetch(member)
    box = shop.box
    book = Book(
        name="", door=box.door, parts=box.parts, key=box.database_key, folder=box.folder
    )
    assert examine(book).problems == []


def test_the_receipt_tells_both_figures_and_its_copy_what_was_here(shop, office, member):
    shop.top_up(member, 20_000)
    office.tell(member, {OTHER: {"principal": 30_000, "points": 40}})
    sale = shop.sale("i2", member=member, tender="stored_value")
    shop.do(lambda tx, act: reprint(tx, act, sale=sale))
    original, copy = printed(shop, sale)
    assert said(original, "本店储值余额") == said(copy, "本店储值余额") == "￥162.00"
    assert said(original, "别处储值") == "300.00"
    assert said(original, "储值总额") == "￥462.00"
    assert said(original, "可用积分") == "240"
    assert said(copy, "别处储值") is None
    assert said(copy, "储值总额") is None


def test_the_receipt_of_a_shop_on_its_own_says_what_it_always_said(shop, member):
    shop.open_shift()
    shop.top_up(member, 20_000)
    sale = shop.sale("i2", member=member, tender="stored_value")
    (paper,) = printed(shop, sale)
    assert said(paper, "储值余额") == "￥162.00"
    assert said(paper, "本店储值余额") is None
    assert said(paper, "储值总额") is None
