"""Passwords of head office: long enough, hashed at a cost, checked in the same time always."""

from __future__ import annotations

import os
import re
import threading

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from core.errors import Refused
from core.ids import Randomness

PASSWORD_CHARACTERS_MIN = 12
PASSWORD_CHARACTERS_MAX = 128
DIFFERENT_CHARACTERS_MIN = 5
MEMORY_KIB = 32 * 1024
ITERATIONS = 2
LANES = 1
SALT_BYTES = 16
HASH_BYTES = 32

HASHES_AT_ONCE_MAX = 4
"""Each takes MEMORY_KIB for its while; a flood of log-ins must not eat the machine."""

_turn = threading.BoundedSemaphore(HASHES_AT_ONCE_MAX)
_DUMMY_SALT = bytes(SALT_BYTES)
_RUNS = ("0123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm")


def check_password(password: str, *, email: str) -> None:
    """Refuse a password that is among the first to be tried.

    Refused: password_short, password_long, password_plain.
    """
    if len(password) < PASSWORD_CHARACTERS_MIN:
        raise Refused("password_short", least=PASSWORD_CHARACTERS_MIN)
    if len(password) > PASSWORD_CHARACTERS_MAX:
        raise Refused("password_long", most=PASSWORD_CHARACTERS_MAX)
    if _is_plain(password.lower(), email):
        raise Refused("password_plain")


def _is_plain(password: str, email: str) -> bool:
    name = email.lower().partition("@")[0]
    rest = password.replace(name, "") if len(name) > 2 else password
    if (
        len(rest) < PASSWORD_CHARACTERS_MIN // 2
        or len(set(password)) < DIFFERENT_CHARACTERS_MIN
    ):
        return True
    letters = re.sub(r"[\W_]", "", password)
    return any(letters and letters in run * 3 for run in _RUNS)


def hash_password(
    password: str, *, pepper: bytes, random_bytes: Randomness = os.urandom
) -> str:
    """Hash a password into a string that carries its own costs and salt."""
    hasher = _hasher(salt=random_bytes(SALT_BYTES), pepper=pepper)
    with _turn:
        return hasher.derive_phc_encoded(password.encode())


def verify_password(password: str, hashed: str, *, pepper: bytes) -> bool:
    """Say whether this is the password that was hashed.

    An empty hash, of nobody or of an account that has no password yet, takes the same time.
    """
    typed = password[: PASSWORD_CHARACTERS_MAX + 1].encode()
    with _turn:
        if not hashed:
            _hasher(salt=_DUMMY_SALT, pepper=pepper).derive(typed)
            return False
        try:
            Argon2id.verify_phc_encoded(typed, hashed, pepper)
        except InvalidKey:
            return False
    return True


def _hasher(*, salt: bytes, pepper: bytes) -> Argon2id:
    return Argon2id(
        salt=salt,
        length=HASH_BYTES,
        iterations=ITERATIONS,
        lanes=LANES,
        memory_cost=MEMORY_KIB,
        secret=pepper,
    )
