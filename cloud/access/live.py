"""Open pages hear that something of their own merchant changed, and fetch that part anew.

A capability gives a mark for its topic: any value that differs once its pages would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Flask, Response, current_app

from cloud.access.callers import watch
from cloud.access.house import Bulletins, here, platform
from cloud.platform import Merchant, Platform
from core.web import News, bulletin

Mark = Callable[[Platform, Merchant], object]


def follow(app: Flask, marks: Mapping[str, Mark]) -> None:
    """Let pages refresh their parts by these topics."""
    app.extensions["marks"] = dict(marks)


def stream() -> Response:
    """Tell this page which topics changed, as long as its session lasts."""
    served, merchant, may_listen = platform(), here(), watch()
    marks: dict[str, Mark] = current_app.extensions["marks"]
    seen: dict[str, object] = {}

    def news() -> list[News] | None:
        if not may_listen():
            return None
        now = {topic: mark(served, merchant) for topic, mark in marks.items()}
        moved = [topic for topic in now if now[topic] != seen.get(topic)]
        seen.update(now)
        return [News("refresh", topic) for topic in moved]

    return bulletin().stream(news)


class Lookout:
    """Wakes the boards of those merchants of whom something changed."""

    def __init__(self, app: Flask) -> None:
        self._boards: Bulletins = app.extensions["bulletin"]
        self._platform: Platform = app.extensions["platform"]
        self._marks: dict[str, Mark] = app.extensions["marks"]
        self._seen: dict[str, list[object]] = {}

    def look(self) -> None:
        """Announce to whom it concerns, and to nobody else."""
        for merchant_id in self._boards.watched():
            merchant = self._platform.merchant(merchant_id)
            now = [mark(self._platform, merchant) for mark in self._marks.values()]
            if self._seen.get(merchant_id) != now:
                self._seen[merchant_id] = now
                self._boards.of(merchant_id).announce()
