"""Who is let in: only whoever our authority gave a certificate to, and under that name only."""

from __future__ import annotations

import contextlib
import socket
import ssl

import pytest
from paho.mqtt.client import CallbackAPIVersion, Client, MQTTv5

from tests.broker.conftest import ANSWER_S, FIRST, LOOPBACK, SECOND, Caller, up
from tests.broker.papers import Authority


@pytest.fixture
def caller(broker):
    """Make somebody who tries to come in."""
    made = []

    def caller(pair, **options):
        made.append(Caller(broker, pair, **options))
        return made[-1]

    yield caller
    for one in made:
        one.leave()


def test_without_a_certificate_nobody_comes_in(caller):
    assert not caller(None).connect()


def test_a_name_and_a_password_are_no_certificate(caller):
    anonymous = caller(None, client_id=FIRST)
    anonymous.client.username_pw_set(FIRST, "let me in")
    assert not anonymous.connect()


def test_the_same_name_from_another_authority_stays_outside(caller, tmp_path):
    stranger = Authority(tmp_path / "stranger").issue(FIRST)
    assert not caller(stranger).connect()


def test_a_certificate_that_somebody_signed_with_a_hubs_own_stays_outside(caller, tmp_path):
    """An authority by the same name, too: a name proves nothing."""
    forged = Authority(tmp_path / "forged", "Dianshu test authority").issue(FIRST)
    assert not caller(forged).connect()


def test_whoever_shows_another_hubs_certificate_is_that_hub_and_not_itself(
    caller, pairs, ingest
):
    """So a stolen certificate says nothing under the thief's name; the segment's seal and
    head office's list of hubs say the rest.
    """
    muddled = caller(pairs[SECOND], client_id=FIRST)
    muddled.client.username_pw_set(FIRST)
    assert muddled.connect()
    assert muddled.say(up(FIRST), b"under my own name") == 0x87
    muddled.say(up(SECOND), b"under the other's")
    assert ingest.hear() == (up(SECOND), b"under the other's")


def test_without_encryption_nothing_is_answered(broker):
    plain = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    came = []
    plain.on_connect = lambda *_: came.append(True)
    plain.connect(LOOPBACK, broker.port)
    plain.loop_start()
    with (
        contextlib.suppress(TimeoutError),
        socket.create_connection((LOOPBACK, broker.port), timeout=ANSWER_S) as link,
    ):
        # A plain CONNECT: the broker takes it for a broken handshake.
        link.sendall(bytes.fromhex("101000044d51545405020 01e000003616263".replace(" ", "")))
        with contextlib.suppress(ConnectionError):
            answer = link.recv(100)
            assert not answer.startswith(b"\x20"), "a CONNACK"
    plain.loop_stop()
    assert came == []


def test_old_encryption_is_refused(broker, pairs):
    context = ssl.create_default_context(cafile=str(broker.authority.file))
    context.load_cert_chain(pairs[FIRST].certificate, pairs[FIRST].key)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection((LOOPBACK, broker.port), timeout=ANSWER_S) as link,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(link, server_hostname="localhost")
