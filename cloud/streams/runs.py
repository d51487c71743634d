"""The runs of head office: each start of it has a number, a name, and where the feeds stood.

A machine that goes on from an old image does not know that it has forgotten. Its stores do:
they say under which run they came to where they are, and a run that is not known here, or that
ended before it came so far, was forgotten. And nothing goes down to a box before that box has
said in this very run how far it is, so that no number of a stream is ever written twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.sqlite import Reader, Writer

FORGOTTEN = 0
"""The number of runs of which this head office knows nothing but that they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of head office."""

    number: int
    name: str


def begin_run(tx: Writer, *, name: str, at: int) -> Run:
    """Begin the next run, under a name nobody had; `note_feeds` comes after its commit."""
    number = (tx.value("SELECT MAX(number) FROM run") or FORGOTTEN) + 1
    tx.run(
        "INSERT INTO run (name, number, began_at) VALUES (:name, :number, :at)",
        name=name,
        number=number,
        at=at,
    )
    return Run(number=number, name=name)


def note_feeds(tx: Writer, run: Run, feeds: Mapping[str, int]) -> None:
    """Note where each merchant's feed stood when the run before had ended.

    Read after the run began: what was told under the old name until then lies below.
    """
    for merchant, pos in feeds.items():
        if _feed_at(tx, merchant, run.number) != pos:
            tx.run(
                "INSERT INTO run_feed (merchant, run, pos) VALUES (:merchant, :run, :pos)",
                merchant=merchant,
                run=run.number,
                pos=pos,
            )
    tx.run("UPDATE run SET fed = 1 WHERE name = :name", name=run.name)


def current_run(db: Reader) -> Run:
    """Return the run that goes on; one without a name before the first."""
    row = db.one("SELECT number, name FROM run ORDER BY number DESC LIMIT 1")
    return Run(number=FORGOTTEN, name="") if row is None else Run(**dict(row))


def number_of(db: Reader, name: str) -> int | None:
    """Return a run's number, FORGOTTEN for one that was accounted for; None where unknown."""
    number: int | None = db.value("SELECT number FROM run WHERE name = :name", name=name)
    return number


def feed_at_end(db: Reader, merchant: str, number: int) -> int | None:
    """Return how far a merchant's feed came in a run at most; None where nobody can say."""
    following = db.value(
        "SELECT MIN(number) FROM run WHERE number > :run AND fed = 1", run=number
    )
    return None if following is None else (_feed_at(db, merchant, following) or 0)


def account_for(tx: Writer, name: str, *, at: int) -> None:
    """Know from now on that there was a run: whoever speaks of it has been asked about it."""
    tx.run(
        "INSERT INTO run (name, number, began_at) VALUES (:name, :number, :at)"
        " ON CONFLICT DO NOTHING",
        name=name,
        number=FORGOTTEN,
        at=at,
    )


def heard_in(tx: Writer, hub: str, epoch: int, run: int) -> None:
    """Note that a hub has said in a run how far it is."""
    tx.run(
        "INSERT INTO line (hub, epoch, run) VALUES (:hub, :epoch, :run)"
        " ON CONFLICT (hub, epoch) DO UPDATE SET run = excluded.run",
        hub=hub,
        epoch=epoch,
        run=run,
    )


def heard_now(db: Reader) -> frozenset[tuple[str, int]]:
    """Return the hubs, each in its epoch, that have said in this run how far they are."""
    rows = db.all(
        "SELECT hub, epoch FROM line WHERE run = (SELECT MAX(number) FROM run) AND run > 0"
    )
    return frozenset((row["hub"], row["epoch"]) for row in rows)


def _feed_at(db: Reader, merchant: str, number: int) -> int | None:
    pos: int | None = db.value(
        "SELECT pos FROM run_feed WHERE merchant = :merchant AND run <= :run"
        " ORDER BY run DESC LIMIT 1",
        merchant=merchant,
        run=number,
    )
    return pos
