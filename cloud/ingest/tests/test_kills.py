"""Killed between any two commits, head office goes on and ends where it would have."""

from __future__ import annotations

import os
import shutil
import signal

import pytest

from cloud.ingest import differences
from cloud.ingest.tests.stores import Desk, Store, kinds_in
from cloud.platform.tests.office import merchant_in, office_in
from core.sqlite import Door
from core.wallet import send_release
from core.wire import Ask, Channel, encode

pytestmark = pytest.mark.wide

TEA = {"code": "201", "name": "茉莉花茶", "price": 3_800}
COMMITS_MAX = 60


class Prepared:
    """An office with two stores, and all that they will send."""

    def __init__(self, folder):
        self.folder = folder / "office"
        platform = office_in(self.folder)
        merchant = merchant_in(platform, stores=("s1", "s2"))
        self.merchant = merchant.id
        first = Store(folder, platform, merchant, name="1" * 16, store="s1", seed=11)
        second = Store(folder, platform, merchant, name="2" * 16, store="s2", seed=12)
        self.member = first.member("李慧敏", "13812342046")
        first.top_up(self.member, 10_000, bonus=1_000)
        first.segments()
        first.edit("item", "i1", TEA)
        first.do(
            lambda tx, act: send_release(tx, act, transfer=act.new_id(), member=self.member)
        )
        second.member("王芳")
        self.messages = []
        for store in (first, second):
            self.messages.append((store.topic(Channel.UP_CONTROL), encode(store.hello())))
            self.messages += [(store.topic(Channel.UP_LOG), raw) for raw in store.segments()]
        self.ask = (
            second.topic(Channel.UP_ASK),
            encode(Ask(id="q1", member=self.member, why="test")),
        )
        first.close()
        second.close()
        platform.close()

    def run(self, folder):
        """Do what ingest does with it all, from whatever is there."""
        # Another process draws other ids.
        platform = office_in(folder, seed=os.getpid())
        desk = Desk(platform)
        for message in self.messages:
            desk.exchange.take([message], desk.now)
        desk.work()
        desk.exchange.take([self.ask], desk.now)
        desk.work()
        platform.close()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return Prepared(tmp_path_factory.mktemp("prepared"))


def killed_at(prepared, folder, number, *, before):
    """Run in a process that is killed at its commit with this number; say whether it was."""
    child = os.fork()
    if child == 0:
        write = Door.write
        done = 0

        def counted(door, verb):
            nonlocal done
            done += 1
            if done == number and before:
                os.kill(os.getpid(), signal.SIGKILL)
            answer = write(door, verb)
            if done == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        try:
            Door.write = counted
            prepared.run(folder)
        finally:
            os._exit(0)
    _pid, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def state(prepared, folder):
    """Return what must not depend on how often head office was killed."""
    platform = office_in(folder)
    merchant = platform.merchant(prepared.merchant)
    try:
        assert merchant.findings() == []
        assert differences(platform, merchant) == []
        with merchant.door.read() as db:
            tables = {
                table: sorted(
                    tuple(map(str, row)) for row in db.all(f"SELECT {what} FROM {table}")
                )
                for table, what in {
                    "holding": "place, member, asset, lot, amount",
                    "transit": "member, asset, lot, amount",
                    "member": "id, name, phone",
                    "movement": "place, amount, kind",
                    "feed_document": "topic, key",
                    "item": "id, name, price",
                    "quarantine": "seq, reason",
                    "ask": "id, state, open",
                }.items()
            }
            hubs = [
                r["raw"]
                for r in db.all(
                    "SELECT raw FROM journal WHERE length(origin) = 16 ORDER BY origin, seq"
                )
            ]
        own = {
            origin: sorted(kinds_in(merchant, origin))
            for origin in (merchant.id, "1" * 16 + ".dn", "2" * 16 + ".dn")
        }
        with platform.door.read() as db:
            cursors = [
                (r["origin"], r["seq"])
                for r in db.all("SELECT * FROM stream_cursor ORDER BY origin")
            ]
        return tables, hubs, own, cursors
    finally:
        platform.close()


def test_killed_before_or_after_any_commit_nothing_is_lost_or_done_twice(prepared, tmp_path):
    shutil.copytree(prepared.folder, tmp_path / "control")
    prepared.run(tmp_path / "control")
    expected = state(prepared, tmp_path / "control")
    assert expected[2]["2" * 16 + ".dn"] == ["wallet.granted"]
    assert expected[2][prepared.merchant].count("wallet.accepted") == 1
    kills = 0
    for number in range(1, COMMITS_MAX):
        for before in (True, False):
            folder = tmp_path / f"{number}-{before}"
            shutil.copytree(prepared.folder, folder)
            if not killed_at(prepared, folder, number, before=before):
                assert number > 8
                assert kills > 16
                return
            kills += 1
            prepared.run(folder)
            assert state(prepared, folder) == expected, (number, before)
            shutil.rmtree(folder)
    pytest.fail("the commits were not bounded")


def test_killed_again_and_again_it_still_comes_to_the_end(prepared, tmp_path):
    shutil.copytree(prepared.folder, tmp_path / "control")
    prepared.run(tmp_path / "control")
    folder = tmp_path / "office"
    shutil.copytree(prepared.folder, folder)
    # Each time one commit further than the start of a program needs.
    for number in (4, 5, 6, 7, 5, 6, 9, 4, 12, 8):
        killed_at(prepared, folder, number, before=False)
    prepared.run(folder)
    assert state(prepared, folder) == state(prepared, tmp_path / "control")
