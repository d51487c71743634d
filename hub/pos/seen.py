"""How far the journal is, for a device that remembers how far it was."""

from __future__ import annotations

import msgspec

from core.sqlite import Reader
from hub.box import Box


class SeenHead(msgspec.Struct, frozen=True, kw_only=True):
    """The journal's newest event, heads in hex.

    `asked` is the chain's head at the event that the device remembers; empty where this box
    has no such event.
    """

    hub: str
    epoch: int
    seq: int
    head: str
    asked: str


def seen_from(db: Reader, box: Box, *, epoch: int, seq: int) -> SeenHead:
    """Return where the journal stands, seen by a device that remembers (epoch, seq)."""
    me, newest = box.journal.identity, box.journal.head(db)
    held = db.value(
        "SELECT head FROM journal WHERE origin = :origin AND epoch = :epoch AND seq = :seq",
        origin=me.origin,
        epoch=epoch,
        seq=seq,
    )
    return SeenHead(
        hub=me.origin,
        epoch=me.epoch,
        seq=newest.seq,
        head=newest.head.hex(),
        asked="" if held is None else held.hex(),
    )
