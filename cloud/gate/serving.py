"""The gate as a program, which also keeps head office's own certificates from ending."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask

from cloud.app import open_cloud
from cloud.gate.app import make_gate_app
from cloud.listening import Listening, Tls, listen
from cloud.platform import BROKER, GATE, INGEST, REFUSALS, Platform, program_pair, set_places

THREADS = 32
CARE_EVERY_S = 6 * 3600.0
log = logging.getLogger(__name__)


def serve_gate(
    folder: Path, *, bind: str, ready: Callable[[str], None], url: str | None = None
) -> None:
    """Serve joined hubs until told to stop; `url` is where they find the gate from outside."""
    platform = open_cloud(folder)
    try:
        papers = program_pair(platform, GATE)
        if url:
            platform.door.write(lambda tx: set_places(tx, gate=url))
    finally:
        platform.close()
    tls = Tls(certificate=papers.certificate, key=papers.key, callers=papers.ca)

    def load() -> Flask:
        opened = open_cloud(folder)
        threading.Thread(target=_care, args=(opened,), name="papers", daemon=True).start()
        return make_gate_app(opened, refusals={**opened.parts.refusals, **REFUSALS})

    listen(load, Listening(bind=bind, threads=THREADS, tls=tls, ready=ready))


def _care(platform: Platform) -> None:
    """Make certificates again before they end; gunicorn reads its own anew by itself."""
    while True:
        time.sleep(CARE_EVERY_S)
        try:
            for program in (BROKER, GATE, INGEST):
                program_pair(platform, program)
        except Exception:
            # Stores lose nothing while it fails: it has two months to be repaired.
            log.exception("the certificates could not be looked after")
