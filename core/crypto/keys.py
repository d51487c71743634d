"""The box's own secrets: where they lie, and what the journal is signed with.

On the appliance systemd reads each secret as root and hands it to the units that name it, so
no process can open another's. On a desk, and on first start, they are files that only their
owner may read, made where they are missing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from core.crypto import base64url
from core.crypto.private_file import create_private, read_private

SECRET_BYTES = 32
LOG_PUBLIC_KEY_BYTES = 32
CREDENTIALS = ("card-key", "database-key", "link-key", "log-key", "pin-pepper")
"""Names of the secrets that systemd hands to units; each holds SECRET_BYTES random bytes."""

_HANDED = "CREDENTIALS_DIRECTORY"


def secret_file(path: Path, size: int = SECRET_BYTES, *, credential: str = "") -> bytes:
    """Return the `size` random bytes in a 0600 file, made on first use.

    With a `credential` name, and under systemd with credentials, the secret is the one that
    the unit was handed and the path is not looked at.

    Raises RuntimeError where the file is open to others, where its size is wrong, and where
    the unit was not handed the credential: a second key made in silence would lock the store
    out of its own database.
    """
    if credential and os.environ.get(_HANDED):
        return _sized(_handed(credential), size, name=credential)
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        create_private(path, os.urandom(size))
    return _sized(read_private(path), size, name=str(path))


def database_key(path: Path) -> bytes:
    """Return the 32 bytes that encrypt the store's database."""
    return secret_file(path, credential="database-key")


def pin_pepper(path: Path) -> bytes:
    """Return the 32 bytes without which a stolen table of PIN hashes is worth nothing."""
    return secret_file(path, credential="pin-pepper")


def card_key(path: Path) -> bytes:
    """Return the 32 bytes that card numbers are hashed with."""
    return secret_file(path, credential="card-key")


@dataclass(frozen=True, slots=True)
class LogKey:
    """The key that this box signs its journal with; it never leaves the box."""

    _key: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> str:
        """The 32 raw bytes of the public key, base64url."""
        return base64url.encode(self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the signature; the same message signs to the same bytes."""
        return self._key.sign(message)


def log_key(path: Path) -> LogKey:
    """Load the journal's key, made on first use; refuses like `secret_file`."""
    return signing_key(secret_file(path, credential="log-key"))


def signing_key(seed: bytes) -> LogKey:
    """Return the key that grows from 32 secret bytes, for who keeps several of them."""
    return LogKey(Ed25519PrivateKey.from_private_bytes(seed))


def verify_log(*, public: str, message: bytes, signature: bytes) -> bool:
    """Say whether the holder of `public` (base64url, raw) signed the message.

    Raises ValueError where `public` is no key at all: that is a mistake of ours, while a bad
    signature is a fact about the message.
    """
    raw = base64url.decode(public, size_max=LOG_PUBLIC_KEY_BYTES)
    key = Ed25519PublicKey.from_public_bytes(raw)
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _handed(credential: str) -> bytes:
    # systemd grants the unit's user by an access list, which a mode shows as group-readable:
    # the check of the mode is for our own files only.
    path = Path(os.environ[_HANDED], credential)
    try:
        return path.read_bytes()
    except FileNotFoundError as missing:
        raise RuntimeError(
            f"this unit was not handed {credential}: its file needs "
            f"LoadCredential={credential}:/etc/dianshu/credentials/{credential}"
        ) from missing


def _sized(secret: bytes, size: int, *, name: str) -> bytes:
    if len(secret) != size:
        raise RuntimeError(f"{name} holds {len(secret)} bytes and must hold {size}")
    return secret
