"""The broker's keeper: a small process that starts mosquitto anew when its papers change.

Mosquitto reads a new list of revoked certificates on SIGHUP, and asks it of whoever comes in;
who is in already stays in. So when another certificate is revoked, or the broker has a new one
of its own, it is ended and started: everybody comes back within seconds, but for who may not.
Nothing rests in the broker, so nothing is lost by it.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import click
from cryptography import x509

from core.doorbell import Doorbell, ring

BELL = "broker"
LOOK_EVERY_S = 5.0
"""A ring may be lost."""
GATHER_S = 1.0
"""Several boxes that are shut out at once are one restart."""
UP_S_MIN = 10.0
"""And no flood of them keeps everybody off the line."""
STOP_S = 5.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the broker was started with."""

    revoked: frozenset[int]
    certificate: bytes


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--revoked", type=click.Path(path_type=Path), required=True)
@click.option("--certificate", type=click.Path(path_type=Path), required=True)
@click.option("--bells", type=click.Path(path_type=Path), required=True)
@click.argument("words", nargs=-1, required=True)
def main(*, revoked: Path, certificate: Path, bells: Path, words: tuple[str, ...]) -> None:
    """Keep a broker that knows who was shut out."""
    sys.exit(keep(list(words), revoked=revoked, certificate=certificate, bells=bells))


def keep(words: list[str], *, revoked: Path, certificate: Path, bells: Path) -> int:
    """Run the broker until told to stop or until it ends; return its exit code."""
    stopping: list[int] = []
    ear = Doorbell(bells, BELL)

    def stop(number: int, _frame: object) -> None:
        stopping.append(number)
        ring(bells, BELL)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    signal.signal(signal.SIGCHLD, lambda *_: ring(bells, BELL))
    seen, broker, since = _look(revoked, certificate), _start(words), time.monotonic()
    try:
        while not stopping and broker.poll() is None:
            ear.wait(LOOK_EVERY_S)
            now = _look(revoked, certificate, before=seen)
            if stopping or now == seen or time.monotonic() - since < UP_S_MIN:
                continue
            time.sleep(GATHER_S)
            seen = _look(revoked, certificate, before=seen)
            log.warning("started anew: other papers")
            _stop(broker)
            broker, since = _start(words), time.monotonic()
        return 0 if stopping else broker.returncode
    finally:
        _stop(broker)
        ear.close()


def _look(revoked: Path, certificate: Path, *, before: Seen | None = None) -> Seen:
    """Return what a broker would be started with now; what cannot be read is as it was."""
    try:
        listed = x509.load_pem_x509_crl(revoked.read_bytes())
        serials = frozenset(entry.serial_number for entry in listed)
        return Seen(serials, hashlib.sha256(certificate.read_bytes()).digest())
    except (OSError, ValueError):
        if before is None:
            raise
        log.exception("the broker's papers cannot be read")
        return before


def _start(words: list[str]) -> subprocess.Popen[bytes]:
    # A broker that outlived its keeper would let in whom nobody shuts out any more.
    tool = shutil.which("setpriv")
    leash = [tool, "--pdeathsig", "TERM", "--"] if tool else []
    return subprocess.Popen([*leash, *words])  # noqa: S603 - found by us, no shell


def _stop(broker: subprocess.Popen[bytes]) -> None:
    broker.terminate()
    try:
        broker.wait(STOP_S)
    except subprocess.TimeoutExpired:
        broker.kill()
        broker.wait()


if __name__ == "__main__":
    main()
