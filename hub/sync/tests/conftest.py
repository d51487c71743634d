from __future__ import annotations

import ssl
import threading

import pytest
from msgspec.structs import replace

from hub.sync import join, load_link
from hub.sync.line import Retry
from hub.sync.link import save_link
from hub.sync.runtime import Options, Sending
from hub.sync.tests.office import GOOD_CODE, Office
from hub.tests.shop import furnished, shop
from tests.broker.conftest import authority, broker, pairs

STOP_S = 5.0
__all__ = ["authority", "broker", "furnished", "pairs", "shop"]


@pytest.fixture
def office(tmp_path, authority):
    """A head office without a broker."""
    opened = Office(tmp_path / "office", authority, 1)
    yield opened
    opened.close()


@pytest.fixture
def joined_shop(office, shop, authority):
    """A shop that brought its own and follows head office now."""
    return joined_to(office, shop, authority)


def joined_to(office, shop, authority):
    context = ssl.create_default_context(cafile=str(authority.file))
    join(shop.box, url=office.url, code=GOOD_CODE, bring=True, version="1", context=context)
    link = load_link(shop.box.folder)
    save_link(shop.box.folder, replace(link, url_ca=authority.file.read_text()))
    return shop


@pytest.fixture
def online(tmp_path, authority, broker, pairs):
    """A head office at a broker."""
    opened = Office(tmp_path / "office", authority, broker.port)
    opened.connect(pairs)
    yield opened
    opened.close()


@pytest.fixture
def followed(online, shop, authority):
    """A shop that is joined to a head office at a broker."""
    return joined_to(online, shop, authority)


@pytest.fixture
def sending(followed):
    """The sending program, as a thread; each call starts one, all are stopped at the end."""
    running = []

    def begin(**options):
        program = Program(followed.box, **options)
        running.append(program)
        return program

    yield begin
    for program in running:
        program.stop()


class Program:
    """`dianshu hub sync` in a thread over an opened box."""

    def __init__(self, box, **options):
        options = {"retry": Retry(longest_s=0.2), **options}
        self.stopping = threading.Event()
        self.sending = Sending(box, load_link(box.folder), Options(**options))
        self.thread = threading.Thread(target=self.sending.run, args=(self.stopping,))
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.thread.join(STOP_S)
        assert not self.thread.is_alive()
