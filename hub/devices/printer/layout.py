"""Parts to lines: wrapping, columns and fill, counted in the printer's own columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hub.devices.printer.characters import Cell, CodeOf, cells, fill, spaces, width_of
from hub.devices.printer.document import Align, Columns, Pair, Rule, Size, Text

GAP_COLUMNS = 1
CELL_COLUMNS_MIN = 2
"""One Han character; less could not hold anything."""
DONOR_COLUMNS_MIN = 8
"""A cell keeps four Han characters before it gives room to a neighbour's amount."""
AMOUNT_COLUMNS_MAX = 16
PAIR_LEFT_COLUMNS_MIN = 8

_OPENING = frozenset("（《「『【〔“‘([{￥¥$+-#")
_CLOSING = frozenset("·，。！？；：、）》」』】〕”’…—％,.;:!?)]}%")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line that fits: `size` is part of the count, a double letter takes two columns."""

    cells: tuple[Cell, ...]
    align: Align = "left"
    bold: bool = False
    size: Size = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Where lines are laid: so many columns wide, with these letters."""

    columns: int
    code_of: CodeOf

    def lines(self, part: Text | Columns | Pair | Rule) -> list[Line]:
        match part:
            case Text():
                return self._text(part)
            case Columns():
                return self._columns(part)
            case Pair():
                return self._pair(part)
            case Rule():
                return [Line(cells=tuple(fill(part.char, self.columns)))]

    def _text(self, part: Text) -> list[Line]:
        room = self.columns // part.size
        return [
            Line(cells=tuple(row), align=part.align, bold=part.bold, size=part.size)
            for row in wrap(cells(part.text, self.code_of), room)
        ]

    def _columns(self, part: Columns) -> list[Line]:
        left: Align = "left"
        aligns = part.aligns or (left,) * len(part.cells)
        placed = [cells(text, self.code_of) for text in part.cells]
        needs = [
            _need(cell) if align == "right" else 0
            for cell, align in zip(placed, aligns, strict=True)
        ]
        widths = column_widths(part.widths, needs=needs, columns=self.columns)
        wrapped = [wrap(cell, width) for cell, width in zip(placed, widths, strict=True)]
        lines = []
        for index in range(max(len(rows) for rows in wrapped)):
            row: list[Cell] = []
            for rows, width, align in zip(wrapped, widths, aligns, strict=True):
                row += spaces(GAP_COLUMNS if row else 0)
                row += _padded(rows[index] if index < len(rows) else [], width, align)
            lines.append(Line(cells=tuple(_trimmed(row)), bold=part.bold))
        return lines

    def _pair(self, part: Pair) -> list[Line]:
        room = self.columns // part.size
        left, right = cells(part.left, self.code_of), cells(part.right, self.code_of)
        beside = room - width_of(right) - 1
        if width_of(left) <= beside:
            rows = [left]
        elif beside >= PAIR_LEFT_COLUMNS_MIN:
            rows = wrap(left, beside)
        else:
            rows = wrap(left, room)
            rows += [_padded(row, room, "right") for row in wrap(right, room)]
            right = []
        if right:
            between = room - width_of(rows[-1]) - width_of(right)
            rows[-1] = [*rows[-1], *_leader(part.fill, between), *right]
        return [Line(cells=tuple(row), bold=part.bold, size=part.size) for row in rows]


def _leader(character: str, count: int) -> list[Cell]:
    """Dots between label and amount, not touching either; too few would look like dirt."""
    if character == " " or count < 5:
        return spaces(count)
    return [*spaces(1), *fill(character, count - 2), *spaces(1)]


def _padded(row: list[Cell], width: int, align: Align) -> list[Cell]:
    free = width - width_of(row)
    before = {"left": 0, "center": free // 2, "right": free}[align]
    return [*spaces(before), *row, *spaces(free - before)]


def _trimmed(row: list[Cell]) -> list[Cell]:
    end = len(row)
    while end and row[end - 1].text == " ":
        end -= 1
    return row[:end]


def column_widths(
    weights: Sequence[int], *, needs: Sequence[int], columns: int
) -> tuple[int, ...]:
    """Share a line among cells by weight; the shares and their gaps fill it exactly.

    `needs` are columns that a cell should have at least; it gets them while a neighbour has
    more than DONOR_COLUMNS_MIN and more than its own need. Assumes that every cell can have
    CELL_COLUMNS_MIN, which the limits of rows and paper grant.
    """
    room = columns - GAP_COLUMNS * (len(weights) - 1)
    total = sum(weights)
    shares = [max(CELL_COLUMNS_MIN, room * weight // total) for weight in weights]
    while sum(shares) > room:
        shares[shares.index(max(shares))] -= 1
    shares[shares.index(max(shares))] += room - sum(shares)
    for index, need in enumerate(needs):
        while shares[index] < need:
            spare = [
                share - max(DONOR_COLUMNS_MIN, own)
                for share, own in zip(shares, needs, strict=True)
            ]
            donor = spare.index(max(spare))
            if spare[donor] <= 0:
                break
            shares[donor] -= 1
            shares[index] += 1
    return tuple(shares)


def wrap(placed: Sequence[Cell], room: int) -> list[list[Cell]]:
    """Break into rows of at most `room` columns; a blank text is one blank row.

    Latin words and amounts stay whole while they can; closing punctuation does not begin a
    row and opening punctuation does not end one.
    """
    assert room >= CELL_COLUMNS_MIN, room
    rows: list[list[Cell]] = []
    start = 0
    while start < len(placed):
        cut = _cut(placed, start, room)
        rows.append(_trimmed(list(placed[start:cut])))
        start = cut
        while start < len(placed) and placed[start].text == " ":
            start += 1
    return rows or [[]]


def _cut(placed: Sequence[Cell], start: int, room: int) -> int:
    end, width = start, 0
    while end < len(placed) and width + placed[end].width <= room:
        width += placed[end].width
        end += 1
    if end == len(placed):
        return end
    for cut in range(end, start, -1):
        if _may_break(placed[cut - 1], placed[cut]):
            return cut
    return end


def _may_break(before: Cell, after: Cell) -> bool:
    if " " in {before.text, after.text}:
        return True
    if before.text in _OPENING or after.text in _CLOSING:
        return False
    return before.width == 2 or after.width == 2


def _need(placed: Sequence[Cell]) -> int:
    """Columns that keep an amount, its unit or its heading on one line."""
    whole = width_of(placed)
    return whole if whole <= AMOUNT_COLUMNS_MAX else _widest_word(placed)


def _widest_word(placed: Sequence[Cell]) -> int:
    widest, width = 0, 0
    for index, cell in enumerate(placed):
        if index and _may_break(placed[index - 1], cell):
            width = 0
        width += cell.width
        widest = max(widest, width)
    return widest
