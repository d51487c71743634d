"""Workbooks written part by part, so that tests can make what no good program writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZIP_DEFLATED, ZipFile

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

# Style indices of the workbook below.
PLAIN, DATE, DATE_TIME, CHINESE_DATE, MONTH_DAY, CHINESE_31, CHINESE_58, SIX_DIGITS, MONEY = (
    range(9)
)
STYLES = f"""{HEAD}<styleSheet xmlns="{MAIN}"><numFmts count="5">
<numFmt numFmtId="176" formatCode="yyyy\\-mm\\-dd;@"/>
<numFmt numFmtId="177" formatCode="yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot;;@"/>
<numFmt numFmtId="178" formatCode="m&quot;月&quot;d&quot;日&quot;;@"/>
<numFmt numFmtId="179" formatCode="000000"/>
<numFmt numFmtId="180" formatCode="_ ¥* #,##0.00_ ;[红色]_ ¥* \\-#,##0.00_ ;G/通用格式"/>
</numFmts><cellStyleXfs count="1"><xf numFmtId="14"/></cellStyleXfs><cellXfs count="9">
<xf numFmtId="0"/><xf numFmtId="176"/><xf numFmtId="22"/><xf numFmtId="177"/><xf numFmtId="178"/>
<xf numFmtId="31"/><xf numFmtId="58"/><xf numFmtId="179"/><xf numFmtId="180"/></cellXfs>
</styleSheet>"""


@dataclass(frozen=True)
class Styled:
    """A number under a style."""

    number: float
    style: int


@dataclass(frozen=True)
class Raw:
    """A cell's XML; `{ref}` in it becomes its reference."""

    xml: str


Value = str | int | float | Styled | Raw | None


def column_letters(index: int) -> str:
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


class Strings:
    """The shared texts, in order of first use."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        return self.numbers.setdefault(text, len(self.numbers))

    def xml(self) -> Iterator[str]:
        yield f'{HEAD}<sst xmlns="{MAIN}">'
        for text in self.numbers:
            yield f'<si><t xml:space="preserve">{escape(text)}</t></si>'
        yield "</sst>"


def sheet_xml(rows: Iterable[Sequence[Value]], strings: Strings) -> Iterator[str]:
    yield f'{HEAD}<worksheet xmlns="{MAIN}"><sheetData>'
    for line, row in enumerate(rows, start=1):
        cells = "".join(
            cell_xml(f"{column_letters(index)}{line}", value, strings)
            for index, value in enumerate(row)
            if value is not None
        )
        yield f'<row r="{line}" spans="1:{max(1, len(row))}">{cells}</row>'
    yield "</sheetData></worksheet>"


def cell_xml(reference: str, value: Value, strings: Strings) -> str:
    if isinstance(value, Raw):
        return value.xml.format(ref=reference)
    if isinstance(value, Styled):
        return f'<c r="{reference}" s="{value.style}"><v>{value.number!r}</v></c>'
    if isinstance(value, str):
        return f'<c r="{reference}" t="s"><v>{strings.number(value)}</v></c>'
    return f'<c r="{reference}"><v>{value!r}</v></c>'


def write_workbook(
    path: Path,
    sheets: dict[str, Iterable[Sequence[Value]]],
    *,
    hidden: Sequence[str] = (),
    epoch_1904: bool = False,
    parts: dict[str, str | bytes] | None = None,
) -> Path:
    """Write sheets of rows; `parts` replace or add whole parts."""
    strings = Strings()
    entries: list[str] = []
    relations: list[str] = []
    replaced = dict(parts or {})
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:

        def put(name: str, pieces: Iterable[str]) -> None:
            if name in replaced:
                content = replaced.pop(name)
                archive.writestr(name, content)
                return
            with archive.open(name, "w") as part:
                for piece in pieces:
                    part.write(piece.encode())

        for number, (title, rows) in zip(count(1), sheets.items(), strict=False):
            put(f"xl/worksheets/sheet{number}.xml", sheet_xml(rows, strings))
            state = ' state="hidden"' if title in hidden else ""
            entries.append(
                f'<sheet name={quoteattr(title)} sheetId="{number}"{state} r:id="rId{number}"/>'
            )
            relations.append(
                f'<Relationship Id="rId{number}" Type="{OFFICE}/worksheet" '
                f'Target="worksheets/sheet{number}.xml"/>'
            )
        put("xl/sharedStrings.xml", strings.xml())
        put("xl/styles.xml", [STYLES])
        put(
            "xl/workbook.xml",
            [
                f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">',
                f'<workbookPr date1904="{int(epoch_1904)}"/>',
                f"<sheets>{''.join(entries)}</sheets></workbook>",
            ],
        )
        put(
            "xl/_rels/workbook.xml.rels",
            [
                f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">',
                *relations,
                f'<Relationship Id="rId901" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>',
                f'<Relationship Id="rId902" Type="{OFFICE}/styles" Target="styles.xml"/>',
                "</Relationships>",
            ],
        )
        put(
            "_rels/.rels",
            [
                f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">',
                f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>',
                "</Relationships>",
            ],
        )
        put("[Content_Types].xml", [CONTENT_TYPES])
        for name, content in replaced.items():
            archive.writestr(name, content)
    return path


_SHEET_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
CONTENT_TYPES = (
    f'{HEAD}<Types xmlns="{PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType='
    '"application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_SHEET_KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_SHEET_KIND}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_SHEET_KIND}.styles+xml"/>'
    f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_SHEET_KIND}.sharedStrings+xml"/>'
    "</Types>"
)
