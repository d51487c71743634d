"""A browser as a cashier has it: Chromium, touch, Chinese, and what a person does with it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from core.web.tests.gallery import reader

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules/axe-core/axe.min.js"
PICTURES = ROOT / "var" / "pictures"
WAIT_MS = 15_000
PICTURE_TRIES = 3
PICTURE_PAUSE_MS = 300
expect.set_options(timeout=WAIT_MS)
TABLET = {"width": 1280, "height": 800}
PORTRAIT = {"width": 810, "height": 1080}
PHONE = {"width": 390, "height": 844}
PC = {"width": 1440, "height": 900}


def find_chromium() -> str | None:
    """Return the browser that the launcher chose or the machine has."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("DIANSHU_CHROMIUM") or next(
        filter(None, map(shutil.which, names)), None
    )


def launch_options() -> dict[str, object]:
    """Return how the browser is started: quiet towards the outside."""
    quiet = [
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-sync",
        "--disable-background-networking",
        "--disable-component-update",
    ]
    if sys.platform == "linux" and os.geteuid() == 0:
        quiet.append("--no-sandbox")
    program = find_chromium()
    return {"args": quiet} | ({"executable_path": program} if program else {})


def open_window(
    browser: Browser,
    *,
    size: dict[str, int] = TABLET,
    language: str = "zh-CN",
    touch: bool = True,
) -> BrowserContext:
    """Open a window of a size and language; faults of scripts and policy are collected."""
    context = browser.new_context(
        viewport=size,
        locale=language,
        timezone_id="Asia/Shanghai",
        has_touch=touch,
    )
    context.set_default_timeout(WAIT_MS)
    return context


def watched(context: BrowserContext) -> tuple[Page, list[str]]:
    """Return a page and the list that its script errors and policy violations end up in."""
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console",
        lambda message: (
            faults.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    return page, faults


def pair_and_log_in(page: Page, *, pairing: str, number: str, pin: str) -> None:
    """Let this browser in as a manager's code allows, and log somebody in by PIN."""
    page.goto(pairing)
    page.get_by_role("button", name="配对").or_(page.get_by_role("button", name="Pair")).click()
    page.wait_for_url("**/login**")
    log_in(page, number=number, pin=pin)


def log_in(page: Page, *, number: str, pin: str) -> None:
    """Choose a name and type the PIN on the keyboard."""
    page.locator(f".staff[href*='number={number}']").click()
    page.wait_for_url(f"**number={number}**")
    page.keyboard.type(pin, delay=60)
    page.wait_for_url(lambda address: "/login" not in address)


def swipe(page: Page, code: str) -> None:
    """Type as a reader or scanner does: keys a few milliseconds apart, then Enter."""
    reader.scan(page, code)


def picture(page: Page, name: str) -> None:
    """Keep a picture for people to look at.

    A busy Chromium now and then has no frame to give; a picture is no reason to fail.
    """
    PICTURES.mkdir(parents=True, exist_ok=True)
    for _ in range(PICTURE_TRIES - 1):
        with contextlib.suppress(Error):
            page.screenshot(path=PICTURES / f"{name}.png")
            return
        page.wait_for_timeout(PICTURE_PAUSE_MS)
    page.screenshot(path=PICTURES / f"{name}.png")


def faults_of_access(page: Page) -> list[str]:
    """Return what axe finds against WCAG 2.0 to 2.2 A and AA."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "axe.run(document, {runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a',"
        " 'wcag21aa', 'wcag22aa']}}).then(r => r.violations.map(v =>"
        " [v.id, v.nodes.map(n => n.html.slice(0, 160))]))"
    )
    return [json.dumps(fault, ensure_ascii=False) for fault in found]


def small_targets(page: Page, *, least: int = 44) -> list[str]:
    """Return what can be tapped and is smaller than a finger (px)."""
    return list(
        page.evaluate(
            """least => [...document.querySelectorAll('button, a[href], select, input')]
              .filter(e => e.checkVisibility() && e.type !== 'hidden' && !e.closest('p, td, .who')
                && !['checkbox', 'radio'].includes(e.type))
              .map(e => [e, e.getBoundingClientRect()])
              .filter(([, box]) => box.width > 1 && (box.width < least || box.height < least))
              .map(([e, box]) => `${e.outerHTML.slice(0, 90)} ${box.width}x${box.height}`)""",
            least,
        )
    )
