"""Boxes that are closed, replaced and copied, and what they bring late."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from cloud.epochs import bring_late, close_epoch
from cloud.ingest import differences
from cloud.ingest.tests.stores import KEY, Store
from cloud.platform import epochs_of, find_hub, replace_code
from core.ids import seeded
from core.journal import Journal
from core.sqlite import Door
from core.wallet import risk_bookings, risk_sums
from core.wire import unpack


@dataclass
class Office:
    """Head office with the hands of these tests."""

    platform: object
    merchant: object
    desk: object

    def close(self, store, reason="broken"):
        close_epoch(self.platform, store.id, reason=reason)
        self.desk.exchange.look_again(self.desk.now)
        self.work()

    def work(self):
        self.desk.dirty[self.merchant.id] = None
        self.desk.work()

    def late(self, store, raw):
        with self.platform.door.read() as db:
            epoch = epochs_of(db, store.id)[store.identity.epoch - 1]
        segment, whose = unpack(raw), store.merchant
        return self.platform.door.write(
            lambda tx: bring_late(tx, epoch, segment, raw, merchant=whose, at=1)
        )

    def bring(self, store, after=0):
        """Upload a tail as a fenced box does; return what it was told of each segment."""
        said = [self.late(store, raw).state for raw in store.segments(after=after)]
        self.work()
        return said

    def risk(self):
        with self.merchant.door.read() as db:
            return risk_sums(db)

    def bookings(self):
        with self.merchant.door.read() as db:
            return [
                (row["member"], row["hub"], row["hub_epoch"], row["amount"], row["reason"])
                for row in risk_bookings(db, limit=99)
            ]

    def sound(self):
        assert self.merchant.findings() == []
        assert differences(self.platform, self.merchant) == []
        with self.merchant.door.read() as db:
            assert not db.all("SELECT * FROM quarantine")
            assert not db.all("SELECT * FROM holding WHERE amount < 0")
            assert not db.all("SELECT * FROM transit WHERE amount < 0")
        return True


def successor(office, store, tmp_path, seed=31):
    """Put another box in a closed one's place."""
    with office.platform.door.read() as db:
        hub = find_hub(db, store.id)
        newest = epochs_of(db, store.id)[-1].epoch
    box = Store(
        tmp_path,
        office.platform,
        office.merchant,
        name=store.id,
        store=store.store,
        seed=seed,
        at=store.clock.at,
        epoch=newest + 1,
        code=replace_code(office.platform, hub),
    )
    office.desk.exchange.look_again(office.desk.now)
    return box


def twin_of(store, folder, seed):
    """Copy a box's card: the same keys, the same history so far, another life from here on."""
    store.seal()
    store.door.checkpoint()
    folder.mkdir()
    path = folder / store.door.path.name
    shutil.copy(store.door.path, path)
    for ending in ("-wal", "-shm"):
        beside = store.door.path.with_name(store.door.path.name + ending)
        if beside.exists():
            shutil.copy(beside, path.with_name(path.name + ending))
    twin = Store.__new__(Store)
    twin.__dict__.update(store.__dict__)
    migrations = store.door_migrations
    twin.door = Door(path, key=KEY, migrations=migrations, synchronous="OFF")
    twin.journal = Journal(
        identity=store.identity, parts=store.parts, clock=store.clock, ids=seeded(seed)
    )
    twin.down = list(store.down)
    return twin


def tables(merchant):
    with merchant.door.read() as db:
        return {
            name: [
                tuple(row) for row in db.all(f"SELECT * FROM {name} ORDER BY {', '.join(key)}")
            ]
            for name, key in merchant.parts.tables.items()
        }
