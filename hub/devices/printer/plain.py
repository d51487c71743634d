"""A receipt as lines of text, laid out as on paper; for programs that do not print."""

from __future__ import annotations

from hub.devices.printer.document import QR, Columns, Document, Pair, Rule, Text
from hub.devices.printer.layout import Line, Page
from hub.devices.printer.profile import PAPER_80MM, Profile


def plain_text(document: Document, *, profile: Profile = PAPER_80MM) -> str:
    """Return what a document says; a QR code stands as its content in square brackets."""
    page = Page(columns=profile.columns, code_of=profile.code_of)
    mark = [Text(document.copy_mark, align="center")] if document.copy_mark else []
    lines: list[str] = []
    for part in (*mark, *document.parts):
        if isinstance(part, Text | Columns | Pair | Rule):
            lines += [_plain(line, profile.columns) for line in page.lines(part)]
        elif isinstance(part, QR):
            lines.append(f"[{part.payload}]")
    return "".join(f"{line}\n" for line in lines)


def _plain(line: Line, columns: int) -> str:
    wide = sum(cell.width for cell in line.cells) * line.size
    free = max(0, columns - wide)
    indent = {"left": 0, "center": free // 2, "right": free}[line.align]
    return (" " * indent + "".join(cell.text for cell in line.cells)).rstrip()
