"""What people and programs are told of the link."""

from __future__ import annotations

import time

import pytest
from msgspec.structs import replace

from hub.sync.outbox import remember
from hub.sync.state import STALE_S, Told, tell
from hub.tests.shop import words


def last_seq(shop):
    return shop.ask(lambda db: shop.box.journal.head(db).seq)


def told(shop, **fields):
    said = Told(
        line="live",
        since=shop.clock.at,
        heard_at=shop.clock.at,
        acked=last_seq(shop),
        written_s=time.monotonic(),
    )
    tell(shop.box.bells, replace(said, **fields))


def link(shop, role="owner"):
    return shop.browser(role).get("/api/v1/sync")


def page(shop, lang="zh-CN"):
    text = shop.browser("manager", lang=lang).get("/members").text
    return text[text.index('<header class="top">') : text.index("<main")]


def test_a_shop_on_its_own_is_told_to_be_so_and_sees_no_chip(shop):
    assert link(shop).json["joined"] is False
    assert "总部" not in page(shop)


def test_a_joined_hub_that_nobody_sends_for_says_that_head_office_is_away(joined_shop):
    me = joined_shop.box.journal.identity
    last = last_seq(joined_shop)
    joined_shop.box.door.write(lambda tx: remember(tx, me, acked=last, safe=0))
    answer = link(joined_shop).json
    assert (answer["joined"], answer["online"], answer["pending"]) == (True, False, 0)
    assert "总部未连接" in page(joined_shop)


def test_a_link_that_is_well_takes_no_room_on_the_page(joined_shop):
    told(joined_shop)
    answer = link(joined_shop).json
    assert (answer["online"], answer["pending"], answer["lag_ms"]) == (True, 0, 0)
    assert "总部" not in page(joined_shop)
    assert "待上传" not in page(joined_shop)


def test_what_waits_is_counted_once_it_has_waited(joined_shop):
    told(joined_shop)
    joined_shop.member()
    joined_shop.clock.advance(1_000)
    assert "待上传" not in page(joined_shop)
    joined_shop.clock.advance(9_000)
    answer = link(joined_shop).json
    assert (answer["pending"], answer["online"]) == (1, True)
    assert answer["lag_ms"] >= 10_000
    assert "1 笔待上传" in page(joined_shop)


@pytest.mark.parametrize("fields", [{"line": "down"}, {"line": "greeting"}, {"line": "fenced"}])
def test_only_a_live_line_counts(joined_shop, fields):
    told(joined_shop, **fields)
    answer = link(joined_shop).json
    assert answer["online"] is False
    assert answer["fenced"] is (fields["line"] == "fenced")


def test_words_from_before_a_power_cut_count_for_nothing(joined_shop):
    told(joined_shop, written_s=time.monotonic() - STALE_S)
    assert link(joined_shop).json["online"] is False
    told(joined_shop, written_s=time.monotonic() + 1_000)  # The machine has restarted since.
    assert link(joined_shop).json["online"] is False
    (joined_shop.box.bells / "sync.json").write_bytes(b"\0" * 40)
    assert link(joined_shop).json["online"] is False


@pytest.mark.parametrize(("role", "status"), [("owner", 200), ("cashier", 403)])
def test_who_may_ask(joined_shop, role, status):
    assert link(joined_shop, role).status_code == status


def test_the_page_stands_while_the_link_is_told(joined_shop):
    told(joined_shop, line="down", trouble="fenced: closed")
    assert words(joined_shop.browser("manager").get("/members"))
