"""The broker as a program: mosquitto in this one's place, or what stands in where it is not."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

import msgspec

from cloud.broker.configuration import (
    INFLIGHT_MESSAGES_MAX,
    PACKET_BYTES_MAX,
    QUEUED_BYTES_MAX,
    QUEUED_MESSAGES_MAX,
    Listener,
    Papers,
    write_configuration,
)

SYSTEM_PLACES = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"
"""Where mosquitto lies and an ordinary user's PATH does not look."""
NAMED = "DIANSHU_MOSQUITTO"
STAND_IN = "iotcore"
STAND_IN_FILE = "iotcore.toml"
STAND_IN_WARNING = (
    "没有 mosquitto，暂用内置的：只在本机、只供试用，不验证来者的证书，也不限制主题。\n"
    "mosquitto is missing; an embedded broker stands in, on loopback and for trying out only:\n"
    "it asks nobody for a certificate and keeps no hub from another's topics."
    " For the real one: apt install mosquitto"
)


class NoBroker(Exception):
    """Neither mosquitto nor the stand-in is here, or the stand-in may not serve there."""


def find_mosquitto() -> str | None:
    """Return mosquitto's path, sought on PATH and where systems keep their servers.

    DIANSHU_MOSQUITTO names another; named, it is that one or none.
    """
    named = os.environ.get(NAMED)
    if named is not None:
        return shutil.which(named) if named else None
    return shutil.which("mosquitto") or shutil.which("mosquitto", path=SYSTEM_PLACES)


def stands_in() -> bool:
    """Say whether this machine has no mosquitto and the broker is the one of the demo."""
    return find_mosquitto() is None


def broker_words(folder: Path, listener: Listener, papers: Papers) -> list[str]:
    """Write what the broker reads; return its command line.

    Raises NoBroker, and BadSetting for paths that its file cannot hold.
    """
    if mosquitto := find_mosquitto():
        written = write_configuration(folder, listener, papers)
        return [mosquitto, "--config-file", str(written)]
    if importlib.util.find_spec(STAND_IN) is None:
        raise NoBroker("mosquitto is missing: apt install mosquitto")
    if not listener.loopback:
        raise NoBroker(f"{STAND_IN} is for loopback only; apt install mosquitto")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = folder / STAND_IN_FILE
    written.write_text(stand_in_configuration(listener, papers), encoding="utf-8")
    return [sys.executable, "-m", STAND_IN, "--config", str(written), "--log-level", "ERROR"]


def keeper_words(
    words: list[str], *, revoked: Path, certificate: Path, bells: Path
) -> list[str]:
    """Return the command line of what runs `words`, and anew when these papers change."""
    places = [f"--revoked={revoked}", f"--certificate={certificate}", f"--bells={bells}"]
    return [sys.executable, "-m", "cloud.broker.keeper", *places, "--", *words]


def become_broker(words: list[str]) -> None:
    """Give this process over to the broker: signals, exit code and all."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(words[0], words)  # noqa: S606 - found above, no shell


def stand_in_configuration(listener: Listener, papers: Papers) -> str:
    """Return what iotcore (rumqttd) reads: MQTT 5 over TLS, and it checks nobody."""
    place = f"[{listener.host}]" if ":" in listener.host else listener.host
    return f"""id = 0

[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = {QUEUED_MESSAGES_MAX}
max_segment_size = {QUEUED_BYTES_MAX}
max_segment_count = 4

[v5.1]
name = "demo"
listen = "{place}:{listener.port}"
next_connection_delay_ms = 1
    [v5.1.tls]
    certpath = {_quoted(papers.certificate)}
    keypath = {_quoted(papers.key)}
    [v5.1.connections]
    connection_timeout_ms = 60000
    max_payload_size = {PACKET_BYTES_MAX}
    max_inflight_count = {INFLIGHT_MESSAGES_MAX}
    dynamic_filters = true
"""


def _quoted(path: Path) -> str:
    """Return a path as a string of TOML, which knows what JSON knows."""
    return msgspec.json.encode(str(path.absolute())).decode()
