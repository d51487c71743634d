"""The hub's programs as the bench starts them, under the shim or not.

    python -m tests.torture.programs furnish FOLDER TILLS
    python -m tests.torture.programs join FOLDER URL AUTHORITY
    python -m tests.torture.programs hub web --data FOLDER …      the product's own command
    python -m tests.torture.programs sync FOLDER PARCELS
    python -m tests.torture.programs migrate FOLDER

TORTURE_SYNCHRONOUS asks of SQLite something other than FULL, for the test that must fail.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
from collections.abc import Callable
from pathlib import Path

from core.feed import FeedDocument, load
from core.journal import Part
from core.sqlite import Door, Migration
from core.wire import Verdict, judge, unpack, unpack_batch
from hub import jobs
from hub.__main__ import hub
from hub.access import make_token
from hub.app import CAPABILITIES, CORE_PARTS, open_hub
from hub.box import Box, open_box, settle_in
from hub.devices import set_printer
from hub.sync import join, load_link
from hub.sync.conversation import TakeDownlink, TakeFeed
from hub.sync.disk import Disk
from hub.sync.downlink import downlink_cursor
from hub.sync.tests.office import GOOD_CODE
from tests.started import DOCUMENTS

SYNCHRONOUS = "TORTURE_SYNCHRONOUS"
OWNER = "owner"
LOG_BYTES = 96 * 1024
SEALS_EVERY_S = 0.4
MOVES_EVERY_S = 1.5

NEXT = Part(
    name="torture",
    migrations=(
        Migration(
            "torture/1",
            (
                """CREATE TABLE told_again (
                     id TEXT PRIMARY KEY, at INTEGER NOT NULL, raw BLOB NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                """INSERT INTO told_again
                     SELECT origin || '/' || epoch || '/' || seq, at, raw FROM journal""",
                "ALTER TABLE attempt ADD COLUMN torture INTEGER NOT NULL DEFAULT 0",
                "UPDATE attempt SET torture = length(answer)",
                "CREATE INDEX told_again_at ON told_again (at)",
            ),
        ),
        Migration("torture/2", ("ALTER TABLE told_again ADD COLUMN seen INTEGER",)),
    ),
)
"""What a later version might bring: it copies, widens and fills tables that hold money."""


def say(**told: object) -> None:
    os.write(1, json.dumps(told).encode() + b"\n")


def open_newer(folder: Path) -> Box:
    """Open a hub as the version behind this one would."""
    parts = (*CORE_PARTS, *(part for each in CAPABILITIES for part in each.parts), NEXT)
    return open_box(folder, parts)


def furnish(folder: Path, tills: int) -> list[str]:
    """Make a shop in an empty folder; return a token of its owner for each till."""
    box = open_hub(folder)
    try:
        box.door.write(lambda tx: _bring(tx, box))
        return box.door.write(
            lambda tx: [
                make_token(tx, box.act(tx), name=f"t{n}", staff_id=OWNER, till=f"till-{n}")
                for n in range(tills)
            ]
        )
    finally:
        box.close()


def _bring(tx, box):
    documents = [
        FeedDocument(topic=topic, key=key, pos=pos, content=content)
        for pos, ((topic, key), content) in enumerate(DOCUMENTS.items(), start=1)
    ]
    load(tx, box.parts, documents)
    settle_in(tx, "s1")
    set_printer(
        tx, name="前台", address="tcp://127.0.0.1:9", columns=48, raster=False, drawer_pin=2
    )


def join_office(folder: Path, url: str, authority: str) -> None:
    box = open_hub(folder)
    try:
        context = ssl.create_default_context(cafile=authority)
        join(box, url=url, code=GOOD_CODE, bring=True, version="1", context=context)
        Disk.of(box, load_link(folder))
    finally:
        box.close()


def sync(folder: Path, parcels: Path, say: Callable[..., None] = say) -> None:
    """Seal, take what came down and note what is held, as the sending program does it."""
    box = open_hub(folder)
    try:
        disk = Disk.of(box, load_link(folder))
        seal(disk, say)
        for parcel in sorted(parcels.iterdir()):
            take(disk, parcel, say)
            seal(disk, say)
    finally:
        box.close()


def seal(disk: Disk, say: Callable[..., None]) -> None:
    disk.seal(disk.held())
    n = disk.standing().n
    say(sealed=n)
    disk.note_held(n, n)


def take(disk: Disk, parcel: Path, say: Callable[..., None]) -> None:
    raw = parcel.read_bytes()
    if parcel.suffix == ".feed":
        batch = unpack_batch(raw)
        disk.take(TakeFeed(batch=batch))
        say(feed=batch.pos)
        return
    segment = unpack(raw)
    with disk.box.door.read() as db:
        cursor = downlink_cursor(db, disk.stream)
    judged = judge(disk.stream, cursor, disk.arrived(segment, raw))
    if judged.verdict is Verdict.NEXT:
        disk.take(
            TakeDownlink(segment=segment, raw=raw, after=cursor.have, head=judged.cursor.head)
        )
    say(down=max(cursor.have, segment.last))


def migrate(folder: Path) -> None:
    open_newer(folder).close()


def lower_the_flush() -> None:
    """Let every door of this process be opened otherwise than FULL, where that is asked."""
    if level := os.environ.get(SYNCHRONOUS):
        Door.__init__.__kwdefaults__["synchronous"] = level


def main(verb: str, *words: str) -> None:
    lower_the_flush()
    match verb:
        case "furnish":
            say(tokens=furnish(Path(words[0]), int(words[1])))
        case "join":
            join_office(Path(words[0]), *words[1:])
            say(joined=True)
        case "sync":
            sync(Path(words[0]), Path(words[1]))
        case "migrate":
            migrate(Path(words[0]))
            say(migrated=True)
        case "hub":
            # Sooner than in a store, so that a short recording has several of each.
            jobs.CHECKPOINT_BYTES, jobs.CHECKPOINT_EVERY_S = LOG_BYTES, MOVES_EVERY_S
            jobs.SEAL_EVERY_S = SEALS_EVERY_S
            hub(words)
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
