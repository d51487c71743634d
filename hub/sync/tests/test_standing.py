"""A box that has forgotten, one that was shut out, one whose certificate has ended."""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import socket
import threading

import pytest
from cryptography import x509

from core import feed
from core.enrolment import Broker
from core.errors import Refused
from core.ids import seeded
from core.journal import drain_all, rebuild
from core.wire import Fence, Hello
from hub.fence import FENCED, TAKING_UP, fence
from hub.sync import fenced, load_link
from hub.sync.tests.conftest import Program, joined_to
from hub.sync.tests.test_sending import all_arrived, last_seq, principal, state, until
from hub.tests.shop import Shop
from tests.broker import papers


class Card:
    """An SD card: what is on it can be copied away and put back."""

    def __init__(self, shop, tmp_path):
        self.shop, self.image = shop, tmp_path / "image"
        self.folder, self.tokens = shop.box.folder, shop.tokens
        self.lives = 0

    def copied(self):
        self.shop.close()
        # Bells are where a program listens, and no part of what a card holds.
        shutil.copytree(self.folder, self.image, ignore=shutil.ignore_patterns("run"))
        return self.opened()

    def put_back(self):
        self.shop.close()
        shutil.rmtree(self.folder)
        shutil.copytree(self.image, self.folder)
        return self.opened()

    def opened(self):
        self.shop = Shop(self.folder, self.tokens)
        # Chance does not repeat itself where the past does.
        self.lives += 1
        self.shop.box.journal.ids = seeded(100 + self.lives)
        return self.shop


@pytest.fixture
def card(followed, tmp_path):
    card = Card(followed, tmp_path)
    yield card
    card.shop.close()


@pytest.fixture
def hub(followed):
    return followed.box.journal.identity.origin


@pytest.fixture
def run():
    """Run the sending program over a shop until the end of the test, or until it is stopped."""
    programs = []

    def run(shop, **options):
        programs.append(Program(shop.box, **options))
        return programs[-1]

    yield run
    for program in programs:
        if program.thread.is_alive():
            program.stop()


def barred(shop):
    held = shop.ask(fence)
    return None if held is None else held.state


def differences(shop, scratch):
    drain_all(shop.box.door, shop.box.parts)
    key = shop.box.database_key
    return list(rebuild(shop.box.door, scratch, shop.box.parts, key=key, then=feed.replay))


def lived_on(online, card, run, hub):
    """Copy the card, live on for a while at head office's eyes, and put the copy back."""
    shop = card.shop
    first = run(shop)
    member = shop.member()
    shop.box.written()
    until(lambda: all_arrived(online, shop) and state(shop).cloud)
    first.stop()
    shop = card.copied()
    second = run(shop)
    until(lambda: state(shop).cloud)
    for number in range(4):
        shop.member(phone=f"1390000000{number}")
        shop.box.written()
        until(lambda: all_arrived(online, shop))
    online.grant(hub, member, 1_000)
    online.send_down(hub)
    until(lambda: principal(shop, member, hub) == 1_000 and all_arrived(online, shop))
    second.stop()
    return member, last_seq(shop), card.put_back()


def test_a_box_put_back_from_an_old_image_takes_up_its_own_and_accepts_nothing_twice(
    online, card, run, hub, tmp_path
):
    member, seq, shop = lived_on(online, card, run, hub)
    assert last_seq(shop) < seq
    online.journal_segments = 1
    run(shop)
    until(lambda: state(shop).cloud and all_arrived(online, shop) and barred(shop) is None)
    online.send_down(hub)
    shop.member(phone="13911111111")
    shop.box.written()
    until(lambda: all_arrived(online, shop))
    assert last_seq(shop) > seq
    assert len(online.given) > 1
    assert principal(shop, member, hub) == 1_000
    assert shop.box.findings() == []
    assert differences(shop, tmp_path / "again.db") == []
    # A start after it is a later one than the life that was forgotten.
    assert shop.ask(
        lambda db: int(db.value("SELECT value FROM box WHERE name = 'boot'"))
    ) >= max(shop.ask(lambda db: [r["boot"] for r in db.all("SELECT boot FROM segment")]))


def test_a_box_that_has_forgotten_writes_nothing_until_it_has_all_of_it_also_after_a_restart(
    online, card, run, hub
):
    _member, seq, shop = lived_on(online, card, run, hub)
    online.journal_segments = online.journal_answers = 1
    program = run(shop)
    before = last_seq(shop)
    until(lambda: len(online.given) > 1)
    assert barred(shop) == TAKING_UP
    assert before < last_seq(shop) < seq
    with pytest.raises(Refused, match="taking_up"):
        shop.member(phone="13911111111")
    program.stop()
    shop = card.opened()
    with pytest.raises(Refused, match="taking_up"):
        shop.member(phone="13911111111")
    online.journal_answers = 1_000
    run(shop)
    until(lambda: state(shop).cloud and barred(shop) is None)
    shop.member(phone="13911111111")
    shop.box.written()
    until(lambda: all_arrived(online, shop))


def test_a_box_that_is_shut_out_sells_for_cash_brings_all_of_it_and_stays_off_the_broker(
    online, card, run, hub, monkeypatch
):
    shop = card.shop
    program = run(shop)
    shop.open_shift()
    member = shop.member()
    shop.top_up(member)
    shop.box.written()
    until(lambda: all_arrived(online, shop) and state(shop).cloud)
    online.closed = "replaced"
    online.say(hub, Fence(epoch=2, reason="other_epoch"))
    until(lambda: barred(shop) == FENCED)
    assert shop.ask(fence).replaced
    with pytest.raises(Refused, match="box_fenced"):
        shop.sale("i1", member=member, tender="stored_value")
    shop.sale("i1", member=member)
    shop.box.written()
    until(lambda: all_arrived(online, shop))
    until(lambda: state(shop).fenced and state(shop).pending == 0)
    program.stop()
    online.heard.queue.clear()

    monkeypatch.setattr(fenced, "ASK_AFTER_S", 0.2)
    shop = card.opened()
    assert state(shop).fenced
    run(shop)
    shop.sale("i1")
    shop.box.written()
    until(lambda: all_arrived(online, shop))
    assert not any(isinstance(said, Hello) for _at, _hub, said in online.heard.queue)
    # Somebody at head office has put it right.
    online.closed = ""
    until(lambda: barred(shop) is None and state(shop).cloud)
    shop.sale("i1", member=member, tender="stored_value")


def test_a_box_that_runs_on_asks_when_the_broker_lets_it_in_no_more(
    online, card, run, hub, monkeypatch
):
    """Its line was cut when it was shut out: nobody could tell it, and nobody restarts it."""
    monkeypatch.setattr(fenced, "ASK_AFTER_S", 0.2)
    shop = card.shop
    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=turn_away_all, args=(door,), daemon=True).start()
        host, port = door.getsockname()
        run(shop, broker=Broker(host=host, port=port))
        shop.open_shift()
        shop.sale("i1")
        until(lambda: online.times_asked > 1)
        assert barred(shop) is None
        online.closed = "replaced"
        until(lambda: barred(shop) == FENCED)
        shop.box.written()
        until(lambda: all_arrived(online, shop))
        door.shutdown(socket.SHUT_RDWR)


def turn_away_all(door):
    """Answer at a broker's address and let nobody in."""
    with contextlib.suppress(OSError):
        while True:
            door.accept()[0].close()


def test_an_old_box_that_was_switched_on_again_asks_before_it_comes_to_the_broker(
    online, card, run, hub
):
    online.closed = "replaced"
    online.heard.queue.clear()
    run(card.shop)
    until(lambda: barred(card.shop) == FENCED)
    until(lambda: all_arrived(online, card.shop))
    assert not any(isinstance(said, Hello) for _at, _hub, said in online.heard.queue)
    assert state(card.shop).fenced


def test_a_box_whose_certificate_ended_in_a_drawer_gets_the_next_and_goes_on(
    online, shop, authority, run, monkeypatch
):
    ended = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
    with monkeypatch.context() as drawer:
        drawer.setattr(papers, "ENDS", ended)
        joined_to(online, shop, authority)
    link = load_link(shop.box.folder)
    assert x509.load_pem_x509_certificate(link.certificate.encode()).not_valid_after_utc == (
        ended
    )
    run(shop)
    until(lambda: state(shop).cloud and all_arrived(online, shop))
    assert online.late_renewals == 1
    after = load_link(shop.box.folder)
    assert after.certificate != link.certificate
    assert (after.hub, after.merchant_key) == (link.hub, link.merchant_key)


def test_a_certificate_that_ended_by_head_offices_clock_alone_is_renewed_too(
    online, shop, authority, run, monkeypatch
):
    with monkeypatch.context() as drawer:
        drawer.setattr(papers, "ENDS", dt.datetime(2026, 2, 1, tzinfo=dt.UTC))
        joined_to(online, shop, authority)
    shop.clock.at = int(dt.datetime(2026, 1, 10, tzinfo=dt.UTC).timestamp() * 1000)
    run(shop)
    until(lambda: state(shop).cloud and all_arrived(online, shop))
    assert online.late_renewals == 1
