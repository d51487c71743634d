"""A small store to test in: a real database file, a journal, and a clock set by hand.

`open_world(tmp_path, parts)` is for the tests of every slice:

    @pytest.fixture
    def world(tmp_path):
        with open_world(tmp_path, [wallet.PART]) as world:
            yield world

    def test_it_counts(world):
        world.door.write(lambda tx: verb(tx, world.act(actor="ling"), ...))
        assert world.rows("holding") == [...]
        assert world.differences() == []
"""

from __future__ import annotations

import hashlib
import random
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from core import feed
from core.clock import HOUR_MS, MINUTE_MS, BusinessDay, ManualClock
from core.ids import Ids
from core.journal import (
    MIGRATIONS,
    Act,
    Body,
    Document,
    Event,
    Finding,
    Identity,
    Journal,
    Part,
    Parts,
    Posting,
    decode,
    documents_of,
    drain_all,
    rebuild,
    receive_now,
    seal,
    verify,
)
from core.sqlite import Door, Row, Writer

T = TypeVar("T")

KEY = hashlib.sha256(b"the key of every database in tests").digest()
MORNING = 1_772_416_800_000
"""Monday 2 March 2026, ten o'clock in Shanghai, in milliseconds UTC."""


@dataclass(kw_only=True)
class World:
    """One hub's database with the hands that work on it."""

    door: Door
    parts: Parts
    journal: Journal
    clock: ManualClock
    ids: Ids
    store: str
    day: BusinessDay
    signing: Ed25519PrivateKey
    synchronous: str
    _rebuilt: int = field(default=0)

    def act(self, *, actor: str | None = None, device: str | None = None) -> Act:
        """Begin a command now, as an edge would."""
        reading = self.clock.read()
        return Act(
            journal=self.journal,
            reading=reading,
            store=self.store,
            date=self.day.date(reading.at),
            actor=actor,
            device=device,
        )

    def write(self, verb: Callable[[Writer], T]) -> T:
        return self.door.write(verb)

    def append(
        self,
        body: Body,
        *,
        postings: Sequence[Posting] = (),
        documents: Sequence[Document] = (),
        act: Act | None = None,
    ) -> Event:
        """Append one event in a transaction of its own."""
        taken = act or self.act()
        return self.door.write(
            lambda tx: taken.append(tx, body, postings=postings, documents=documents)
        )

    def hear(self, other: World, journal: Journal | None = None) -> None:
        """Take in what another world has written since, as what a box wrote arrives elsewhere.

        `journal` is one of the streams that the other one writes; its own, if not given.
        """
        theirs = (journal or other.journal).identity
        names = {"origin": theirs.origin, "epoch": theirs.epoch}
        with other.door.read() as db:
            rows = db.all(
                "SELECT * FROM journal WHERE origin = :origin AND epoch = :epoch ORDER BY seq",
                **names,
            )
            beside = {
                (row["event"], row["name"]): row for row in db.all("SELECT * FROM document")
            }

        def take(tx: Writer) -> None:
            tx.run(
                "INSERT INTO origin (origin, epoch, birth, own)"
                " VALUES (:origin, :epoch, :birth, 0) ON CONFLICT DO NOTHING",
                **names,
                birth=theirs.birth,
            )
            held = tx.value(
                "SELECT MAX(seq) FROM journal WHERE origin = :origin AND epoch = :epoch",
                **names,
            )
            for row in rows[held or 0 :]:
                event = decode(row["raw"])
                _insert(tx, "journal", row)
                for name in event.documents:
                    _insert(tx, "document", beside[event.id, name])
                receive_now(tx, self.parts, event, documents_of(tx, event))

        self.write(take)

    def drain(self) -> None:
        """Bring history to the journal's head."""
        drain_all(self.door, self.parts)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return a table in the order of its first columns."""
        with self.door.read() as db:
            rows = [dict(row) for row in db.all(f"SELECT * FROM {table}")]
        return sorted(rows, key=lambda row: [str(value) for value in row.values()])

    def seal(self) -> int:
        return self.door.write(lambda tx: seal(tx, self.journal.identity, self.signing.sign))

    def findings(self) -> list[Finding]:
        """Return what does not hold in the journal."""
        with self.door.read() as db:
            return list(verify(db, signature_fits))

    def differences(self) -> list[str]:
        """Drain, rebuild every table from journal and feed alone and return what differs."""
        self.drain()
        self._rebuilt += 1
        scratch = self.door.path.with_suffix(f".rebuilt-{self._rebuilt}")
        then = feed.replay if feed.PART in self.parts.all else None
        return list(rebuild(self.door, scratch, self.parts, key=KEY, then=then))

    def restart(self) -> None:
        """Close the database and open it again, as the next boot of the same box."""
        self.door.close()
        self.door = _open_door(self.door.path, self.parts, self.synchronous)
        identity = replace(self.journal.identity, boot=self.journal.identity.boot + 1)
        self.journal = Journal(
            identity=identity, parts=self.parts, clock=self.clock, ids=self.ids
        )

    def close(self) -> None:
        self.door.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_world(
    folder: Path,
    parts: Parts | Iterable[Part] = (),
    *,
    origin: str = "hub-1",
    store: str = "S1",
    at: int = MORNING,
    synchronous: str = "FULL",
) -> World:
    """Make a store's database `<folder>/<origin>.db` with an empty journal.

    Ids and keys repeat from run to run and differ between origins. `synchronous="OFF"` is for
    hypothesis, which opens hundreds.
    """
    gathered = parts if isinstance(parts, Parts) else Parts(parts)
    seed = random.Random(zlib.crc32(origin.encode()))
    signing = Ed25519PrivateKey.from_private_bytes(seed.randbytes(32))
    clock, ids = ManualClock(at), Ids(seed.randbytes)
    # The public key stands in for the certificate that a real epoch is born with.
    birth = signing.public_key().public_bytes_raw()
    journal = Journal(
        identity=Identity(origin=origin, epoch=1, birth=birth, boot=1),
        parts=gathered,
        clock=clock,
        ids=ids,
    )
    door = _open_door(folder / f"{origin}.db", gathered, synchronous)
    door.write(journal.begin)
    return World(
        door=door,
        parts=gathered,
        journal=journal,
        clock=clock,
        ids=ids,
        store=store,
        day=BusinessDay("Asia/Shanghai", cutoff_minutes=4 * HOUR_MS // MINUTE_MS),
        signing=signing,
        synchronous=synchronous,
    )


def signature_fits(birth: bytes, signature: bytes, signed: bytes) -> bool:
    """Check a seal made with `World.seal`."""
    try:
        Ed25519PublicKey.from_public_bytes(birth).verify(signature, signed)
    except InvalidSignature:
        return False
    return True


def _insert(tx: Writer, table: str, row: Row) -> None:
    names = ", ".join(row.keys())
    values = ", ".join(f":{name}" for name in row.keys())  # noqa: SIM118 - a row's own names
    tx.run(f"INSERT INTO {table} ({names}) VALUES ({values})", **dict(row))


def _open_door(path: Path, parts: Parts, synchronous: str) -> Door:
    # A migration that two slices name is run once: the door asks by name.
    migrations = (*MIGRATIONS, *parts.migrations)
    return Door(path, key=KEY, migrations=migrations, synchronous=synchronous)
