"""Where the demo is found: ports, kept so that bookmarks last, and the list for programs."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from core.crypto import read_private, replace_private
from hub.demo import shop
from hub.simulator import Branch, Cast, HeadOffice, Route, Stage, branch_prefix, read_cast

LOOPBACK = "127.0.0.1"
OFFICE_HOST = "office.localhost"
VERSION = 2


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """What each program listens on. A second store's names end in 2."""

    hub: int
    simulator: int
    printer: int
    office: int
    gate: int
    broker: int
    line_broker: int
    """Where a store's line begins that leads to the broker; the next to the gate."""
    line_gate: int
    hub2: int
    printer2: int
    line_broker2: int
    line_gate2: int

    @property
    def start(self) -> str:
        """The one page that a person needs."""
        return f"http://{LOOPBACK}:{self.simulator}"

    @property
    def head_office(self) -> str:
        """Where a browser finds head office."""
        return f"http://{OFFICE_HOST}:{self.office}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One store of the demo: who it is, where it lies, what it listens on."""

    shop: shop.Site
    folder: Path
    cast: Path
    paper: Path
    hub: int
    printer: int
    line_broker: int
    line_gate: int

    @property
    def host(self) -> str:
        """Return a name of its own: it keeps a till's cookies apart from what else runs here.

        Browsers know every name below localhost, and trust it like HTTPS.
        """
        return f"{self.shop.key}.localhost"

    @property
    def address(self) -> str:
        """Where a browser finds the hub."""
        return f"http://{self.host}:{self.hub}"

    @property
    def direct(self) -> str:
        """The same for programs, whose resolver may not know the name."""
        return f"http://{LOOPBACK}:{self.hub}"

    @property
    def printer_address(self) -> str:
        return f"tcp://{LOOPBACK}:{self.printer}"

    @property
    def gate(self) -> str:
        """Where this store finds the gate: at the beginning of its own line."""
        return f"https://{LOOPBACK}:{self.line_gate}"

    def branch(self, ports: Ports | None) -> Branch:
        """Return the store as the simulator plays it, with its line where there is one."""
        routes: tuple[Route, ...] = ()
        if ports is not None:
            routes = (
                Route(port=self.line_broker, to=ports.broker),
                Route(port=self.line_gate, to=ports.gate),
            )
        return Branch(
            code=self.shop.code,
            name=self.shop.name,
            data=str(self.folder),
            cast=str(self.cast),
            paper=str(self.paper),
            printer_port=self.printer,
            hub_url=self.address,
            routes=routes,
        )


def sites(folder: Path, ports: Ports, *, count: int) -> tuple[Site, ...]:
    """Return the first stores of the demo."""
    first = Site(
        shop=shop.FIRST,
        folder=folder / "hub",
        cast=folder / "cast.json",
        paper=folder / "paper",
        hub=ports.hub,
        printer=ports.printer,
        line_broker=ports.line_broker,
        line_gate=ports.line_gate,
    )
    second = Site(
        shop=shop.SECOND,
        folder=folder / "hub2",
        cast=folder / "cast2.json",
        paper=folder / "paper2",
        hub=ports.hub2,
        printer=ports.printer2,
        line_broker=ports.line_broker2,
        line_gate=ports.line_gate2,
    )
    return (first, second)[:count]


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
            port = _free_port(taken)
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


def _free_port(taken: set[int]) -> int:
    while True:
        with socket.create_server((LOOPBACK, 0)) as asked:
            port = int(asked.getsockname()[1])
        if port not in taken:
            return port


def urls(ports: Ports, found: tuple[Site, ...], stage: Stage) -> dict[str, Any]:
    """Return everything that a program needs to drive what a person would.

    The first store stands at the top too, so that who wants one shop need not look further.
    """
    listed = [
        _store(site, ports, read_cast(site.cast), below=branch_prefix(stage, site.shop.code))
        for site in found
    ]
    start = {"start": f"{ports.start}/"}
    return {
        **listed[0],
        "version": VERSION,
        "addresses": start | listed[0]["addresses"],
        "hosts": dict.fromkeys((*(site.host for site in found), OFFICE_HOST), LOOPBACK),
        "stores": [{**one, "addresses": start | one["addresses"]} for one in listed],
        "head_office": _office(stage.head_office),
    }


def _office(office: HeadOffice | None) -> dict[str, Any] | None:
    if office is None:
        return None
    return {
        "address": office.address,
        "email": office.email,
        "password": office.password,
        "totp_secret": office.totp_secret,
    }


def _store(site: Site, ports: Ports, cast: Cast, *, below: str) -> dict[str, Any]:
    first = {login.role: login for login in reversed(cast.logins)}
    own = f"{ports.start}{below}"
    return {
        "addresses": {
            "till": f"{site.address}/",
            "members": f"{site.address}/members",
            "shift": f"{site.address}/shift",
            "catalog": f"{site.address}/catalog",
            "paper": f"{own}/paper",
            "cards": f"{own}/cards",
            "api": f"{site.direct}/api/v1",
            "openapi": f"{site.direct}/api/v1/openapi.json",
            "health": f"{site.direct}/api/v1/health",
        },
        "store": {"name": site.shop.name, "code": site.shop.code},
        "line": f"{ports.start}/line/{site.shop.code}",
        "tills": list(cast.tills),
        "pairing": {
            till: f"{own}/open-till/{number}" for number, till in enumerate(cast.tills, start=1)
        },
        "logins": {
            role: {"number": who.number, "name": who.name, "pin": who.pin, "card": who.card}
            for role, who in sorted(first.items())
            if who.pin
        },
        "staff": [msgspec.to_builtins(login) for login in cast.logins],
        "tokens": dict(cast.tokens),
        "devices": _devices(site, cast, own),
        "data": str(site.folder),
    }


def _devices(site: Site, cast: Cast, own: str) -> dict[str, Any]:
    return {
        "printer": {
            "address": site.printer_address,
            "state": f"{own}/printer.json",
            "switch": f"{own}/printer/state",
            "drawer": f"{own}/drawer/close",
            "paper_folder": str(site.paper),
        },
        "scan": f"{own}/scan",
        "member_cards": list(cast.member_cards),
        "blank_cards": list(cast.blank_cards),
        "staff_cards": {who.number: who.card for who in cast.logins if who.card},
        "barcodes": {item.barcode: item.name for item in shop.items().values() if item.barcode},
    }
