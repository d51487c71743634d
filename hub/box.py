"""The box: its folder, keys and identity, and the journal that only it writes."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
from flask import current_app

from core.clock import Clock, Quality, SystemClock, machine_run
from core.crypto import LogKey, card_key, database_key, log_key, pin_pepper
from core.errors import N_, Refusal, Refused
from core.ids import Ids
from core.journal import (
    MIGRATIONS,
    Act,
    Birth,
    Body,
    Finding,
    Identity,
    Journal,
    Part,
    Parts,
    Posting,
    drain_all,
    signed_by_birth,
    verify,
)
from core.organisation import ClockAnchored, Store, store
from core.room import FULL, give, make_room
from core.sqlite import Door, Migration, Reader, Writer
from hub import board, fence
from hub.board import this_board
from hub.doorbell import ring
from hub.reading import copied

FIRST_EPOCH = 1
HUB_ID_BYTES = 8
DATABASE = "hub.db"
LINK_FILE = "link.json"
REPLACING_FILE = "replacing.json"
"""While it is there, this box is still being made into another one's successor."""

_BOOT, _RUN, _UNSURE = "boot", "run", "unsure_in"
"""The number of the newest start of a program; the first one of this run of the machine, and
what names the run; the run in which the time was unsure and no anchor was written since."""

LOCAL = Part(
    name="box",
    migrations=(
        Migration(
            "box/1",
            (
                """CREATE TABLE box (
                     name TEXT PRIMARY KEY, value TEXT NOT NULL
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
    ),
    refusals={
        "other_board": Refusal(
            409, N_("这家店的存储被放到了另一台主机上，不能记账，请勿收款；请联系店长")
        ),
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What never leaves the box."""

    log_key: LogKey
    pin_pepper: bytes
    card_key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Born:
    """As whose box, and in which epoch of it, a new journal begins."""

    hub: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """An opened hub."""

    folder: Path
    door: Door
    journal: Journal
    secrets: Secrets
    database_key: bytes
    board: str = ""
    """The number of the machine that this is, hashed; empty where it has none."""
    memory: Path | None = None
    """Where the copy lies that is open instead, while nothing can be written in `folder`."""

    @property
    def parts(self) -> Parts:
        return self.journal.parts

    @property
    def bells(self) -> Path:
        return (self.memory or self.folder) / "run"

    def written(self) -> None:
        """Wake the processes that carry on from the tables."""
        ring(self.bells, "jobs")
        ring(self.bells, "devices")
        ring(self.bells, "sync")

    def store_id(self, db: Reader) -> str:
        """Return which branch this box stands in; empty before it was told."""
        return db.value("SELECT value FROM box WHERE name = 'store'") or ""

    def act(self, db: Reader, *, actor: str | None = None, device: str | None = None) -> Act:
        """Take a command in: read the clock and find the store's business date.

        Refused: no_store.
        """
        reading = self.journal.clock.read()
        store_id = self.store_id(db)
        branch: Store = store(db, store_id)
        return Act(
            journal=self.journal,
            reading=reading,
            store=store_id,
            date=branch.day.date(reading.at),
            actor=actor,
            device=device,
            card_key=self.secrets.card_key,
        )

    def first_act(self) -> Act:
        """Return the act of a box that knows no store yet; its events carry the UTC date."""
        reading = self.journal.clock.read()
        return Act(journal=self.journal, reading=reading, store="", date="1970-01-01")

    def anchor_times(self) -> None:
        """Write down what the time is, once it is sure again after it was not.

        For a program that looks every now and then. From it follow the true times of what was
        written meanwhile, in this run of the machine.
        """
        reading, run = self.journal.clock.read(), machine_run()
        with self.door.read() as db:
            waiting = _recalled(db, _UNSURE)
        if reading.quality is Quality.UNSURE:
            if waiting != run:
                self.door.write(lambda tx: _remember(tx, _UNSURE, run))
            return
        if not waiting:
            return

        def anchor(tx: Writer) -> None:
            first, _, known = _recalled(tx, _RUN).partition(" ")
            if waiting == run == known:
                last = int(_recalled(tx, _BOOT))
                body = ClockAnchored(first=int(first), last=last, up=reading.up, at=reading.at)
                self.act(tx).append(tx, body)
            _remember(tx, _UNSURE, "")  # What another run wrote stays unsure.

        try:
            self.door.write(anchor)
        except Refused:
            return  # It may not write now, or has no store yet: later.
        self.written()

    def findings(self) -> list[Finding]:
        """Check chain, documents and seals of every journal here."""
        with self.door.read() as db:
            return list(verify(db, signed_by_birth))

    def close(self) -> None:
        self.door.close()
        if self.memory is not None:
            shutil.rmtree(self.memory, ignore_errors=True)


def open_box(
    folder: Path,
    parts: Iterable[Part],
    *,
    clock: Clock | None = None,
    ids: Ids | None = None,
    born: Born | None = None,
) -> Box:
    """Open the hub in `folder`, made on first use with keys and an identity of its own.

    `born` is for whoever makes it into a store's next box: then the identity is that one's.
    Raises RuntimeError for everybody else while that goes on. Where nothing can be written, a
    box that is there is opened to be read: its door refuses the rest.
    """
    if born is None and (folder / REPLACING_FILE).exists():
        raise RuntimeError(f"{folder} is being replaced: dianshu hub admin replace goes on")
    secret = folder / "secrets"
    secret.mkdir(mode=0o700, parents=True, exist_ok=True)
    secrets = Secrets(
        log_key=log_key(secret / "log.key"),
        pin_pepper=pin_pepper(secret / "pin.pepper"),
        card_key=card_key(secret / "card.key"),
    )
    key = database_key(secret / "database.key")
    known = Parts(parts)
    clock = clock or SystemClock(floor=built_at())
    begun = _Beginning(
        folder=folder,
        secrets=secrets,
        key=key,
        parts=known,
        clock=clock,
        ids=ids or Ids(),
        board=this_board(),
    )
    database = folder / DATABASE
    why = make_room(folder) if database.exists() else ""
    if not why:
        try:
            return begun.open(database, born)
        except Refused as refused:
            if refused.code != FULL or not database.exists():
                raise RuntimeError(f"{folder}: {refused.code}") from refused
            why = FULL
    copy = copied(database)
    box = replace(begun.open(copy, born), memory=copy.parent)
    drain_all(box.door, box.parts)
    box.door.refuse(why)
    return box


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beginning:
    """What a box is opened with."""

    folder: Path
    secrets: Secrets
    key: bytes
    parts: Parts
    clock: Clock
    ids: Ids
    board: str

    def open(self, database: Path, born: Born | None) -> Box:
        door = Door(
            database,
            key=self.key,
            migrations=(*MIGRATIONS, *self.parts.migrations),
            on_full=self._give,
        )
        try:
            journal = door.write(lambda tx: self._journal(tx, born))
            door.write(journal.begin)
            with door.read() as db:
                self.clock.raise_floor(_newest(db, journal.identity.origin))
            if self.clock.read().quality is Quality.UNSURE:
                door.write(lambda tx: _remember(tx, _UNSURE, machine_run()))
        except BaseException:
            door.close()
            raise
        return Box(
            folder=self.folder,
            door=door,
            journal=journal,
            secrets=self.secrets,
            database_key=self.key,
            board=self.board,
        )

    def _give(self) -> None:
        give(self.folder)

    def _journal(self, tx: Writer, born: Born | None) -> Journal:
        identity = _identity(tx, self.secrets.log_key, self.clock, self.ids, born)
        if self.board and not board.bound(tx):
            board.bind(tx, self.board)
        journal = Journal(
            identity=identity,
            parts=self.parts,
            clock=self.clock,
            ids=self.ids,
            guard=self._guard,
        )
        if (self.folder / LINK_FILE).is_file():
            journal.sign = self.secrets.log_key.sign
        return journal

    def _guard(self, db: Reader, body: Body, postings: Sequence[Posting]) -> None:
        board.check(db, self.board)
        fence.guard(db, body, postings)


def built_at() -> int:
    """Return when this program was put on the machine (ms): no clock may stand before it."""
    return Path(__file__).stat().st_mtime_ns // 1_000_000


def here() -> Box:
    """Return the box that serves the current request."""
    box: Box = current_app.extensions["house"]
    return box


def settle_in(tx: Writer, store_id: str) -> None:
    """Tell the box which branch it stands in."""
    _remember(tx, "store", store_id)


def _identity(tx: Writer, key: LogKey, clock: Clock, ids: Ids, born: Born | None) -> Identity:
    raw = tx.value("SELECT value FROM box WHERE name = 'birth'")
    if raw is None:
        begun = born or Born(hub=ids.randomness(HUB_ID_BYTES).hex(), epoch=FIRST_EPOCH)
        birth = Birth(hub=begun.hub, epoch=begun.epoch, key=key.public, made_at=clock.read().at)
        raw = msgspec.json.encode(birth).decode()
        _remember(tx, "birth", raw)
    birth = msgspec.json.decode(raw, type=Birth)
    if birth.key != key.public:
        raise RuntimeError("the log key is not the one that this journal was begun with")
    boot = int(_recalled(tx, _BOOT) or 0) + 1
    _remember(tx, _BOOT, str(boot))
    run = machine_run()
    if _recalled(tx, _RUN).partition(" ")[2] != run:
        _remember(tx, _RUN, f"{boot} {run}")
    return Identity(origin=birth.hub, epoch=birth.epoch, birth=raw.encode(), boot=boot)


def _newest(db: Reader, origin: str) -> int:
    """Return the newest instant that this box has written down, in any of its epochs."""
    rows = db.all("SELECT epoch FROM origin WHERE origin = :origin", origin=origin)
    ends = [
        db.value(
            "SELECT at FROM journal WHERE origin = :origin AND epoch = :epoch"
            " ORDER BY seq DESC LIMIT 1",
            origin=origin,
            epoch=row["epoch"],
        )
        for row in rows
    ]
    return max((at for at in ends if at is not None), default=0)


def count_boots(tx: Writer, boot: int) -> None:
    """Let the next start be a later one than `boot`, of which this box had forgotten."""
    tx.run(
        "UPDATE box SET value = :boot WHERE name = 'boot' AND CAST(value AS INTEGER) < :boot",
        boot=str(boot),
    )


def _recalled(db: Reader, name: str) -> str:
    return str(db.value("SELECT value FROM box WHERE name = :name", name=name) or "")


def _remember(tx: Writer, name: str, value: str) -> None:
    tx.run(
        "INSERT INTO box (name, value) VALUES (:name, :value)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name=name,
        value=value,
    )
