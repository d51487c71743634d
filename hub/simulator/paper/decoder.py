"""ESC/POS bytes to tokens, as a Chinese receipt printer reads them.

Written from the printer's side and sharing no table with the encoder, so that each can find
the other's mistakes. Kanji mode is off until FS & says otherwise, as on imported models.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from hub.simulator.paper.tokens import (
    Bold,
    Buzz,
    CutPaper,
    DotFeed,
    DrawerKick,
    Initialise,
    Justify,
    Letter,
    Letters,
    LineFeed,
    LinePitch,
    Magnify,
    QrCode,
    Raster,
    Setting,
    Side,
    Token,
    Unfinished,
    Unknown,
)

RASTER_BYTES_MAX = 2_000_000
_CODE_PAGES = {
    0: "cp437",
    2: "cp850",
    3: "cp860",
    4: "cp863",
    5: "cp865",
    16: "cp1252",
    17: "cp866",
    18: "cp852",
    19: "cp858",
}
_SIDES: tuple[Side, ...] = ("left", "center", "right")
_QR_ERRORS = {48: "l", 49: "m", 50: "q", 51: "h"}
_PADDING = re.compile(rb"[\x00\r]+")
_ESC, _FS, _GS, _DELETE = 0x1B, 0x1C, 0x1D, 0x7F

Reader = Callable[[bytes], Token]


class Decoder:
    """Feed it chunks as they come; a command may be split anywhere."""

    def __init__(self) -> None:
        self._pending = b""
        self._power_on()
        self._fixed = self._commands()

    def _power_on(self) -> None:
        self._kanji = False
        self._code_page = "cp437"
        self._qr_payload = ""
        self._qr_scale = 3
        self._qr_error = "l"

    def feed(self, chunk: bytes) -> list[Token]:
        """Return the tokens that are complete by now."""
        stream = self._pending + chunk
        tokens: list[Token] = []
        at = 0
        while at < len(stream):
            token = self._token(stream, at) if stream[at] < 0x20 else self._text(stream, at)
            if token is None:
                break
            tokens.append(token)
            at += len(token.raw)
        self._pending = stream[at:]
        return tokens

    def end(self) -> list[Token]:
        """Say that no more comes: half a command is Unfinished."""
        rest, self._pending = self._pending, b""
        self._power_on()
        return [Unfinished(raw=rest)] if rest else []

    def _token(self, stream: bytes, at: int) -> Token | None:
        """Read one command, or a run of padding; None where more bytes are needed."""
        if padding := _PADDING.match(stream, at):
            return Setting(raw=padding[0])
        size = self._size(stream[at : at + 8])
        if size is None or at + size > len(stream):
            return None
        raw = stream[at : at + size]
        if raw[:2] in self._fixed:
            return self._fixed[raw[:2]][1](raw)
        match raw[:2]:
            case b"\n":
                return LineFeed(raw=raw)
            case b"\x1dV":
                return _cut(raw)
            case b"\x1dv":
                return _raster(raw)
            case b"\x1d(":
                return self._function(raw)
            case _:
                return Unknown(raw=raw)

    def _size(self, head: bytes) -> int | None:
        """How many bytes the command takes; None where its head does not tell yet."""
        if head[0] not in {_ESC, _FS, _GS}:
            return 1
        match head[:2]:
            case b"\x1dV":
                return (4 if head[2] in {65, 66} else 3) if len(head) > 2 else None
            case b"\x1dv":
                return 8 + _raster_size(head) if len(head) > 7 else None
            case b"\x1d(":
                return 5 + int.from_bytes(head[3:5], "little") if len(head) > 4 else None
            case name if len(name) < 2:
                return None
            case name:
                return 2 + self._fixed[name][0] if name in self._fixed else 2

    def _commands(self) -> dict[bytes, tuple[int, Reader]]:
        """Commands of fixed length: how many argument bytes, and what they mean."""
        settings = {b"\x1bM": 1, b"\x1bR": 1, b"\x1b-": 1, b"\x1b ": 1, b"\x1b=": 1}
        settings |= {b"\x1c-": 1, b"\x1cS": 2, b"\x1dB": 1, b"\x1dL": 2, b"\x1dW": 2}
        readers: dict[bytes, tuple[int, Reader]] = {
            name: (arguments, lambda raw: Setting(raw=raw))
            for name, arguments in settings.items()
        }
        return readers | {
            b"\x1b@": (0, self._initialise),
            b"\x1ba": (1, _justify),
            b"\x1bE": (1, lambda raw: Bold(raw=raw, on=bool(raw[2] & 1))),
            b"\x1bd": (1, lambda raw: LineFeed(raw=raw, lines=raw[2])),
            b"\x1bJ": (1, lambda raw: DotFeed(raw=raw, dots=raw[2])),
            b"\x1bt": (1, self._choose_page),
            b"\x1b2": (0, lambda raw: LinePitch(raw=raw, dots=None)),
            b"\x1b3": (1, lambda raw: LinePitch(raw=raw, dots=raw[2])),
            b"\x1bB": (2, lambda raw: Buzz(raw=raw, times=raw[2])),
            b"\x1bp": (3, _kick),
            b"\x1d!": (1, _magnify),
            b"\x1cW": (1, lambda raw: _magnified(raw, raw[2] & 1, raw[2] & 1)),
            b"\x1c&": (0, lambda raw: self._kanji_mode(raw, on=True)),
            b"\x1c.": (0, lambda raw: self._kanji_mode(raw, on=False)),
        }

    def _initialise(self, raw: bytes) -> Token:
        self._power_on()
        return Initialise(raw=raw)

    def _kanji_mode(self, raw: bytes, *, on: bool) -> Token:
        self._kanji = on
        return Setting(raw=raw)

    def _choose_page(self, raw: bytes) -> Token:
        self._code_page = _CODE_PAGES.get(raw[2], "cp437")
        return Setting(raw=raw)

    def _text(self, stream: bytes, start: int) -> Token | None:
        """Read letters up to the next control byte."""
        letters: list[Letter] = []
        at = start
        while at < len(stream) and stream[at] >= 0x20 and stream[at] != _DELETE:
            if not self._kanji or stream[at] < 0x81 or stream[at] == 0xFF:
                code = stream[at : at + 1]
                letters.append(Letter(code.decode(self._code_page, "replace"), 1))
            else:
                code = stream[at : at + 2]
                if len(code) < 2 or not _is_trail(code[1]):
                    break
                letters.append(Letter(code.decode("gb18030", "replace"), 2))
            at += len(code)
        if letters:
            return Letters(raw=stream[start:at], letters=tuple(letters))
        if stream[start] != _DELETE and at + 1 == len(stream):
            return None  # Half of a double byte; the other half may still come.
        return Unknown(raw=stream[start : start + 1])

    def _function(self, raw: bytes) -> Token:
        """Read GS ( x, which tells its own length; k is QR codes."""
        body = raw[5:]
        if raw[2:3] != b"k" or len(body) < 3 or body[0] != 49:
            return Unknown(raw=raw)
        return self._qr(raw, body[1], body[2:])

    def _qr(self, raw: bytes, function: int, values: bytes) -> Token:
        match function:
            case 65:
                pass
            case 67:
                self._qr_scale = values[0]
            case 69:
                self._qr_error = _QR_ERRORS.get(values[0], "l")
            case 80:
                self._qr_payload = values[1:].decode("utf-8", "replace")
            case 81:
                return QrCode(
                    raw=raw,
                    payload=self._qr_payload,
                    scale=self._qr_scale,
                    error=self._qr_error,
                )
            case _:
                return Unknown(raw=raw)
        return Setting(raw=raw)


def _is_trail(byte: int) -> bool:
    return 0x40 <= byte <= 0xFE and byte != _DELETE


def _cut(raw: bytes) -> Token:
    if raw[2] not in {0, 1, 48, 49, 65, 66}:
        return Unknown(raw=raw)
    return CutPaper(raw=raw, partial=raw[2] in {1, 49, 66})


def _raster_size(head: bytes) -> int:
    """Bytes of picture that follow; none where the size is past belief."""
    across, high = _raster_shape(head)
    return across * high if across * high <= RASTER_BYTES_MAX else 0


def _raster_shape(head: bytes) -> tuple[int, int]:
    return int.from_bytes(head[4:6], "little"), int.from_bytes(head[6:8], "little")


def _raster(raw: bytes) -> Token:
    if raw[2:3] != b"0" or len(raw) == 8:
        return Unknown(raw=raw)
    across, high = _raster_shape(raw)
    return Raster(raw=raw, across=across, high=high, dots=raw[8:])


def _justify(raw: bytes) -> Token:
    if raw[2] in {0, 1, 2, 48, 49, 50}:
        return Justify(raw=raw, side=_SIDES[raw[2] % 48])
    return Unknown(raw=raw)


def _magnify(raw: bytes) -> Token:
    return _magnified(raw, raw[2] >> 4 & 7, raw[2] & 7)


def _magnified(raw: bytes, wide: int, high: int) -> Token:
    return Magnify(raw=raw, wide=wide + 1, high=high + 1)


def _kick(raw: bytes) -> Token:
    if raw[2] not in {0, 1, 48, 49}:
        return Unknown(raw=raw)
    return DrawerKick(raw=raw, pin=5 if raw[2] in {1, 49} else 2, on_ms=raw[3] * 2)


def decode(stream: bytes) -> list[Token]:
    """Read a whole stream at once."""
    decoder = Decoder()
    return [*decoder.feed(stream), *decoder.end()]
