"""A job to ESC/POS bytes for one model of printer.

Every control byte is written here. Text reaches the stream only as `Cell.code`, which
`Profile.code_of` makes, so what a member calls herself can never be a command.
"""

from __future__ import annotations

from escpos import constants
from PIL import Image as Pillow

from hub.devices.printer.characters import GETA, Cell
from hub.devices.printer.document import (
    QR,
    Align,
    Beep,
    Columns,
    Cut,
    Document,
    Feed,
    Image,
    Job,
    Kick,
    Pair,
    Part,
    Rule,
    Size,
    Text,
)
from hub.devices.printer.layout import Line, Page
from hub.devices.printer.picture import (
    AIR_ABOVE_DOTS,
    BAND_ROWS,
    LINE_DOTS,
    QR_QUIET_MODULES,
    drawn_line,
    logo_picture,
    qr_picture,
    qr_scale,
    raster,
)
from hub.devices.printer.profile import Profile
from hub.devices.printer.typeface import Typeface

LINES_TO_CUTTER = 6
"""The blade sits that far behind the print head."""
BEEP_TENTHS = 2

_KANJI_ON = b"\x1c&"
_KANJI_OFF = b"\x1c."
_ALIGN: dict[Align, bytes] = constants.TXT_STYLE["align"]
_BOLD: dict[bool, bytes] = constants.TXT_STYLE["bold"]


def encode(job: Job, *, profile: Profile, typeface: Typeface | None) -> bytes:
    """Bytes that print a document from a known state, or that open the drawer.

    Without a typeface 〓 stands for what the printer has no letter for.
    """
    if isinstance(job, Kick):
        return bytes({2: constants.CD_KICK_2, 5: constants.CD_KICK_5}[job.pin])
    return _Stream(profile, typeface).document(job)


def resync(profile: Profile) -> bytes:
    """Blank bytes that end whatever a broken job left half said.

    A printer on a cable takes what comes next for the rest of the picture that it is still
    waiting for. Send this first after a job that ended UNKNOWN there; else it prints nothing.
    """
    return bytes(BAND_ROWS * (profile.dots // 8))


class _Stream:
    """The bytes so far, and the styles that the printer is in."""

    def __init__(self, profile: Profile, typeface: Typeface | None) -> None:
        self._profile = profile
        self._typeface = typeface
        self._page = Page(columns=profile.columns, code_of=profile.code_of)
        self._bytes = bytearray()
        self._align: Align = "left"
        self._bold = False
        self._size: Size = 1

    def document(self, document: Document) -> bytes:
        self._bytes += constants.HW_INIT
        if self._profile.kanji == "raster":
            self._bytes += _KANJI_OFF
            if self._profile.codepage:
                self._bytes += b"\x1bt" + bytes([self._profile.codepage.number])
        else:
            self._bytes += _KANJI_ON
        if document.copy_mark:
            self._part(Text(document.copy_mark, align="center", bold=True, size=2))
        for part in document.parts:
            self._part(part)
        return bytes(self._bytes)

    def _part(self, part: Part) -> None:
        match part:
            case Text() | Columns() | Pair() | Rule():
                for line in self._page.lines(part):
                    self._line(line)
            case QR():
                self._qr(part)
            case Image():
                self._picture(logo_picture(part.png, dots=self._profile.dots), part.align)
            case Feed():
                self._styled(bold=False, size=1)
                self._bytes += b"\x1bd" + bytes([part.lines])
            case Cut():
                self._cut(part)
            case Beep():
                self._bytes += constants.BUZZER + bytes([part.times, BEEP_TENTHS])

    def _line(self, line: Line) -> None:
        self._aligned(line.align)
        missing = [cell for cell in line.cells if cell.code is None]
        typeface = self._typeface
        if typeface and any(typeface.covers(cell.text[0]) for cell in missing):
            picture = drawn_line(line.cells, bold=line.bold, size=line.size, typeface=typeface)
            self._bytes += raster(picture)
            return
        self._styled(bold=line.bold, size=line.size)
        for cell in line.cells:
            self._bytes += cell.code or self._stand_in(cell)
        self._bytes += constants.CTL_LF

    def _stand_in(self, cell: Cell) -> bytes:
        if cell.width == 1:
            return b"?"
        return self._profile.code_of(GETA) or b"??"

    def _aligned(self, align: Align) -> None:
        if align != self._align:
            self._bytes += _ALIGN[align]
            self._align = align

    def _styled(self, *, bold: bool, size: Size) -> None:
        if bold != self._bold:
            self._bytes += _BOLD[bold]
            self._bold = bold
        if size != self._size:
            self._bytes += constants.TXT_SIZE + bytes([(size - 1) * 0x11])
            self._bytes += b"\x1b3" + bytes([LINE_DOTS[size]])
            if air := AIR_ABOVE_DOTS[size]:
                self._bytes += b"\x1bJ" + bytes([air])
            self._size = size

    def _picture(self, picture: Pillow.Image | None, align: Align) -> None:
        if picture:
            self._aligned(align)
            self._bytes += raster(picture)

    def _qr(self, code: QR) -> None:
        scale = qr_scale(code.payload, size=code.size, dots=self._profile.dots)
        if not self._profile.native_qr:
            self._picture(qr_picture(code.payload, scale=scale), code.align)
            return
        self._aligned(code.align)
        # Printers draw the bare code; without a quiet zone phones do not find it.
        quiet = b"\x1bJ" + bytes([QR_QUIET_MODULES * scale])
        self._bytes += quiet
        self._bytes += _qr_command(b"A2\x00")
        self._bytes += _qr_command(b"C" + bytes([scale]))
        self._bytes += _qr_command(b"E1")
        self._bytes += _qr_command(b"P0" + code.payload.encode())
        self._bytes += _qr_command(b"Q0")
        self._bytes += quiet

    def _cut(self, cut: Cut) -> None:
        self._styled(bold=False, size=1)
        self._bytes += b"\x1bd" + bytes([LINES_TO_CUTTER])
        if self._profile.cut:
            self._bytes += constants.PAPER_PART_CUT if cut.partial else constants.PAPER_FULL_CUT


def _qr_command(function: bytes) -> bytes:
    """GS ( k for code type 49, QR, with its length."""
    return b"\x1d(k" + (len(function) + 1).to_bytes(2, "little") + b"1" + function
