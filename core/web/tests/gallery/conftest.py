from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from core.web.tests.gallery.app import ROOT, served
from core.web.tests.gallery.shop import Shop

SIZES = {"till": (1280, 800), "upright": (810, 1080), "phone": (390, 844)}
AXE = ROOT / "node_modules/axe-core/axe.min.js"
PLAIN_HTTP_NAME = "hub.store"
WATCH = """
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (event) => {
    window.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
  });
"""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    flags = ["--disable-gpu", f"--host-resolver-rules=MAP {PLAIN_HTTP_NAME} 127.0.0.1"]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")
    program = os.environ.get("DIANSHU_CHROMIUM") or shutil.which("chromium")
    chosen = {"executable_path": program} if program else {}
    return {**browser_type_launch_args, **chosen, "args": flags}


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def address(shop: Shop) -> Iterator[str]:
    with served(shop) as url:
        yield url


@dataclass(slots=True)
class Visitor:
    """Opens pages of the gallery on a device of a kind, and keeps what went wrong in them."""

    browser: Browser
    address: str
    errors: list[str] = field(default_factory=list)

    def visit(
        self, path: str = "/", *, size: str = "till", theme: str = "light", **context: Any
    ) -> Page:
        width, height = SIZES[size]
        device = self.browser.new_context(
            viewport={"width": width, "height": height},
            has_touch=True,
            is_mobile=size != "till",
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            base_url=self.address,
            **context,
        )
        device.add_cookies([{"name": "theme", "value": theme, "url": self.address}])
        device.add_init_script(WATCH)
        page = device.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(path)
        return page


@pytest.fixture
def visitor(browser: Browser, address: str) -> Iterator[Visitor]:
    opened = Visitor(browser, address)
    yield opened
    for device in browser.contexts:
        device.close()
    assert opened.errors == []


@pytest.fixture
def visit(visitor: Visitor) -> Callable[..., Page]:
    return visitor.visit
