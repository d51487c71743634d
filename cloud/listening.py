"""Listening for HTTP: gunicorn, configured here and nowhere else at head office."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

GRACE_S = 3
KEEP_ALIVE_S = 15
SILENCE_S = 60
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - gunicorn's heartbeat, a file without content


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """The certificate to serve with, and whose certificate the other side must show."""

    certificate: Path
    key: Path
    callers: Path | None = None
    """The authority of those who may come in; None lets in who shows no certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where a program listens, and how."""

    bind: str
    threads: int
    tls: Tls | None = None
    ready: Callable[[str], None] = lambda _address: None
    """Called with host:port, several with commas, once it listens."""


def listen(load: Callable[[], Flask], listening: Listening) -> None:
    """Serve until told to stop; `load` runs in the worker, after the fork."""
    _Program(load, listening).run()


def write_address(path: Path | None) -> Callable[[str], None]:
    """Return what writes an address into a file, whole or not at all."""

    def write(address: str) -> None:
        if path is not None:
            beside = path.with_name(f"{path.name}.new")
            beside.write_text(address, encoding="utf-8")
            beside.replace(path)

    return write


class _Program(BaseApplication):  # type: ignore[misc]
    def __init__(self, load: Callable[[], Flask], listening: Listening) -> None:
        self._load = load
        self._listening = listening
        super().__init__()

    def load_config(self) -> None:
        listening = self._listening
        settings: dict[str, Any] = {
            "bind": listening.bind,
            # One process, so that pages share one writer and one ear.
            "workers": 1,
            "worker_class": "gthread",
            "threads": listening.threads,
            "graceful_timeout": GRACE_S,
            "keepalive": KEEP_ALIVE_S,
            "timeout": SILENCE_S,
            "preload_app": False,
            "loglevel": "warning",
            "worker_tmp_dir": str(SHARED_MEMORY) if SHARED_MEMORY.is_dir() else None,
            "control_socket_disable": True,
            "when_ready": lambda arbiter: listening.ready(_addresses(arbiter)),
        }
        settings |= {} if listening.tls is None else _tls_settings(listening.tls)
        for name, value in settings.items():
            if value is not None:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        """Open the databases in the worker: SQLite is never opened before a fork."""
        return self._load()


def _tls_settings(tls: Tls) -> dict[str, Any]:
    # gunicorn reads the files again for each connection, so a renewal needs no restart.
    settings: dict[str, Any] = {
        "certfile": str(tls.certificate),
        "keyfile": str(tls.key),
        "ssl_context": _modern,
    }
    if tls.callers is not None:
        settings |= {"ca_certs": str(tls.callers), "cert_reqs": ssl.CERT_REQUIRED}
    return settings


def _modern(_settings: object, usual: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    context = usual()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _addresses(arbiter: Any) -> str:
    names = [listener.sock.getsockname() for listener in arbiter.LISTENERS]
    return ",".join(f"{host}:{port}" for host, port, *_ in names)
