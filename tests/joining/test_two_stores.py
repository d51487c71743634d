"""Two stores, head office and the broker, all of them real: value, prices and people travel."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time

import pytest

from cloud.gate.tests.started import looked_into, started
from core import feed
from core.feed import publish
from core.journal import drain_all, rebuild
from core.staff import active_staff
from core.till import Offered
from hub.app import open_hub
from hub.checkout import pay_topup
from hub.members import Application, Profile, register
from hub.simulator.line import Line, LineState, Route
from hub.sync import link_state, load_link
from hub.till import open_till
from hub.wallet import TopUp, balance, follow
from tests.architecture.sources import ROOT
from tests.joining.test_joining import joined, running_shop, said

pytestmark = pytest.mark.wide

TILL = "前台"
WAIT_S = 30.0
START_S = 20.0


@pytest.fixture(scope="module")
def tmp(tmp_path_factory):
    return tmp_path_factory.mktemp("chain")


@pytest.fixture(scope="module")
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as asked:
        return asked.getsockname()[1]


@pytest.fixture(scope="module")
def office(tmp, free_port):
    """Head office's four programs over one folder."""
    folder = tmp / "office"
    broker = f"127.0.0.1:{free_port}"
    said(folder, "admin", "addresses", "--broker", broker)
    said(folder, "admin", "certificates", "--name", "127.0.0.1", "--name", "localhost")
    with contextlib.ExitStack() as running:
        running.enter_context(program(tmp, "cloud", "broker", "--bind", broker, data=folder))
        until(lambda: listens(free_port))
        running.enter_context(started(folder, "gate"))
        web = running.enter_context(started(folder, "web"))
        running.enter_context(program(tmp, "cloud", "ingest", "--broker", broker, data=folder))
        yield Office(folder, f"http://{web.address}", free_port)


class Office:
    def __init__(self, folder, url, broker):
        self.folder, self.url, self.broker = folder, url, broker


class Store:
    """One store's box, and what its people do."""

    def __init__(self, folder):
        self.box = open_hub(folder)
        self.here = self.box.journal.identity.origin

    def do(self, verb):
        with self.box.door.read() as db:
            owner = active_staff(db)[0].id
        answer = self.box.door.write(lambda tx: verb(tx, self.box.act(tx, actor=owner)))
        self.box.written()
        return answer

    def ask(self, query):
        with self.box.door.read() as db:
            return query(db)

    def balance(self, member):
        return self.ask(lambda db: balance(db, self.box.act(db), member))

    def link(self):
        return self.ask(lambda db: link_state(db, self.box))

    def differences(self, scratch):
        drain_all(self.box.door, self.box.parts)
        key = self.box.database_key
        again = rebuild(self.box.door, scratch, self.box.parts, key=key, then=feed.replay)
        return list(again)


@contextlib.contextmanager
def program(tmp, side, name, *words, data):
    with (tmp / f"{side}-{name}-{data.name}.said").open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", side, name, "--data", str(data), *words],
            cwd=ROOT,
            stdout=out,
            stderr=out,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(START_S)
        finally:
            process.kill()
            process.wait()


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def until(condition, timeout_s=WAIT_S):
    ends_at = time.monotonic() + timeout_s
    while time.monotonic() < ends_at:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come to that")


@pytest.fixture(scope="module")
def stores(office, tmp):
    """A shop that brought its own, and a second store that was opened at head office."""
    with contextlib.ExitStack() as running:
        first, second = tmp / "first", tmp / "second"
        running_shop(first, "清和", "A")
        chain = said(office.folder, "admin", "merchant", "add", "清和")
        code = said(office.folder, "admin", "code", "--merchant", chain)
        joined(office, first, code, "--bring")
        words = ("store", "add", "西湖店", "--merchant", chain, "--code", "B")
        branch = said(office.folder, "admin", *words)
        code = said(office.folder, "admin", "code", "--merchant", chain, "--store", branch)
        joined(office, second, code)
        line = running.enter_context(Line((Route(port=0, to=office.broker),)))
        for folder, broker in ((first, office.broker), (second, line.ports[0])):
            more = ("--retry-max", "0.3", "--broker", f"127.0.0.1:{broker}")
            running.enter_context(program(tmp, "hub", "sync", *more, data=folder))
        opened = [Store(first), Store(second)]
        for store in opened:
            running.callback(store.box.close)
        until(lambda: all(store.link().cloud for store in opened))
        until(lambda: opened[1].ask(active_staff))
        yield *opened, line


def topped_up(store, amount):
    member = store.do(
        lambda tx, act: register(
            tx, act, Application(profile=Profile(name="李慧敏", phone="13812342046"))
        )
    )
    top_up(store, member, amount)
    return member


def top_up(store, member, amount):
    wanted = TopUp(
        member=member, amount=amount, payments=(Offered(tender="cash", amount=amount),)
    )
    store.do(lambda tx, act: pay_topup(tx, act, wanted, till=TILL, key=act.new_id()))


def shift(store):
    store.do(lambda tx, act: open_till(tx, act, till=TILL, float_cents=0, key=act.new_id()))


def written(store):
    return store.ask(store.box.journal.head).seq


def knows(store, member):
    return store.ask(
        lambda db: db.value("SELECT 1 FROM member WHERE id = :id", id=member) is not None
    )


@pytest.mark.feature("STO-02")
@pytest.mark.feature("STO-04")
@pytest.mark.feature("STO-05")
def test_a_member_and_their_value_follow_from_store_to_store_and_through_a_pulled_line(
    office, stores, tmp_path
):
    first, second, line = stores
    shift(first)
    shift(second)
    member = topped_up(first, 100_000)
    until(lambda: knows(second, member))
    until(lambda: second.balance(member).elsewhere == 100_000)
    assert second.balance(member).here == 0
    begun = time.monotonic()
    assert second.do(lambda tx, act: follow(tx, act, member=member, why="ticket"))
    until(lambda: second.balance(member).here == 100_000)
    assert time.monotonic() - begun < 5.0
    until(lambda: first.balance(member).here == 0)
    assert first.balance(member).total == second.balance(member).total == 100_000

    until(lambda: second.link().pending == 0)
    line.switch(LineState.CUT)
    until(lambda: not second.link().cloud)
    before = written(second)
    assert second.link().pending == 0
    top_up(second, member, 5_000)
    assert second.balance(member).here == 105_000
    assert second.link().pending == written(second) - before > 0
    line.switch(LineState.UP)
    until(lambda: second.link().cloud and second.link().pending == 0)
    until(lambda: first.balance(member).elsewhere == 105_000)

    for number, store in enumerate((first, second)):
        assert store.box.findings() == []
        assert store.differences(tmp_path / f"again-{number}.db") == []
    with looked_into(office.folder) as platform:
        served = platform.merchant(load_link(first.box.folder).merchant)
        assert served.findings() == []


@pytest.mark.feature("STO-03")
def test_an_edit_in_one_store_is_in_the_other_and_stays_in_the_first(stores):
    first, second, _line = stores
    first.do(
        lambda tx, act: publish(tx, act, topic="category", key="c9", content={"name": "足疗"})
    )

    def held(store):
        return store.ask(
            lambda db: db.one("SELECT pos, content FROM feed_document WHERE key = 'c9'")
        )

    until(lambda: held(second) is not None)
    assert "足疗" in held(second)["content"].decode()
    until(lambda: held(first)["pos"] == held(second)["pos"] > 0)
