"""News for open pages: one server-sent stream per device, capped below the threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

from flask import Response, stream_with_context

HEARTBEAT_S = 15
STREAMS_MAX = 64
RETRY_AFTER_S = 5


class News(NamedTuple):
    """One event of a stream.

    A stream that is opened again asks for what came after the last `place` that it saw.
    """

    name: str
    text: str = ""
    place: str = ""


class Bulletin:
    """A number that moves when something may have changed, and a way to wait for it."""

    def __init__(self, streams: threading.BoundedSemaphore | None = None) -> None:
        """`streams` are the places that several boards of one process share."""
        self._moved = threading.Condition()
        self._number = 0
        self._streams = streams or threading.BoundedSemaphore(STREAMS_MAX)

    def announce(self) -> None:
        with self._moved:
            self._number += 1
            self._moved.notify_all()

    def wait(self, seen: int, timeout_s: float) -> int:
        """Return the number, once it is not `seen` or the time is up."""
        with self._moved:
            self._moved.wait_for(lambda: self._number != seen, timeout_s)
            return self._number

    def stream(self, news: Callable[[], list[News] | None]) -> Response:
        """Stream what `news` returns, each time that something moved.

        None ends the stream: who listens was shut out meanwhile.
        Over the cap the page is told to poll instead (503).
        """
        if not self._streams.acquire(blocking=False):
            refused = Response(status=503)
            refused.headers["Retry-After"] = str(RETRY_AFTER_S)
            return refused

        def events() -> Iterator[str]:
            try:
                seen = self._number
                yield _event(News("hello"))
                while (told := news()) is not None:
                    yield from map(_event, told)
                    moved = self.wait(seen, HEARTBEAT_S)
                    if moved == seen:
                        yield _event(News("hb"))
                    seen = moved
            finally:
                self._streams.release()

        response = Response(stream_with_context(events()), mimetype="text/event-stream")
        response.headers["X-Accel-Buffering"] = "no"
        return response


def _event(news: News) -> str:
    lines = "".join(f"data: {line}\n" for line in news.text.split("\n"))
    place = f"id: {news.place}\n" if news.place else ""
    return f"{place}event: {news.name}\n{lines}\n"
