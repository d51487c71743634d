"""Staff PINs: made here, hashed at a cost, checked in the same time whether they exist or not.

Six digits cannot be hashed into safety: whoever has the table and the pepper tries them all
in a night. The cost slows the guess, the pepper keeps a copy of the table useless, and a PIN
only ever works on a paired tablet.
"""

from __future__ import annotations

import os
import re
import threading
from itertools import pairwise

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from core.ids import Randomness

PIN_DIGITS = 6
MEMORY_KIB = 19 * 1024
ITERATIONS = 2
LANES = 1
SALT_BYTES = 16
HASH_BYTES = 32
PEPPER_BYTES_MIN = 16
PIN_DRAWS_MAX = 200

HASHES_AT_ONCE_MAX = 2
"""Each hash takes 19 MiB for its while; all tills at once must not eat a small board."""

_turn = threading.BoundedSemaphore(HASHES_AT_ONCE_MAX)
_PIN = re.compile(rf"[0-9]{{{PIN_DIGITS}}}")
_DUMMY_SALT = bytes(SALT_BYTES)

# Costs may rise later and old hashes must still open; a hash that asks for a gigabyte was not
# written by us.
_HASH = re.compile(
    r"\$argon2id\$v=19\$m=(?P<memory>\d{4,6}),t=(?P<iterations>\d{1,2}),p=(?P<lanes>\d)"
    r"\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}"
)
MEMORY_KIB_MAX = 128 * 1024
ITERATIONS_MAX = 10

_COMMON = frozenset(
    {
        *("123321", "123789", "456789", "142536", "135246", "520131", "521131", "131452"),
        *("147258", "147369", "258369", "159357", "357159", "258456", "789456", "852456"),
        *("963852", "987456", "666888", "888666", "112358", "314159"),
    }
)
"""What people guess first, beyond what the rules below catch: keypad figures, love codes."""


def make_pin(random_bytes: Randomness = os.urandom) -> str:
    """Draw six digits, all equally likely except that trivial ones are drawn again."""
    for _ in range(PIN_DRAWS_MAX):
        drawn = int.from_bytes(random_bytes(3))
        # The last 777,216 values would make the small PINs likelier than the others.
        if drawn >= 16_000_000:
            continue
        pin = f"{drawn % 1_000_000:06d}"
        if not is_trivial(pin):
            return pin
    raise RuntimeError("the source of randomness repeats itself")


def is_trivial(pin: str) -> bool:
    """Say whether a PIN is among the first that anybody would try."""
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    pairs = {pin[place : place + 2] for place in range(0, PIN_DIGITS, 2)}
    repeats = pin[:3] == pin[3:] or len(pairs) == 1
    doubles = all(pair[0] == pair[1] for pair in pairs)
    return len(steps) == 1 or repeats or doubles or pin in _COMMON


def hash_pin(pin: str, *, pepper: bytes, random_bytes: Randomness = os.urandom) -> str:
    """Hash a PIN into a string that carries its own costs and salt.

    Raises ValueError for anything but six ASCII digits and for a pepper that is too short.
    """
    if not _PIN.fullmatch(pin):
        raise ValueError("a PIN has six digits")
    hasher = _hasher(salt=random_bytes(SALT_BYTES), pepper=pepper)
    with _turn:
        return hasher.derive_phc_encoded(pin.encode("ascii"))


def verify_pin(pin: str, hashed: str, *, pepper: bytes) -> bool:
    """Say whether the PIN is the one that was hashed.

    Whatever was typed takes the same work, so time tells nothing. Raises ValueError where
    `hashed` did not come from `hash_pin`: a damaged record is not a wrong PIN.
    """
    costs = _HASH.fullmatch(hashed)
    if (
        not costs
        or int(costs["memory"]) > MEMORY_KIB_MAX
        or not 1 <= int(costs["iterations"]) <= ITERATIONS_MAX
        or int(costs["lanes"]) != LANES
    ):
        raise ValueError("not a PIN hash")
    _check_pepper(pepper)
    well_formed = _PIN.fullmatch(pin) is not None
    tried = pin.encode("ascii") if well_formed else b"-"
    with _turn:
        try:
            Argon2id.verify_phc_encoded(tried, hashed, pepper)
        except InvalidKey:
            return False
    return well_formed


def dummy_verify(*, pepper: bytes) -> None:
    """Spend what a check spends, where there is no such person or the person is locked."""
    hasher = _hasher(salt=_DUMMY_SALT, pepper=pepper)
    with _turn:
        hasher.derive(b"-")


def _hasher(*, salt: bytes, pepper: bytes) -> Argon2id:
    _check_pepper(pepper)
    return Argon2id(
        salt=salt,
        length=HASH_BYTES,
        iterations=ITERATIONS,
        lanes=LANES,
        memory_cost=MEMORY_KIB,
        secret=pepper,
    )


def _check_pepper(pepper: bytes) -> None:
    if len(pepper) < PEPPER_BYTES_MIN:
        raise ValueError(f"a pepper has at least {PEPPER_BYTES_MIN} bytes")
