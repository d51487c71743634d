"""A hub's link to its head office: what joining brought, kept beside the database.

`link.json` holds nothing secret. The one secret, the hub's TLS key, lies with the other keys:
made on this hub, never sent anywhere.
"""

from __future__ import annotations

import hashlib
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from core.crypto import secret_file, verify_log
from core.enrolment import Broker, EnrolAnswer
from core.wire import link_name
from hub.box import LINK_FILE

KEY_CREDENTIAL = "link-key"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

_GROUP_MODE = 0o640
"""Pages show that the hub is joined, and run as another user than the one who sends."""
NO_CHECK_TIME = 0x20_0000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which the ssl module has no name for."""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """To whom this hub is joined."""

    merchant: str
    hub: str
    store: str
    broker: Broker
    gate: str
    certificate: str
    ca: str
    merchant_key: str
    """The merchant's Ed25519 public key, base64url: it signs feed and downlink."""
    birth: bytes
    countersignature: bytes
    downlink_birth: bytes
    downlink_signature: bytes
    joined_at: int
    url: str = ""
    """Head office's public address, as somebody typed it: there a certificate that has ended
    is renewed."""
    url_ca: str = ""
    """Who vouches for that address (PEM); empty for whom everybody trusts."""

    @property
    def name(self) -> str:
        """The hub's one name on the wire."""
        return link_name(self.merchant, self.hub)

    def vouched(self, message: bytes, signature: bytes) -> bool:
        """Say whether the merchant's key signed a message."""
        return verify_log(public=self.merchant_key, message=message, signature=signature)


def link_of(answer: EnrolAnswer, *, birth: bytes, at: int, url: str = "") -> Link:
    """Return the link that an answer from an address makes."""
    return Link(
        merchant=answer.merchant,
        hub=answer.hub_id,
        store=answer.store,
        broker=answer.broker,
        gate=answer.gate,
        certificate=answer.certificate,
        ca=answer.ca,
        merchant_key=answer.merchant_key,
        birth=birth,
        countersignature=answer.countersignature,
        downlink_birth=answer.downlink_birth,
        downlink_signature=answer.downlink_signature,
        joined_at=at,
        url=url,
    )


def joined(folder: Path) -> bool:
    """Say whether the hub in a folder is joined to a head office."""
    return (folder / LINK_FILE).is_file()


def load_link(folder: Path) -> Link | None:
    """Return the link, or None for a shop on its own."""
    try:
        raw = (folder / LINK_FILE).read_bytes()
    except FileNotFoundError:
        return None
    return msgspec.json.decode(raw, type=Link)


def save_link(folder: Path, link: Link) -> None:
    """Keep a link, whole or not at all."""
    _replace(folder / LINK_FILE, msgspec.json.format(msgspec.json.encode(link)))


def link_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    """Return the hub's TLS key, which grows from a secret of its own, made on first use."""
    seed = secret_file(folder / "secrets" / "link.key", credential=KEY_CREDENTIAL)
    wide = int.from_bytes(hashlib.sha512(b"dianshu link key" + seed).digest())
    # Twice as many bits as the curve has, so that no number is likelier than another.
    return ec.derive_private_key(1 + wide % (P256_ORDER - 1), ec.SECP256R1())


def certificate_request(folder: Path, *, hub: str) -> str:
    """Return a request in PEM for this hub's TLS key.

    The name in it says only which hub asks; head office chooses the certificate's own.
    """
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hub)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name)
    signed = request.sign(link_key(folder), hashes.SHA256())
    return signed.public_bytes(Encoding.PEM).decode()


def tls_context(
    folder: Path, link: Link, *, context: ssl.SSLContext | None = None
) -> ssl.SSLContext:
    """Return TLS with the hub's certificate, trusting this link's authority and no other.

    A `context` that is given learns of a new certificate; connections that stand keep theirs.
    Dates in certificates are not looked at: a box without a battery may stand in 1970 or 2070
    and must reach head office all the same. What the other side says is signed where it
    matters; `not_ended` bounds how old its certificate may be.
    """
    context = context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=link.ca)
    context.verify_flags = ssl.VerifyFlags(int(context.verify_flags) | NO_CHECK_TIME)
    pem = link_key(folder).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with _in_memory(link.certificate.encode() + pem) as path:
        context.load_cert_chain(path)
    return context


def not_ended(certificate: bytes, link: Link) -> bool:
    """Say whether a server's certificate (DER) outlived the making of our own.

    That is the newest instant that head office itself has vouched for here.
    """
    ours = x509.load_pem_x509_certificate(link.certificate.encode())
    theirs = x509.load_der_x509_certificate(certificate)
    return theirs.not_valid_after_utc > ours.not_valid_before_utc


@contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    """Lend a path whose content is on no disk: TLS takes a certificate from files only."""
    handle = os.memfd_create("link", os.MFD_CLOEXEC)
    try:
        os.write(handle, content)
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _GROUP_MODE)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(handle, _GROUP_MODE)
        file.write(content)
        file.flush()
        os.fsync(handle)
    beside.replace(path)
