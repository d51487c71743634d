from __future__ import annotations

import socket
import ssl
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography import x509

from cloud.epochs import close_epoch
from cloud.platform import (
    BROKER,
    GATE,
    INGEST,
    names_of,
    new_code,
    program_pair,
    revoked_list,
    set_names,
)
from cloud.platform.authority import (
    ROOT_DAYS,
    common_name_of,
    key_pem,
    open_authority,
)
from cloud.platform.tests.office import NOW, STORE, Hub, join
from core.clock import DAY_MS, SystemClock
from core.errors import Refused
from core.wire import INGEST_NAME


def certificate(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_the_root_is_made_once_also_when_many_programs_start_together(tmp_path):
    with ThreadPoolExecutor(6) as several:
        roots = list(several.map(lambda _: open_authority(tmp_path, at=NOW).pem, range(6)))
    assert len(set(roots)) == 1
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize("lost", ["ca.pem", "ca-key.pem"])
def test_half_a_root_is_told_and_not_replaced(tmp_path, lost):
    open_authority(tmp_path, at=NOW)
    (tmp_path / lost).unlink()
    with pytest.raises(RuntimeError, match="only one of"):
        open_authority(tmp_path, at=NOW)


def test_another_roots_key_is_told(tmp_path):
    open_authority(tmp_path / "a", at=NOW)
    open_authority(tmp_path / "b", at=NOW)
    (tmp_path / "b/ca-key.pem").replace(tmp_path / "a/ca-key.pem")
    with pytest.raises(RuntimeError, match="is not the key of"):
        open_authority(tmp_path / "a", at=NOW)


def test_a_program_keeps_its_certificate_until_it_is_due(platform):
    first = certificate(program_pair(platform, GATE).certificate)
    platform.clock.advance(119 * DAY_MS)
    assert certificate(program_pair(platform, GATE).certificate) == first
    platform.clock.advance(2 * DAY_MS)
    second = certificate(program_pair(platform, GATE).certificate)
    assert second.not_valid_after_utc > first.not_valid_after_utc
    assert second.public_key() == first.public_key()


def test_a_certificate_follows_the_names_that_hubs_call(platform):
    assert {"127.0.0.1", "localhost"} <= set(names_of(platform))
    set_names(platform, ("hq.example", "192.0.2.7", "hq.example"))
    leaf = certificate(program_pair(platform, BROKER).certificate)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["hq.example"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.7"]
    for name in ("", "a b", "*.example", "-a", "a..b", "x" * 64):
        with pytest.raises(Refused, match="bad_name"):
            set_names(platform, (name,))
    assert names_of(platform) == ("hq.example", "192.0.2.7")


def test_a_damaged_certificate_or_key_is_made_again(platform):
    pair = program_pair(platform, GATE)
    pair.certificate.write_bytes(b"not one")
    assert common_name_of(certificate(program_pair(platform, GATE).certificate)) == GATE
    pair.key.write_bytes(key_pem(open_authority(platform.folder / "x", at=NOW).key))
    again = program_pair(platform, GATE)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(again.certificate, again.key)


def test_papers_are_written_elsewhere_with_the_root_and_without_its_key(platform, tmp_path):
    for program in (BROKER, GATE, INGEST):
        program_pair(platform, program, folder=tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("ca.pem", "broker.pem", "broker-key.pem", "gate.pem", "gate-key.pem"),
        *("cloud-ingest.pem", "cloud-ingest-key.pem"),
    }


def test_head_office_carries_the_name_that_the_broker_lets_through(platform):
    leaf = certificate(program_pair(platform, INGEST).certificate)
    assert common_name_of(leaf) == INGEST_NAME


def test_a_clock_before_the_roots_making_still_gives_a_certificate(platform):
    program_pair(platform, GATE)
    platform.clock.at = NOW - 3 * 365 * DAY_MS
    leaf = certificate(program_pair(platform, BROKER).certificate)
    assert leaf.not_valid_before_utc < leaf.not_valid_after_utc


def test_no_certificate_outlives_the_root(platform):
    program_pair(platform, GATE)
    platform.clock.advance((ROOT_DAYS - 30) * DAY_MS)
    leaf = certificate(program_pair(platform, GATE).certificate)
    root = certificate(program_pair(platform, GATE).ca)
    assert leaf.not_valid_after_utc == root.not_valid_after_utc


def test_a_revoked_hubs_every_certificate_is_on_the_list(platform, merchant):
    hub, other = Hub(), Hub("fedcba9876543210", seed=8)
    answers = [
        join(platform, known, new_code(platform, merchant=merchant.id, store=STORE))
        for known in (hub, other, hub)
    ]
    serials = [
        x509.load_pem_x509_certificate(answer.certificate.encode()).serial_number
        for answer in answers
    ]
    close_epoch(platform, hub.name, reason="retired")
    told = x509.load_pem_x509_crl(revoked_list(platform).read_bytes())
    assert {row.serial_number for row in told} == {serials[0], serials[2]}
    root = certificate(program_pair(platform, GATE).ca)
    assert told.is_signature_valid(root.public_key())
    # A broker that finds an old list lets nobody in.
    assert told.next_update_utc == root.not_valid_after_utc


# -- in a handshake ----------------------------------------------------------------------------


def shake_hands(server, client, name):
    """Return who each side sees; raise what the client is told."""
    listening = socket.create_server(("127.0.0.1", 0))
    seen = []

    def serve():
        connection, _address = listening.accept()
        with connection:
            try:
                with server.wrap_socket(connection, server_side=True) as tls:
                    seen.append(dict(x[0] for x in tls.getpeercert()["subject"]))
                    tls.sendall(b"!")
            except (ssl.SSLError, OSError) as error:
                seen.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with (
            socket.create_connection(listening.getsockname(), 5) as line,
            client.wrap_socket(line, server_hostname=name) as tls,
        ):
            assert tls.recv(1) == b"!"
    finally:
        thread.join()
        listening.close()
    return seen[0]["commonName"]


def server_of(platform, program=GATE):
    pair = program_pair(platform, program)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=pair.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(pair.certificate, pair.key)
    return context


def client_of(folder, hub, answer):
    folder.mkdir()
    (folder / "c.pem").write_text(answer.certificate)
    (folder / "k.pem").write_bytes(key_pem(hub.key))
    context = ssl.create_default_context(cadata=answer.ca)
    context.load_cert_chain(folder / "c.pem", folder / "k.pem")
    return context


@pytest.fixture
def today(platform):
    """Handshakes look at the machine's own clock."""
    platform.clock.at = SystemClock().read().at
    return platform


def test_hub_and_gate_know_each_other(today, merchant, tmp_path):
    hub = Hub()
    answer = join(today, hub, new_code(today, merchant=merchant.id, store=STORE))
    client = client_of(tmp_path / "hub", hub, answer)
    for name in ("127.0.0.1", "localhost"):
        assert shake_hands(server_of(today), client, name) == f"{merchant.id}.{hub.name}"
    with pytest.raises(ssl.SSLCertVerificationError, match=r"doesn't match|not valid for"):
        shake_hands(server_of(today), client, "elsewhere.example")


def test_a_hubs_certificate_cannot_pose_as_the_gate(today, merchant, tmp_path):
    hub, poser = Hub(), Hub("fedcba9876543210", seed=8)
    answers = [
        join(today, known, new_code(today, merchant=merchant.id, store=STORE))
        for known in (hub, poser)
    ]
    client = client_of(tmp_path / "hub", hub, answers[0])
    client.check_hostname = False
    client_of(tmp_path / "poser", poser, answers[1])
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "poser/c.pem", tmp_path / "poser/k.pem")
    with pytest.raises(ssl.SSLCertVerificationError, match=r"unsuitable|purpose"):
        shake_hands(server, client, "127.0.0.1")
