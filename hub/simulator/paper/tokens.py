"""What a printer is told, command by command; the `raw` of all tokens is the whole stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Side = Literal["left", "center", "right"]


class Letter(NamedTuple):
    """A character as the printer's ROM has it: one column, or two for a double byte."""

    text: str
    columns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Letters(Token):
    letters: tuple[Letter, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFeed(Token):
    """Print the line; `lines` blank ones where it was empty."""

    lines: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DotFeed(Token):
    dots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Initialise(Token):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bold(Token):
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Magnify(Token):
    wide: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Justify(Token):
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePitch(Token):
    """`dots` is None for the pitch that the printer starts with."""

    dots: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(Token):
    """Understood, and of no matter to the paper by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raster(Token):
    """A picture of `across` bytes by `high` rows; a set bit is black."""

    across: int
    high: int
    dots: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class QrCode(Token):
    payload: str
    scale: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CutPaper(Token):
    partial: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawerKick(Token):
    pin: int
    on_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Buzz(Token):
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(Token):
    """Bytes that this printer has no meaning for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished(Token):
    """The stream ended inside a command."""
