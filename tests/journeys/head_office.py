"""Head office in a browser, and the switches of the stores' lines."""

from __future__ import annotations

import re
import time
from typing import Any

import pyotp
from playwright.sync_api import Browser, Locator, Page, expect

from tests.journeys.browser import PC, open_window, watched

ARRIVES_MS = 15_000
"""On two busy cores; with nothing else to do it is a fraction of a second."""


class Office:
    """Somebody logged in at head office, by password and authenticator."""

    def __init__(
        self,
        browser: Browser,
        chain: Any,
        *,
        size: dict[str, int] = PC,
        language: str = "zh-CN",
        beside: Office | None = None,
    ) -> None:
        """Open a window; `beside` one where somebody is logged in already, it is the same visit.

        A code of the authenticator lets in once only, so not every window can have one.
        """
        self.address = chain["head_office"]["address"]
        self.context = open_window(browser, size=size, language=language, touch=size != PC)
        self.page, self.faults = watched(self.context)
        if beside:
            self.context.add_cookies(beside.context.cookies())
        else:
            self._log_in(chain["head_office"])

    def _log_in(self, account: Any) -> None:
        page = self.page
        page.goto(self.address)
        page.fill("[name=email]", account["email"])
        page.fill("[name=password]", account["password"])
        page.fill("[name=code]", pyotp.TOTP(account["totp_secret"]).now())
        page.get_by_role("button", name=re.compile("^(登录|Log in)$")).click()
        page.wait_for_url(lambda url: "/login" not in url)

    def close(self) -> None:
        self.context.close()
        assert self.faults == []

    def open(self, path: str) -> Page:
        answer = self.page.goto(self.address + path)
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"
        return self.page

    def bill(self, number: str) -> Locator:
        """Return the row of a bill on the page of the day's sales."""
        return self.page.locator("main tbody tr", has_text=number)

    def store(self, name: str) -> Locator:
        """Return a store's row on the page of all stores."""
        return self.page.locator("#stores tbody tr", has_text=name)

    def member(self, phone: str) -> Page:
        """Open the profile of whoever has this phone."""
        self.open(f"/members?q={phone}")
        self.page.locator("#members tbody th a").first.click()
        expect(self.page.locator("#profile")).to_be_visible()
        return self.page

    def set_price(self, item: str, *, price: str, member_price: str) -> Page:
        """Change an item's prices, in yuan, by its page."""
        page = self.open(f"/catalog/items/{item}")
        page.locator("main [name=price]").fill(price)
        page.locator("main [name=member_price]").fill(member_price)
        page.locator("main form button.primary", has_text="保存").click()
        expect(page.get_by_text("已保存，正在发到各门店。")).to_be_visible()
        return page


class Lines:
    """The first page of the demo, where lines are pulled and plugged in."""

    def __init__(self, browser: Browser, chain: Any) -> None:
        self.context = open_window(browser, size=PC, touch=False)
        self.page, self.faults = watched(self.context)
        self.page.goto(chain["addresses"]["start"])

    def close(self) -> None:
        self.context.close()
        assert self.faults == []

    def of(self, code: str) -> Locator:
        return self.page.locator(f"#line-{code}")

    def pull(self, code: str) -> None:
        self.of(code).get_by_role("button", name="拔线").click()
        expect(self.of(code)).to_have_attribute("data-line", "cut")

    def fall_silent(self, code: str) -> None:
        self.of(code).get_by_role("button", name="无声").click()
        expect(self.of(code)).to_have_attribute("data-line", "silent")

    def plug_in(self, code: str) -> None:
        self.of(code).get_by_role("button", name="接线").click()
        expect(self.of(code)).to_have_attribute("data-line", "up")

    def waiting(self, code: str) -> int:
        """Return how many records the store still owes head office, as the page says."""
        return int(self.of(code).locator(".figure dd").first.inner_text())

    def wait_until_all_is_up(self, code: str) -> None:
        expect(self.of(code).locator(".chip.ok")).to_be_visible(timeout=ARRIVES_MS)
        expect(self.of(code).locator(".figure dd").first).to_have_text("0", timeout=ARRIVES_MS)


def eventually(what: Any, wanted: Any, *, within_s: float = ARRIVES_MS / 1000) -> None:
    """Wait until asking gives what is wanted; raise with the last answer if it never does."""
    ends_at = time.monotonic() + within_s
    while (answer := what()) != wanted:
        assert time.monotonic() < ends_at, f"{answer!r} is not {wanted!r}"
        time.sleep(0.1)
