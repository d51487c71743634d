"""The web process: one process of many threads, so that pages share one writer and one ear."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from hub.app import make_hub_app, open_hub
from hub.doorbell import Doorbell

THREADS = 96
GRACE_S = 3
EAR_WAIT_S = 5.0
KEEP_ALIVE_S = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Where the web process listens; certificate and key make it HTTPS."""

    bind: str
    certificate: Path | None = None
    private_key: Path | None = None
    hosts: tuple[str, ...] = ()
    ready: Callable[[str], None] = lambda _address: None


class _Program(BaseApplication):  # type: ignore[misc]
    """gunicorn, configured here and nowhere else."""

    def __init__(self, folder: Path, serving: Serving) -> None:
        self._folder = folder
        self._serving = serving
        super().__init__()

    def load_config(self) -> None:
        settings: dict[str, Any] = {
            "bind": self._serving.bind,
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "graceful_timeout": GRACE_S,
            "keepalive": KEEP_ALIVE_S,
            "timeout": 60,
            "preload_app": False,
            "accesslog": None,
            "loglevel": "warning",
            "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,  # noqa: S108
            "control_socket_disable": True,
            "when_ready": lambda arbiter: self._serving.ready(
                ",".join(f"{host}:{port}" for host, port, *_ in _names(arbiter))
            ),
        }
        if self._serving.certificate is not None:
            settings |= {
                "certfile": str(self._serving.certificate),
                "keyfile": str(self._serving.private_key),
            }
        for name, value in settings.items():
            if name in self.cfg.settings and value is not None:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        """Open the box in the worker: SQLite is never opened before a fork."""
        box = open_hub(self._folder)
        app = make_hub_app(box, hosts=self._serving.hosts)
        ear = Doorbell(box.bells, "web")
        threading.Thread(target=_listen, args=(ear, app), name="ear", daemon=True).start()
        return app


def _names(arbiter: Any) -> list[Any]:
    return [listener.sock.getsockname() for listener in arbiter.LISTENERS]


def _listen(ear: Doorbell, app: Flask) -> None:
    """Tell open pages that another process has changed something."""
    while True:
        if ear.wait(EAR_WAIT_S):
            app.extensions["bulletin"].announce()


def serve(folder: Path, serving: Serving) -> None:
    """Serve until told to stop."""
    _Program(folder, serving).run()
