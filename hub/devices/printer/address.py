"""Printer addresses as an operator types them, and what such an address may reach.

Whoever may set up a printer makes this box connect and write somewhere. So an address names
a number on the shop's own network and a printer's port, a printer device, or a file in one
folder: never a host name, a service of this box, or a file of its own.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args
from urllib.parse import parse_qsl, urlsplit

from hub.devices.printer.file import File
from hub.devices.printer.serial_port import Flow, SerialPort
from hub.devices.printer.tcp import RAW_PORT, Tcp
from hub.devices.printer.transport import Transport
from hub.devices.printer.usb import Usb

ADDRESS_CHARACTERS_MAX = 200
RAW_PORTS = range(9100, 9110)
"""One per socket of a print server box."""
BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PRIVATE_NETWORKS: tuple[Network, ...] = (
    ipaddress.ip_network("10.0.0.0/8"),
    ipaddress.ip_network("172.16.0.0/12"),
    ipaddress.ip_network("192.168.0.0/16"),
    ipaddress.ip_network("fc00::/7"),
)

_NAME = r"[A-Za-z0-9][A-Za-z0-9_.:+-]*"
_USB_DEVICE = re.compile(rf"/dev/(usb/lp\d+|lp\d+|dianshu/{_NAME})")
_SERIAL_DEVICE = re.compile(
    rf"/dev/(tty(USB|ACM|AMA|S)\d+|serial/by-(id|path)/{_NAME}|dianshu/{_NAME})"
)
_PSEUDO_TERMINAL = re.compile(r"/dev/pts/\d+")


class BadAddress(ValueError):
    """`code` names what is wrong, for a translated sentence; the message is for the log."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Where addresses may lead.

    `networks`: the shop's own, where they are known. `folder`: for file printers, none without
    it. `simulated` admits this box's loopback on any port and pseudo-terminals, where the
    printers made of software are.
    """

    networks: tuple[Network, ...] = PRIVATE_NETWORKS
    folder: Path | None = None
    simulated: bool = False


def parse_address(address: str, *, reach: Reach) -> Transport:
    """Make the unopened transport of an address; each call makes a new one.

    tcp://192.168.1.50:9100 · usb:/dev/usb/lp0 · serial:/dev/ttyUSB0?baud=9600&flow=rtscts ·
    file:/folder/name. Raises BadAddress with code address_length, address_kind, address_host,
    address_port, address_network, address_device, address_option or address_folder.
    """
    text = address.strip()
    if not 1 <= len(text) <= ADDRESS_CHARACTERS_MAX or not text.isprintable():
        raise BadAddress("address_length", f"at most {ADDRESS_CHARACTERS_MAX} characters")
    kind, _, rest = text.partition(":")
    match kind.lower():
        case "tcp":
            return _tcp(text, reach)
        case "usb":
            return Usb(_device(rest, _USB_DEVICE))
        case "serial":
            return _serial(rest, reach)
        case "file":
            return _file(rest, reach)
        case _:
            raise BadAddress("address_kind", f"{text!r} is not tcp, usb, serial or file")


def _tcp(text: str, reach: Reach) -> Tcp:
    try:
        parts = urlsplit(text)
        host = ipaddress.ip_address(parts.hostname or "")
    except ValueError as error:
        raise BadAddress("address_host", f"{text!r} names no IP number") from error
    if parts.username or parts.path.strip("/") or parts.query or parts.fragment:
        raise BadAddress("address_host", f"{text!r} is more than a number and a port")
    try:
        port = RAW_PORT if parts.port is None else parts.port
    except ValueError as error:
        raise BadAddress("address_port", f"{text!r} has no usable port") from error
    if reach.simulated and host.is_loopback:
        return Tcp(str(host), port)
    if not any(host in network for network in reach.networks):
        raise BadAddress("address_network", f"{host} is not on the shop's network")
    if port not in RAW_PORTS:
        raise BadAddress("address_port", f"{port} is not a printer's port")
    return Tcp(str(host), port)


def _serial(rest: str, reach: Reach) -> SerialPort:
    path, _, query = rest.partition("?")
    patterns = [_SERIAL_DEVICE, *([_PSEUDO_TERMINAL] if reach.simulated else [])]
    device = _device(path, *patterns)
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError as error:
        raise BadAddress("address_option", f"{query!r} is not options") from error
    options = dict(pairs)
    if len(options) != len(pairs) or set(options) - {"baud", "flow"}:
        raise BadAddress("address_option", f"{query!r}: options are baud and flow, once each")
    return SerialPort(device, baud=_baud(options), flow=_flow(options))


def _baud(options: Mapping[str, str]) -> int:
    typed = options.get("baud", "9600")
    for baud in BAUDS:
        if typed == str(baud):
            return baud
    raise BadAddress("address_option", f"{typed!r} is none of {BAUDS} baud")


def _flow(options: Mapping[str, str]) -> Flow:
    typed = options.get("flow", "none")
    flows: tuple[Flow, ...] = get_args(Flow)
    for flow in flows:
        if typed == flow:
            return flow
    raise BadAddress("address_option", f"{typed!r} is none of {flows}")


def _device(path: str, *patterns: re.Pattern[str]) -> str:
    if not any(pattern.fullmatch(path) for pattern in patterns):
        raise BadAddress("address_device", f"{path!r} is not a printer's device")
    return path


def _file(path: str, reach: Reach) -> File:
    if reach.folder is None:
        raise BadAddress("address_folder", "files are not printers here")
    folder = reach.folder.resolve()
    wanted = Path(path)
    if wanted.name in {"", ".."} or wanted.parent not in {folder, reach.folder}:
        raise BadAddress("address_folder", f"{path!r} is not a file in {folder}")
    return File(str(folder / wanted.name))
