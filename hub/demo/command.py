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
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from core.clock import SystemClock
from core.crypto import replace_private
from hub.app import open_hub
from hub.command_line import until_told
from hub.demo.addresses import LOOPBACK, Ports, choose_ports, urls
from hub.demo.programs import Crew, Program, WillNotStart, answers
from hub.demo.seed import seed
from hub.devices import find_typeface, set_printer
from hub.simulator import Cast, read_cast, write_cast

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


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var/demo"),
    show_default=True,
    help="Where the shop is kept.",
)
@click.option("--reset", is_flag=True, help="Forget the shop and make it anew.")
@click.option("--no-browser", is_flag=True, help="Open no page.")
def demo(*, folder: Path, reset: bool, no_browser: bool) -> None:
    """Run a shop with made-up members on this machine; Ctrl-C ends it.

    Once all is up, urls.json in the folder has every address, login, token and device.
    """
    console = Console(highlight=False, soft_wrap=True)
    folder = folder.resolve()
    _take_folder(folder)
    with _alone(folder):
        (folder / "urls.json").unlink(missing_ok=True)
        if reset:
            _empty(folder)
        cast = _shop(folder, console)
        ports = choose_ports(folder / "ports.json")
        _connect_printer(folder, ports)
        stopping = until_told()
        # A closed terminal is an end like any other.
        signal.signal(signal.SIGHUP, lambda *_: stopping.set())
        crew = Crew(_programs(folder, ports))
        try:
            if crew.start(stopping):
                listed = msgspec.json.encode(urls(ports, cast, folder))
                replace_private(folder / "urls.json", msgspec.json.format(listed, indent=2))
                _show(console, folder, ports, cast)
                if not no_browser:
                    _open_page(ports.start)
                crew.watch(stopping)
        except WillNotStart as error:
            raise click.ClickException(f"起不来 will not start: {error}") from error
        finally:
            (folder / "urls.json").unlink(missing_ok=True)
            crew.stop()
        console.print("\n已停止，数据还在。Stopped; the shop is kept.")


def _take_folder(folder: Path) -> None:
    """Make the folder ours, or refuse one that holds something else."""
    longest = os.fsencode(folder / "hub" / "run" / "devices.bell")
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


def _shop(folder: Path, console: Console) -> Cast:
    """Return who works in the shop; make it on the first run."""
    if (folder / "hub").is_dir():
        cast = read_cast(folder / "cast.json")
        if not cast.logins:
            raise click.ClickException(
                f"{folder / 'cast.json'} 不见了 is gone: --reset 重新开始 starts over"
            )
        return cast
    console.print("正在开一家店（只做一次）… Making a shop, once …")
    # Renamed at the end, so that a shop that was half made is never taken for one.
    unfinished = folder / "hub.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    cast = seed(unfinished, folder / "snapshot.ndjson", clock=SystemClock())
    write_cast(folder / "cast.json", cast)
    unfinished.rename(folder / "hub")
    return cast


def _connect_printer(folder: Path, ports: Ports) -> None:
    box = open_hub(folder / "hub")
    try:
        box.door.write(
            lambda tx: set_printer(
                tx,
                name=PRINTER,
                address=ports.printer_address,
                columns=48,
                raster=False,
                drawer_pin=2,
            )
        )
    finally:
        box.close()


def _programs(folder: Path, ports: Ports) -> Iterator[Program]:
    logs, data = folder / "logs", folder / "hub"
    logs.mkdir(mode=0o700, exist_ok=True)
    hub = ("--data", str(data))
    yield Program(
        name="web",
        words=("web", *hub, "--bind", f"{LOOPBACK}:{ports.hub}"),
        log=logs / "web.log",
        serves=lambda: answers(ports.hub, "/api/v1/health"),
    )
    yield Program(
        name="simulator",
        words=(
            *("simulator", *hub, "--bind", f"{LOOPBACK}:{ports.simulator}"),
            *("--printer-port", str(ports.printer), "--paper", str(folder / "paper")),
            *("--cast", str(folder / "cast.json"), "--hub", ports.store),
        ),
        log=logs / "simulator.log",
        serves=lambda: answers(ports.simulator, "/"),
    )
    for name in ("devices", "jobs"):
        # A bell hangs from the moment that its program listens.
        bell = data / "run" / f"{name}.bell"
        bell.unlink(missing_ok=True)
        yield Program(
            name=name, words=(name, *hub), log=logs / f"{name}.log", serves=bell.exists
        )


def _show(console: Console, folder: Path, ports: Ports, cast: Cast) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("角色 role", "工号 no.", "姓名 name", "PIN", "卡 card"):
        table.add_column(heading)
    for who in cast.logins:
        if who.pin:
            table.add_row(ROLES[who.role], who.number, who.name, who.pin, who.card)
    console.print()
    console.print(f"开始 start      {ports.start}/", style="bold")
    console.print(f"收银台 till     {ports.store}/")
    console.print(f"小票 paper      {ports.start}/paper")
    console.print(f"卡与条码 cards  {ports.start}/cards")
    console.print(f"接口 API        {ports.direct}/api/v1/openapi.json")
    console.print(f"给程序 for programs  {folder / 'urls.json'}")
    console.print()
    console.print(table)
    if find_typeface() is None:
        console.print("\n没有中文字体，小票画不出字：apt install fonts-noto-cjk", style="bold")
        console.print("No Chinese font: receipts are drawn as bars until one is installed.")
    console.print("\nCtrl-C 停止 stops; --reset 重新开始 starts over")


def _open_page(address: str) -> None:
    """Open the page where there is a screen; on a bare console a browser would take it over."""
    seen = sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    if seen:
        with contextlib.suppress(webbrowser.Error):
            webbrowser.open(address)
