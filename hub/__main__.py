"""The hub's command line: `dianshu hub web|devices|jobs|sync|admin`, one systemd unit each."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from hub.admin import admin
from hub.app import open_hub
from hub.backup_commands import BACKUP_COMMANDS
from hub.command_line import data_option, simulated_option, until_told
from hub.devices import AlreadyRuns, run_devices
from hub.imports import export_group, import_group
from hub.jobs import run_jobs
from hub.reading import wait_until_writable
from hub.replace_program import replace_command
from hub.serve import Serving, serve
from hub.simulator import Branch, NotLoopback, Stage, read_stage, run_simulator
from hub.sync_program import join_command, sync


@click.group()
def hub() -> None:
    """Run one store's hub."""


@hub.command()
@data_option
@click.option("--bind", default="127.0.0.1:8080", show_default=True, help="Address and port.")
@click.option("--host", "hosts", multiple=True, help="A further name that the hub answers to.")
@click.option(
    "--https/--plain-http",
    "https",
    default=None,
    help="Serve over HTTPS with the hub's own authority. Default: yes, but not on loopback.",
)
@click.option("--onboarding", default="", help="Where the page for new tablets listens.")
@click.option(
    "--address-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write host:port once it listens; with port 0 the kernel chooses.",
)
def web(
    *,
    data: Path,
    bind: str,
    hosts: tuple[str, ...],
    https: bool | None,
    onboarding: str,
    address_file: Path | None,
) -> None:
    """Serve the till's pages and the API."""
    loopback = bind.rpartition(":")[0] in {"127.0.0.1", "localhost", "[::1]"}
    if https is False and not loopback:
        raise click.UsageError("plain HTTP is for loopback only")
    secure = not loopback if https is None else https

    def ready(address: str) -> None:
        if address_file is not None:
            # Renamed into place, so that nobody reads half an address.
            written = address_file.with_name(f"{address_file.name}.new")
            written.write_text(address, encoding="utf-8")
            written.replace(address_file)

    serve(
        data,
        Serving(bind=bind, hosts=hosts, https=secure, onboarding=onboarding, ready=ready),
    )


@hub.command()
@data_option
@click.option(
    "--reserve/--no-reserve",
    "reserved",
    default=True,
    help="Keep up to 64 MB of the disk for when it is full. Default: yes.",
)
def jobs(*, data: Path, reserved: bool) -> None:
    """Project history, seal the journal, move the log into the database."""
    run_jobs(data, reserved=reserved)


@hub.command()
@data_option
@simulated_option
def devices(*, data: Path, simulated: bool) -> None:
    """Print what waits, on every printer that is set up."""
    stopping = until_told()
    if not wait_until_writable(data, stopping):
        return
    box = open_hub(data)
    try:
        run_devices(box, simulated=simulated, stopping=stopping)
    except AlreadyRuns as error:
        raise click.ClickException("another process owns this hub's devices") from error
    finally:
        box.close()


@hub.command()
@data_option
@click.option("--bind", default="127.0.0.1:8090", show_default=True, help="Address and port.")
@click.option("--printer-port", default=9100, show_default=True, help="Where it listens.")
@click.option(
    "--paper",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where papers are kept. Default: beside the hub's folder.",
)
@click.option(
    "--cast",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Logins, tokens and cards. Default: cast.json beside the hub's folder.",
)
@click.option(
    "--hub",
    "hub_url",
    default="http://store1.localhost:8080",
    show_default=True,
    help="Where browsers find the hub.",
)
def simulator(
    *,
    data: Path,
    bind: str,
    printer_port: int,
    paper: Path | None,
    cast: Path | None,
    hub_url: str,
) -> None:
    """Play printer, drawer, cards and scanner, for a shop without hardware."""
    alone = Branch(
        code="A",
        name="",
        data=str(data.absolute()),
        cast=str((cast or data.parent / "cast.json").absolute()),
        paper=str((paper or data.parent / "paper").absolute()),
        printer_port=printer_port,
        hub_url=hub_url,
    )
    _play(Stage(branches=(alone,)), bind)


@hub.command()
@click.argument("stage", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--bind", default="127.0.0.1:8090", show_default=True, help="Address and port.")
def simulators(*, stage: Path, bind: str) -> None:
    """Play the devices of several stores and their lines to head office.

    STAGE is a file that says which stores; `dianshu demo` writes one.
    """
    _play(read_stage(stage), bind)


def _play(stage: Stage, bind: str) -> None:
    with ExitStack() as boxes:
        opened = []
        for branch in stage.branches:
            opened.append(open_hub(Path(branch.data)))
            boxes.callback(opened[-1].close)
        try:
            run_simulator(stage, tuple(opened), bind, until_told())
        except NotLoopback as error:
            raise click.UsageError("the simulator is for this machine only") from error


admin.add_command(import_group)
admin.add_command(export_group)
for command in BACKUP_COMMANDS:
    admin.add_command(command)
admin.add_command(join_command)
admin.add_command(replace_command)
hub.add_command(admin)
hub.add_command(sync)

if __name__ == "__main__":
    hub()
