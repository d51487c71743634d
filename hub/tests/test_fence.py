"""What a box may still write when head office has closed it, and while it has forgotten."""

from __future__ import annotations

import msgspec
import pytest

from core.errors import Refused
from core.journal import Birth
from hub.app import open_hub
from hub.box import REPLACING_FILE, Born, count_boots
from hub.fence import FENCED, TAKING_UP, fence, put_up, take_down
from hub.tests.shop import furnished, shop

__all__ = ["furnished", "shop"]


def stand(shop, state, reason="replaced"):
    shop.box.door.write(lambda tx: put_up(tx, state, reason=reason, since=shop.clock.at))


def test_a_fenced_box_sells_for_cash_and_touches_no_stored_value(shop):
    shop.open_shift()
    member = shop.member()
    shop.top_up(member)
    stand(shop, FENCED)
    for verb in (
        lambda: shop.sale("i1", member=member, tender="stored_value"),
        lambda: shop.top_up(member),
    ):
        with pytest.raises(Refused, match="box_fenced"):
            verb()
    # A member who pays in cash is served, and their points are a fact like the bill.
    before = shop.ask(shop.box.journal.head).seq
    shop.sale("i1", member=member, tender="cash")
    assert shop.ask(shop.box.journal.head).seq > before
    shop.close()
    again = open_hub(shop.box.folder, clock=shop.clock)
    try:
        with again.door.read() as db:
            assert fence(db).state == FENCED
            assert fence(db).replaced
    finally:
        again.close()


def test_a_box_that_has_forgotten_writes_nothing_and_still_shows_its_pages(shop):
    shop.open_shift()
    stand(shop, TAKING_UP, "3")
    with pytest.raises(Refused, match="taking_up"):
        shop.sale("i1", tender="cash")
    answer = shop.browser().post(
        "/api/v1/tickets", json={}, headers={"Idempotency-Key": "k-0123456789"}
    )
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "taking_up")
    assert shop.browser().get("/members").status_code == 200
    shop.box.door.write(lambda tx: take_down(tx, FENCED))
    assert shop.ask(fence) is not None
    shop.box.door.write(lambda tx: take_down(tx, TAKING_UP))
    shop.sale("i1", tender="cash")


def test_being_fenced_outweighs_having_forgotten(shop):
    stand(shop, TAKING_UP)
    stand(shop, FENCED, "forked")
    assert not shop.ask(fence).replaced
    stand(shop, TAKING_UP)
    assert shop.ask(fence).state == FENCED
    stand(shop, FENCED, "replaced")
    assert shop.ask(fence).replaced


def test_a_journal_begins_as_the_box_that_it_is_born_as_and_nobody_opens_it_before(tmp_path):
    (tmp_path / REPLACING_FILE).touch()
    with pytest.raises(RuntimeError, match="is being replaced"):
        open_hub(tmp_path)
    box = open_hub(tmp_path, born=Born(hub="0123456789abcdef", epoch=3))
    birth = msgspec.json.decode(box.journal.identity.birth, type=Birth)
    assert (birth.hub, birth.epoch, birth.key) == (
        "0123456789abcdef",
        3,
        box.secrets.log_key.public,
    )
    assert box.journal.identity.place == "0123456789abcdef.3"
    box.door.write(lambda tx: count_boots(tx, 17))
    box.door.write(lambda tx: count_boots(tx, 5))
    box.close()
    (tmp_path / REPLACING_FILE).unlink()
    again = open_hub(tmp_path, born=Born(hub="another", epoch=9))
    assert again.journal.identity.origin == "0123456789abcdef"
    assert again.journal.identity.boot == 18
    again.close()
