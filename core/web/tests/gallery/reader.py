"""Keys with times of their own: a busy machine must not turn a scanner into a slow typist."""

from __future__ import annotations

import time

from playwright.sync_api import Page

SCANNER_GAP_S = 0.005
HAND_GAP_S = 0.12
CONTROL = 2
"""The bit for Ctrl in the browser's input protocol."""


def press_keys(page: Page, keys: str, *, gap_s: float) -> None:
    """Press a key for each character; a newline is Enter, U+0000 to U+001F are Ctrl and a key.

    The last key is pressed now and the first so much earlier, as the browser sees it.
    """
    session = page.context.new_cdp_session(page)
    started = time.time() - gap_s * (len(keys) - 1)
    for number, character in enumerate(keys):
        key = {"key": character, "text": character, "unmodifiedText": character}
        if character == "\n":
            key = {"key": "Enter", "code": "Enter", "text": "\r", "unmodifiedText": "\r"}
        elif character < " ":
            key = {"key": chr(ord(character) + 96), "modifiers": CONTROL}  # type: ignore[dict-item]
        at = {"timestamp": started + gap_s * number}
        session.send("Input.dispatchKeyEvent", {"type": "keyDown", **key, **at})
        session.send("Input.dispatchKeyEvent", {"type": "keyUp", "key": key["key"], **at})
    session.detach()


def scan(page: Page, code: str) -> None:
    """Read a code as a keyboard scanner does, Enter included."""
    press_keys(page, code + "\n", gap_s=SCANNER_GAP_S)


def type_by_hand(page: Page, keys: str) -> None:
    press_keys(page, keys, gap_s=HAND_GAP_S)
