"""Random ids that sort by the time of their making: UUID version 7 (RFC 9562)."""

from __future__ import annotations

import os
import random
import uuid
from typing import Protocol


class Randomness(Protocol):
    """Where random bytes come from; a simulation gives its own."""

    def __call__(self, size: int, /) -> bytes: ...


class Ids:
    """Makes ids. The same source of randomness serves codes, salts and nonces."""

    def __init__(self, randomness: Randomness = os.urandom) -> None:
        self.randomness = randomness

    def new(self, at: int) -> str:
        """Return a fresh id for an instant (ms); never derived from a counter."""
        tail = int.from_bytes(self.randomness(10))
        value = (at & (2**48 - 1)) << 80 | tail
        value = value & ~(0xF << 76) | 0x7 << 76
        value = value & ~(0x3 << 62) | 0x2 << 62
        return str(uuid.UUID(int=value))


def seeded(seed: int) -> Ids:
    """Return ids that repeat for a seed, for tests and simulations."""
    return Ids(random.Random(seed).randbytes)  # noqa: S311 - repeatable on purpose
