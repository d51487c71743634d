"""What the hub's commands share: where the hub lies, and how a program is told to stop."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import click

DATA = Path("/var/lib/dianshu")
APPLIANCE_CREDENTIALS = Path("/etc/dianshu/credentials")

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=DATA,
    envvar="DIANSHU_DATA",
    show_default=True,
    help="The hub's own folder.",
)

simulated_option = click.option(
    "--simulated",
    is_flag=True,
    envvar="DIANSHU_SIMULATED",
    help="Admit printers made of software on this machine.",
)


def until_told() -> threading.Event:
    """Return an event that is set when the program is told to stop."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping


def use_credentials(data: Path) -> None:
    """On the appliance, find the secrets where systemd finds them; a desk keeps them in `data`.

    Without this a command typed by root would make a second set of keys beside the database.
    """
    if data == DATA and APPLIANCE_CREDENTIALS.is_dir():
        os.environ.setdefault("CREDENTIALS_DIRECTORY", str(APPLIANCE_CREDENTIALS))
