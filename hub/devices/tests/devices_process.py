"""The devices process as a target of multiprocessing, whose fork server has all imported."""

from __future__ import annotations

import threading
from pathlib import Path

from hub.app import open_hub
from hub.devices import run_devices


def serve_for_ever(folder: Path) -> None:
    run_devices(open_hub(folder), simulated=True, stopping=threading.Event())
