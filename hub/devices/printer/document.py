"""A receipt before it is bytes: frozen parts that live as JSON in the print spool.

The drawer is not a part of a receipt. It is a job of its own, so that printing a receipt again
cannot open a drawer again, whoever asks and whatever failed.
"""

from __future__ import annotations

import base64
import binascii
from typing import Literal

import msgspec

from hub.devices.printer.characters import clean

PARTS_MAX = 1_000
CELLS_MAX = 6
FEED_LINES_MAX = 20
BEEPS_MAX = 9
QR_BYTES_MAX = 1_000
"""Denser codes do not scan from thermal paper; it also keeps the command's length bytes from
ever reading as a real-time command."""
LOGO_BYTES_MAX = 256 * 1024
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

Align = Literal["left", "center", "right"]
Size = Literal[1, 2]


class _Part(msgspec.Struct, frozen=True, tag_field="part"):
    """A piece of paper.

    Text is cleaned when the part is made, so the spool never holds any that JSON cannot carry
    or a printer could obey.
    """


class Text(_Part, frozen=True, tag="text"):
    """A paragraph; it wraps. One Text is one paragraph: a line break inside is a space."""

    text: str
    align: Align = "left"
    bold: bool = False
    size: Size = 1

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "text", clean(self.text))


class Columns(_Part, frozen=True, tag="columns"):
    """A table row; each cell wraps in its own column, one blank column between neighbours.

    `widths` are shares of the paper, so one document suits every width: 4, 1, 2 is four
    sevenths for the first. A right-aligned cell (an amount) that its share would break takes
    room from its neighbours.
    """

    cells: tuple[str, ...]
    widths: tuple[int, ...]
    aligns: tuple[Align, ...] = ()
    bold: bool = False

    def __post_init__(self) -> None:
        if not 1 <= len(self.cells) <= CELLS_MAX:
            raise ValueError(f"{len(self.cells)} cells in a row")
        if len(self.widths) != len(self.cells) or min(self.widths) < 1:
            raise ValueError(f"widths {self.widths} for {len(self.cells)} cells")
        if self.aligns and len(self.aligns) != len(self.cells):
            raise ValueError(f"aligns {self.aligns} for {len(self.cells)} cells")
        cleaned = tuple(clean(cell) for cell in self.cells)
        msgspec.structs.force_setattr(self, "cells", cleaned)


class Pair(_Part, frozen=True, tag="pair"):
    """A label at the left and its amount at the right edge of the same line."""

    left: str
    right: str
    fill: Literal[" ", "."] = " "
    bold: bool = False
    size: Size = 1

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "left", clean(self.left))
        msgspec.structs.force_setattr(self, "right", clean(self.right))


class Rule(_Part, frozen=True, tag="rule"):
    char: Literal["-", "="] = "-"


class QR(_Part, frozen=True, tag="qr"):
    """`size` is dots per module, 1 to 16; made smaller where the code would not fit."""

    payload: str
    size: int = 6
    align: Align = "center"

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "payload", clean(self.payload))
        if not 1 <= len(self.payload.encode()) <= QR_BYTES_MAX:
            raise ValueError(f"{len(self.payload.encode())} bytes in a QR code")
        if not 1 <= self.size <= 16:
            raise ValueError(f"QR modules of {self.size} dots")


class Image(_Part, frozen=True, tag="image"):
    """A PNG picture, such as the shop's logo; scaled down to the paper, never up."""

    png_base64: str
    align: Align = "center"

    def __post_init__(self) -> None:
        try:
            png = base64.b64decode(self.png_base64, validate=True)
        except binascii.Error as error:
            raise ValueError("picture is not base64") from error
        if not png.startswith(_PNG_SIGNATURE) or len(png) > LOGO_BYTES_MAX:
            raise ValueError(f"not a PNG of at most {LOGO_BYTES_MAX} bytes")

    @property
    def png(self) -> bytes:
        return base64.b64decode(self.png_base64)


class Feed(_Part, frozen=True, tag="feed"):
    lines: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.lines <= FEED_LINES_MAX:
            raise ValueError(f"feed of {self.lines} lines")


class Cut(_Part, frozen=True, tag="cut"):
    """Ends a receipt; where there is no cutter the paper is fed to the tear bar."""

    partial: bool = True


class Beep(_Part, frozen=True, tag="beep"):
    times: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.times <= BEEPS_MAX:
            raise ValueError(f"{self.times} beeps")


Part = Text | Columns | Pair | Rule | QR | Image | Feed | Cut | Beep


class Document(msgspec.Struct, frozen=True, tag="document", tag_field="job"):
    """One receipt. `copy_mark` is empty on the original; else it stands large at the top."""

    parts: tuple[Part, ...]
    copy_mark: str = ""

    def __post_init__(self) -> None:
        if not 1 <= len(self.parts) <= PARTS_MAX:
            raise ValueError(f"{len(self.parts)} parts in a document")
        msgspec.structs.force_setattr(self, "copy_mark", clean(self.copy_mark))

    def as_copy(self, mark: str) -> Document:
        """Put the same receipt under a mark such as 【补打】; the caller translates it."""
        if not clean(mark).strip():
            raise ValueError("a copy needs a mark that can be read")
        return Document(self.parts, copy_mark=mark)


class Kick(msgspec.Struct, frozen=True, tag="kick", tag_field="job"):
    """Open the drawer that hangs on the printer."""

    pin: Literal[2, 5] = 2


Job = Document | Kick


def to_json(job: Job) -> bytes:
    return msgspec.json.encode(job)


def from_json(stored: bytes) -> Job:
    """Read a job back; raises msgspec.ValidationError or DecodeError, both ValueErrors."""
    job: Job = msgspec.json.decode(stored, type=Job)
    return job
