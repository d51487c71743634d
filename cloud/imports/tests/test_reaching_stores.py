"""What head office takes in is in the stores, with numbers that no store gives, and only once."""

from __future__ import annotations

from functools import partial

import pytest

from cloud.feed import batch
from cloud.imports.tests.test_lists import MEMBERS_CSV, taken_in
from cloud.ingest.deriving import derive
from core.errors import Refused
from core.feed import follow, take_batch
from core.imports import MEMBERS, TypedRow, find_mapping, read_rows, read_table
from core.imports.tests.messy import TODAY
from hub.imports import post_batch, post_member
from hub.members import Application, Profile, by_phone, cards_of, register
from hub.tests.shop import furnished, shop
from hub.wallet import balance

__all__ = ["furnished", "shop"]
STEP = 100


def bring_down(desk, shop):
    """Carry head office's feed into a store's box, as its line would."""
    at = desk.clock.read().at
    while desk.merchant.door.write(
        lambda tx: derive(tx, at=at, sign=desk.merchant.signing.sign)
    ):
        pass
    shop.box.door.write(follow)
    after, more = 0, True
    while more:
        part = desk.ask(lambda db, after=after: batch(db, after, STEP))
        taken = shop.box.door.write(
            lambda tx, part=part: take_batch(
                tx, shop.box.parts, after=part.after, pos=part.pos, documents=part.documents
            )
        )
        assert taken
        after, more = part.pos, part.more


@pytest.mark.feature("STO-04", "MEM-02", "MEM-18")
def test_members_of_a_list_are_known_in_a_store_with_their_cards_and_what_they_have(desk, shop):
    taken_in(desk.browser(), MEMBERS_CSV)
    bring_down(desk, shop)
    member = shop.ask(lambda db: by_phone(db, "13812342046"))
    assert (member["name"], member["number"], member["category"]) == ("李慧敏", "M88", "金卡")
    assert [card["number"] for card in shop.ask(lambda db: cards_of(db, member["id"]))] == [
        "8800001"
    ]
    have = shop.do(lambda tx, act: balance(tx, act, member["id"]))
    assert (have.here, have.total) == (0, 110_000)


@pytest.mark.feature("MEM-02")
def test_head_offices_numbers_and_a_stores_own_never_meet(desk, shop):
    taken_in(desk.browser(), MEMBERS_CSV)
    bring_down(desk, shop)
    numbers = {
        shop.ask(lambda db: by_phone(db, "13900000002"))["number"],
        shop.ask(
            lambda db: db.value(
                "SELECT number FROM member WHERE id = :id",
                id=shop.member("新客", "13711110000"),
            )
        ),
    }
    assert numbers == {"M-000001", "MA000001"}
    by_hand = Application(profile=Profile(name="手写"), number="M-000002")
    with pytest.raises(Refused) as refused:
        shop.do(lambda tx, act: register(tx, act, by_hand))
    assert refused.value.code == "number_reserved"


@pytest.mark.feature("MEM-18")
def test_a_list_that_head_office_took_in_adds_nothing_in_a_store(desk, shop, tmp_path):
    taken_in(desk.browser(), MEMBERS_CSV)
    bring_down(desk, shop)
    path = tmp_path / "list.csv"
    path.write_text(MEMBERS_CSV, "utf-8")
    with read_table(path) as table:
        mapping = find_mapping(table, MEMBERS)
        rows = [
            row
            for row in read_rows(table, MEMBERS, mapping, today=TODAY)
            if isinstance(row, TypedRow)
        ]
    # A box that was joined has the merchant's key.
    tally = post_batch(shop.box, rows, partial(post_member, key=desk.merchant.card_key))
    assert (tally.added, tally.known, tally.refused) == (0, 2, [])
