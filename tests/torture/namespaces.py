"""A store's sending program in a network of its own, behind a cable that can be pulled.

Nothing tells either side: no connection is closed, packets just do not arrive. Needs root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chain.running import end

ROOT = Path(__file__).parents[2]
NETWORK = "10.231.77"
OFFICE, STORE = f"{NETWORK}.1", f"{NETWORK}.2"


class NotPermitted(Exception):
    """Why this machine cannot have a network of its own for a test."""


class Cable:
    """A network namespace with one cable to this machine's own network."""

    def __init__(self) -> None:
        number = os.getpid() % 10_000
        self._name = f"torture-{number}"
        self._near, self._far = f"ta{number}", f"tb{number}"

    def lay(self) -> None:
        """Make both. Raises NotPermitted."""
        if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("ip") is None:
            raise NotPermitted("needs root on Linux and the ip command")
        inside = ("-n", self._name)
        for words in (
            ("netns", "add", self._name),
            ("link", "add", self._near, "type", "veth", "peer", "name", self._far),
            ("link", "set", self._far, "netns", self._name),
            ("addr", "add", f"{OFFICE}/24", "dev", self._near),
            ("link", "set", self._near, "up"),
            (*inside, "addr", "add", f"{STORE}/24", "dev", self._far),
            (*inside, "link", "set", self._far, "up"),
            (*inside, "link", "set", "lo", "up"),
        ):
            done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                self.remove()
                raise NotPermitted(done.stderr.strip())

    def remove(self) -> None:
        for words in (("netns", "del", self._name), ("link", "del", self._near)):
            subprocess.run(["ip", *words], capture_output=True, check=False)

    def pull(self) -> None:
        subprocess.run(["ip", "link", "set", self._near, "down"], check=True)

    def plug_in(self) -> None:
        subprocess.run(["ip", "link", "set", self._near, "up"], check=True)

    @contextmanager
    def running(self, folder: Path, *words: str) -> Iterator[None]:
        """Run one of the hub's programs at the far end of the cable."""
        inside = ["ip", "netns", "exec", self._name, sys.executable, "-m", "hub", *words]
        with (folder / "far.said").open("ab") as out:
            process = subprocess.Popen(
                [*inside, "--data", str(folder)],
                cwd=ROOT,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        try:
            yield
        finally:
            end(process)


@contextmanager
def a_cable() -> Iterator[Cable]:
    """Lay a cable. Raises NotPermitted."""
    cable = Cable()
    cable.lay()
    try:
        yield cable
    finally:
        cable.remove()
