"""The folder of certificates: what is missing or due is made, what is good is left alone."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from core.crypto import instant, new_key, read_private, replace_private
from hub.certificates import issuing
from hub.certificates.issuing import Identity
from hub.certificates.names import (
    IpAddress,
    host_names_wanted,
    is_within,
    private_addresses,
)

RENEW_DAYS = 60

ROOT, ROOT_KEY = "ca.pem", "ca-key.pem"
LEAF, LEAF_KEY = "hub.pem", "hub-key.pem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Where the hub's certificates lie, and what became of them just now."""

    ca_path: Path
    """The root; what tablets install."""
    cert_path: Path
    key_path: Path
    fingerprint_sha256: str
    """Of the root, as tablets show it before they trust it."""
    renewed: bool
    """The leaf was made just now: a server that runs must load it."""
    root_made: bool
    """The root was made just now: tablets must install it."""
    left_out: tuple[str, ...]
    """Names that were asked for and that the root, made before them, cannot vouch for."""


@dataclass(frozen=True, slots=True)
class _Authority:
    root: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    made: bool


def ensure(
    folder: Path, *, names: Iterable[str], addresses: Iterable[IpAddress], at: int
) -> Certificates:
    """Return certificates that serve these names and addresses at this time (ms).

    Called at each start and once a day. The first name is the hub's own. Addresses that are
    not private are left out in silence; names that an older root may not carry are reported,
    for a store must open in the morning also after somebody renamed the machine.

    The root stays for its ten years, also when the clock stands before its making: the clock
    is then wrong and not the root, and a new root would lock every tablet out.

    Raises ValueError for what is no host name, RuntimeError where a file of the folder is
    open to others, and where a leaf is due and the root's key is damaged.
    """
    wanted = host_names_wanted(names)
    private = private_addresses(addresses)
    with _alone(folder):
        root = _root(folder / ROOT)
        if root is not None:
            identity = _vouched(root, names=wanted, addresses=private)
            if not _ends_soon(root, at) and _serves(folder, root, identity, at):
                return _told(folder, root, identity, wanted)
        authority = _authority(folder, root, names=wanted, at=at)
        identity = _vouched(authority.root, names=wanted, addresses=private)
        _issue(folder, authority, identity, at)
        told = _told(folder, authority.root, identity, wanted)
    return replace(told, renewed=True, root_made=authority.made)


def _told(
    folder: Path, root: x509.Certificate, identity: Identity, wanted: tuple[str, ...]
) -> Certificates:
    return Certificates(
        ca_path=folder / ROOT,
        cert_path=folder / LEAF,
        key_path=folder / LEAF_KEY,
        fingerprint_sha256=issuing.fingerprint(root),
        renewed=False,
        root_made=False,
        left_out=tuple(name for name in wanted if name not in identity.names),
    )


def _vouched(
    root: x509.Certificate, *, names: tuple[str, ...], addresses: tuple[IpAddress, ...]
) -> Identity:
    domains = issuing.domains_of(root)
    return Identity(
        names=tuple(name for name in names if is_within(name, domains)), addresses=addresses
    )


def _serves(folder: Path, root: x509.Certificate, identity: Identity, at: int) -> bool:
    """Say whether the leaf that is there will do; the root's key is not opened for that."""
    leaf = _certificate(folder / LEAF)
    key = _key_or_none(folder / LEAF_KEY)
    if leaf is None or key is None or leaf.public_key() != key.public_key():
        return False
    try:
        leaf.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return (
        leaf.not_valid_before_utc <= _at_or_birth(root, at)
        and not _ends_soon(leaf, at)
        and issuing.identity_of(leaf) == identity
    )


def _authority(
    folder: Path, root: x509.Certificate | None, *, names: tuple[str, ...], at: int
) -> _Authority:
    """Return the root with its key; both anew where the root ends or its key is lost."""
    key = _root_key(folder / ROOT_KEY)
    ends = root is not None and _ends_soon(root, at)
    paired = root is not None and key is not None and key.public_key() == root.public_key()
    if root is not None and key is not None and paired and not ends:
        return _Authority(root, key, made=False)
    # A root that is made again with its old key and name still convinces the tablets that
    # trust the old one, so a key is thrown away only with its ten years.
    if key is None or ends:
        key = new_key()
        replace_private(folder / ROOT_KEY, _pem(key))
    made = issuing.make_root(key, names=names, at=at)
    replace_private(folder / ROOT, made.public_bytes(serialization.Encoding.PEM))
    return _Authority(made, key, made=True)


def _issue(folder: Path, authority: _Authority, identity: Identity, at: int) -> None:
    # The key is kept, so that between two files no moment sees a pair that does not match.
    key = _key_or_none(folder / LEAF_KEY)
    if key is None:
        key = new_key()
        replace_private(folder / LEAF_KEY, _pem(key))
    leaf = issuing.make_leaf(
        key.public_key(),
        root=authority.root,
        root_key=authority.key,
        identity=identity,
        at=at,
    )
    replace_private(folder / LEAF, leaf.public_bytes(serialization.Encoding.PEM))


def _ends_soon(certificate: x509.Certificate, at: int) -> bool:
    left = certificate.not_valid_after_utc - instant(at)
    return left < timedelta(days=RENEW_DAYS)


def _at_or_birth(root: x509.Certificate, at: int) -> datetime:
    return max(instant(at), root.not_valid_before_utc)


def _certificate(path: Path) -> x509.Certificate | None:
    """Read a certificate; None where it is missing or damaged, for it can be made again."""
    try:
        return x509.load_pem_x509_certificate(read_private(path))
    except (FileNotFoundError, ValueError):
        return None


def _root(path: Path) -> x509.Certificate | None:
    """Read the root; None also for one without constraints, which was not made here."""
    root = _certificate(path)
    return root if root is not None and issuing.domains_of(root) else None


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(read_private(path), password=None)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key
    raise ValueError("not an elliptic curve key")


def _key_or_none(path: Path) -> ec.EllipticCurvePrivateKey | None:
    try:
        return _key(path)
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _root_key(path: Path) -> ec.EllipticCurvePrivateKey | None:
    """Read the root's key; None where it is missing.

    Raises RuntimeError where it is damaged: another key means another visit to every tablet,
    and that is for a person to decide.
    """
    try:
        return _key(path)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as damaged:
        raise RuntimeError(
            f"{path} is damaged: restore it, or remove it and install the new root "
            f"on every tablet"
        ) from damaged


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second process from making another root beside this one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
