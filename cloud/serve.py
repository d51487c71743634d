"""The web process of head office: pages, API, and the door at which new hubs ask."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from flask import Flask

from cloud.access import Lookout
from cloud.app import make_cloud_app, open_cloud
from cloud.listening import Listening, listen
from core.doorbell import Doorbell

THREADS = 96
EAR_WAIT_S = 5.0
log = logging.getLogger(__name__)


def serve(folder: Path, listening: Listening, *, hosts: tuple[str, ...]) -> None:
    """Serve until told to stop; `hosts` are further names that head office answers to."""

    def load() -> Flask:
        platform = open_cloud(folder)
        app = make_cloud_app(platform, hosts=hosts)
        ear = Doorbell(platform.bells, "web")
        threading.Thread(target=_listen, args=(ear, app), name="ear", daemon=True).start()
        return app

    listen(load, listening)


def _listen(ear: Doorbell, app: Flask) -> None:
    """Tell open pages that another process has changed something."""
    lookout = Lookout(app)
    while True:
        # Also without a ring: a hub that fell silent rings nobody.
        ear.wait(EAR_WAIT_S)
        try:
            lookout.look()
        except Exception:
            log.exception("the pages could not be told")
