"""The network between a store and head office goes away without a word, and comes back."""

from __future__ import annotations

import time

import pytest

from core.clock import SystemClock
from core.members import Application, Profile, register
from hub.app import open_hub
from hub.sync import link_state
from tests.chain.running import BROKER, GATE, head_office, until
from tests.started import seed
from tests.torture.namespaces import OFFICE, NotPermitted, a_cable
from tests.torture.slow_line import SlowLine

pytestmark = pytest.mark.deep

FAST = 1_000_000_000
NOTICED_S = 90.0
HEALED_S = 60.0
SHORT_S = 4.0


class Shop:
    """A joined store with its books open here, while its sending program runs elsewhere."""

    def __init__(self, box, office, merchant):
        self.box, self.office, self.merchant = box, office, merchant

    def do(self, verb):
        answer = self.box.door.write(lambda tx: verb(tx, self.box.act(tx, actor="owner")))
        self.box.written()
        return answer

    def register(self, name):
        known = Application(profile=Profile(name=name))
        return self.do(lambda tx, act: register(tx, act, known))

    def online(self):
        with self.box.door.read() as db:
            return link_state(db, self.box).cloud

    def has_arrived(self):
        with self.box.door.read() as db:
            last = self.box.journal.head(db).seq
        own = self.box.journal.identity.origin
        with self.office.books(self.merchant) as books, books.door.read() as db:
            return last == db.value("SELECT MAX(seq) FROM journal WHERE origin = :own", own=own)


@pytest.fixture
def cable():
    try:
        with a_cable() as cable:
            yield cable
    except NotPermitted as why:
        pytest.skip(str(why))


def test_a_network_that_swallows_everything_stops_no_sale_and_heals_without_a_restart(
    cable, tmp_path
):
    folder = tmp_path / "store"
    seed(folder, clock=SystemClock())
    with head_office(tmp_path / "office") as office:
        names = ("--name", OFFICE, "--name", "127.0.0.1", "--name", "localhost")
        office.admin("certificates", *names)
        for program in (BROKER, GATE):
            office.kill(program)
            office.start(program)
        merchant = office.admin("merchant", "add", "清和")
        office.take_in(merchant, folder, bring=True)
        ports = [office.ports[name] for name in (BROKER, GATE)]
        line = SlowLine(ports, bits_a_second=FAST, round_trip_s=0.0, at=OFFICE)
        box = open_hub(folder)
        shop = Shop(box, office, merchant)
        with line:
            broker, gate = (f"{OFFICE}:{port}" for port in line.ports)
            words = ("--broker", broker, "--gate", f"https://{gate}", "--retry-max", "0.5")
            with cable.running(folder, "sync", *words):
                until(shop.online)
                until(shop.has_arrived)
                cable.pull()
                for number in range(5):
                    shop.register(f"断网{number}")
                time.sleep(SHORT_S)
                assert not shop.has_arrived()
                cable.plug_in()
                until(shop.has_arrived, HEALED_S, why="a short gap did not heal")
                cable.pull()
                until(lambda: not shop.online(), NOTICED_S, why="nobody noticed")
                shop.register("久断")
                cable.plug_in()
                until(shop.has_arrived, HEALED_S, why="a long gap did not heal")
                until(shop.online)
        box.close()
