"""The hub's half of the wire: envelopes between journal and head office, no business words.

A hub is joined once (`join`), which leaves a link beside the database. `dianshu hub sync` then
sends what the journal seals, keeps what comes down the hub's own stream and does what it asks
for, and takes head office's feed. A shop that was never joined has none of it.
"""

from hub.sync.archive import bring_late
from hub.sync.downlink import downlink_cursor, downlink_stream, is_here, take_downlink
from hub.sync.head_office import Declined, Unreachable, fetch_feed
from hub.sync.history import Contradicts, own_stream, take_past
from hub.sync.joining import Joined, join, take_feed
from hub.sync.line import RETRY_MAX_S, Retry
from hub.sync.link import Link, joined, load_link, save_link, tls_context
from hub.sync.outbox import (
    Outbox,
    head_at,
    is_unsealed,
    outbox,
    remembered,
    sealed_head,
    sealed_segments,
)
from hub.sync.replacing import Replaced, Replacing, Told
from hub.sync.runtime import Options, Sending
from hub.sync.state import LinkState, is_connected, link_state, link_trouble
from hub.sync.tables import LOCAL
from hub.sync.waiting import keep_waiting

__all__ = [
    "LOCAL",
    "RETRY_MAX_S",
    "Contradicts",
    "Declined",
    "Joined",
    "Link",
    "LinkState",
    "Options",
    "Outbox",
    "Replaced",
    "Replacing",
    "Retry",
    "Sending",
    "Told",
    "Unreachable",
    "bring_late",
    "downlink_cursor",
    "downlink_stream",
    "fetch_feed",
    "head_at",
    "is_connected",
    "is_here",
    "is_unsealed",
    "join",
    "joined",
    "keep_waiting",
    "link_state",
    "link_trouble",
    "load_link",
    "outbox",
    "own_stream",
    "remembered",
    "save_link",
    "sealed_head",
    "sealed_segments",
    "take_downlink",
    "take_feed",
    "take_past",
    "tls_context",
]
