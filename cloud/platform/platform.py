"""Head office's folder: one shared database, and one for each merchant.

Several programs open the same folder. What one of them learns it writes down and rings; none
keeps anything in memory that another would have to know.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cloud.platform.merchant import LOCAL, Merchant, begin, secret_of
from cloud.platform.schema import MIGRATIONS as SHARED
from core.clock import Clock, SystemClock
from core.crypto import secret_file, signing_key
from core.doorbell import ring
from core.errors import Refused
from core.ids import Ids
from core.journal import MIGRATIONS, Journal, Part, Parts
from core.sqlite import Door, Migration, Writer

MERCHANT_ID_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
"""Thirty-two, without those that are taken for each other: each carries five bits."""
MERCHANT_ID_CHARACTERS = 8
NAME_CHARACTERS_MAX = 60
SECRET_BYTES = 32
SECRETS = ("database-key", "signing-key", "pin-pepper", "card-key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """An opened head office."""

    folder: Path
    door: Door
    parts: Parts
    """What every merchant's database knows."""
    clock: Clock
    ids: Ids
    secret: bytes = field(repr=False)
    """Of the platform itself; also what its codes are hashed with."""
    _open: dict[str, Merchant] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def bells(self) -> Path:
        return self.folder / "run"

    @property
    def pki(self) -> Path:
        """Where the certificate authority and the programs' certificates lie."""
        return self.folder / "pki"

    def merchant_ids(self) -> tuple[str, ...]:
        """Return every merchant, the oldest first."""
        with self.door.read() as db:
            return tuple(row["id"] for row in db.all(_ALL))

    def merchant(self, merchant_id: str) -> Merchant:
        """Return a merchant, opened once in this program. Refused: no_merchant."""
        with self._lock:
            known = self._open.get(merchant_id)
            if known is None:
                known = self._open[merchant_id] = self._open_merchant(merchant_id)
            return known

    def ring(self, name: str) -> None:
        """Wake a program over this folder: web, ingest."""
        ring(self.bells, name)

    def close(self) -> None:
        with self._lock:
            for merchant in self._open.values():
                merchant.close()
            self._open.clear()
        self.door.close()

    def _open_merchant(self, merchant_id: str) -> Merchant:
        with self.door.read() as db:
            key = secret_of(db, merchant_id, "database-key")
            signing = signing_key(secret_of(db, merchant_id, "signing-key"))
        path = self.folder / "merchants" / f"{merchant_id}.db"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        migrations = (*MIGRATIONS, *LOCAL.migrations, *self.parts.migrations)
        door = Door(path, key=key, migrations=migrations)
        identity = door.write(lambda tx: begin(tx, merchant_id, signing, self.clock))
        journal = Journal(identity=identity, parts=self.parts, clock=self.clock, ids=self.ids)
        door.write(journal.begin)
        with door.read() as db:
            self.clock.raise_floor(journal.head(db).at)
        return Merchant(
            id=merchant_id,
            door=door,
            journal=journal,
            signing=signing,
            shared=self.door,
            bells=self.bells,
        )


_ALL = "SELECT id FROM merchant ORDER BY made_at, id"


def open_platform(
    folder: Path,
    parts: Iterable[Part],
    *,
    migrations: Iterable[Migration] = (),
    clock: Clock | None = None,
    ids: Ids | None = None,
) -> Platform:
    """Open head office in `folder`, made on first use.

    `parts` are what merchants' databases know; `migrations` are tables that other capabilities
    keep in the shared database.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = secret_file(
        folder / "secrets" / "platform.key", SECRET_BYTES, credential="platform-key"
    )
    door = Door(folder / "platform.db", key=secret, migrations=(*SHARED, *migrations))
    return Platform(
        folder=folder,
        door=door,
        parts=Parts(parts),
        clock=clock or SystemClock(),
        ids=ids or Ids(),
        secret=secret,
    )


def create_merchant(platform: Platform, name: str) -> Merchant:
    """Make a merchant with keys and a database of its own. Refused: no_name."""
    name = name.strip()
    if not 0 < len(name) <= NAME_CHARACTERS_MAX:
        raise Refused("no_name", characters=NAME_CHARACTERS_MAX)
    draw = platform.ids.randomness
    merchant_id = "".join(
        MERCHANT_ID_LETTERS[byte & 31] for byte in draw(MERCHANT_ID_CHARACTERS)
    )

    def make(tx: Writer) -> None:
        tx.run(
            "INSERT INTO merchant (id, name, made_at) VALUES (:id, :name, :at)",
            id=merchant_id,
            name=name,
            at=platform.clock.read().at,
        )
        for secret in SECRETS:
            keep_secret(tx, merchant_id, secret, draw(SECRET_BYTES))

    platform.door.write(make)
    return platform.merchant(merchant_id)


def keep_secret(tx: Writer, merchant: str, name: str, value: bytes) -> None:
    """Put a merchant's secret in place, or in another's place."""
    tx.run(
        "INSERT INTO merchant_secret (merchant, name, value) VALUES (:merchant, :name, :value)"
        " ON CONFLICT (merchant, name) DO UPDATE SET value = excluded.value",
        merchant=merchant,
        name=name,
        value=value,
    )
