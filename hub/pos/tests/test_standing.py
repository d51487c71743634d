"""What a till shows of a box that was shut out, has forgotten, or came back from an old disk."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from hub.fence import FENCED, TAKING_UP, put_up, take_down
from hub.pos.tests.test_money_elsewhere import member, office, tablet
from hub.pos.tests.test_paying_in_a_browser import address, till_screen

__all__ = ["address", "member", "office", "tablet", "till_screen"]


def stand(shop, state, reason="replaced"):
    shop.box.door.write(lambda tx: put_up(tx, state, reason=reason, since=shop.clock.at))


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        (FENCED, "replaced", "已由新主机接替"),
        (FENCED, "forked", "请在总部为本店取换机码"),
        (FENCED, "stolen", "总部已停用这台主机"),
        (TAKING_UP, "1 / 2", "取回自己的记录"),
    ],
)
def test_every_page_says_in_plain_words_why_the_box_may_not_write(
    shop, tablet, state, reason, said
):
    assert "alarm-bar" not in tablet.get("/link/standing").text
    stand(shop, state, reason)
    assert said in tablet.get("/members").text
    assert said in tablet.get("/link/standing").text
    shop.box.door.write(lambda tx: take_down(tx, state))
    assert said not in tablet.get("/members").text


def test_a_device_is_told_the_head_of_the_event_that_it_remembers(shop, tablet):
    told = tablet.get("/link/head").json
    assert (told["hub"], told["epoch"], told["asked"]) == (
        shop.box.journal.identity.origin,
        1,
        "",
    )
    again = tablet.get(f"/link/head?epoch=1&seq={told['seq']}").json
    assert again["asked"] == told["head"]
    assert tablet.get("/link/head?epoch=2&seq=1").json["asked"] == ""
    assert tablet.get("/link/head?epoch=x&seq=").json["asked"] == ""


@pytest.mark.browser
@pytest.mark.wide
@pytest.mark.feature("SYS-05")
def test_a_hub_that_came_back_from_an_old_disk_is_noticed_by_a_till_that_remembers(
    shop, office, tablet, member, till_screen, address
):
    till_screen.goto(address)
    alarm = till_screen.get_by_text("可能换回了旧的存储卡")
    expect(alarm).to_be_hidden()
    till_screen.wait_for_function("localStorage.getItem('journal-seen') !== null")
    seen = till_screen.evaluate("JSON.parse(localStorage.getItem('journal-seen'))")
    # It has seen more than this box has now.
    further = {**seen, "seq": seen["seq"] + 5, "head": "00" * 32}
    remember = "(seen) => localStorage.setItem('journal-seen', JSON.stringify(seen))"
    till_screen.evaluate(remember, further)
    till_screen.reload()
    expect(alarm).to_be_visible()
    # The box sells on and gets as far: it is another history all the same.
    for number in range(6):
        shop.member(phone=f"1390000000{number}")
    till_screen.reload()
    expect(alarm).to_be_visible()
    # A box that head office made its successor owes nobody the events that never arrived.
    till_screen.evaluate(remember, {**further, "epoch": 0})
    till_screen.reload()
    expect(alarm).to_be_hidden()
    till_screen.wait_for_function(
        "JSON.parse(localStorage.getItem('journal-seen')).epoch === 1"
    )
