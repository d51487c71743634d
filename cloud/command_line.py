"""What the commands of head office share: where its folder is, and how a refusal is told."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from cloud.app import STORAGE, open_cloud
from cloud.platform import REFUSALS, Platform
from core.errors import Refused
from core.web import tell

DATA = Path("/var/lib/dianshu-cloud")
LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=DATA,
    envvar="DIANSHU_CLOUD_DATA",
    show_default=True,
    help="Head office's own folder.",
)
address_file_option = click.option(
    "--address-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write host:port once it listens; with port 0 the kernel chooses.",
)


def is_loopback(bind: str) -> bool:
    return bind.rpartition(":")[0] in LOOPBACK


def until_told() -> threading.Event:
    """Return an event that is set when the program is told to stop."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping


@contextmanager
def opened(data: Path) -> Iterator[Platform]:
    """Lend head office, and tell its programs afterwards that something changed."""
    try:
        platform = open_cloud(data)
    except (OSError, RuntimeError) as error:
        raise click.ClickException(f"打不开总部 cannot open head office: {error}") from error
    try:
        yield platform
        platform.ring("web")
        platform.ring("ingest")
    except Refused as refused:
        raise click.ClickException(told(platform, refused)) from refused
    except (OSError, RuntimeError) as error:
        raise click.ClickException(str(error)) from error
    finally:
        platform.close()


def told(platform: Platform, refused: Refused) -> str:
    """Return a refusal as a page would tell it, and the code that it is known by."""
    known = {**platform.parts.refusals, **REFUSALS, **STORAGE}
    if refused.code not in known:
        return str(refused)
    return f"{tell(refused, known)} ({refused.code})"
