"""A box's past at the gate: fetched by its successor, finished by itself after it was closed."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from cloud.epochs import close_epoch
from cloud.gate.tests.started import call, looked_into, papers_of, started
from cloud.ingest.books import carry
from cloud.ingest.tests.stores import Store
from cloud.platform import find_hub, replace_code, set_places
from cloud.platform.places import parse_broker
from cloud.platform.tests.office import merchant_in
from cloud.streams import Kept, keep
from core.clock import SystemClock
from core.crypto import verify_log
from core.enrolment import (
    JOURNAL_BYTES_MAX,
    LateAnswer,
    LateState,
    StandingAnswer,
    StreamsAnswer,
    split_segments,
)
from core.ids import seeded
from core.journal import Journal, birth_head
from core.sqlite import Door
from core.wallet import Adjusted
from core.wire import unpack


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("office")
    with started(folder, "gate") as gate, looked_into(folder) as platform:
        platform.door.write(lambda tx: set_places(tx, broker=parse_broker("127.0.0.1:1")))
        yield World(platform, f"https://{gate.address}", tmp_path_factory)


class World:
    def __init__(self, platform, url, folders):
        self.platform, self.url, self.folders = platform, url, folders
        self.merchant = merchant_in(platform)
        self.boxes = 0

    def box(self, **more):
        """Return a box with three events, of which head office has as many as it is told."""
        self.boxes += 1
        folder = self.folders.mktemp("box")
        known = {"name": f"{self.boxes:016x}", "seed": 40 + self.boxes} | more
        store = Store(folder, self.platform, self.merchant, at=SystemClock().read().at, **known)
        store.tls = papers_of(folder, store.papers, store.answer.certificate, store.answer.ca)
        return store

    def keep(self, store):
        """Let head office have what a box has sealed."""
        head, have = birth_head(store.identity.birth), 0
        for raw in store.segments():
            segment = unpack(raw)
            head = segment.heads(head)[-1]
            stream = Kept(
                origin=store.id,
                epoch=store.identity.epoch,
                merchant=store.merchant,
                birth=store.identity.birth,
                at=1,
            )
            self.platform.door.write(
                lambda tx, raw=raw, segment=segment, stream=stream, have=have, head=head: keep(
                    tx, stream, segment, raw, after=have, head=head
                )
            )
            have = segment.last
        carry(self.platform, self.merchant)

    def get(self, store, path, kind):
        reply = call(self.url + path, context=store.tls)
        assert reply.status == 200, reply.body
        return msgspec.json.decode(reply.body, type=kind)

    def late(self, store, raw, epoch=1):
        url = f"{self.url}/late?epoch={epoch}"
        return call(url, method="POST", body=raw, context=store.tls)

    def said_late(self, store, raw, epoch=1):
        reply = self.late(store, raw, epoch)
        assert reply.status == 200, reply.body
        return msgspec.json.decode(reply.body, type=LateAnswer)


def test_a_new_box_fetches_all_of_the_old_ones_past_and_can_check_it(world):
    old = world.box()
    member = old.member()
    old.top_up(member)
    world.keep(old)
    old.top_up(member)
    world.keep(old)
    close_epoch(world.platform, old.id, reason="broken")
    with world.platform.door.read() as db:
        code = replace_code(world.platform, find_hub(db, old.id))
    new = world.box(name=old.id, seed=99, epoch=2, code=code)
    told = world.get(new, "/streams", StreamsAnswer)
    assert [(one.origin, one.epoch, one.closed) for one in told.streams] == [
        (old.id, 1, "broken"),
        (f"{old.id}.dn", 1, "broken"),
        (old.id, 2, ""),
        (f"{old.id}.dn", 2, ""),
    ]
    for one in told.streams:
        assert verify_log(
            public=told.merchant_key, message=one.birth, signature=one.countersignature
        )
    first = told.streams[0]
    reply = call(f"{world.url}/journal?origin={old.id}&epoch=1&after=0", context=new.tls)
    assert reply.headers["X-Sha256"] == hashlib.sha256(reply.body).hexdigest()
    assert split_segments(reply.body) == old.segments()
    head, have = birth_head(first.birth), 0
    for raw in split_segments(reply.body):
        segment = unpack(raw)
        head, have = segment.heads(head)[-1], segment.last
    assert (have, head) == (first.last_seq, first.head)
    behind = call(f"{world.url}/journal?origin={old.id}&epoch=1&after=2", context=new.tls)
    assert [unpack(raw).first for raw in split_segments(behind.body)] == [3]
    ends = call(f"{world.url}/journal?origin={old.id}&epoch=1&after=3", context=new.tls)
    assert (ends.status, ends.body) == (200, b"")


def test_a_long_past_comes_in_answers_of_a_bounded_size(world):
    box = world.box()
    for number in range(60):
        # Words that no zstd makes short, so that few segments fill an answer.
        box.append(
            noted(
                "".join(
                    hashlib.sha512(f"{number}/{part}".encode()).hexdigest()
                    for part in range(400)
                )
            )
        )
    world.keep(box)
    after, answers, segments = 0, 0, []
    while True:
        url = f"{world.url}/journal?origin={box.id}&epoch=1&after={after}"
        body = call(url, context=box.tls).body
        if not body:
            break
        assert len(body) <= JOURNAL_BYTES_MAX
        segments += split_segments(body)
        after, answers = unpack(segments[-1]).last, answers + 1
    assert segments == box.segments()
    assert answers > 1


def test_nobody_fetches_another_boxs_past(world):
    mine, other = world.box(), world.box()
    other.member()
    world.keep(other)
    for origin in (other.id, f"{other.id}.dn", world.merchant.id, ""):
        url = f"{world.url}/journal?origin={origin}&epoch=1&after=0"
        assert call(url, context=mine.tls).code == "epoch_unknown"
    assert call(f"{world.url}/journal?origin={mine.id}&epoch=7", context=mine.tls).status == 404


def test_a_closed_box_is_let_in_for_what_it_still_has_and_for_nothing_else(world):
    box = world.box()
    box.member()
    world.keep(box)
    assert world.late(box, box.segments()[0]).code == "epoch_open"
    standing = world.get(box, "/standing?epoch=1", StandingAnswer)
    assert (standing.closed, standing.have, standing.newest) == ("", 1, 1)
    close_epoch(world.platform, box.id, reason="replaced")
    standing = world.get(box, "/standing?epoch=1", StandingAnswer)
    assert (standing.closed, standing.closed_seq, standing.have) == ("replaced", 1, 1)
    for path in ("/health", "/feed?after=0", "/streams", f"/journal?origin={box.id}&epoch=1"):
        assert call(world.url + path, context=box.tls).code == "hub_revoked"
    box.member(name="停用后才传来")
    known, tail = box.segments()
    assert world.said_late(box, known) == LateAnswer(state=LateState.KNOWN, acked=1)
    assert world.said_late(box, tail) == LateAnswer(state=LateState.KEPT, acked=2)
    assert world.get(box, "/standing?epoch=1", StandingAnswer).have == 2
    assert world.late(box, b"H1 nonsense").code == "bad_segment"
    assert world.late(box, tail, epoch=2).code == "epoch_unknown"


def test_a_second_history_is_kept_and_its_successor_may_fetch_it(world):
    box = world.box()
    box.member()
    world.keep(box)
    first = box.segments()[0]
    close_epoch(world.platform, box.id, reason="forked")
    twin = world.folders.mktemp("twin")
    other = Store.__new__(Store)
    other.__dict__.update(box.__dict__)
    other.door, other.journal = another_life(box, twin)
    other.append(noted("分身"))
    answer = world.said_late(box, other.segments()[0])
    assert answer == LateAnswer(state=LateState.BRANCH, acked=1)
    assert world.said_late(box, first).state is LateState.KNOWN
    with world.platform.door.read() as db:
        code = replace_code(world.platform, find_hub(db, box.id))
    new = world.box(name=box.id, seed=98, epoch=2, code=code)
    told = world.get(new, "/streams", StreamsAnswer)
    (branch,) = [one for one in told.streams if one.trunk]
    assert (branch.trunk, branch.after, branch.last_seq) == (box.id, 0, 1)
    url = f"{world.url}/journal?origin={branch.origin}&epoch=1&after=0"
    assert split_segments(call(url, context=new.tls).body) == other.segments()
    other.door.close()


def noted(reason):
    return Adjusted(member="m", lot="x", asset="principal", amount=0, reason=reason)


def another_life(box, folder):
    """Return what the same keys would write on an empty card."""
    door = Door(
        folder / "twin.db",
        key=bytes(range(32)),
        migrations=box.door_migrations,
        synchronous="OFF",
    )
    journal = Journal(identity=box.identity, parts=box.parts, clock=box.clock, ids=seeded(5))
    door.write(journal.begin)
    return door, journal


def test_a_stolen_boxs_certificate_is_good_for_nothing(world):
    box = world.box()
    box.member()
    world.keep(box)
    box.member(name="偷走后编的")
    close_epoch(world.platform, box.id, reason="stolen")
    for path in ("/health", "/standing?epoch=1", "/streams"):
        assert call(world.url + path, context=box.tls).code == "hub_stolen"
    assert world.late(box, box.segments()[-1]).code == "hub_stolen"
    # Its successor may not bring it either: nobody knows who wrote it.
    with world.platform.door.read() as db:
        code = replace_code(world.platform, find_hub(db, box.id))
    new = world.box(name=box.id, seed=97, epoch=2, code=code)
    assert world.late(new, box.segments()[-1]).code == "hub_stolen"
