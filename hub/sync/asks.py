"""Wishes for a member's value to be brought here, on their way to head office and back."""

from __future__ import annotations

from collections.abc import Mapping

from core.clock import MINUTE_MS
from core.sqlite import Reader, Writer
from core.wallet import MINT, mint_left
from core.wire import GRANTED, NOTHING, RECALLING, Ask
from hub.checkout import due_wishes, note_wish
from hub.sync.downlink import is_here
from hub.wallet import note_answer, unsent_wishes

ASK_EVERY_MS = 5_000
"""An ask without an answer is said again; the same id is the same request."""
MINT_LOW_CENTS = 1_000_000
"""Of a right with less than that left, a box asks for more by itself."""
ASK_LIFE_MS = 60_000
"""After so long the member has probably left; a bill of theirs that is open says otherwise."""


def due_asks(db: Reader, *, place: str, now: int, said: Mapping[str, int]) -> list[Ask]:
    """Return the wishes to say now; `said` is when (ms) each was last said."""
    wishes = [
        Ask(id=wish["id"], member=wish["member"], why=wish["why"])
        for wish in unsent_wishes(db, now=now)
        if now - wish["asked_at"] < ASK_LIFE_MS or is_here(db, wish["member"], now=now)
    ]
    wishes += [*due_wishes(db, now=now), *_right_wanted(db, place, now=now)]
    return [ask for ask in wishes if now - said.get(ask.id, -ASK_EVERY_MS) >= ASK_EVERY_MS]


def _right_wanted(db: Reader, place: str, *, now: int) -> list[Ask]:
    """Return the wish for a right to mint, where none has come yet or little is left.

    Head office fills it by itself once it knows that this box takes rights; that it does is
    what the first wish says. The same minute is the same wish.
    """
    left = mint_left(db, place)
    if left is not None and left >= MINT_LOW_CENTS:
        return []
    return [Ask(id=f"{MINT}.{place}.{now // MINUTE_MS}", member=MINT, why=MINT)]


def note(tx: Writer, *, ask: str, state: str, reason: str = "") -> None:
    """Keep what became of an ask, where that is an answer."""
    if state in {GRANTED, RECALLING, NOTHING}:
        note_answer(tx, request=ask, state=state, reason=reason)
        note_wish(tx, request=ask, state=state)
