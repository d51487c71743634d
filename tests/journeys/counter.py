"""What people at the counter do, and what lies on the printer's roll."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, expect

from hub.simulator.paper import papers_in
from tests.journeys.browser import TABLET, open_window, pair_and_log_in, watched

PAPER_S = 20.0


class Till:
    """A browser that is paired with one till, with somebody at it."""

    def __init__(
        self,
        browser: Browser,
        demo: Any,
        *,
        till: str = "前台1",
        role: str = "cashier",
        size: dict[str, int] = TABLET,
        language: str = "zh-CN",
        touch: bool = True,
    ) -> None:
        self.demo = demo
        self.name = till
        self.context = open_window(browser, size=size, language=language, touch=touch)
        self.page, self.faults = watched(self.context)
        who = demo["logins"][role]
        pair_and_log_in(
            self.page, pairing=demo["pairing"][till], number=who["number"], pin=who["pin"]
        )

    def close(self) -> None:
        self.context.close()
        assert self.faults == []

    def open(self, path: str) -> None:
        answer = self.page.goto(self.demo["addresses"]["till"].rstrip("/") + path)
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"

    def open_shift(self, yuan: str = "500") -> None:
        """Open a shift with a float, unless somebody has."""
        self.open("/shift")
        if self.page.locator("#open-shift").count():
            self.page.locator("body").click(position={"x": 2, "y": 2})
            for digit in yuan:
                self.page.keyboard.press(digit)
            self.page.locator("#open-shift [data-pad-confirm]").click()
            expect(self.page.locator("a[href='/shift/close']")).to_be_visible()
        self.open("/")

    def tap(self, name: str) -> None:
        """Tap an item and wait until the bill has it."""
        self.page.locator("#tiles button", has_text=name).first.click()
        expect(self.page.locator("#ticket .line", has_text=name)).to_be_visible()

    def due(self) -> int:
        """Return what the bill costs, in fen."""
        shown = self.page.locator("#due").inner_text()
        return fen(shown)

    def pay(self, *, stored: str | None = None, received: str | None = None) -> Page:
        """Take payment: an amount from the balance in yuan, cash as typed on the keypad."""
        page = self.page
        page.locator("[data-key=F8]").click()
        expect(page.locator("#pay-form")).to_be_visible()
        if stored is not None:
            field = page.locator("#f-tender_stored_value")
            field.fill(stored)
            with page.expect_response(re.compile(r"/pos/pay\?")):
                field.press("Tab")
        if received is not None:
            page.locator("#pay money-keypad [data-pad=clear]").click()
            for key in received:
                page.locator(f"#pay money-keypad [data-pad='{key}']").click()
        page.locator("#pay [data-pad-confirm]").click()
        expect(page.locator("[data-paid]")).to_be_visible()
        return page


def fen(text: str) -> int:
    """Read an amount that a page shows."""
    bare = re.sub(r"[^0-9.−-]", "", text).replace("−", "-")
    yuan, _, rest = bare.partition(".")
    return int(yuan) * 100 + int((rest or "0").ljust(2, "0"))


def scan(demo: Any, value: str, till: str = "前台1") -> None:
    """Let the till's reader read something, as a click on the cards page does."""
    body = json.dumps({"till": till, "value": value}).encode()
    asked = urllib.request.Request(
        f"{demo['addresses']['api']}/scans",
        data=body,
        headers={
            "Authorization": f"Bearer {demo['tokens']['device']}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.status == 201


def ask(demo: Any, path: str, role: str = "owner") -> Any:
    """Ask the API."""
    asked = urllib.request.Request(
        f"{demo['addresses']['api']}{path}",
        headers={"Authorization": f"Bearer {demo['tokens'][role]}"},
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return json.loads(answer.read())


def paper_with(demo: Any, words: str) -> list[str]:
    """Return the receipts on the roll that say something, once there is one."""
    folder = Path(demo["devices"]["printer"]["paper_folder"])
    deadline = time.monotonic() + PAPER_S
    while time.monotonic() < deadline:
        found = [paper.text for paper in papers_in(folder) if words in paper.text]
        if found:
            return found
        time.sleep(0.2)
    return []


def switch_printer(demo: Any, state: str) -> None:
    """Make the virtual printer online, out of paper, off…"""
    printer = demo["devices"]["printer"]
    with urllib.request.urlopen(printer["state"], timeout=10) as told:
        token = json.loads(told.read())["csrf_token"]
    body = urlencode({"state": state, "csrf_token": token}).encode()
    urllib.request.urlopen(printer["switch"], data=body, timeout=10).close()
