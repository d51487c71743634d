"""The web process: one process of many threads, so that pages share one writer and one ear."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from core.catalog import terms_of
from core.clock import SystemClock
from hub.app import make_hub_app, open_hub
from hub.box import Box
from hub.certificates import Certificates, ensure, host_names, local_addresses
from hub.doorbell import Doorbell
from hub.onboarding import Onboarding, serve_onboarding
from hub.reading import wait_until_writable

THREADS = 96
GRACE_S = 3
EAR_WAIT_S = 5.0
KEEP_ALIVE_S = 15
RENEW_EVERY_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Where the web process listens, and whether over HTTPS with the hub's own authority."""

    bind: str
    https: bool = False
    onboarding: str = ""
    """Where the plain page for new tablets listens, as host:port; empty is nowhere."""
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
        if self._serving.https:
            # gunicorn reads both again for each connection, so a renewal needs no restart.
            known = certify(self._folder)
            settings |= {"certfile": str(known.cert_path), "keyfile": str(known.key_path)}
        for name, value in settings.items():
            if name in self.cfg.settings and value is not None:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        """Open the box in the worker: SQLite is never opened before a fork."""
        # Reads the dictionary of pinyin now: whoever registers first must not wait for it.
        terms_of("店")
        box = open_hub(self._folder)
        hosts = self._serving.hosts
        if self._serving.https:
            hosts = (*hosts, *host_names(), *(str(known) for known in local_addresses()))
            threading.Thread(
                target=_renew, args=(self._folder,), name="renewal", daemon=True
            ).start()
            self._show_onboarding()
        if box.door.refusing:
            threading.Thread(target=_begin_again, args=(box,), name="room", daemon=True).start()
        app = make_hub_app(box, hosts=hosts)
        ear = Doorbell(box.bells, "web")
        threading.Thread(target=_listen, args=(ear, app), name="ear", daemon=True).start()
        return app

    def _show_onboarding(self) -> None:
        if self._serving.onboarding:
            known = certify(self._folder)
            host, _, port = self._serving.onboarding.rpartition(":")
            https_port = int(self._serving.bind.rpartition(":")[2])
            shown = Onboarding(
                ca_path=known.ca_path,
                fingerprint=known.fingerprint_sha256,
                https_port=https_port,
            )
            serve_onboarding(shown, host=host, port=int(port))


def certify(folder: Path) -> Certificates:
    """Return the hub's certificate, made or renewed where it is due."""
    at = SystemClock().read().at
    return ensure(
        folder / "certificates", names=host_names(), addresses=local_addresses(), at=at
    )


def _renew(folder: Path) -> None:
    while True:
        time.sleep(RENEW_EVERY_S)
        certify(folder)


def _begin_again(box: Box) -> None:
    """Let the arbiter start a worker that writes, once the disk takes it."""
    wait_until_writable(box.folder, threading.Event())
    box.close()  # The copy holds memory that nobody else would give back.
    os.kill(os.getpid(), signal.SIGTERM)


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
