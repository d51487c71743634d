"""Wishes for a member's value to be brought here, on their way to head office and back."""

from __future__ import annotations

from collections.abc import Mapping

from core.sqlite import Reader, Writer
from core.wire import GRANTED, NOTHING, RECALLING, Ask
from hub.sync.downlink import is_here
from hub.wallet import note_answer, unsent_wishes

ASK_EVERY_MS = 5_000
"""An ask without an answer is said again; the same id is the same request."""
ASK_LIFE_MS = 60_000
"""After so long the member has probably left; a bill of theirs that is open says otherwise."""


def due_asks(db: Reader, *, now: int, said: Mapping[str, int]) -> list[Ask]:
    """Return the wishes to say now; `said` is when (ms) each was last said."""
    return [
        Ask(id=wish["id"], member=wish["member"], why=wish["why"])
        for wish in unsent_wishes(db, now=now)
        if now - said.get(wish["id"], -ASK_EVERY_MS) >= ASK_EVERY_MS
        and (now - wish["asked_at"] < ASK_LIFE_MS or is_here(db, wish["member"], now=now))
    ]


def note(tx: Writer, *, ask: str, state: str) -> None:
    """Keep what became of an ask, where that is an answer."""
    if state in {GRANTED, RECALLING, NOTHING}:
        note_answer(tx, request=ask, state=state)
