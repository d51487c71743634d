"""One merchant: a database, keys and streams of its own, out of reach of every other."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from core.clock import BusinessDay, Clock
from core.crypto import LogKey
from core.doorbell import ring
from core.errors import Refused
from core.journal import (
    Act,
    Birth,
    Finding,
    Identity,
    Journal,
    Part,
    Parts,
    signed_by_birth,
    verify,
)
from core.organisation import stores
from core.sqlite import Door, Migration, Reader, Writer

FIRST_EPOCH = 1
DOWNLINK = ".dn"
"""What the origin of a hub's downlink adds to the hub's id."""
USUAL_DAY = BusinessDay("Asia/Shanghai")
"""Until a merchant has a store."""

LOCAL = Part(
    name="house",
    migrations=(
        Migration(
            "house/1",
            (
                """CREATE TABLE house (
                     name TEXT PRIMARY KEY, value TEXT NOT NULL
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """An opened merchant; what pages of head office serve (core.web.House)."""

    id: str
    door: Door
    journal: Journal
    """The merchant's own stream: what head office itself does."""
    signing: LogKey
    shared: Door
    """The platform's database, for what the platform knows of this merchant."""
    bells: Path
    _downlinks: dict[tuple[str, int], Journal] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def parts(self) -> Parts:
        return self.journal.parts

    @property
    def pin_pepper(self) -> bytes:
        return self._secret("pin-pepper")

    @property
    def card_key(self) -> bytes:
        return self._secret("card-key")

    def written(self) -> None:
        """Wake the process that carries changes down to the stores."""
        ring(self.bells, "ingest")

    def act(self, db: Reader, *, actor: str | None = None, device: str | None = None) -> Act:
        """Take a command in, dated by the first store's business day."""
        reading = self.journal.clock.read()
        first = next(iter(stores(db).values()), None)
        day = USUAL_DAY if first is None else first.day
        return Act(
            journal=self.journal,
            reading=reading,
            store="",
            date=day.date(reading.at),
            actor=actor,
            device=device,
        )

    def downlink(self, hub: str, epoch: int) -> Journal:
        """Return the stream from head office to one hub's epoch. Refused: no_hub."""
        with self._lock:
            known = self._downlinks.get((hub, epoch))
            if known is None:
                known = self._downlinks[hub, epoch] = self._journal_down(hub, epoch)
            return known

    def findings(self) -> list[Finding]:
        """Check chain, documents and seals of every journal here."""
        with self.door.read() as db:
            return list(verify(db, signed_by_birth))

    def close(self) -> None:
        self.door.close()

    def _journal_down(self, hub: str, epoch: int) -> Journal:
        with self.shared.read() as db:
            birth = db.value(
                "SELECT e.downlink_birth FROM epoch e JOIN hub h ON h.id = e.hub"
                " WHERE e.hub = :hub AND e.epoch = :epoch AND h.merchant = :merchant",
                hub=hub,
                epoch=epoch,
                merchant=self.id,
            )
        if birth is None:
            raise Refused("no_hub")
        return self.journal_over(birth)

    def journal_over(self, birth: bytes) -> Journal:
        """Return a stream that head office writes here, from its birth certificate."""
        said = msgspec.json.decode(birth, type=Birth)
        mine = self.journal
        identity = Identity(
            origin=said.hub, epoch=said.epoch, birth=birth, boot=mine.identity.boot
        )
        return Journal(identity=identity, parts=mine.parts, clock=mine.clock, ids=mine.ids)

    def _secret(self, name: str) -> bytes:
        with self.shared.read() as db:
            return secret_of(db, self.id, name)


def secret_of(db: Reader, merchant: str, name: str) -> bytes:
    """Return a secret of a merchant; read anew each time, for a shop may bring its own."""
    value: bytes | None = db.value(
        "SELECT value FROM merchant_secret WHERE merchant = :merchant AND name = :name",
        merchant=merchant,
        name=name,
    )
    if value is None:
        raise Refused("no_merchant")
    return value


def begin(tx: Writer, merchant: str, key: LogKey, clock: Clock) -> Identity:
    """Find or make the identity of the merchant's stream, and count this opening."""
    raw = recall(tx, "birth")
    if raw is None:
        birth = Birth(hub=merchant, epoch=FIRST_EPOCH, key=key.public, made_at=clock.read().at)
        raw = msgspec.json.encode(birth).decode()
        remember(tx, "birth", raw)
    birth = msgspec.json.decode(raw, type=Birth)
    if birth.key != key.public or birth.hub != merchant:
        raise RuntimeError("this database belongs to another merchant or another key")
    boot = int(recall(tx, "boot") or 0) + 1
    remember(tx, "boot", str(boot))
    return Identity(origin=merchant, epoch=birth.epoch, birth=raw.encode(), boot=boot)


def recall(db: Reader, name: str) -> str | None:
    """Return what a merchant's house remembers under a name."""
    value: str | None = db.value("SELECT value FROM house WHERE name = :name", name=name)
    return value


def remember(tx: Writer, name: str, value: str) -> None:
    tx.run(
        "INSERT INTO house (name, value) VALUES (:name, :value)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name=name,
        value=value,
    )
