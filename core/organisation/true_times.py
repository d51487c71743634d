"""When something really happened that a box wrote down without knowing the time.

A box whose clock stands before what it knows has passed writes all at that instant, marked
unsure, with how long the machine had been running. Once the clock is right it writes what the
time then is (`clock.anchored`), from which the times before follow. The journal keeps what was
written; pages show what was meant. Nothing moves to another business day: that is the day of
the shift whose report is printed and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from core.clock import DAY_MS
from core.journal import Append, Body, Change, Entry, decode
from core.sqlite import Migration, Reader, Row

LAST_MS = 4_102_444_800_000
"""The year 2100: whatever a box says, no page shows a time behind it."""
RUNS_AT_MOST_MS = 1_000 * DAY_MS


class ClockAnchored(Body, frozen=True, kw_only=True, tag="clock.anchored"):
    """It was `at` (ms UTC) when the machine had run for `up` ms.

    It holds for what the programs' starts from `first` to `last` wrote: one run of the machine.
    """

    first: int
    last: int
    up: int
    at: int


MIGRATIONS = (
    Migration(
        "organisation/1",
        (
            """CREATE TABLE clock_anchor (
                 origin TEXT NOT NULL,
                 epoch INTEGER NOT NULL,
                 seq INTEGER NOT NULL,
                 first INTEGER NOT NULL,
                 last INTEGER NOT NULL,
                 up INTEGER NOT NULL,
                 at INTEGER NOT NULL,
                 PRIMARY KEY (origin, epoch, seq)
               ) STRICT, WITHOUT ROWID""",
        ),
    ),
)
TABLES = {"clock_anchor": ("origin", "epoch", "seq")}


def note_anchor(entry: Entry) -> Iterable[Change]:
    """Keep what the time was, if it can be a time at all."""
    event, body = entry.event, entry.body
    if not (0 < body.at < LAST_MS and 0 <= body.up < RUNS_AT_MOST_MS):
        return
    yield Append(
        "clock_anchor",
        {
            "origin": event.origin,
            "epoch": event.epoch,
            "seq": event.seq,
            "first": body.first,
            "last": body.last,
            "up": body.up,
            "at": body.at,
        },
    )


def true_times(db: Reader, rows: Sequence[Row]) -> list[Row]:
    """Return rows of history (origin, epoch, seq, at) with the times at which it happened.

    Their order stays: it is that of the numbers.
    """
    anchors = db.all("SELECT * FROM clock_anchor ORDER BY origin, epoch, up")
    if not anchors:
        return list(rows)
    return [_told_right(db, row, anchors) for row in rows]


def true_time(db: Reader, row: Row) -> Row:
    """Return one such row."""
    return true_times(db, [row])[0]


def _told_right(db: Reader, row: Row, anchors: Sequence[Row]) -> Row:
    mine = [a for a in anchors if (a["origin"], a["epoch"]) == (row["origin"], row["epoch"])]
    raw = mine and db.value(
        "SELECT raw FROM journal WHERE origin = :origin AND epoch = :epoch AND seq = :seq",
        origin=row["origin"],
        epoch=row["epoch"],
        seq=row["seq"],
    )
    if not raw:
        return row
    try:
        event = decode(raw)
    except msgspec.MsgspecError:
        return row
    of_its_run = [a for a in mine if a["first"] <= event.boot <= a["last"]]
    if not (event.unsure and event.up and of_its_run):
        return row
    # The first that came after it; what was unsure again later has only one before it.
    anchor = next((a for a in of_its_run if a["up"] >= event.up), of_its_run[-1])
    at = anchor["at"] - anchor["up"] + event.up
    return {**row, "at": at} if 0 < at < LAST_MS else row
