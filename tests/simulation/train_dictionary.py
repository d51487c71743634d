"""Make a zstd dictionary for segments from a month at the made-up shop.

    python -m tests.simulation.train_dictionary core/wire/dictionary-2.bin

A number stands for its bytes for ever: never write over one that was shipped. Enter the new
number and its SHA-256 in `core/wire/dictionaries.py`.
"""

from __future__ import annotations

import hashlib
import random
import re
import sys
import tempfile
from pathlib import Path

import zstandard

from core.clock import ManualClock
from core.ids import seeded
from core.journal import Event, encode
from core.journal.event import encode_body
from core.tests.world import MORNING
from core.wallet import (
    Accepted,
    Asset,
    Granted,
    Leg,
    Lot,
    Recalled,
    Released,
    accept,
    grant,
    release,
)
from core.wire import Laid, Segment, pack, unpack
from core.wire.dictionaries import NONE
from hub.app import open_hub
from hub.demo.seed import Size, seed

DICTIONARY_BYTES = 16 << 10
TRANSFERS = 400
SIZE = Size(members=400, days=30, sales=900, sale_days=30)

_UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_HEX = re.compile(rb"[0-9a-f]{16,32}")
_TIMES = re.compile(rb'("(?:seq|at)":)\d+')
_STAFF = re.compile(rb'"(?:staff|item)\d+"')


def samples() -> list[bytes]:
    """Return events as they travel, one each, with what lies beside them."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        seed(root / "hub", root / "snapshot", clock=ManualClock(MORNING), size=SIZE)
        box = open_hub(root / "hub")
        try:
            with box.door.read() as db:
                events = [bytes(row["raw"]) for row in db.all("SELECT raw FROM journal")]
                beside = [
                    lines_beside(Laid(**dict(row)))
                    for row in db.all("SELECT event, name, salt, content FROM document")
                ]
        finally:
            box.close()
    chance = random.Random(1)
    return [strange(sample, chance) for sample in [*events, *beside, *transfers(chance)]]


def lines_beside(laid: Laid) -> bytes:
    """Return the line that a segment carries for a document."""
    lone = Segment(
        epoch=1, boot=1, first=1, events=(b"{}",), documents=(laid,), signature=bytes(64)
    )
    packed = pack(lone, dictionary=NONE)
    assert unpack(packed) == lone
    return zstandard.decompress(packed[88:]).partition(b"\n")[2]


def strange(sample: bytes, chance: random.Random) -> bytes:
    """Give a sample ids that no other has: the dictionary is to learn words, not whose."""
    for pattern in (_UUID, _HEX):
        sample = pattern.sub(lambda found: _like(found.group(), chance), sample)
    return _STAFF.sub(lambda _found: b'"%08x"' % chance.getrandbits(32), sample)


def _like(found: bytes, chance: random.Random) -> bytes:
    drawn = iter(chance.choices(b"0123456789abcdef", k=len(found)))
    # An id's first digits are the time: they change slowly and are left as they are.
    return bytes(
        mark if at < 4 or mark == ord("-") else next(drawn) for at, mark in enumerate(found)
    )


def transfers(chance: random.Random) -> list[bytes]:
    """Return both streams' events about value that travels."""
    ids = seeded(7)
    return [
        encode(event)
        for number in range(TRANSFERS)
        for event in _transfer(number, ids.new, chance)
    ]


def _transfer(number, new, chance) -> list[Event]:
    at = MORNING + number * 60_000
    member, lot, transfer, request = (new(at) for _ in range(4))
    hub = "0123456789abcdef"
    amount = chance.randrange(100, 300_000, 100)
    legs = [Leg(Asset.PRINCIPAL, lot, amount), Leg(Asset.BONUS, lot, amount // 10)]
    plain = tuple((leg.asset.value, leg.lot, leg.amount) for leg in legs)
    known = (Lot(lot=lot, opened_at=at, paid=amount, principal=amount, bonus=amount // 10),)
    about = {"transfer": transfer, "member": member, "legs": plain, "lots": known}
    facts = [
        (
            Granted(hub=hub, hub_epoch=1, request=request, **about),
            grant(member, transfer, legs),
        ),
        (Accepted(**about), accept(member, hub, transfer, legs)),
        (Recalled(request=request, member=member, hub=hub, hub_epoch=1), []),
        (Released(request=request, **about), release(member, hub, transfer, legs)),
    ]
    return [
        Event(
            id=new(at),
            origin=hub + (".dn" if isinstance(body, Granted | Recalled) else ""),
            epoch=1,
            seq=number + 1,
            at=at,
            boot=1,
            store="store1",
            date="2026-03-02",
            body=encode_body(body),
            postings=tuple(postings),
        )
        for body, postings in facts
    ]


def train() -> bytes:
    return zstandard.train_dictionary(
        DICTIONARY_BYTES, samples(), dict_id=1, level=3
    ).as_bytes()


def main() -> None:
    path = Path(sys.argv[1])
    if path.exists():
        raise SystemExit(f"{path} is there; a dictionary that was shipped never changes")
    made = train()
    path.write_bytes(made)
    print(f"{path}: {len(made)} bytes, sha256 {hashlib.sha256(made).hexdigest()}")


if __name__ == "__main__":
    main()
