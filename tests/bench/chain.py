"""Stores and their head office to be measured: the demo's, with real programs and real sales."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.clock import SystemClock
from hub.app import open_hub
from hub.demo.office import Office, Place, bring_first, open_office, open_second
from hub.demo.seed import Size, seed
from hub.simulator import Cast, write_cast
from tests.bench.programs import Program, listening, serving, started

HOST = "127.0.0.1"
EVENTS_A_SALE = 5.4
MEMBERS = 300
DAYS = 14
POLL_S = 0.002
WAIT_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Head office with its programs, and a store's folder that is joined to it."""

    place: Place
    account: Office
    store: Path
    cast: Cast
    broker: str
    programs: dict[str, Program]
    stack: ExitStack

    @property
    def folder(self) -> Path:
        """Where head office keeps its own."""
        return self.place.data

    def start_ingest(self) -> Program:
        words = ("--data", str(self.folder), "--broker", self.broker)
        program = self.stack.enter_context(started(self.folder, "cloud", "ingest", *words))
        return self.programs.setdefault("ingest", program)

    def start_sync(self) -> Program:
        """Start the store's sending program; what it wrote so far goes up."""
        words = ("--data", str(self.store), "--retry-max", "0.3")
        program = self.stack.enter_context(started(self.store, "hub", "sync", *words))
        return self.programs.setdefault("hub sync", program)

    def open_second(self) -> Path:
        """Open a second store, with a new hub that took its feed; return its folder."""
        folder, casts = self.store.parent, (self._cast_at(1), self._cast_at(2))
        write_cast(casts[0], self.cast)
        url = f"http://{HOST}:{self.programs['web'].port}"
        open_second(self.place, self.account, folder / "second", url=url, casts=casts)
        return folder / "second"

    def _cast_at(self, number: int) -> Path:
        return self.store.parent / f"cast-{number}.json"


def a_past(folder: Path, *, events: int, days: int = DAYS) -> Cast:
    """Make a shop whose journal has about so many events, sealed; its folder must not exist."""
    sales = int(events / EVENTS_A_SALE)
    size = Size(members=MEMBERS, days=days, sales=sales, sale_days=days - 1)
    return seed(folder, folder.with_suffix(".feed"), clock=SystemClock(), size=size)


@contextmanager
def joined_chain(folder: Path, *, events: int, days: int = DAYS) -> Iterator[Chain]:
    """Run head office's broker, gate and web, and join a shop with a past; nothing is sent yet."""
    store = folder / "first"
    cast = a_past(store, events=events, days=days)
    place = Place.below(folder)
    place.data.mkdir(parents=True)
    broker = f"{HOST}:{free_port()}"
    data = ("--data", str(place.data))
    with ExitStack() as stack:
        account = open_office(place)
        names = ("--name", HOST, "--name", "localhost")
        place.command("certificates", *names)
        programs = {
            "broker": stack.enter_context(
                listening(place.data, "cloud", "broker", *data, "--bind", broker, at=broker)
            ),
            "gate": stack.enter_context(_addressed(place.data, "gate", *data)),
            "web": stack.enter_context(_addressed(place.data, "web", *data, asked="/login")),
        }
        bring_first(place, account, store, url=f"http://{HOST}:{programs['web'].port}")
        yield Chain(
            place=place,
            account=account,
            store=store,
            cast=cast,
            broker=broker,
            programs=programs,
            stack=stack,
        )


def _addressed(
    folder: Path, name: str, *words: str, asked: str = ""
) -> AbstractContextManager[Program]:
    bound = ("--bind", f"{HOST}:0", "--address-file")
    return serving(folder, "cloud", name, *words, *bound, asked=asked)


def written(store: Path) -> int:
    """Return how many events a store's journal has."""
    box = open_hub(store)
    try:
        with box.door.read() as db:
            return box.journal.head(db).seq
    finally:
        box.close()


def free_port() -> int:
    with socket.create_server((HOST, 0)) as asked:
        port: int = asked.getsockname()[1]
        return port


def until(
    holds: Callable[[], object], *, within_s: float = WAIT_S, every_s: float = POLL_S
) -> float:
    """Wait until something holds; return when that was, by `time.perf_counter`."""
    ends_at = time.perf_counter() + within_s
    while not holds():
        if time.perf_counter() > ends_at:
            raise TimeoutError("it did not come to that")
        time.sleep(every_s)
    return time.perf_counter()
