"""What the hub's commands share: where the hub lies, and how a program is told to stop."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

DATA = Path("/var/lib/dianshu")

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
