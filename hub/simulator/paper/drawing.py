"""The paper as a picture, dot for dot in width: what a person would hold in the hand."""

from __future__ import annotations

from collections.abc import Sequence

import segno
from PIL import Image, ImageDraw

from hub.devices import Glyph, Typeface
from hub.simulator.paper.plain import indent_dots
from hub.simulator.paper.rows import (
    COLUMN_DOTS,
    DOTS_80MM,
    LETTER_DOTS,
    BlankRow,
    EventRow,
    Inked,
    PictureRow,
    QrRow,
    Row,
    TextRow,
)
from hub.simulator.paper.tokens import Buzz, CutPaper, DrawerKick, Unfinished, Unknown

MARGIN_DOTS = 32
"""80 mm paper is 640 dots wide, of which 576 can be printed."""
PICTURE_DOTS_HIGH_MAX = 20_000
EVENT_DOTS = 56
CUT_DOTS = 28
PAPER, INK, FAINT = 255, 16, 150


def draw(
    laid: Sequence[Row],
    *,
    typeface: Typeface | None,
    dots: int = DOTS_80MM,
    margin: int = MARGIN_DOTS,
) -> Image.Image:
    """Draw rows on paper with a margin all round; very long paper is shown to its limit.

    Without a typeface letters are shown as bars.
    """
    heights = [_height(row) for row in laid]
    high = min(PICTURE_DOTS_HIGH_MAX, sum(heights) + 2 * margin)
    paper = Image.new("L", (dots + 2 * margin, max(high, 2 * margin)), PAPER)
    desk = _Desk(paper, dots, margin, typeface)
    top = margin
    for row, height in zip(laid, heights, strict=True):
        if top + height > PICTURE_DOTS_HIGH_MAX:
            break
        desk.row(row, top)
        top += height
    return paper


def _height(row: Row) -> int:
    match row:
        case TextRow():
            return row.pitch
        case PictureRow():
            return row.picture.high
        case QrRow():
            return len(_matrix(row)) * row.code.scale
        case BlankRow():
            return row.dots
        case EventRow():
            return CUT_DOTS if isinstance(row.event, CutPaper) else EVENT_DOTS


def _matrix(row: QrRow) -> list[bytes]:
    if not row.code.payload:
        return []
    code = segno.make_qr(row.code.payload, error=row.code.error, boost_error=False)
    return [bytes(line) for line in code.matrix]


class _Desk:
    """Where one sheet is drawn."""

    def __init__(
        self, paper: Image.Image, dots: int, margin: int, typeface: Typeface | None
    ) -> None:
        self._paper = paper
        self._brush = ImageDraw.Draw(paper)
        self._dots = dots
        self._margin = margin
        self._typeface = typeface

    def row(self, row: Row, top: int) -> None:
        match row:
            case TextRow():
                self._text(row, top)
            case PictureRow():
                size = (row.picture.across * 8, row.picture.high)
                picture = Image.frombytes("1", size, bytes(255 - b for b in row.picture.dots))
                left = self._margin + indent_dots(size[0], row.side, self._dots)
                self._paper.paste(_inky(picture), (left, top))
            case QrRow():
                self._qr(row, top)
            case EventRow():
                self._event(row, top)
            case BlankRow():
                pass

    def _text(self, row: TextRow, top: int) -> None:
        left = self._margin + indent_dots(row.dots, row.side, self._dots)
        tallest = max(inked.high for inked in row.inked) * LETTER_DOTS
        for inked in row.inked:
            high = inked.high * LETTER_DOTS
            self._letter(inked, left, top + tallest - high)
            left += inked.dots

    def _letter(self, inked: Inked, left: int, top: int) -> None:
        scale = max(inked.wide, inked.high)
        wide, high = inked.letter.columns * COLUMN_DOTS * scale, LETTER_DOTS * scale
        if self._typeface is None:
            if inked.letter.text.strip():
                size = (left + 2, top + 6, left + inked.dots - 2, top + high - 6)
                self._brush.rectangle(size, fill=FAINT)
            return
        box = Image.new("L", (wide, high), PAPER)
        strikes = 1 + scale if inked.bold else 1
        glyph = Glyph(text=inked.letter.text, wide=wide, high=high, strikes=strikes)
        self._typeface.draw(box, 0, 0, glyph)
        if (inked.wide, inked.high) != (scale, scale):
            box = box.resize((inked.dots, inked.high * LETTER_DOTS))
        self._paper.paste(_inky(box), (left, top))

    def _qr(self, row: QrRow, top: int) -> None:
        matrix, scale = _matrix(row), row.code.scale
        left = self._margin + indent_dots(len(matrix) * scale, row.side, self._dots)
        for down, line in enumerate(matrix):
            for across, dark in enumerate(line):
                if dark:
                    corner = (left + across * scale, top + down * scale)
                    far = (corner[0] + scale - 1, corner[1] + scale - 1)
                    self._brush.rectangle((*corner, *far), fill=INK)

    def _event(self, row: EventRow, top: int) -> None:
        match row.event:
            case CutPaper():
                self._cut(row.event, top)
            case DrawerKick():
                self._banner(f"钱箱 DRAWER  pin {row.event.pin}", top, filled=True)
            case Buzz():
                self._banner(f"蜂鸣 BEEP {row.event.times}", top, filled=False)
            case Unknown():
                self._banner(f"? {row.event.raw[:8].hex(' ')}", top, filled=False)
            case Unfinished():
                self._banner("断 BROKEN OFF", top, filled=False)

    def _cut(self, cut: CutPaper, top: int) -> None:
        """Draw dashes over the whole paper; a partial cut leaves the middle standing."""
        middle, line = self._paper.width // 2, top + CUT_DOTS // 2
        for left in range(0, self._paper.width, 16):
            if not (cut.partial and abs(left + 4 - middle) < 24):
                self._brush.line((left, line, left + 8, line), fill=FAINT, width=2)

    def _banner(self, text: str, top: int, *, filled: bool) -> None:
        box = (self._margin, top + 6, self._margin + self._dots, top + EVENT_DOTS - 6)
        self._brush.rounded_rectangle(
            box, radius=8, fill=INK if filled else PAPER, outline=INK, width=2
        )
        wide = sum(_columns(letter) for letter in text) * COLUMN_DOTS
        left = self._margin + indent_dots(wide, "center", self._dots)
        plate = Image.new("L", (wide, LETTER_DOTS), PAPER)
        across = 0
        for letter in text:
            glyph = Glyph(text=letter, wide=_columns(letter) * COLUMN_DOTS, high=LETTER_DOTS)
            if self._typeface:
                self._typeface.draw(plate, across, 0, glyph)
            across += glyph.wide
        shown = plate.point(lambda level: PAPER + INK - level) if filled else plate
        self._paper.paste(shown, (left, top + (EVENT_DOTS - LETTER_DOTS) // 2))


def _columns(letter: str) -> int:
    return 1 if letter.isascii() else 2


def _inky(picture: Image.Image) -> Image.Image:
    """Thermal black is not quite black."""
    return picture.convert("L").point(lambda level: max(INK, level))
