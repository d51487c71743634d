"""What is in the tray, and the two things that can be done about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.errors import N_, Refusal, Refused
from core.journal import Act, Append, Body, Change, Entry, Part, Place, aside_row
from core.sqlite import Migration, Reader, Row, Writer

SHOWN_MAX = 200
REASON_CHARACTERS_MAX = 200


class LeftAside(Body, frozen=True, kw_only=True, tag="aside.left"):
    """Somebody decided that a record stays out of the books, and why."""

    origin: str
    epoch: int
    seq: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Somebody wants a record to be tried again."""

    place: Place


def open_rows(db: Reader, *, limit: int = SHOWN_MAX) -> list[Row]:
    """Return what is aside: place, reason, whole, raw, whether it is being tried, decision."""
    return db.all(
        """SELECT q.origin, q.epoch, q.seq, q.reason, q.whole, j.at, j.raw,
                  r.asked_at, l.reason AS left_why, l.at AS left_at, l.actor AS left_by
             FROM quarantine q
             JOIN journal j ON j.origin = q.origin AND j.epoch = q.epoch AND j.seq = q.seq
             LEFT JOIN aside_request r
               ON r.origin = q.origin AND r.epoch = q.epoch AND r.seq = q.seq
             LEFT JOIN aside_left l
               ON l.about = q.origin AND l.about_epoch = q.epoch AND l.about_seq = q.seq
            ORDER BY l.reason IS NOT NULL, j.at DESC LIMIT :limit""",
        limit=limit,
    )


def ask_again(tx: Writer, act: Act, *, place: Place) -> None:
    """Have a record tried again. Refused: aside_gone."""
    _known(tx, place)
    origin, epoch, seq = place
    tx.run(
        "INSERT INTO aside_request (origin, epoch, seq, asked_at)"
        " VALUES (:origin, :epoch, :seq, :at) ON CONFLICT DO NOTHING",
        origin=origin,
        epoch=epoch,
        seq=seq,
        at=act.at,
    )


def leave(tx: Writer, act: Act, *, place: Place, reason: str) -> None:
    """Leave a record out of the books for good, with a reason. Refused: aside_gone."""
    _known(tx, place)
    origin, epoch, seq = place
    why = reason.strip()[:REASON_CHARACTERS_MAX]
    act.append(tx, LeftAside(origin=origin, epoch=epoch, seq=seq, reason=why))


def requests(db: Reader) -> list[Request]:
    """Return what is to be tried again."""
    rows = db.all("SELECT origin, epoch, seq FROM aside_request ORDER BY asked_at, origin, seq")
    return [Request(place=(row["origin"], row["epoch"], row["seq"])) for row in rows]


def forget_request(tx: Writer, request: Request) -> None:
    """Note that a record was tried."""
    origin, epoch, seq = request.place
    tx.run(
        "DELETE FROM aside_request WHERE origin = :origin AND epoch = :epoch AND seq = :seq",
        origin=origin,
        epoch=epoch,
        seq=seq,
    )


def _known(db: Reader, place: Place) -> None:
    if aside_row(db, place) is None:
        raise Refused("aside_gone")


def _note(entry: Entry) -> Iterator[Change]:
    body: LeftAside = entry.body
    event = entry.event
    yield Append(
        "aside_left",
        {
            "origin": event.origin,
            "epoch": event.epoch,
            "seq": event.seq,
            "about": body.origin,
            "about_epoch": body.epoch,
            "about_seq": body.seq,
            "reason": body.reason,
            "at": event.at,
            "actor": event.actor,
        },
    )


PART = Part(
    name="aside",
    migrations=(
        Migration(
            "aside/1",
            (
                """CREATE TABLE aside_request (
                     origin TEXT NOT NULL,
                     epoch INTEGER NOT NULL,
                     seq INTEGER NOT NULL,
                     asked_at INTEGER NOT NULL,
                     PRIMARY KEY (origin, epoch, seq)
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE aside_left (
                     origin TEXT NOT NULL,
                     epoch INTEGER NOT NULL,
                     seq INTEGER NOT NULL,
                     about TEXT NOT NULL,
                     about_epoch INTEGER NOT NULL,
                     about_seq INTEGER NOT NULL,
                     reason TEXT NOT NULL,
                     at INTEGER NOT NULL,
                     actor TEXT,
                     PRIMARY KEY (origin, epoch, seq)
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
    ),
    tables={"aside_left": ("origin", "epoch", "seq")},
    now={LeftAside: _note},
    refusals={"aside_gone": Refusal(404, N_("这条记录已经入账了，或者从没搁置过"))},
)
