"""Pictures for the print head: drawn lines, QR codes and the logo as raster commands."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import segno
from escpos.image import EscposImage
from PIL import Image

from hub.devices.printer.characters import GETA, Cell, width_of
from hub.devices.printer.document import Size
from hub.devices.printer.profile import DOTS_PER_COLUMN
from hub.devices.printer.typeface import Glyph, Typeface

LINE_DOTS: dict[Size, int] = {1: 30, 2: 56}
"""Line pitch: a character and some air. 30 is what printers start with."""
AIR_ABOVE_DOTS: dict[Size, int] = {1: 0, 2: 8}
BAND_ROWS = 128
"""A taller picture is sent in bands: cheap printers hold little, and a broken one ends soon."""
LOGO_ROWS_MAX = 600
LOGO_PIXELS_MAX = 4_000_000
INK_LEVEL = 168
"""Greys darker than this become dots: thin strokes must not fall apart on paper."""
QR_ERROR = "m"
QR_QUIET_MODULES = 4
_RASTER = b"\x1dv0\x00"


def raster(picture: Image.Image) -> bytes:
    """GS v 0 for each band of a picture whose width is a multiple of eight dots."""
    commands = bytearray()
    for top in range(0, picture.height, BAND_ROWS):
        bottom = min(top + BAND_ROWS, picture.height)
        band = EscposImage(picture.crop((0, top, picture.width, bottom)))
        commands += _RASTER
        commands += int(band.width_bytes).to_bytes(2, "little")
        commands += int(band.height).to_bytes(2, "little")
        commands += defused(band.to_raster_format())
    return bytes(commands)


def defused(dots: bytes) -> bytes:
    """Make sure that no picture reads as a real-time command, at the price of one dot.

    Printers obey DLE EOT, DLE ENQ and DLE DC4 (which opens the drawer) wherever they stand,
    also amid picture data; a logo could be made to hold one.
    """
    for second in (b"\x04", b"\x05", b"\x14"):
        dots = dots.replace(b"\x10" + second, b"\x30" + second)
    return dots


def drawn_line(
    cells: Sequence[Cell], *, bold: bool, size: Size, typeface: Typeface
) -> Image.Image:
    """Draw a line of text in the same columns and pitch as the printer's own."""
    column = DOTS_PER_COLUMN * size
    high = 2 * column
    size_dots = (_whole_bytes(width_of(cells) * column), AIR_ABOVE_DOTS[size] + LINE_DOTS[size])
    picture = Image.new("L", size_dots, 255)
    left = 0
    for cell in cells:
        text = cell.text if typeface.covers(cell.text[0]) else (GETA, "?")[cell.width == 1]
        strikes = 1 + size if bold else 1
        wide = cell.width * column
        glyph = Glyph(text=text, wide=wide, high=high, strikes=strikes)
        typeface.draw(picture, left, AIR_ABOVE_DOTS[size], glyph)
        left += wide
    return picture.point(lambda level: 255 if level >= INK_LEVEL else 0)


def qr_scale(payload: str, *, size: int, dots: int) -> int:
    """Dots per module so that the code and its quiet zone fit the paper, at most `size`."""
    modules = segno.make_qr(payload, error=QR_ERROR, boost_error=False).symbol_size(border=4)[0]
    return max(1, min(size, dots // int(modules)))


def qr_picture(payload: str, *, scale: int) -> Image.Image:
    """Draw the code with its quiet zone."""
    code = segno.make_qr(payload, error=QR_ERROR, boost_error=False)
    rows = [bytes(row) for row in code.matrix_iter(scale=scale, border=QR_QUIET_MODULES)]
    picture = Image.new("L", (_whole_bytes(len(rows[0])), len(rows)), 255)
    for top, row in enumerate(rows):
        for left, dark in enumerate(row):
            if dark:
                picture.putpixel((left, top), 0)
    return picture


def logo_picture(png: bytes, *, dots: int) -> Image.Image | None:
    """Fit the logo to the paper; None where the file cannot be read as a picture.

    A receipt without its logo is still a receipt, so a broken picture stops nothing.
    """
    # The header tells the size before Pillow believes it and unpacks a bomb.
    wide, high = int.from_bytes(png[16:20]), int.from_bytes(png[20:24])
    if not 0 < wide * high <= LOGO_PIXELS_MAX:
        return None
    try:
        with Image.open(BytesIO(png), formats=["PNG"]) as source:
            colours = source.convert("RGBA")
    except (OSError, ValueError, SyntaxError):
        return None
    paper = Image.new("RGBA", colours.size, "white")
    paper.alpha_composite(colours)
    grey = paper.convert("L")
    grey.thumbnail((dots, LOGO_ROWS_MAX))
    framed = Image.new("L", (_whole_bytes(grey.width), grey.height), 255)
    framed.paste(grey, ((framed.width - grey.width) // 2, 0))
    return framed


def _whole_bytes(dots: int) -> int:
    return max(8, -(-dots // 8) * 8)
