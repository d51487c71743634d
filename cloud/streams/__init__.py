"""The streams of every box as head office keeps them, and what moves value between them.

Raw segments and cursors lie in the database that all merchants share: a segment is kept there,
and only then acknowledged; a merchant's own tables are filled afterwards and can be made again.
Head office's own streams (one down to each hub's epoch, one of the merchant) are kept there too
before anybody is told of them, so that nothing that a hub has seen is only in one file.
"""

from cloud.streams.keeping import (
    Kept,
    cursor_of,
    head_at,
    keep,
    segments_after,
)
from cloud.streams.lines import Line, heard_boot, heard_down, line_of, shut
from cloud.streams.own import keep_own, keep_theirs, own_streams, seal_own
from cloud.streams.runs import (
    FORGOTTEN,
    Run,
    account_for,
    begin_run,
    current_run,
    feed_at_end,
    heard_in,
    heard_now,
    note_feeds,
    number_of,
)
from cloud.streams.tables import PART, SHARED_TABLES
from cloud.streams.under_way import UnderWay, grants_under_way, under_way
from cloud.streams.value import (
    OpenAsk,
    answered,
    called_hubs,
    close_ask,
    grant,
    open_asks,
    places_of,
    recall,
    remember_ask,
    state_of_ask,
)
from cloud.streams.waiting import Waiting, waiting_asks

__all__ = [
    "FORGOTTEN",
    "PART",
    "SHARED_TABLES",
    "Kept",
    "Line",
    "OpenAsk",
    "Run",
    "UnderWay",
    "Waiting",
    "account_for",
    "answered",
    "begin_run",
    "called_hubs",
    "close_ask",
    "current_run",
    "cursor_of",
    "feed_at_end",
    "grant",
    "grants_under_way",
    "head_at",
    "heard_boot",
    "heard_down",
    "heard_in",
    "heard_now",
    "keep",
    "keep_own",
    "keep_theirs",
    "line_of",
    "note_feeds",
    "number_of",
    "open_asks",
    "own_streams",
    "places_of",
    "recall",
    "remember_ask",
    "seal_own",
    "segments_after",
    "shut",
    "state_of_ask",
    "under_way",
    "waiting_asks",
]
