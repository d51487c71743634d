"""What has to be remembered of the conversation with each hub, in each of its epochs."""

from __future__ import annotations

from dataclasses import dataclass

from cloud.platform import Epoch, Reason, mark_closed
from cloud.streams.keeping import cursor_of
from core.sqlite import Reader, Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What head office remembers of its conversation with one epoch of a hub."""

    boot: int = 0
    """The highest with which it said hello."""
    down_n: int = 0
    """How far it said that it holds its downlink."""


def line_of(db: Reader, hub: str, epoch: int) -> Line:
    row = db.one(
        "SELECT boot, down_n FROM line WHERE hub = :hub AND epoch = :epoch",
        hub=hub,
        epoch=epoch,
    )
    return Line() if row is None else Line(**dict(row))


def heard_boot(tx: Writer, hub: str, epoch: int, boot: int) -> None:
    """Note with which boot a hub said hello; never a lower one."""
    tx.run(
        "INSERT INTO line (hub, epoch, boot) VALUES (:hub, :epoch, :boot)"
        " ON CONFLICT (hub, epoch) DO UPDATE SET boot = MAX(boot, excluded.boot)",
        hub=hub,
        epoch=epoch,
        boot=boot,
    )


def heard_down(tx: Writer, hub: str, epoch: int, down_n: int) -> None:
    """Note how far a hub says that it holds its downlink."""
    tx.run(
        "INSERT INTO line (hub, epoch, down_n) VALUES (:hub, :epoch, :down_n)"
        " ON CONFLICT (hub, epoch) DO UPDATE SET down_n = excluded.down_n",
        hub=hub,
        epoch=epoch,
        down_n=down_n,
    )


def shut(tx: Writer, epoch: Epoch, *, reason: Reason, at: int) -> bool:
    """Close an epoch behind what is kept of it; False where it was closed before.

    Whatever is kept of it from here on came late.
    """
    cursor = cursor_of(tx, epoch.hub, epoch.epoch, epoch.birth)
    return mark_closed(
        tx,
        hub=epoch.hub,
        epoch=epoch.epoch,
        reason=reason,
        seq=cursor.have,
        head=cursor.head,
        at=at,
    )
