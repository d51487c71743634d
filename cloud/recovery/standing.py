"""Whether a merchant is in recovery, for whom it waits, and what a backup has of each hub.

Head office that was put back from a backup has forgotten what it did since: it moves no value
of a merchant until every hub of that merchant has given back what it was sent, and has sent
anew what it wrote. What is below zero then was truly lost, and is booked; before, it is only
not known yet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from cloud.platform import epochs_of, hubs_of, pass_over_epochs
from core.clock import DAY_MS, HOUR_MS
from core.sqlite import Reader, Writer

RELEASE_AFTER_MS = 72 * HOUR_MS
FEED_AHEAD_MAX = 100 * 365 * DAY_MS
"""Positions go on from the time of day: who says to be further than that is not believed."""
FIRST_INCARNATION = 1
INCARNATION = "incarnation"
HUB_ID = re.compile(r"[0-9a-f]{16}")


class Why(StrEnum):
    """Why a merchant is in recovery."""

    RESTORED = "restored"
    ROLLED_BACK = "rolled_back"
    FORGOTTEN = "forgotten"


class State(StrEnum):
    """How a hub stands in a recovery."""

    AWAITED = "awaited"
    RETURNED = "returned"
    RELEASED = "released"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """A merchant's recovery. Of the feed a hub gives back what lies behind `feed_after`."""

    merchant: str
    incarnation: int
    why: Why
    began_at: int
    feed_after: int
    continues: int = 0
    """When the first of those began that were cut off before this one; 0 where none was."""

    @property
    def since(self) -> int:
        """When waiting for hubs began (ms)."""
        return self.continues or self.began_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """A hub in a recovery; `announced` is how many events it said it has, once it returned."""

    hub: str
    state: State
    epoch: int
    announced: int
    since: int
    """When it came to this state, in ms."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What a hub is to give back: all that lies behind these; incarnation 0 is: nothing."""

    incarnation: int = 0
    feed_after: int = 0


def incarnation_of(db: Reader) -> int:
    """Return how many times this head office was put back, counted from one."""
    held = db.value("SELECT value FROM memory WHERE name = :name", name=INCARNATION)
    return FIRST_INCARNATION if held is None else int(held)


def next_incarnation(tx: Writer, *, at: int) -> int:
    """Be another head office than the one that was forgotten; return which one in a row.

    What that one numbered since, nobody knows: no number of its epochs is given again.
    """
    incarnation = incarnation_of(tx) + 1
    tx.run(
        "INSERT INTO memory (name, value) VALUES (:name, :value)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name=INCARNATION,
        value=str(incarnation),
    )
    pass_over_epochs(tx, at=at)
    return incarnation


def recovery_of(db: Reader, merchant: str) -> Recovery | None:
    """Return a merchant's recovery; None where value moves as usual."""
    row = db.one("SELECT * FROM recovery WHERE merchant = :merchant", merchant=merchant)
    return None if row is None else Recovery(**{**dict(row), "why": Why(row["why"])})


def hubs_in_recovery(db: Reader, merchant: str) -> list[Awaited]:
    """Return the hubs for which a merchant's recovery waits or has waited."""
    rows = db.all(
        "SELECT hub, state, epoch, announced, since, reason FROM recovery_hub"
        " WHERE merchant = :merchant ORDER BY hub",
        merchant=merchant,
    )
    return [Awaited(**{**dict(row), "state": State(row["state"])}) for row in rows]


def awaited_hubs(db: Reader, merchant: str) -> frozenset[str]:
    """Return the hubs that have yet to give back what head office forgot."""
    return frozenset(
        one.hub for one in hubs_in_recovery(db, merchant) if one.state is State.AWAITED
    )


def feed_told(db: Reader, merchant: str, *, at: int) -> int:
    """Return the highest position of the feed that a merchant's hubs say and may hold.

    One box that names the highest number there is would leave no position for anybody.
    """
    said = (hub.feed_pos for hub in hubs_of(db, merchant))
    return max((pos for pos in said if pos <= at + FEED_AHEAD_MAX), default=0)


def owed_by(db: Reader, merchant: str, hub: str) -> Owed:
    """Return what a hub is to give back now."""
    recovery = recovery_of(db, merchant)
    if recovery is None or hub not in awaited_hubs(db, merchant):
        return Owed()
    return Owed(incarnation=recovery.incarnation, feed_after=recovery.feed_after)


def begin_recovery(
    tx: Writer, merchant: str, *, why: Why, at: int, feed_after: int = 0
) -> bool:
    """Freeze a merchant's value until its hubs have returned; False where it is frozen.

    A hub that was forgotten wholly is one more to wait for; the others have nothing to add.
    """
    fresh = tx.run(
        "INSERT INTO recovery (merchant, incarnation, why, began_at, feed_after)"
        " VALUES (:merchant, :incarnation, :why, :at, :feed_after) ON CONFLICT DO NOTHING",
        merchant=merchant,
        incarnation=incarnation_of(tx),
        why=why.value,
        at=at,
        feed_after=feed_after,
    )
    if fresh:
        tx.run("DELETE FROM recovery_hub WHERE merchant = :merchant", merchant=merchant)
    if fresh and why is not Why.FORGOTTEN:
        for hub in hubs_of(tx, merchant):
            epochs = epochs_of(tx, hub.id)
            if not hub.revoked and epochs and epochs[-1].closed_at is None:
                await_hub(tx, merchant, hub.id, at=at)
    return bool(fresh)


def begin_anew(
    tx: Writer, merchant: str, *, why: Why, at: int, feed_after: int = 0
) -> Recovery | None:
    """Freeze a merchant's value although it may be frozen: all hubs are awaited once more.

    A recovery that was under way goes on in this one: what hubs held when it began, head office
    still lacks, however far its own feed has come since. Returns the one that was cut off.
    """
    cut_off = recovery_of(tx, merchant)
    tx.run("DELETE FROM recovery WHERE merchant = :merchant", merchant=merchant)
    if cut_off is not None:
        feed_after = min(feed_after, cut_off.feed_after)
    begin_recovery(tx, merchant, why=why, at=at, feed_after=feed_after)
    if cut_off is not None and cut_off.why is not Why.FORGOTTEN:
        tx.run(
            "UPDATE recovery SET continues = :since WHERE merchant = :merchant",
            since=cut_off.continues or cut_off.began_at,
            merchant=merchant,
        )
    return cut_off


def begin_again(tx: Writer, *, at: int) -> None:
    """Ask all hubs once more of each recovery that was under way when head office ended.

    The state that says who has returned may itself be an old one.
    """
    for row in tx.all("SELECT * FROM recovery WHERE why <> :one", one=Why.FORGOTTEN.value):
        begin_anew(
            tx, row["merchant"], why=Why(row["why"]), at=at, feed_after=row["feed_after"]
        )


def await_hub(tx: Writer, merchant: str, hub: str, *, at: int) -> None:
    """Wait for one more hub; one that is known in this recovery stays as it is."""
    if HUB_ID.fullmatch(hub):
        tx.run(
            "INSERT INTO recovery_hub (merchant, hub, state, since)"
            " VALUES (:merchant, :hub, 'awaited', :at) ON CONFLICT DO NOTHING",
            merchant=merchant,
            hub=hub,
            at=at,
        )


def end_recovery(tx: Writer, merchant: str) -> None:
    """Let value move again."""
    for table in ("recovery", "recovery_hub", "returned_document"):
        tx.run(f"DELETE FROM {table} WHERE merchant = :merchant", merchant=merchant)  # noqa: S608


def safe_of(db: Reader, hub: str, epoch: int) -> int:
    """Return how far the newest backup that was read back holds a hub's journal."""
    seq: int | None = db.value(
        "SELECT seq FROM safe WHERE origin = :hub AND epoch = :epoch", hub=hub, epoch=epoch
    )
    return seq or 0
