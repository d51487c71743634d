"""Tokens to what lies on the paper, top to bottom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

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
    Side,
    Token,
    Unfinished,
    Unknown,
)

DOTS_80MM = 576
COLUMN_DOTS = 12
LETTER_DOTS = 24
PITCH_DOTS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Inked:
    """A letter with the style that it was printed in."""

    letter: Letter
    bold: bool
    wide: int
    high: int

    @property
    def dots(self) -> int:
        return self.letter.columns * self.wide * COLUMN_DOTS


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRow:
    """`spilled` is set where the text was too long and the printer broke it by itself."""

    inked: tuple[Inked, ...]
    side: Side
    pitch: int
    spilled: bool = False

    @property
    def dots(self) -> int:
        return sum(inked.dots for inked in self.inked)

    @property
    def text(self) -> str:
        return "".join(inked.letter.text for inked in self.inked)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRow:
    picture: Raster
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class QrRow:
    code: QrCode
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class BlankRow:
    dots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """Something that happens beside the paper, or that no printer would understand."""

    event: CutPaper | DrawerKick | Buzz | Unknown | Unfinished


Row = TextRow | PictureRow | QrRow | BlankRow | EventRow


def rows(tokens: Iterable[Token], *, dots: int = DOTS_80MM) -> list[Row]:
    """Lay the tokens out. A line that was never ended stays in the printer's memory."""
    head = _Head(dots)
    for token in tokens:
        head.obey(token)
    return head.rows


class _Head:
    """The print head: its modes, the line in its memory, and the paper so far."""

    def __init__(self, dots: int) -> None:
        self.rows: list[Row] = []
        self._dots = dots
        self._reset()

    def _reset(self) -> None:
        self._line: list[Inked] = []
        self._bold = False
        self._wide, self._high = 1, 1
        self._side: Side = "left"
        self._pitch = PITCH_DOTS

    def obey(self, token: Token) -> None:
        match token:
            case Initialise():
                self._reset()
            case Bold():
                self._bold = token.on
            case Magnify():
                self._wide, self._high = token.wide, token.high
            case Justify():
                self._side = token.side
            case LinePitch():
                self._pitch = PITCH_DOTS if token.dots is None else token.dots
            case _:
                self._mark(token)

    def _mark(self, token: Token) -> None:
        match token:
            case Letters():
                for letter in token.letters:
                    self._strike(letter)
            case LineFeed():
                self._feed(token.lines)
            case DotFeed() | Raster() | QrCode() | CutPaper():
                self._end_line()
                self.rows.append(self._below(token))
            case DrawerKick() | Buzz() | Unknown() | Unfinished():
                self.rows.append(EventRow(event=token))
            case _:
                pass  # The decoder has acted on settings already.

    def _below(self, token: DotFeed | Raster | QrCode | CutPaper) -> Row:
        match token:
            case DotFeed():
                return BlankRow(dots=token.dots)
            case Raster():
                return PictureRow(picture=token, side=self._side)
            case QrCode():
                return QrRow(code=token, side=self._side)
            case CutPaper():
                return EventRow(event=token)

    def _strike(self, letter: Letter) -> None:
        inked = Inked(letter=letter, bold=self._bold, wide=self._wide, high=self._high)
        if sum(one.dots for one in self._line) + inked.dots > self._dots:
            self._end_line(spilled=True)
        self._line.append(inked)

    def _feed(self, lines: int) -> None:
        if self._line:
            self._end_line()
            lines -= 1
        if lines > 0:
            self.rows.append(BlankRow(dots=lines * self._pitch))

    def _end_line(self, *, spilled: bool = False) -> None:
        if self._line:
            high = max(inked.high for inked in self._line)
            self.rows.append(
                TextRow(
                    inked=tuple(self._line),
                    side=self._side,
                    pitch=max(self._pitch, high * LETTER_DOTS),
                    spilled=spilled,
                )
            )
        self._line = []
