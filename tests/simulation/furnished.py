"""Stores that are joined to their head office, as they are before anything breaks.

Made once in a process; each history has a copy. Joining makes keys and certificates, which is
slow, and is tested elsewhere.
"""

from __future__ import annotations

import atexit
import importlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import cloud.platform.platform as platform_module
from cloud.feed import bring
from cloud.platform import create_merchant, new_code, parse_broker, set_places
from core.errors import Refused
from core.feed import FeedDocument
from hub import box as box_module
from hub.sync import archive, head_office, replacing, returning, runtime
from tests.simulation.https import Wire, simulated, tls_context
from tests.simulation.memory import Platter, Shelf
from tests.simulation.real_cloud import RealCloud
from tests.simulation.real_hub import RealHub, SimulatedLine
from tests.simulation.till import Till
from tests.simulation.town import Town, TownProfile

SETTLING_MS = 60_000
ASKING = (head_office, archive, returning)
"""Whose `ask` reaches head office over HTTPS."""
CALM = TownProfile(name="furnishing")
SET_ASIDE, DISCARD = replacing.set_aside, replacing._discard
STORE_CODES = "ABCDEFGH"
rebuild_module = importlib.import_module("core.journal.rebuild")


def documents(stores: int) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what head office tells everybody: stores, people, prices, rules."""
    return [
        ("company", "-", {"name": "清和养生"}),
        ("settings", "-", {"receipt_auto_print": False, "topup_max_cents": 10_000_000}),
        *(
            ("store", f"s{number}", {"name": f"{number}店", "code": STORE_CODES[number - 1]})
            for number in range(1, stores + 1)
        ),
        ("category", "c1", {"name": "足疗"}),
        *(("item", key, item(key, price)) for key, price in zip("pqr", PRICES, strict=True)),
        (
            "offer",
            "o1",
            {"name": "充100送10", "price": 10_000, "principal": 10_000, "bonus": 1_000},
        ),
        (
            "offer",
            "o2",
            {
                "name": "一号店专用",
                "price": 5_000,
                "principal": 5_000,
                "bonus": 500,
                "stores": ["s1"],
            },
        ),
        (
            "offer",
            "o3",
            {
                "name": "年卡",
                "kind": "card",
                "price": 3_000,
                "principal": 3_000,
                "term_days": 365,
            },
        ),
        ("staff", "m1", {"number": "01", "name": "刘洋", "role": "manager", "pin_hash": "-"}),
        ("staff", "w1", {"number": "02", "name": "王芳", "role": "cashier", "pin_hash": "-"}),
    ]


PRICES = (700, 2_300, 9_900)


def item(key: str, price: int) -> dict[str, Any]:
    return {"code": key, "name": key, "price": price, "category": "c1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Furnished:
    """A folder, the databases that belong in it, and who is there.

    `images` is None where the databases are files in the folder, as the product's own are.
    """

    folder: Path
    images: dict[Path, Platter] | None
    merchant: str
    now: int
    stores: tuple[str, ...]


@contextmanager
def outside(world: Town, shelf: Shelf | None) -> Iterator[None]:
    """Put what is ours to break in the place of the outside; `shelf` is None for real files."""
    rising: list[RealHub] = []
    begin = RealHub.rise
    world.https = Wire(world)

    def rise(node: RealHub) -> None:
        rising[:] = [node]
        begin(node)

    def errands(kind: type[Any]) -> Any:
        def begun(url: str, context: Any, tell: Any) -> Any:
            return simulated(kind, rising[0])(url, context, tell)

        return begun

    replaced: list[tuple[Any, str, Any]] = [
        (RealHub, "rise", rise),
        *((module, "ask", world.https.ask) for module in ASKING),
        (runtime, "_now_ms", lambda: world.now),
        (runtime, "time", SimpleNamespace(monotonic=lambda: world.now / 1000)),
        (runtime, "random", SimpleNamespace(random=world.chance.random)),
        (runtime, "tell", lambda *_args: None),
        (runtime, "ring", lambda *_args: None),
        (box_module, "ring", lambda *_args: None),
        (runtime, "tls_context", tls_context),
        (runtime, "BrokerLine", lambda *_args, **_more: SimulatedLine(rising[0])),
        (runtime, "Gate", errands(runtime.Gate)),
        *(
            (runtime, name, errands(getattr(runtime, name)))
            for name in ("Past",)
            if hasattr(runtime, name)
        ),
        (os, "urandom", world.chance.randbytes),
    ]
    replaced += [
        (replacing, "tls_context", tls_context),
        (replacing, "public_context", lambda _ca: None),
    ]
    if shelf is not None:
        # There is no room to make in memory, and no file to read a full disk's shop from.
        replaced += [
            (box_module, "make_room", lambda _folder: ""),
            (box_module, "copied", _no_copy),
        ]
    if shelf is not None:
        replaced.append((replacing, "set_aside", partial(_set_aside, shelf)))
        replaced.append((replacing, "_discard", partial(_discard, shelf)))
        replaced += [
            (module, "Door", shelf.door)
            for module in (box_module, platform_module, rebuild_module)
        ]
    with ExitStack() as stack:
        for holder, name, stand_in in replaced:
            stack.enter_context(mock.patch.object(holder, name, stand_in))
        yield


def _no_copy(_database: Path) -> Path:
    raise Refused("disk_full")


def _set_aside(shelf: Shelf, folder: Path, plan: Any) -> None:
    SET_ASIDE(folder, plan)
    if plan.aside:
        shelf.rename(folder / "hub.db", folder / f"hub-{plan.aside}.db")


def _discard(shelf: Shelf, folder: Path) -> None:
    DISCARD(folder)
    if folder / "hub.db" in shelf.platters:
        shelf.platters.pop(folder / "hub.db").discard()


def scratch_folder() -> Path:
    """Return a new folder, in memory where the machine has such a place."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="town-", dir=memory if memory.is_dir() else None))


def furnish(folder: Path, stores: int, shelf: Shelf | None) -> tuple[str, int]:
    """Make head office and its stores in a folder; return the merchant, and when it was done."""
    world = Town(CALM, 1)
    world.healed = True
    cloud = RealCloud(world, folder / "cloud", "")
    with outside(world, shelf):
        world.cloud = cloud
        cloud.open()
        cloud.merchant = _merchant(cloud, stores)
        cloud.platform.close()
        cloud.rise()
        names = [f"s{number}" for number in range(1, stores + 1)]
        hubs = [RealHub(world, folder / name, name) for name in names]
        for hub in hubs:
            code = new_code(cloud.platform, merchant=cloud.merchant, store=hub.store)
            hub.join(code)
        world.hubs = {hub.hub: hub for hub in hubs}
        for hub in hubs:
            hub.rise()
        world.run(SETTLING_MS)
        assert all(hub.settled() and hub.live for hub in hubs)
        for hub in hubs:
            Till(hub).open()
        world.run(2 * SETTLING_MS)
        for node in (*hubs, cloud):
            node.crash()
    return cloud.merchant, world.now


def _merchant(cloud: RealCloud, stores: int) -> str:
    platform = cloud.platform
    platform.door.write(
        lambda tx: set_places(
            tx, broker=parse_broker("127.0.0.1:8883"), gate="https://127.0.0.1:8443"
        )
    )
    merchant = create_merchant(platform, "清和养生")
    brought = [
        FeedDocument(topic=topic, key=key, pos=pos, content=content)
        for pos, (topic, key, content) in enumerate(documents(stores), 1)
    ]
    merchant.door.write(lambda tx: bring(tx, merchant.act(tx), brought))
    return merchant.id


def furnish_new(stores: int, *, on_files: bool) -> Furnished:
    """Make a furnished world in a folder of its own, which the caller removes."""
    folder, shelf = scratch_folder(), None if on_files else Shelf()
    merchant, now = furnish(folder, stores, shelf)
    images = None if shelf is None else shelf.images(folder)
    if shelf is not None:
        shelf.close()
    return Furnished(
        folder=folder,
        images=images,
        merchant=merchant,
        now=now,
        stores=tuple(f"s{number}" for number in range(1, stores + 1)),
    )


@cache
def furnished(stores: int) -> Furnished:
    """Return the furnished world, in memory, that every history of this process begins with."""
    made = furnish_new(stores, on_files=False)
    atexit.register(shutil.rmtree, made.folder, ignore_errors=True)
    return made
