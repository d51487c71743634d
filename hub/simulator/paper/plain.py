"""The paper as plain text, to read and to compare."""

from __future__ import annotations

from collections.abc import Iterable

from hub.simulator.paper.rows import (
    COLUMN_DOTS,
    DOTS_80MM,
    PITCH_DOTS,
    BlankRow,
    EventRow,
    PictureRow,
    QrRow,
    Row,
    TextRow,
)
from hub.simulator.paper.tokens import Buzz, CutPaper, DrawerKick, Side, Unfinished, Unknown


def plain_text(laid: Iterable[Row], *, dots: int = DOTS_80MM) -> str:
    """Write one line per printed line; what is not text stands in square brackets."""
    lines: list[str] = []
    for row in laid:
        match row:
            case TextRow():
                lines.append(_indent(row.dots, row.side, dots) + row.text)
            case PictureRow():
                size = f"[picture {row.picture.across * 8}x{row.picture.high}]"
                lines.append(size)
            case QrRow():
                lines.append(f"[QR {row.code.payload}]")
            case BlankRow():
                lines += [""] * (row.dots // PITCH_DOTS)
            case EventRow():
                lines.append(_event(row))
    return "".join(f"{line.rstrip()}\n" for line in lines)


def indent_dots(wide: int, side: Side, dots: int) -> int:
    """Where something so wide begins on the paper."""
    free = max(0, dots - wide)
    return {"left": 0, "center": free // 2, "right": free}[side]


def _indent(wide: int, side: Side, dots: int) -> str:
    return " " * (indent_dots(wide, side, dots) // COLUMN_DOTS)


def _event(row: EventRow) -> str:
    event = row.event
    match event:
        case CutPaper():
            return "[partial cut]" if event.partial else "[cut]"
        case DrawerKick():
            return f"[drawer pin {event.pin}, {event.on_ms} ms]"
        case Buzz():
            return f"[beep {event.times}]"
        case Unknown():
            return f"[unknown {event.raw.hex(' ')}]"
        case Unfinished():
            return f"[broken off after {event.raw[:8].hex(' ')}]"
