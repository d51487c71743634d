"""Which programs the demo runs, and with which words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from hub.demo.addresses import LOOPBACK, OFFICE_HOST, Ports, Site
from hub.demo.programs import Program, answers, listens

RETRY_MAX_S = 2
"""A line that is plugged in again shall carry soon: here nobody storms head office."""


def office_programs(folder: Path, ports: Ports) -> Iterator[Program]:
    """Head office: the broker, its pages, the gate, and who takes in what hubs send."""
    data = folder / "cloud"
    own = ("--data", str(data))
    broker = f"{LOOPBACK}:{ports.broker}"
    yield _program(
        folder,
        "broker",
        ("broker", *own, "--bind", broker),
        serves=lambda: listens(ports.broker),
        place="cloud",
    )
    address = data / "gate.address"
    address.unlink(missing_ok=True)
    gate = f"{LOOPBACK}:{ports.gate}"
    yield _program(
        folder,
        "gate",
        (
            *("gate", *own, "--bind", gate, "--url", f"https://{gate}"),
            *("--address-file", str(address)),
        ),
        serves=address.exists,
        place="cloud",
    )
    yield _program(
        folder,
        "office",
        (
            *("web", *own, "--bind", f"{LOOPBACK}:{ports.office}"),
            *("--host", OFFICE_HOST),
        ),
        serves=lambda: answers(ports.office, "/login"),
        place="cloud",
    )
    yield _program(
        folder,
        "ingest",
        ("ingest", *own, "--broker", broker),
        serves=_rings(data, "ingest"),
        place="cloud",
    )


def store_programs(folder: Path, site: Site, *, joined: bool) -> Iterator[Program]:
    """One store's hub, with a way to head office through its own line where it has one."""
    data = ("--data", str(site.folder))
    web = ("web", *data, "--bind", f"{LOOPBACK}:{site.hub}")
    key = "" if site.folder.name == "hub" else f"-{site.shop.key}"
    yield _program(folder, f"web{key}", web, serves=lambda: answers(site.hub, "/api/v1/health"))
    words: dict[str, tuple[str, ...]] = {"devices": (), "jobs": ()}
    if joined:
        words["sync"] = (
            *("--broker", f"{LOOPBACK}:{site.line_broker}", "--gate", site.gate),
            *("--retry-max", str(RETRY_MAX_S)),
        )
    for name, more in words.items():
        rings = _rings(site.folder, name)
        yield _program(folder, f"{name}{key}", (name, *data, *more), serves=rings)


def simulators(folder: Path, ports: Ports, stage: Path) -> Program:
    """Papers, cards and lines of all stores."""
    return _program(
        folder,
        "simulator",
        ("simulators", str(stage), "--bind", f"{LOOPBACK}:{ports.simulator}"),
        serves=lambda: answers(ports.simulator, "/"),
    )


def _rings(data: Path, name: str) -> Callable[[], bool]:
    """Return whether a program listens: its bell hangs from then on."""
    bell = data / "run" / f"{name}.bell"
    bell.unlink(missing_ok=True)
    return bell.exists


def _program(
    folder: Path,
    name: str,
    words: tuple[str, ...],
    *,
    serves: Callable[[], bool],
    place: str = "hub",
) -> Program:
    return Program(
        name=name, place=place, words=words, log=folder / "logs" / f"{name}.log", serves=serves
    )
