"""Programs of head office, started for real over one folder, and callers with certificates."""

from __future__ import annotations

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cloud.app import open_cloud
from cloud.platform.authority import key_pem
from cloud.platform.tests.office import Hub
from tests.architecture.sources import ROOT

START_S = 30.0
STOP_S = 15.0
CALL_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program that listens."""

    address: str
    process: subprocess.Popen[bytes]
    said: Path


@contextmanager
def started(folder, program, *words):
    """Run `cloud PROGRAM` on a port that the kernel chose."""
    at, said = folder / f"{program}.address", folder / f"{program}.said"
    at.unlink(missing_ok=True)
    command = [sys.executable, "-m", "cloud", program, "--data", str(folder)]
    command += ["--bind", "127.0.0.1:0", "--address-file", str(at), *words]
    with said.open("ab") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, env=_bare())
    try:
        _wait_for(at, process, said)
        yield Program(address=at.read_text(), process=process, said=said)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        finally:
            process.kill()
            process.wait()


def command(folder, *words):
    """Run `cloud …` to its end; return (exit code, standard output, standard error)."""
    done = subprocess.run(
        [sys.executable, "-m", "cloud", *words, "--data", str(folder)],
        cwd=ROOT,
        env=_bare(),
        capture_output=True,
        text=True,
        timeout=START_S,
        check=False,
    )
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def _bare():
    return {k: v for k, v in os.environ.items() if k != "CREDENTIALS_DIRECTORY"}


def _wait_for(path, process, said):
    ends_at = time.monotonic() + START_S
    while not path.exists():
        assert process.poll() is None, said.read_text()
        assert time.monotonic() < ends_at, said.read_text()
        time.sleep(0.05)


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    body: bytes
    headers: Any

    @property
    def code(self):
        """The refusal's code, empty where nothing was refused."""
        try:
            return json.loads(self.body).get("code", "")
        except ValueError:
            return ""


def call(url, *, method="GET", body=None, context=None, headers=None):
    """Make one request on a connection of its own."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        line = http.client.HTTPSConnection(parts.netloc, timeout=CALL_S, context=context)
    else:
        line = http.client.HTTPConnection(parts.netloc, timeout=CALL_S)
    known = {"Content-Type": "application/json"} if body is not None else {}
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        line.request(method, path, body=body, headers=known | (headers or {}))
        answer = line.getresponse()
        return Reply(status=answer.status, body=answer.read(), headers=answer.headers)
    finally:
        line.close()


def papers_of(folder, hub, certificate, ca):
    """Return TLS as a hub with this certificate would speak it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "c.pem").write_text(certificate)
    (folder / "k.pem").write_bytes(key_pem(hub.key))
    context = ssl.create_default_context(cadata=ca)
    context.load_cert_chain(folder / "c.pem", folder / "k.pem")
    return context


@contextmanager
def looked_into(folder):
    """Lend head office's folder to the test itself."""
    opened = open_cloud(folder)
    try:
        yield opened
    finally:
        opened.close()


def another_hub(number):
    return Hub(f"{number:016x}", seed=number)
