"""The command: folder, seed, programs, what is shown, the end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import sys
import webbrowser
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import click
import msgspec
from rich.console import Console
from rich.table import Table

from core.clock import SystemClock
from core.crypto import replace_private
from hub.app import open_hub
from hub.command_line import until_told
from hub.demo.addresses import LOOPBACK, Ports, Site, choose_ports, sites, urls
from hub.demo.crew import office_programs, simulators, store_programs
from hub.demo.office import (
    Office,
    OfficeFailed,
    Place,
    bring_first,
    open_office,
    open_second,
)
from hub.demo.programs import Crew, WillNotStart, no_mosquitto
from hub.demo.seed import seed
from hub.devices import find_typeface, set_printer
from hub.simulator import Cast, Stage, read_cast, read_stage, write_cast, write_stage
from hub.sync import joined

MARK = ".dianshu-demo"
"""Only a folder that holds it is ever emptied."""
SOCKET_PATH_BYTES_MAX = 103
"""What fits into a Unix socket's address on every system; Linux has four bytes more."""
KEPT = ("ports.json", "demo.lock", MARK)
PRINTER = "前台打印机"
ROLES = {
    "owner": "店主 owner",
    "manager": "店长 manager",
    "cashier": "收银 cashier",
    "technician": "技师 technician",
    "auditor": "审计 auditor",
    "device": "设备 device",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What shall run."""

    folder: Path
    stores: int
    office: bool
    ports: Ports

    @property
    def sites(self) -> tuple[Site, ...]:
        return sites(self.folder, self.ports, count=self.stores)

    @property
    def stage(self) -> Path:
        return self.folder / "stage.json"


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var/demo"),
    show_default=True,
    help="Where the stores and head office are kept.",
)
@click.option("--reset", is_flag=True, help="Forget all of it and make it anew.")
@click.option("--no-browser", is_flag=True, help="Open no page.")
@click.option(
    "--stores", type=click.IntRange(1, 2), default=2, show_default=True, help="How many stores."
)
@click.option("--alone", is_flag=True, help="One store and no head office.")
def demo(*, folder: Path, reset: bool, no_browser: bool, stores: int, alone: bool) -> None:
    """Run two made-up stores and their head office on this machine; Ctrl-C ends it.

    Once all is up, urls.json in the folder has every address, login, token, device and line.
    """
    console = Console(highlight=False, soft_wrap=True)
    folder = folder.resolve()
    _take_folder(folder)
    with _alone(folder):
        (folder / "urls.json").unlink(missing_ok=True)
        if reset:
            _empty(folder)
        (folder / "logs").mkdir(mode=0o700, exist_ok=True)
        wanted = Wanted(
            folder=folder,
            stores=1 if alone else stores,
            office=not alone,
            ports=choose_ports(folder / "ports.json"),
        )
        stopping = until_told()
        # A closed terminal is an end like any other.
        signal.signal(signal.SIGHUP, lambda *_: stopping.set())
        _run(wanted, console, stopping, no_browser=no_browser)
        console.print("\n已停止，数据还在。Stopped; all of it is kept.")


def _run(wanted: Wanted, console: Console, stopping: Event, *, no_browser: bool) -> None:
    folder, crew = wanted.folder, Crew()
    try:
        if not _start(wanted, crew, console, stopping):
            return
        stage = read_stage(wanted.stage)
        listed = msgspec.json.encode(urls(wanted.ports, wanted.sites, stage))
        replace_private(folder / "urls.json", msgspec.json.format(listed, indent=2))
        _show(console, wanted, stage)
        if not no_browser:
            _open_page(wanted.ports.start)
        crew.watch(stopping)
    except (WillNotStart, OfficeFailed) as error:
        raise click.ClickException(f"起不来 will not start: {error}") from error
    finally:
        (folder / "urls.json").unlink(missing_ok=True)
        crew.stop()


def _start(wanted: Wanted, crew: Crew, console: Console, stopping: Event) -> bool:
    """Start all that is wanted; on the first run, make what is missing on the way."""
    place = Place.below(wanted.folder)
    if wanted.office:
        # At once: head office starts while the first store's past is made.
        place.clear()
        crew.launch(office_programs(wanted.folder, wanted.ports))
    with ThreadPoolExecutor(max_workers=1) as aside:
        opening = aside.submit(open_office, place) if wanted.office else None
        _first_store(wanted, console)
        office = opening.result() if opening else None
    if office is not None and not all(joined(site.folder) for site in wanted.sites):
        console.print("正在把门店接到总部（只做一次）… Joining the stores, once …")
        if not crew.ready(stopping):
            return False
        _join(wanted, place, office)
    write_stage(wanted.stage, _stage(wanted, office))
    for site in wanted.sites:
        _connect_printer(site)
        crew.launch(store_programs(wanted.folder, site, joined=wanted.office))
    crew.launch([simulators(wanted.folder, wanted.ports, wanted.stage)])
    return crew.ready(stopping)


def _stage(wanted: Wanted, office: Office | None) -> Stage:
    ports = wanted.ports if office else None
    branches = tuple(site.branch(ports) for site in wanted.sites)
    if office is None:
        return Stage(branches=branches)
    shown = office.shown(wanted.ports.head_office, stands_in=no_mosquitto())
    return Stage(branches=branches, head_office=shown)


def _join(wanted: Wanted, place: Place, office: Office) -> None:
    first, *others = wanted.sites
    url = f"http://{LOOPBACK}:{wanted.ports.office}"
    bring_first(place, office, first.folder, url=url)
    for site in others:
        open_second(place, office, site.folder, url=url, casts=(first.cast, site.cast))


def _take_folder(folder: Path) -> None:
    """Make the folder ours, or refuse one that holds something else."""
    longest = os.fsencode(folder / "hub2" / "run" / "devices.bell")
    if len(longest) > SOCKET_PATH_BYTES_MAX:
        raise click.ClickException(
            f"路径太长，换一个 --dir；too long a path for a socket, choose another: {folder}"
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / MARK).exists():
        if any(folder.iterdir()):
            raise click.ClickException(f"{folder} 里有别的东西 holds something else")
        (folder / MARK).touch()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    handle = os.open(folder / "demo.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise click.ClickException(
                f"这家店已在运行 runs already: {folder / 'urls.json'}"
            ) from error
        yield
    finally:
        os.close(handle)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name in KEPT:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _first_store(wanted: Wanted, console: Console) -> None:
    """Make the first store on the first run: a shop on its own, as it was before it grew."""
    folder, cast_path = wanted.folder, wanted.sites[0].cast
    if (folder / "hub").is_dir():
        if not read_cast(cast_path).logins:
            raise click.ClickException(
                f"{cast_path} 不见了 is gone: --reset 重新开始 starts over"
            )
        return
    console.print("正在开一家店（只做一次）… Making a shop, once …")
    # Renamed at the end, so that a shop that was half made is never taken for one.
    unfinished = folder / "hub.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    write_cast(cast_path, seed(unfinished, folder / "snapshot.ndjson", clock=SystemClock()))
    unfinished.rename(folder / "hub")


def _connect_printer(site: Site) -> None:
    box = open_hub(site.folder)
    try:
        box.door.write(
            lambda tx: set_printer(
                tx,
                name=PRINTER,
                address=site.printer_address,
                columns=48,
                raster=False,
                drawer_pin=2,
            )
        )
    finally:
        box.close()


def _show(console: Console, wanted: Wanted, stage: Stage) -> None:
    ports = wanted.ports
    console.print()
    console.print(f"开始 start      {ports.start}/", style="bold")
    for site in wanted.sites:
        console.print(f"收银台 till     {site.address}/   {site.shop.name}")
    if office := stage.head_office:
        console.print(f"总部 office     {office.address}/   {office.email}  {office.password}")
        console.print(f"验证码 TOTP     {office.totp_secret}")
        if office.stands_in:
            console.print("没有 mosquitto，用内置代理，只供试用；apt install mosquitto")
            console.print(
                "No mosquitto: an embedded broker that checks nobody; for trying out only."
            )
    console.print(f"给程序 for programs  {wanted.folder / 'urls.json'}")
    console.print()
    console.print(_people(read_cast(wanted.sites[0].cast)))
    if find_typeface() is None:
        console.print("\n没有中文字体，小票画不出字：apt install fonts-noto-cjk", style="bold")
        console.print("No Chinese font: receipts are drawn as bars until one is installed.")
    console.print("\nCtrl-C 停止 stops; --reset 重新开始 starts over")


def _people(cast: Cast) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("角色 role", "工号 no.", "姓名 name", "PIN", "卡 card"):
        table.add_column(heading)
    for who in cast.logins:
        if who.pin:
            table.add_row(ROLES[who.role], who.number, who.name, who.pin, who.card)
    return table


def _open_page(address: str) -> None:
    """Open the page where there is a screen; on a bare console a browser would take it over."""
    seen = sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    if seen:
        with contextlib.suppress(webbrowser.Error):
            webbrowser.open(address)
