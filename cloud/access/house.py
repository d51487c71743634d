"""The merchant whose people are calling: pages reach no other, by construction.

Where a hub has one box, head office has a house for each request: its door, parts and journal
are those of the merchant that the session belongs to.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from flask import Response, current_app, g

from cloud.platform import Merchant, Platform
from core.errors import Refused
from core.journal import Act, Journal, Parts
from core.sqlite import Door, Reader
from core.web import STREAMS_MAX, Bulletin, House, News


def platform() -> Platform:
    """Return the platform that serves the current request."""
    served: Platform = current_app.extensions["platform"]
    return served


def here() -> Merchant:
    """Return the caller's own merchant. Refused: not_logged_in."""
    merchant: Merchant | None = g.get("merchant")
    if merchant is None:
        raise Refused("not_logged_in")
    return merchant


class CallersMerchant:
    """Stands where a hub has its box, and is another merchant for each request."""

    @property
    def door(self) -> Door:
        return here().door

    @property
    def parts(self) -> Parts:
        return here().parts

    @property
    def journal(self) -> Journal:
        return here().journal

    def act(self, db: Reader, *, actor: str | None = None, device: str | None = None) -> Act:
        return here().act(db, actor=actor, device=device)

    def written(self) -> None:
        here().written()


class Bulletins:
    """A board of news for each merchant: what one does is never told to another.

    All boards share the places that the server's threads allow.
    """

    def __init__(self) -> None:
        self._streams = threading.BoundedSemaphore(STREAMS_MAX)
        self._boards: dict[str, Bulletin] = {}
        self._making = threading.Lock()

    def of(self, merchant: str) -> Bulletin:
        with self._making:
            return self._boards.setdefault(merchant, Bulletin(self._streams))

    def watched(self) -> list[str]:
        """Return the merchants whose pages were open once."""
        with self._making:
            return list(self._boards)

    def announce(self) -> None:
        self.of(here().id).announce()

    def wait(self, seen: int, timeout_s: float) -> int:
        return self.of(here().id).wait(seen, timeout_s)

    def stream(self, news: Callable[[], list[News] | None]) -> Response:
        return self.of(here().id).stream(news)


_HOUSE: House = CallersMerchant()
"""Checked here once: it is all that the page shell asks of a program."""
