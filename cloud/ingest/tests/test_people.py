"""Lost cards and families of one store reach the others, lost cards ahead of everything else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloud.feed import batch
from cloud.ingest import differences
from core.errors import Refused
from core.members import (
    CardIssued,
    active_card,
    holder_of,
    join_family,
    replace_card,
    report_found,
    report_lost,
)
from core.tickets import TicketOpened, TicketSettled, family_spent
from core.wallet import Payment, holdings, plan_spend, spend

CARD = "8100000001"


@pytest.fixture
def member(desk, first, second):
    known = first.member()
    first.top_up(known, 10_000)
    first.append(CardIssued(member=known, card=CARD, generation=1))
    desk.sync(first, second)
    return known


def refused(store, card=CARD):
    with store.door.read() as db:
        try:
            active_card(db, card)
        except Refused as no:
            return no.code
    return ""


def box(verb, **more):
    """A verb as a box does it by itself, asking nobody's right."""
    return lambda tx, act: verb(tx, replace(act, actor=None), **more)


def test_a_card_lost_in_one_store_is_refused_in_the_other_and_good_when_found(
    platform, merchant, desk, first, second, member
):
    first.do(box(report_lost, card=CARD))
    desk.sync(first, second)
    assert refused(second) == "card_blocked"
    second.clock.advance(60_000)
    second.do(box(report_found, card=CARD))
    desk.sync(first, second)
    assert (refused(first), refused(second)) == ("", "")
    assert differences(platform, merchant) == []


def test_a_card_lost_at_head_office_is_refused_in_every_store(
    platform, merchant, desk, first, second, member
):
    merchant.door.write(lambda tx: report_lost(tx, merchant.act(tx, actor="a1"), card=CARD))
    desk.carry(merchant.id)
    desk.work()
    desk.sync(first, second)
    assert (refused(first), refused(second)) == ("card_blocked", "card_blocked")
    assert differences(platform, merchant) == []


def test_a_replacement_of_one_store_kills_the_lost_card_in_the_other(
    desk, first, second, member
):
    first.do(box(report_lost, card=CARD))
    first.do(box(replace_card, lost=CARD, card="8100000002"))
    desk.sync(first, second)
    assert refused(second) == "card_replaced"
    assert refused(second, "8100000002") == ""


def test_a_lost_card_comes_down_ahead_of_a_long_list(merchant, desk, first, second, member):
    for number in range(120):
        first.member(f"会员{number}", f"139{number:08}")
    desk.sync(first)
    first.do(box(report_lost, card=CARD))
    desk.sync(first)
    with merchant.door.read() as db:
        stretch = batch(db, 0, 20)
    assert stretch.more
    assert stretch.documents[0].topic == "card"
    assert second.take_documents(stretch.after, stretch.pos, stretch.documents)
    assert refused(second) == "card_blocked"
    second.fetch(merchant)
    assert refused(second) == "card_blocked"


def test_what_a_relative_spent_in_one_store_is_told_to_the_others(
    platform, merchant, desk, first, second, member
):
    daughter = second.member("李小敏")
    desk.sync(first, second)
    second.do(box(join_family, member=daughter, holder=member, limit=5_000))
    desk.sync(first, second)
    with first.door.read() as db:
        assert holder_of(db, daughter) == member

    def sell(tx, act):
        legs = plan_spend(
            holdings(tx, member, first.id), 3_000, store=first.store, date=act.date
        )
        written = tuple((leg.asset.value, leg.lot, leg.amount) for leg in legs)
        ticket = act.new_id()
        act.append(tx, TicketOpened(ticket=ticket, number="1", member=daughter, payer=member))
        sale = TicketSettled(
            ticket=ticket, number="1", version=2, member=daughter, payer=member,
            period="p", lines=(), list_total=3_000, total=3_000,
            payments=(Payment(tender="stored_value", amount=3_000, legs=written),),
        )  # fmt: skip
        act.append(tx, sale, postings=spend(member, first.id, legs))

    first.do(sell)
    desk.sync(first, second)
    month = first.act().date[:7]
    with merchant.door.read() as db:
        assert family_spent(db, daughter, month=month) == 3_000
        (told,) = [one for one in batch(db, 0, 500).documents if one.topic == "family"]
    assert told.key == daughter
    assert told.content == {"months": {month: {first.id: 3_000}}}
    assert differences(platform, merchant) == []
