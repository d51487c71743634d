"""A spend that is refused in front of a guest: the same screen offers what can be done instead."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from playwright.sync_api import expect
from werkzeug.serving import make_server

from core.wallet import Asset
from hub.pos.tests.test_money_elsewhere import bill_of, member, office, tablet
from hub.wallet import adjust
from tests.journeys.browser import PC, open_window, watched

__all__ = ["member", "office", "tablet"]

pytestmark = [pytest.mark.browser, pytest.mark.wide]


@pytest.fixture
def address(shop):
    served = make_server("127.0.0.1", 0, shop.app, threaded=True)
    serving = threading.Thread(target=served.serve_forever, name="till's pages", daemon=True)
    serving.start()
    yield f"http://127.0.0.1:{served.port}"
    served.shutdown()
    serving.join()
    served.server_close()


@pytest.fixture
def till_screen(browser, tablet, address):
    """The browser of a tablet that is paired and at which somebody is logged in."""
    context = open_window(browser, size=PC, touch=False)
    context.add_cookies(
        [
            {"name": kept.key, "value": kept.value, "url": address}
            for kept in tablet.http._cookies.values()
        ]
    )
    page, faults = watched(context)
    yield page
    assert [fault for fault in faults if "409" not in fault] == []
    context.close()


@pytest.mark.feature("STO-05")
def test_a_refused_spend_leaves_the_ways_that_go_and_one_tap_takes_one(
    shop, office, tablet, member, till_screen, address
):
    office.line(live=False)
    bill_of(tablet, member)
    till_screen.goto(f"{address}/pos/pay")
    expect(till_screen.get_by_text("也可以等联机后再付")).to_be_visible()
    # Somebody else took the money at this store while the form stood open.
    less = partial(adjust, member=member, asset=Asset.PRINCIPAL, amount=-3_000, reason="错充")
    shop.do(less, role="owner")
    till_screen.get_by_role("button", name="确认收款").click()
    refused = till_screen.get_by_role("alert").filter(has_text="本店可用余额不足")
    expect(refused).to_contain_text("可用 ¥20.00，总额 ¥320.00，需要 ¥50.00")
    till_screen.get_by_role("link", name="储值 ¥20.00 + 银行卡 ¥79.00").click()
    till_screen.get_by_role("button", name="确认收款").click()
    expect(till_screen.get_by_text("本店储值余额")).to_be_visible()
