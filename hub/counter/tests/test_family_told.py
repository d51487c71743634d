"""A relative's limit counts what other stores' bills took, as far as head office told of them."""

from __future__ import annotations

import pytest

from core.feed import FeedDocument, take
from core.journal import place_of
from hub.tickets import family_spent

OTHER = "0123456789abcdef"


@pytest.mark.parametrize("order", ["told_first", "told_last"])
def test_own_bills_count_to_the_fen_and_others_as_they_were_told(shop, order):
    member = shop.member()
    here = shop.box.journal.identity
    month = shop.do(lambda _tx, act: act.date[:7])
    told = {OTHER: 2_000, place_of(here.origin, here.epoch): 700}
    document = FeedDocument(
        topic="family",
        key=member,
        pos=9,
        content={"months": {month: told, "2020-01": {OTHER: 5}}},
    )

    def hear():
        shop.do(lambda tx, act: take(tx, act.journal.parts, document))

    def sell():
        # What stands here is newer than what head office had heard of this store.
        shop.do(
            lambda tx, _act: tx.run(
                "INSERT INTO family_spent (member, month, place, amount)"
                " VALUES (:member, :month, :place, 900)",
                member=member,
                month=month,
                place=place_of(here.origin, here.epoch),
            )
        )

    steps = (hear, sell) if order == "told_first" else (sell, hear)
    for step in steps:
        step()
    assert shop.ask(lambda db: family_spent(db, member, month=month)) == 2_900
    assert shop.ask(lambda db: family_spent(db, member, month="2020-01")) == 5
