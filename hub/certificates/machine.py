"""What this machine is called and where it can be reached, asked without sending a packet."""

from __future__ import annotations

import fcntl
import socket
import struct
from contextlib import suppress
from ipaddress import IPv4Address, ip_address

from hub.certificates.names import IpAddress, is_host_name

_GET_INTERFACE_ADDRESS = 0x8915
"""Linux's SIOCGIFADDR; elsewhere the call fails and the routes below must do."""
_REQUEST_BYTES = 256
_ADDRESS_AT = 20

# One of each private range, one public, and the same for IPv6: reserved or far ends of their
# ranges, so that nobody is there who could be meant.
_FAR_ENDS = (
    (socket.AF_INET, "10.255.255.254"),
    (socket.AF_INET, "172.31.255.254"),
    (socket.AF_INET, "192.168.255.254"),
    (socket.AF_INET, "192.0.2.1"),
    (socket.AF_INET6, "fd00::1"),
    (socket.AF_INET6, "2001:db8::1"),
)
_DISCARD_PORT = 9


def host_names() -> tuple[str, ...]:
    """Return the machine's name, bare and as neighbours find it; empty where it has none."""
    bare = socket.gethostname().split(".")[0].lower()
    if not is_host_name(bare) or bare == "localhost":
        return ()
    return (bare, f"{bare}.local")


def local_addresses() -> tuple[IpAddress, ...]:
    """Return the addresses of this machine, loopback included, in order."""
    found = _of_interfaces() | _of_routes()
    return tuple(sorted(found, key=lambda address: (address.version, int(address))))


def _of_interfaces() -> set[IpAddress]:
    """Each interface's first IPv4 address: finds also the one that no route leads through."""
    found: set[IpAddress] = set()
    with (
        suppress(OSError),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe,
    ):
        for _, name in socket.if_nameindex():
            request = struct.pack(f"{_REQUEST_BYTES}s", name.encode())
            # An interface without an address answers with an error.
            with suppress(OSError):
                answer = fcntl.ioctl(probe, _GET_INTERFACE_ADDRESS, request)
                found.add(IPv4Address(answer[_ADDRESS_AT : _ADDRESS_AT + 4]))
    return found


def _of_routes() -> set[IpAddress]:
    """Connect datagram sockets: that only picks the route, and each then knows its own end."""
    found: set[IpAddress] = set()
    for family, far_end in _FAR_ENDS:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far_end, _DISCARD_PORT))
            own: str = probe.getsockname()[0]
            found.add(ip_address(own.partition("%")[0]))
    return found
