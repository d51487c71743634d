"""Single bits that turn over on the disk: found by `dianshu verify`, and never sent upwards."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import sqlcipher3.dbapi2 as driver
from click.testing import CliRunner

from core.errors import Refused
from core.journal import drain_all, seal
from core.verifying import verify
from core.wire import pack
from hub.app import open_hub
from hub.sync.outbox import sealed_segments
from tests.torture.crashes import WORKERS, in_memory
from tests.torture.inspection import Promises, inspect
from tests.torture.scenarios import Counter, Prepared, prepare

DATABASE, LOG = "hub.db", "hub.db-wal"
SHARES = 16
SALES = 5
SEGMENTS_MAX = 1_000
SHOWN_MAX = 10


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of the flips in one file."""

    file: str
    flips: int = 0
    found: int = 0
    """By `dianshu verify`, or because the hub does not open."""
    harmless: int = 0
    """Not found, and everything that was promised is there."""
    sent: int = 0
    """What head office would have got changed; never more than none."""
    examples: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def silent(self) -> int:
        """Not found although something is gone."""
        return self.flips - self.found - self.harmless

    def add(self, told: dict) -> None:
        self.flips += 1
        self.found += told["found"]
        self.harmless += told["harmless"]
        self.sent += told["sent"]
        if not told["found"] and not told["harmless"] and len(self.examples) < SHOWN_MAX:
            self.examples.append(f"bit {told['bit']} of {self.file}: {told['gone']}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """An undamaged hub at rest, and all that it would send."""

    prepared: Prepared
    segments: tuple[bytes, ...]


def flip_many(
    beside: Path, file: str, *, flips: int, seed: int = 1, within_s: float | None = None
) -> Outcome:
    """Turn over so many bits of a file, one at a time, each in a copy of its own."""
    began = time.monotonic()
    sound = make(beside, logged=file == LOG)
    bits = (sound.prepared.folder / file).stat().st_size * 8
    chosen = random.Random(seed).sample(range(bits), min(flips, bits))
    ends = None if within_s is None else began + within_s
    outcome = Outcome(file=file)
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(WORKERS, mp_context=context, initializer=hush) as pool:
        shares = [chosen[share::SHARES] for share in range(SHARES)]
        count = len(shares)
        for told in pool.map(
            _flip_some, [sound] * count, [file] * count, shares, [ends] * count
        ):
            for each in told:
                outcome.add(each)
    outcome.seconds = time.monotonic() - began
    return outcome


def hush() -> None:
    """Keep what SQLCipher prints of every broken page off the screen."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def make(beside: Path, *, logged: bool) -> Sound:
    """Make a shop whose journal is sealed; `logged` leaves its last hours in the log."""
    prepared = prepare(beside)
    said = list(prepared.said)
    counter = Counter(prepared.folder, prepared.token, lambda **told: said.append(told))
    for number in range(SALES):
        counter.sell(f"late {number}", prepared.member)
    box = counter.box
    drain_all(box.door, box.parts)
    box.door.write(lambda tx: seal(tx, box.journal.identity, box.secrets.log_key.sign))
    segments = tuple(outgoing(box))
    kept = beside / "with its log"
    shutil.copytree(prepared.folder, kept)
    box.close()
    if logged:
        shutil.rmtree(prepared.folder)
        kept.rename(prepared.folder)
    sound = Sound(prepared=replace(prepared, said=said), segments=segments)
    copy = shutil.copytree(prepared.folder, beside / "control")
    if finds(Path(copy)):
        raise RuntimeError("verify finds fault with an undamaged hub")
    return sound


def outgoing(box) -> list[bytes]:
    """Return what the hub would send, as it travels."""
    me = box.journal.identity
    with box.door.read() as db:
        return [pack(held) for held in sealed_segments(db, me, first=1, limit=SEGMENTS_MAX)]


def _flip_some(sound: Sound, file: str, bits: Sequence[int], ends: float | None) -> list[dict]:
    told: list[dict] = []
    with in_memory() as beside:
        for bit in bits:
            if ends is not None and time.monotonic() > ends:
                break
            told.append(_flip(sound, beside / f"{bit}", file, bit))
            shutil.rmtree(beside / f"{bit}")
    return told


def _flip(sound: Sound, folder: Path, file: str, bit: int) -> dict:
    # Opening a hub moves its log, so each look has a copy of its own.
    sent = _sent_changed(_damaged(sound, folder / "sending", file, bit), sound.segments)
    found = finds(_damaged(sound, folder / "verified", file, bit))
    gone = [] if found else _gone(sound, _damaged(sound, folder / "looked at", file, bit))
    harmless = not found and not gone
    return {"bit": bit, "found": found, "harmless": harmless, "gone": gone, "sent": sent}


def _damaged(sound: Sound, folder: Path, file: str, bit: int) -> Path:
    shutil.copytree(sound.prepared.folder, folder)
    held = bytearray((folder / file).read_bytes())
    held[bit // 8] ^= 1 << bit % 8
    (folder / file).write_bytes(held)
    return folder


def finds(folder: Path) -> bool:
    """Say whether `dianshu verify` finds fault with a folder."""
    return CliRunner().invoke(verify, ["--data", str(folder)]).exit_code != 0


def _gone(sound: Sound, folder: Path) -> list[str]:
    promised = Promises()
    for told in sound.prepared.said:
        promised.hear(told)
    return inspect(folder, promised, thoroughly=False)


def _sent_changed(folder: Path, segments: Sequence[bytes]) -> int:
    """Return how many segments would leave the box that are not what was sealed."""
    try:
        box = open_hub(folder)
    except (OSError, RuntimeError, Refused, driver.DatabaseError):
        return 0
    try:
        return sum(raw not in segments for raw in outgoing(box))
    except (RuntimeError, Refused, driver.DatabaseError):
        return 0
    finally:
        box.close()
