"""Where hubs find head office: told to the programs once, told to each hub as it is joined."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from core.enrolment import Broker
from core.errors import Refused
from core.sqlite import Reader, Writer

_NAME = "places"


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """The broker, and the gate as https://host:port."""

    broker: Broker
    gate: str


def parse_broker(text: str) -> Broker:
    """Read host:port. Raises ValueError."""
    host, _, port = text.rpartition(":")
    if not host or not 0 < int(port) < 65_536:
        raise ValueError(f"not host:port: {text!r}")
    return Broker(host=host.strip("[]"), port=int(port))


def parse_gate(text: str) -> str:
    """Read https://host:port. Raises ValueError."""
    parts = urlsplit(text)
    if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError(f"not https://host:port: {text!r}")
    return f"https://{parts.netloc}"


def set_places(tx: Writer, *, broker: Broker | None = None, gate: str | None = None) -> None:
    """Keep what is given; the other stays as it was."""
    held = _held(tx)
    held |= {"broker": msgspec.to_builtins(broker)} if broker else {}
    held |= {"gate": gate} if gate else {}
    tx.run(
        "INSERT INTO memory (name, value) VALUES (:name, :value)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name=_NAME,
        value=msgspec.json.encode(held).decode(),
    )


def keep_places(tx: Writer, *, broker: Broker | None = None, gate: str | None = None) -> None:
    """Keep what is given where nothing is kept yet: a program's own address is a last guess."""
    held = _held(tx)
    set_places(
        tx,
        broker=None if "broker" in held else broker,
        gate=None if "gate" in held else gate,
    )


def places(db: Reader) -> Places:
    """Return where hubs find broker and gate. Refused: no_places."""
    try:
        return msgspec.convert(_held(db), Places)
    except msgspec.ValidationError as error:
        raise Refused("no_places") from error


def _held(db: Reader) -> dict[str, object]:
    raw = db.value("SELECT value FROM memory WHERE name = :name", name=_NAME)
    held: dict[str, object] = {} if raw is None else msgspec.json.decode(raw)
    return held
