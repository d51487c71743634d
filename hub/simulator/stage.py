"""What stands on the stage: branches with their devices and lines, and their head office."""

from __future__ import annotations

from pathlib import Path

import msgspec

from core.crypto import read_private, replace_private
from hub.simulator.line import Route


class HeadOffice(msgspec.Struct, frozen=True, kw_only=True):
    """Where head office is, and who may log in there."""

    address: str
    email: str
    password: str
    totp_secret: str
    """For an authenticator, base32."""
    stands_in: bool = False
    """Whether the broker is the one that checks nobody."""


class Branch(msgspec.Struct, frozen=True, kw_only=True):
    """One store with what is played around it. Paths are absolute."""

    code: str
    name: str
    data: str
    cast: str
    paper: str
    printer_port: int
    hub_url: str
    """Where browsers find the store's hub."""
    routes: tuple[Route, ...] = ()
    """Its line to head office; empty for a store on its own."""


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """All that one simulator plays."""

    branches: tuple[Branch, ...]
    head_office: HeadOffice | None = None


def branch_prefix(stage: Stage, code: str) -> str:
    """Return below which path a branch's own pages lie: the first one's lie at the root."""
    return "" if stage.branches[0].code == code else f"/{code.casefold()}"


def read_stage(path: Path) -> Stage:
    """Read a stage. Raises FileNotFoundError and msgspec.MsgspecError."""
    return msgspec.json.decode(read_private(path), type=Stage)


def write_stage(path: Path, stage: Stage) -> None:
    """Keep a stage where only its owner may read it: it holds a password."""
    replace_private(path, msgspec.json.format(msgspec.json.encode(stage), indent=2))
