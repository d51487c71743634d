"""Where a joined hub stands in its head office's feed."""

from __future__ import annotations

from core.sqlite import Reader, Writer


def held_pos(db: Reader) -> int | None:
    """Return up to where head office's feed was taken; None where there is no head office."""
    pos: int | None = db.value("SELECT pos FROM feed_cursor")
    return pos


def follow(tx: Writer) -> None:
    """Hand the authorship of the feed over to head office; again does nothing.

    What is held stays, as if at the beginning: positions that this shop once gave mean nothing
    in head office's count, and everything that comes down is newer.
    """
    if held_pos(tx) is None:
        tx.run("INSERT INTO feed_cursor (one, pos) VALUES (1, 0)")
        tx.run("UPDATE feed_document SET pos = 0")


def move_to(tx: Writer, pos: int) -> None:
    """Note that the feed was taken up to `pos`; never backwards."""
    tx.run("UPDATE feed_cursor SET pos = :pos WHERE pos < :pos", pos=pos)
