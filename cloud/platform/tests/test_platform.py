from __future__ import annotations

import stat
import threading

import pytest

from cloud.app import open_cloud
from cloud.platform import (
    alarm,
    alarms_of,
    create_merchant,
    find_hub,
    hub_named,
    new_code,
    places,
    set_places,
)
from cloud.platform.places import keep_places, parse_broker, parse_gate
from cloud.platform.tests.office import NOW, STORE, Hub, edit, join, merchant_in
from core.clock import DAY_MS, HOUR_MS, ManualClock
from core.doorbell import Doorbell
from core.errors import Refused
from core.ids import seeded
from core.journal import signed_by_birth
from core.organisation import stores


def test_a_merchant_is_found_again_by_another_program_with_the_same_keys(platform, tmp_path):
    made = create_merchant(platform, " 清和养生 ")
    other = open_cloud(platform.folder, clock=ManualClock(NOW), ids=seeded(9))
    again = other.merchant(made.id)
    assert other.merchant_ids() == (made.id,)
    assert again.signing.public == made.signing.public
    assert (again.pin_pepper, again.card_key) == (made.pin_pepper, made.card_key)
    assert again.journal.identity.birth == made.journal.identity.birth
    assert again.journal.identity.boot == made.journal.identity.boot + 1
    other.close()


def test_what_one_program_publishes_the_other_reads(platform, tmp_path):
    made = merchant_in(platform, stores=())
    other = open_cloud(platform.folder, clock=ManualClock(NOW))
    edit(made, topic="store", key=STORE, content={"name": "人民路店", "code": "01"})
    with other.merchant(made.id).door.read() as db:
        assert [store.name for store in stores(db).values()] == ["人民路店"]
    other.close()


def test_two_merchants_share_no_key_and_no_row(platform):
    first, second = merchant_in(platform, "甲"), merchant_in(platform, "乙", stores=())
    assert first.id != second.id
    assert len({first.pin_pepper, second.pin_pepper, first.card_key, second.card_key}) == 4
    assert first.signing.public != second.signing.public
    with second.door.read() as db:
        assert db.value("SELECT COUNT(*) FROM feed_document") == 0
        assert db.value("SELECT COUNT(*) FROM journal") == 0


def test_a_merchants_file_does_not_open_with_another_merchants_key(platform):
    first, second = merchant_in(platform, "甲"), merchant_in(platform, "乙")
    platform.close()
    opened = open_cloud(platform.folder, clock=ManualClock(NOW))
    folder = platform.folder / "merchants"
    (folder / f"{first.id}.db").write_bytes((folder / f"{second.id}.db").read_bytes())
    for beside in folder.glob(f"{first.id}.db-*"):
        beside.unlink()
    with pytest.raises(RuntimeError, match="does not open with this key"):
        opened.merchant(first.id)
    opened.close()


def test_nothing_of_a_merchant_is_in_plain_text_on_the_disk(platform):
    made = merchant_in(platform, "清和养生")
    edit(made, topic="company", key="-", content={"name": "PLAINLY-VISIBLE"})
    platform.close()
    found = [path for path in platform.folder.rglob("*") if path.is_file()]
    assert found
    for path in found:
        raw = path.read_bytes()
        assert b"PLAINLY-VISIBLE" not in raw, path
        assert "清和养生".encode() not in raw, path


def test_the_platforms_secret_is_open_to_its_owner_only(platform):
    secret = platform.folder / "secrets" / "platform.key"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    create_merchant(platform, "清和")
    assert stat.S_IMODE((platform.folder / "merchants").stat().st_mode) == 0o700
    assert repr(platform.secret) not in repr(platform)


def test_a_merchant_needs_a_name_and_an_unknown_one_is_refused(platform):
    for name in ("", "  ", "长" * 61):
        with pytest.raises(Refused, match="no_name"):
            create_merchant(platform, name)
    with pytest.raises(Refused, match="no_merchant"):
        platform.merchant("nowhere1")
    assert platform.merchant_ids() == ()


def test_many_threads_open_a_merchant_once(platform):
    made = create_merchant(platform, "清和")
    other = open_cloud(platform.folder, clock=ManualClock(NOW))
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(other.merchant(made.id))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({id(one) for one in found}) == 1
    other.close()


def test_an_act_is_dated_by_the_first_stores_day(platform):
    made = merchant_in(platform, stores=())
    midnight_in_shanghai = 20_710 * DAY_MS - 8 * HOUR_MS
    platform.clock.at = midnight_in_shanghai - 1
    with made.door.read() as db:
        before = made.act(db).date
    platform.clock.at = midnight_in_shanghai
    with made.door.read() as db:
        after = made.act(db, actor="a", device="d")
    assert before < after.date
    assert (after.store, after.actor, after.device) == ("", "a", "d")
    edit(made, topic="store", key=STORE, content={"name": "N", "code": "1", "zone": "UTC"})
    with made.door.read() as db:
        assert made.act(db).date == before


def test_the_merchants_journal_is_its_own_and_holds(platform, merchant):
    assert merchant.journal.identity.origin == merchant.id
    assert merchant.findings() == []
    with merchant.door.read() as db:
        assert merchant.journal.head(db).seq == 1


def test_a_downlink_is_kept_in_the_merchants_database_under_the_merchants_key(
    platform, merchant
):
    hub = Hub()
    answer = join(platform, hub, new_code(platform, merchant=merchant.id, store=STORE))
    down = merchant.downlink(hub.name, 1)
    assert down.identity.origin == f"{hub.name}.dn"
    assert down.identity.birth == answer.downlink_birth
    sealed = merchant.signing.sign(b"something")
    assert signed_by_birth(down.identity.birth, sealed, b"something")
    assert merchant.downlink(hub.name, 1) is down
    with merchant.door.read() as db:
        row = db.one("SELECT * FROM origin WHERE origin = :o", o=down.identity.origin)
        assert (row["own"], row["birth"]) == (1, answer.downlink_birth)


def test_no_merchant_writes_to_anothers_hub(platform, merchant):
    other = merchant_in(platform, "乙")
    hub = Hub()
    join(platform, hub, new_code(platform, merchant=merchant.id, store=STORE))
    for stranger, epoch in ((other, 1), (merchant, 2)):
        with pytest.raises(Refused, match="no_hub"):
            stranger.downlink(hub.name, epoch)


def test_a_name_of_another_merchant_means_no_hub(platform, merchant):
    other = merchant_in(platform, "乙")
    hub = Hub()
    join(platform, hub, new_code(platform, merchant=merchant.id, store=STORE))
    with platform.door.read() as db:
        assert hub_named(db, f"{merchant.id}.{hub.name}").id == hub.name
        for name in (f"{other.id}.{hub.name}", hub.name, "cloud-ingest", "", "a.b.c"):
            assert hub_named(db, name) is None


def test_alarms_stand_with_their_merchant(platform, merchant):
    hub = Hub()
    join(platform, hub, new_code(platform, merchant=merchant.id, store=STORE))

    def write(tx):
        alarm(tx, platform, find_hub(tx, hub.name), kind="fork", detail="two heads at 7")

    platform.door.write(write)
    with platform.door.read() as db:
        (row,) = alarms_of(db, merchant.id)
        assert (row["hub"], row["kind"], row["at"]) == (hub.name, "fork", platform.clock.at)
        assert alarms_of(db, "other123") == []


def test_a_commit_rings_who_carries_it_down(platform, merchant):
    ear = Doorbell(platform.bells, "ingest")
    assert not ear.wait(0.01)
    merchant.written()
    assert ear.wait(2)
    platform.ring("ingest")
    assert ear.wait(2)
    ear.close()


def test_places_are_kept_each_for_itself(tmp_path):
    opened = open_cloud(tmp_path, clock=ManualClock(NOW))
    with opened.door.read() as db, pytest.raises(Refused, match="no_places"):
        places(db)
    opened.door.write(lambda tx: set_places(tx, broker=parse_broker("hq.example:8883")))
    opened.door.write(lambda tx: keep_places(tx, gate="https://127.0.0.1:1"))
    opened.door.write(lambda tx: keep_places(tx, gate="https://127.0.0.1:2"))
    with opened.door.read() as db:
        known = places(db)
    assert (known.broker.host, known.broker.port) == ("hq.example", 8883)
    assert known.gate == "https://127.0.0.1:1"
    opened.close()


@pytest.mark.parametrize("text", ["8883", ":8883", "host", "host:", "host:0", "host:70000"])
def test_a_broker_that_is_no_address_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse_broker(text)


@pytest.mark.parametrize(
    "text", ["http://h:1", "h:1", "https://", "https://h/x", "https://h?x=1"]
)
def test_a_gate_that_is_no_https_address_is_refused(text):
    with pytest.raises(ValueError, match="https"):
        parse_gate(text)


def test_a_gate_is_read_without_its_last_slash():
    assert parse_gate("https://hq.example:8443/") == "https://hq.example:8443"
    assert parse_broker("[::1]:8883").host == "::1"
