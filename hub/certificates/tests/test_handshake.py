"""Real handshakes, and the verdict of a second program, on what the hub's root may vouch for."""

import shutil
import socket
import ssl
import subprocess
import threading
import time
from contextlib import contextmanager
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose

from hub.certificates import ensure, issuing
from hub.certificates.issuing import Identity

TIMEOUT_S = 10


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    return ensure(
        tmp_path_factory.mktemp("certificates"),
        names=("hub-ab12", "hub-ab12.local"),
        addresses=(ip_address("192.168.1.20"),),
        at=time.time_ns() // 1_000_000,
    )


@contextmanager
def serving(cert, key):
    """A TLS server on loopback that greets whoever trusts it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT_S)

        def greet():
            connection, _ = listener.accept()
            connection.settimeout(TIMEOUT_S)
            try:
                with context.wrap_socket(connection, server_side=True) as secure:
                    secure.sendall(b"hello")
            except OSError:
                connection.close()

        server = threading.Thread(target=greet)
        server.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.join()


def greeted(port, *, name, ca):
    """What a client reads that trusts nothing but `ca` and is as strict as it can be."""
    context = ssl.create_default_context(cafile=ca)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as plain,
        context.wrap_socket(plain, server_hostname=name) as secure,
    ):
        return secure.recv(5)


@pytest.mark.parametrize(
    "name",
    ["hub.local", "hub-ab12.local", "hub-ab12", "localhost", "127.0.0.1", "192.168.1.20"],
)
def test_a_tablet_that_trusts_the_root_reaches_the_hub(told, name):
    with serving(told.cert_path, told.key_path) as port:
        assert greeted(port, name=name, ca=told.ca_path) == b"hello"


@pytest.mark.parametrize("name", ["other.local", "bank.com", "192.168.1.21"])
def test_the_hub_is_not_taken_for_another(told, name):
    with (
        serving(told.cert_path, told.key_path) as port,
        pytest.raises(ssl.SSLCertVerificationError, match=r"mismatch"),
    ):
        greeted(port, name=name, ca=told.ca_path)


def test_a_tablet_that_trusts_another_hub_is_not_convinced(told, tmp_path):
    other = ensure(tmp_path, names=("hub-cd34",), addresses=(), at=time.time_ns() // 1_000_000)
    with (
        serving(told.cert_path, told.key_path) as port,
        pytest.raises(ssl.SSLCertVerificationError, match=r"unable to get local issuer"),
    ):
        greeted(port, name="hub.local", ca=other.ca_path)


def forged(told, folder, *, names=(), addresses=(), purpose=None):
    """What a thief of the root's key would make: a leaf for a name of his choice."""
    root = x509.load_pem_x509_certificate(told.ca_path.read_bytes())
    root_key = serialization.load_pem_private_key(
        (told.ca_path.parent / "ca-key.pem").read_bytes(), password=None
    )
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = issuing.make_leaf(
        key.public_key(),
        root=root,
        root_key=root_key,
        identity=Identity(names=names, addresses=tuple(map(ip_address, addresses))),
        at=time.time_ns() // 1_000_000,
    )
    if purpose:
        builder = x509.CertificateBuilder(
            leaf.issuer,
            leaf.subject,
            leaf.public_key(),
            leaf.serial_number,
            leaf.not_valid_before_utc,
            leaf.not_valid_after_utc,
        )
        leaf = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False).sign(
            root_key, hashes.SHA256()
        )
    written = folder / "forged.pem", folder / "forged-key.pem"
    written[0].write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    written[1].write_bytes(issuing_pem(key))
    return written


def issuing_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


OUTSIDE = [
    (("bank.com",), ()),
    (("hub.local", "bank.com"), ()),
    (("nothub-ab12",), ()),
    (("local.bank.com",), ()),
    (("hub.local",), ("203.0.113.9",)),
    (("hub.local",), ("172.32.0.1",)),
    (("hub.local",), ("2001:db8::1",)),
]


@pytest.mark.parametrize(("names", "addresses"), OUTSIDE)
def test_a_thief_of_the_roots_key_cannot_pose_as_a_bank(told, tmp_path, names, addresses):
    cert, key = forged(told, tmp_path, names=names, addresses=addresses)
    with (
        serving(cert, key) as port,
        pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"),
    ):
        greeted(port, name=names[0], ca=told.ca_path)


def verdict(*arguments):
    """What the openssl program says; it may be another release than Python's library."""
    program = shutil.which("openssl")
    if not program:
        pytest.skip("no openssl program here")
    done = subprocess.run(
        [program, "verify", "-x509_strict", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["hub.local", "hub-ab12.local", "hub-ab12"])
def test_openssl_verifies_the_leaf_for_its_names(told, name):
    said = verdict(
        "-CAfile",
        told.ca_path,
        "-purpose",
        "sslserver",
        "-verify_hostname",
        name,
        told.cert_path,
    )
    assert said[0] == 0, said


@pytest.mark.parametrize("address", ["127.0.0.1", "192.168.1.20"])
def test_openssl_verifies_the_leaf_for_its_addresses(told, address):
    said = verdict("-CAfile", told.ca_path, "-verify_ip", address, told.cert_path)
    assert said[0] == 0, said


@pytest.mark.parametrize(("names", "addresses"), OUTSIDE)
def test_openssl_refuses_a_leaf_outside_the_constraints(told, tmp_path, names, addresses):
    cert, _ = forged(told, tmp_path, names=names, addresses=addresses)
    code, said = verdict("-CAfile", told.ca_path, cert)
    assert code != 0
    assert "permitted subtree violation" in said


@pytest.mark.parametrize(
    ("purpose", "asked"),
    [(Purpose.EMAIL_PROTECTION, "smimesign"), (Purpose.CLIENT_AUTH, "sslclient")],
)
def test_a_thief_of_the_roots_key_cannot_sign_mail_or_log_in(told, tmp_path, purpose, asked):
    cert, _ = forged(told, tmp_path, names=("hub.local",), purpose=purpose)
    code, said = verdict("-CAfile", told.ca_path, "-purpose", asked, cert)
    assert code != 0
    # The verdict is on the root, one step above the leaf, which itself has the purpose.
    assert "at 1 depth" in said


def test_a_thief_of_the_leafs_key_cannot_sign_anything(told, tmp_path):
    leaf = x509.load_pem_x509_certificate(told.cert_path.read_bytes())
    leaf_key = serialization.load_pem_private_key(told.key_path.read_bytes(), password=None)
    below = issuing.make_leaf(
        ec.generate_private_key(ec.SECP256R1()).public_key(),
        root=leaf,
        root_key=leaf_key,
        identity=Identity(names=("till.local",), addresses=()),
        at=time.time_ns() // 1_000_000,
    )
    path = tmp_path / "below.pem"
    path.write_bytes(below.public_bytes(serialization.Encoding.PEM))
    code, said = verdict("-CAfile", told.ca_path, "-untrusted", told.cert_path, path)
    assert code != 0
    assert "invalid CA certificate" in said


def test_a_root_made_again_with_its_key_is_still_trusted(told, tmp_path):
    """A tablet holds the old root; the hub lost the file and made it again."""
    at = time.time_ns() // 1_000_000
    first = ensure(tmp_path, names=("hub-ab12",), addresses=(), at=at)
    old = tmp_path / "on-the-tablet.pem"
    old.write_bytes(first.ca_path.read_bytes())
    first.ca_path.unlink()
    again = ensure(tmp_path, names=("hub-ab12",), addresses=(), at=at)
    assert again.ca_path.read_bytes() != old.read_bytes()
    with serving(again.cert_path, again.key_path) as port:
        assert greeted(port, name="hub.local", ca=old) == b"hello"
