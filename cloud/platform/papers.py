"""The certificates of head office's own programs, and those that hubs ask for."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec

from cloud.platform.authority import (
    AS_CLIENT,
    AS_SERVER,
    Authority,
    Pair,
    Wanted,
    ensure_pair,
    open_authority,
    write_revoked,
)
from cloud.platform.platform import Platform
from core.errors import Refused

BROKER, GATE, INGEST = "broker", "gate", "cloud-ingest"
"""Names of the programs, their files and, for the last, its common name at the broker."""
LOOPBACK = ("127.0.0.1", "localhost")
_NAMES = "certificate-names"


def authority_of(platform: Platform) -> Authority:
    """Return the certificate authority of this head office, made on first use."""
    return open_authority(platform.pki, at=platform.clock.read().at)


def names_of(platform: Platform) -> tuple[str, ...]:
    """Return by which names and addresses hubs may call broker and gate."""
    with platform.door.read() as db:
        held = db.value("SELECT value FROM memory WHERE name = :name", name=_NAMES)
    return tuple(held.split()) if held else _usual_names()


def set_names(platform: Platform, names: tuple[str, ...]) -> None:
    """Change them; the certificates follow when they are next asked for.

    Refused: bad_name.
    """
    for name in names:
        _check_name(name)
    platform.door.write(
        lambda tx: tx.run(
            "INSERT INTO memory (name, value) VALUES (:name, :value)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            name=_NAMES,
            value=" ".join(dict.fromkeys(names)),
        )
    )


def program_pair(platform: Platform, program: str, *, folder: Path | None = None) -> Pair:
    """Return the certificate of BROKER, GATE or INGEST, made or renewed where it is due."""
    serves = program != INGEST
    wanted = Wanted(
        file=program,
        common_name=program,
        usages=AS_SERVER if serves else AS_CLIENT,
        names=names_of(platform) if serves else (),
    )
    at = platform.clock.read().at
    return ensure_pair(folder or platform.pki, authority_of(platform), wanted, at=at)


def revoked_list(platform: Platform, *, folder: Path | None = None) -> Path:
    """Write which hubs' certificates are no longer good, for the broker."""
    with platform.door.read() as db:
        rows = db.all("SELECT serial FROM certificate WHERE revoked_at IS NOT NULL")
    serials = sorted(row["serial"] for row in rows)
    at = platform.clock.read().at
    return write_revoked(folder or platform.pki, authority_of(platform), serials, at=at)


def requested_key(csr: str) -> ec.EllipticCurvePublicKey:
    """Return the key of a certificate request that its holder signed. Refused: bad_request."""
    try:
        request = x509.load_pem_x509_csr(csr.encode())
        key = request.public_key()
        sound = request.is_signature_valid
    except (ValueError, TypeError, InvalidSignature) as error:
        raise Refused("bad_certificate_request") from error
    if not sound or not isinstance(key, ec.EllipticCurvePublicKey):
        raise Refused("bad_certificate_request")
    if not isinstance(key.curve, ec.SECP256R1):
        raise Refused("bad_certificate_request")
    return key


def _usual_names() -> tuple[str, ...]:
    own = socket.gethostname().lower()
    return LOOPBACK if own in LOOPBACK or not _is_name(own) else (*LOOPBACK, own)


def _check_name(name: str) -> None:
    if not _is_name(name):
        raise Refused("bad_name", name=name)


def _is_name(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        labels = name.split(".")
        return len(name) <= 253 and all(
            0 < len(label) <= 63
            and label.isascii()
            and label.replace("-", "").isalnum()
            and label.strip("-") == label
            for label in labels
        )
    return True
