"""Names and addresses that a hub's certificate may carry."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

IpAddress = IPv4Address | IPv6Address

HOST_NAME_CHARACTERS_MAX = 253
NAMES_MAX = 40

LOOPBACK = IPv4Address("127.0.0.1")
ALWAYS_NAMED = ("hub.local", "localhost")

PRIVATE_NETWORKS = tuple(
    ip_network(network)
    for network in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "fc00::/7",
        "fe80::/10",
    )
)

PRIVATE_DOMAINS = ("local", "localhost")
"""Without a leading dot, as RFC 5280 writes them: each stands for itself and all below it.
Some verifiers take a leading dot literally, and would then refuse `hub.local`."""

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


def is_host_name(name: str) -> bool:
    """Say whether this is a host name in lower case, and not an address in disguise."""
    return (
        len(name) <= HOST_NAME_CHARACTERS_MAX
        and _HOST_NAME.fullmatch(name) is not None
        and not name.rpartition(".")[2].isdigit()
    )


def host_names_wanted(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names in order, lower case and once each, with those that every hub has.

    Raises ValueError for what is not a host name, and for more than NAMES_MAX.
    """
    wanted = dict.fromkeys([*(name.lower() for name in names), *ALWAYS_NAMED])
    for name in wanted:
        if not is_host_name(name):
            raise ValueError(f"not a host name: {name!r}")
    if len(wanted) > NAMES_MAX:
        raise ValueError(f"more than {NAMES_MAX} names")
    return tuple(wanted)


def private_addresses(addresses: Iterable[IpAddress]) -> tuple[IpAddress, ...]:
    """Return the private ones in order, loopback included; the root vouches for no other.

    A public address at a hub is most often an IPv6 one that changes by the day: nobody types
    it, and a certificate per day would serve nobody.
    """
    # An address with a zone, fe80::1%eth0, has meaning on this machine only.
    bare = {ip_address(int(a)) if a.version == 4 else IPv6Address(int(a)) for a in addresses}
    kept = {a for a in bare if any(a in network for network in PRIVATE_NETWORKS)}
    ordered = sorted(kept | {LOOPBACK}, key=lambda a: (a.version, int(a)))
    if len(ordered) > NAMES_MAX:
        raise ValueError(f"more than {NAMES_MAX} addresses")
    return tuple(ordered)


def is_within(name: str, domains: Iterable[str]) -> bool:
    return any(name == domain or name.endswith(f".{domain}") for domain in domains)
