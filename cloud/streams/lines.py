"""What has to be remembered of the conversation with each hub."""

from __future__ import annotations

from dataclasses import dataclass

from core.sqlite import Reader, Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What head office remembers of one hub's conversation."""

    boot: int = 0
    """The highest with which it said hello."""
    closed: str = ""
    """Why it may not write on; empty where it may."""
    down_n: int = 0
    """How far it said that it holds its downlink."""


def line_of(db: Reader, hub: str) -> Line:
    row = db.one("SELECT boot, closed, down_n FROM line WHERE hub = :hub", hub=hub)
    return Line() if row is None else Line(**dict(row))


def heard_boot(tx: Writer, hub: str, boot: int) -> None:
    """Note with which boot a hub said hello; never a lower one."""
    tx.run(
        "INSERT INTO line (hub, boot) VALUES (:hub, :boot)"
        " ON CONFLICT (hub) DO UPDATE SET boot = MAX(boot, excluded.boot)",
        hub=hub,
        boot=boot,
    )


def heard_down(tx: Writer, hub: str, down_n: int) -> None:
    """Note how far a hub says that it holds its downlink."""
    tx.run(
        "INSERT INTO line (hub, down_n) VALUES (:hub, :down_n)"
        " ON CONFLICT (hub) DO UPDATE SET down_n = excluded.down_n",
        hub=hub,
        down_n=down_n,
    )


def shut(tx: Writer, hub: str, epoch: int, *, reason: str, at: int) -> None:
    """Take nothing more in from a hub's epoch until somebody has looked."""
    tx.run(
        "INSERT INTO line (hub, closed) VALUES (:hub, :reason)"
        " ON CONFLICT (hub) DO UPDATE SET closed = excluded.closed",
        hub=hub,
        reason=reason,
    )
    tx.run(
        "UPDATE epoch SET closed_at = :at"
        " WHERE hub = :hub AND epoch = :epoch AND closed_at IS NULL",
        hub=hub,
        epoch=epoch,
        at=at,
    )
