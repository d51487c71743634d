"""The hubs that were joined: whose each is, what it last said, and whether it is let in."""

from __future__ import annotations

from dataclasses import dataclass

from cloud.platform.platform import Platform
from core.sqlite import Reader, Row, Writer
from core.wire import link_name, parse_link_name

ENROLLED, REVOKED = "enrolled", "revoked"
ALARMS_SHOWN_MAX = 200
EPOCHS_SINCE_MS = 1_767_225_600_000
"""The beginning of 2026: seconds from there on are numbers of epochs until 2094."""
_EPOCHS_FROM = "epochs-from"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """What the shared database knows of one hub. Times are milliseconds UTC."""

    id: str
    merchant: str
    store: str
    shard: str
    state: str
    certificate_serial: str
    """In hexadecimal, of the newest certificate."""
    certificate_until: int
    enrolled_at: int
    model: str
    version: str
    online: bool
    last_seen_at: int | None
    reported_seq: int
    """The newest event that the hub said it has, arrived or not."""
    feed_pos: int
    clock_at: int | None
    clock_unsure: bool
    free_bytes: int | None
    held_back: str = ""
    """Which kinds of event its version does not know, for which the stream to it waits."""

    @property
    def name(self) -> str:
        """Its name at broker and gate: the common name of its certificate."""
        return link_name(self.merchant, self.id)

    @property
    def revoked(self) -> bool:
        return self.state == REVOKED


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One epoch of a hub, as certified."""

    hub: str
    epoch: int
    birth: bytes
    countersignature: bytes
    downlink_birth: bytes
    downlink_signature: bytes
    closed_at: int | None
    closed_seq: int = 0
    """The last event that came while it was open."""
    closed_head: bytes | None = None
    closed_reason: str = ""
    limbo: bool = False
    """What lay at its place is nobody's to move until somebody decides."""


def find_hub(db: Reader, hub_id: str) -> Hub | None:
    """Return a hub of any merchant, by its id, from the shared database."""
    row = db.one("SELECT * FROM hub WHERE id = :id", id=hub_id)
    return None if row is None else _hub(row)


def hub_named(db: Reader, name: str) -> Hub | None:
    """Return the hub that a certificate's common name means, if it is that merchant's."""
    named = parse_link_name(name)
    known = None if named is None else find_hub(db, named[1])
    return known if known is not None and known.name == name else None


def hubs_of(db: Reader, merchant: str) -> list[Hub]:
    """Return a merchant's hubs in the order in which they were joined."""
    rows = db.all(
        "SELECT * FROM hub WHERE merchant = :merchant ORDER BY enrolled_at, id",
        merchant=merchant,
    )
    return [_hub(row) for row in rows]


def all_hubs(db: Reader) -> list[Hub]:
    return [_hub(row) for row in db.all("SELECT * FROM hub ORDER BY merchant, enrolled_at, id")]


def epochs_of(db: Reader, hub_id: str) -> list[Epoch]:
    """Return a hub's epochs, the newest last."""
    rows = db.all("SELECT * FROM epoch WHERE hub = :hub ORDER BY epoch", hub=hub_id)
    return [Epoch(**{**dict(row), "limbo": bool(row["limbo"])}) for row in rows]


def next_epoch(db: Reader, hub_id: str) -> int:
    """Return the number of the epoch that the next box in a hub's place begins."""
    epochs = epochs_of(db, hub_id)
    newest = epochs[-1].epoch if epochs else 0
    held = db.value("SELECT value FROM memory WHERE name = :name", name=_EPOCHS_FROM)
    return max(newest + 1, int(held or 0))


def pass_over_epochs(tx: Writer, *, at: int) -> None:
    """Give no epoch's number twice: of those that were given since a backup nobody knows.

    The numbers go on from the time of day in seconds, which no box was ever the next so often.
    """
    tx.run(
        "INSERT INTO memory (name, value) VALUES (:name, :value)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name=_EPOCHS_FROM,
        value=str(max(0, at - EPOCHS_SINCE_MS) // 1_000),
    )


def alarm(tx: Writer, platform: Platform, hub: Hub, *, kind: str, detail: str) -> None:
    """Write down what somebody should look at."""
    at = platform.clock.read().at
    tx.run(
        "INSERT INTO alarm (id, merchant, hub, at, kind, detail)"
        " VALUES (:id, :merchant, :hub, :at, :kind, :detail)",
        id=platform.ids.new(at),
        merchant=hub.merchant,
        hub=hub.id,
        at=at,
        kind=kind,
        detail=detail,
    )


def alarms_of(db: Reader, merchant: str) -> list[Row]:
    """Return a merchant's newest alarms: id, hub, at, kind, detail."""
    return db.all(
        "SELECT id, hub, at, kind, detail FROM alarm WHERE merchant = :merchant"
        " ORDER BY at DESC, id DESC LIMIT :limit",
        merchant=merchant,
        limit=ALARMS_SHOWN_MAX,
    )


def _hub(row: Row) -> Hub:
    known = dict(row)
    known["online"] = bool(known["online"])
    known["clock_unsure"] = bool(known["clock_unsure"])
    return Hub(**known)
