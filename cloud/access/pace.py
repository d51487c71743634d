"""How often one address may do what costs this machine something: bounded, in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

from core.clock import MINUTE_MS
from core.errors import Refused

ADDRESSES_MAX = 10_000
IPV6_HOST_BITS = 64
"""Whoever has one IPv6 address has as many as these bits count."""
FILES_MAX = 30
FILES_WINDOW_MS = 10 * MINUTE_MS


@dataclass(slots=True)
class _Count:
    began_at: int
    done: int = 0


@dataclass(slots=True)
class Pace:
    """Files that came from each address lately; a restart forgets them."""

    _counts: OrderedDict[str, _Count] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count_file(self, address: str, *, at: int) -> None:
        """Count one more. Refused: too_many_files."""
        who = neighbourhood(address)
        with self._lock:
            count = self._counts.get(who)
            if count is None or at - count.began_at >= FILES_WINDOW_MS:
                count = self._counts[who] = _Count(at)
            self._counts.move_to_end(who)
            while len(self._counts) > ADDRESSES_MAX:
                self._counts.popitem(last=False)
            if count.done >= FILES_MAX:
                raise Refused("too_many_files", minutes=FILES_WINDOW_MS // MINUTE_MS)
            count.done += 1


def neighbourhood(address: str) -> str:
    """Return who an address is: all that one household or server has of IPv6 is one."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv6Address):
        return str(IPv6Address(int(known) >> IPV6_HOST_BITS << IPV6_HOST_BITS))
    return str(known)
