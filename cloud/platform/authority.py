"""Head office's own certificate authority: who is who at the broker and at the gate.

Nobody but our own programs trusts it, so it needs no name constraints; what it signs says what
it is good for. Hubs get certificates for clients only, and can pose as no broker.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from core.crypto import begin_paper, instant, new_key, read_private, replace_private

ROOT_DAYS = 3652
LEAF_DAYS = 180
RENEW_DAYS = 60
"""A program's own certificate is made again when no more than this is left of it."""
BACKDATE_DAYS = 1
"""A hub whose clock runs behind must not be handed a certificate from tomorrow."""
COMMON_NAME_CHARACTERS_MAX = 64

ROOT, ROOT_KEY = "ca.pem", "ca-key.pem"
REVOKED_LIST = "revoked.pem"
AS_CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)
AS_SERVER = (ExtendedKeyUsageOID.SERVER_AUTH,)


@dataclass(frozen=True, slots=True)
class Authority:
    """The root with its key."""

    root: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return pem_of(self.root)

    def issue(
        self,
        key: ec.EllipticCurvePublicKey,
        *,
        common_name: str,
        usages: tuple[ObjectIdentifier, ...],
        names: Iterable[str] = (),
        at: int,
        days: int = LEAF_DAYS,
    ) -> x509.Certificate:
        """Make a certificate of some days from a time (ms), never longer than the root's."""
        # A clock that stands before the root's making is wrong, and the root is not.
        now = max(instant(at), self.root.not_valid_before_utc)
        from_when = max(now - timedelta(days=BACKDATE_DAYS), self.root.not_valid_before_utc)
        until = min(now + timedelta(days=days), self.root.not_valid_after_utc)
        known = [_general_name(name) for name in names]
        builder = begin_paper(
            subject=_subject(common_name), issuer=self.root.subject, key=key, vouches=False
        )
        builder = (
            builder.not_valid_before(from_when)
            .not_valid_after(until)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
        )
        if known:
            builder = builder.add_extension(x509.SubjectAlternativeName(known), critical=False)
        return builder.sign(self.key, hashes.SHA256())


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What one of our own programs' certificates must say."""

    file: str
    """Under which it lies in the folder, without an ending."""
    common_name: str
    usages: tuple[ObjectIdentifier, ...]
    names: tuple[str, ...] = ()
    """Host names and addresses, for one that serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Where a program's certificate and key lie, with the root that vouches for it."""

    ca: Path
    certificate: Path
    key: Path


def open_authority(folder: Path, *, at: int) -> Authority:
    """Return the root in a folder, made on first use.

    Raises RuntimeError where one of its two files is missing or damaged: another root means
    that every hub must be joined again, and that is for a person to decide.
    """
    with _alone(folder):
        paths = (folder / ROOT, folder / ROOT_KEY)
        there = [path.exists() for path in paths]
        if not any(there):
            _make_root(folder, at)
        elif not all(there):
            raise RuntimeError(f"{folder} holds only one of {ROOT} and {ROOT_KEY}")
        root = x509.load_pem_x509_certificate(read_private(paths[0]))
        key = serialization.load_pem_private_key(read_private(paths[1]), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or (
        key.public_key() != root.public_key()
    ):
        raise RuntimeError(f"{paths[1]} is not the key of {paths[0]}")
    return Authority(root, key)


def ensure_pair(folder: Path, authority: Authority, wanted: Wanted, *, at: int) -> Pair:
    """Return a program's certificate, made where it is missing, due, or says something else."""
    pair = Pair(
        ca=folder / ROOT,
        certificate=folder / f"{wanted.file}.pem",
        key=folder / f"{wanted.file}-key.pem",
    )
    with _alone(folder):
        root = authority.pem.encode()
        if not pair.ca.exists() or pair.ca.read_bytes() != root:
            replace_private(pair.ca, root)
        key = _key_or_none(pair.key)
        if key is None:
            key = new_key()
            replace_private(pair.key, key_pem(key))
        if not _serves(pair.certificate, authority, key, wanted, at):
            made = authority.issue(
                key.public_key(),
                common_name=wanted.common_name,
                usages=wanted.usages,
                names=wanted.names,
                at=at,
            )
            replace_private(pair.certificate, pem_of(made).encode())
    return pair


def write_revoked(
    folder: Path, authority: Authority, serials: Iterable[str], *, at: int
) -> Path:
    """Write the list of certificates that are no longer good, for a broker to read."""
    # It holds as long as the root: a broker that finds an old list lets nobody in at all.
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.root.subject)
        .last_update(instant(at) - timedelta(days=BACKDATE_DAYS))
        .next_update(authority.root.not_valid_after_utc)
    )
    for serial in serials:
        entry = x509.RevokedCertificateBuilder().serial_number(int(serial, 16))
        builder = builder.add_revoked_certificate(entry.revocation_date(instant(at)).build())
    made = builder.sign(authority.key, hashes.SHA256())
    path = folder / REVOKED_LIST
    with _alone(folder):
        replace_private(path, made.public_bytes(serialization.Encoding.PEM))
    return path


def milliseconds(when: datetime) -> int:
    return int(when.timestamp()) * 1000


def pem_of(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def common_name_of(certificate: x509.Certificate) -> str:
    """Return the one common name of a subject; empty where there is none or several."""
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if len(found) == 1 else ""


def serial_of(certificate: x509.Certificate) -> str:
    return f"{certificate.serial_number:x}"


def _make_root(folder: Path, at: int) -> None:
    key = new_key()
    public = key.public_key()
    mark = x509.SubjectKeyIdentifier.from_public_key(public).digest[:4].hex().upper()
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Dianshu 店枢"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Dianshu head office {mark}"),
        ]
    )
    from_when = instant(at) - timedelta(days=BACKDATE_DAYS)
    root = (
        begin_paper(subject=subject, issuer=subject, key=public, vouches=True)
        .not_valid_before(from_when)
        .not_valid_after(from_when + timedelta(days=ROOT_DAYS))
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    # The key first: a root without its key is told, a key alone would be taken for half a root.
    replace_private(folder / ROOT_KEY, key_pem(key))
    replace_private(folder / ROOT, pem_of(root).encode())


def _serves(
    path: Path,
    authority: Authority,
    key: ec.EllipticCurvePrivateKey,
    wanted: Wanted,
    at: int,
) -> bool:
    try:
        leaf = x509.load_pem_x509_certificate(read_private(path))
        leaf.verify_directly_issued_by(authority.root)
    except (FileNotFoundError, ValueError, TypeError, InvalidSignature):
        return False  # Missing, damaged, or another root's: made again.
    return (
        leaf.public_key() == key.public_key()
        and leaf.not_valid_after_utc - instant(at) > timedelta(days=RENEW_DAYS)
        and common_name_of(leaf) == wanted.common_name
        and _names_in(leaf) == [_general_name(name) for name in wanted.names]
    )


def _names_in(leaf: x509.Certificate) -> list[x509.GeneralName]:
    try:
        return list(leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _subject(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_or_none(path: Path) -> ec.EllipticCurvePrivateKey | None:
    try:
        key = serialization.load_pem_private_key(read_private(path), password=None)
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second program from making another root beside this one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
