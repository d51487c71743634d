"""Where the demo is found: ports, kept so that bookmarks last, and the list for programs."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import msgspec

from core.crypto import read_private, replace_private
from hub.demo import shop
from hub.simulator import Cast

LOOPBACK = "127.0.0.1"
STORE_HOST = "store1.localhost"
"""A name of its own keeps the till's cookies apart from whatever else runs on this machine;
browsers know every name below localhost, and trust it like HTTPS."""
VERSION = 1


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """What each program listens on."""

    hub: int
    simulator: int
    printer: int

    @property
    def store(self) -> str:
        """Where a browser finds the hub."""
        return f"http://{STORE_HOST}:{self.hub}"

    @property
    def direct(self) -> str:
        """The same for programs, whose resolver may not know the name."""
        return f"http://{LOOPBACK}:{self.hub}"

    @property
    def start(self) -> str:
        """The one page that a person needs."""
        return f"http://{LOOPBACK}:{self.simulator}"

    @property
    def printer_address(self) -> str:
        return f"tcp://{LOOPBACK}:{self.printer}"


def choose_ports(path: Path) -> Ports:
    """Return the ports of the last time where they are free, else others; keep them."""
    try:
        last: dict[str, int] = msgspec.json.decode(read_private(path), type=dict[str, int])
    except (FileNotFoundError, msgspec.MsgspecError):
        last = {}
    taken: set[int] = set()
    chosen: dict[str, int] = {}
    for name in Ports.__struct_fields__:
        port = last.get(name, 0)
        if not _is_free(port) or port in taken:
            port = _free_port()
        taken.add(port)
        chosen[name] = port
    replace_private(path, msgspec.json.encode(chosen))
    return Ports(**chosen)


def _is_free(port: int) -> bool:
    if not 0 < port < 65_536:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as asked:
        # As servers ask: the last calls of an ended program do not keep its port.
        asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            asked.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as asked:
        return int(asked.getsockname()[1])


def urls(ports: Ports, cast: Cast, folder: Path) -> dict[str, Any]:
    """Return everything that a program needs to drive what a person would."""
    first = {login.role: login for login in reversed(cast.logins)}
    return {
        "version": VERSION,
        "addresses": {
            "start": f"{ports.start}/",
            "till": f"{ports.store}/",
            "members": f"{ports.store}/members",
            "shift": f"{ports.store}/shift",
            "catalog": f"{ports.store}/catalog",
            "paper": f"{ports.start}/paper",
            "cards": f"{ports.start}/cards",
            "api": f"{ports.direct}/api/v1",
            "openapi": f"{ports.direct}/api/v1/openapi.json",
            "health": f"{ports.direct}/api/v1/health",
        },
        "hosts": {STORE_HOST: LOOPBACK},
        "store": {"name": shop.store().name, "code": shop.store().code},
        "tills": list(cast.tills),
        "pairing": {
            till: f"{ports.start}/open-till/{number}"
            for number, till in enumerate(cast.tills, start=1)
        },
        "logins": {
            role: {"number": who.number, "name": who.name, "pin": who.pin, "card": who.card}
            for role, who in sorted(first.items())
            if who.pin
        },
        "staff": [msgspec.to_builtins(login) for login in cast.logins],
        "tokens": dict(cast.tokens),
        "devices": {
            "printer": {
                "address": ports.printer_address,
                "state": f"{ports.start}/printer.json",
                "switch": f"{ports.start}/printer/state",
                "drawer": f"{ports.start}/drawer/close",
                "paper_folder": str(folder / "paper"),
            },
            "scan": f"{ports.start}/scan",
            "member_cards": list(cast.member_cards),
            "blank_cards": list(cast.blank_cards),
            "staff_cards": {who.number: who.card for who in cast.logins if who.card},
            "barcodes": {
                item.barcode: item.name for item in shop.items().values() if item.barcode
            },
        },
        "data": str(folder / "hub"),
    }
