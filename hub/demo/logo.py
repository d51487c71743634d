"""A logo for the made-up shop: a leaf over water in a ring, black on white for receipts."""

from __future__ import annotations

import base64
import io

from PIL import Image, ImageDraw

SIZE_DOTS = 144
FINE = 4
"""Drawn so many times larger, then made smaller, so that curves are smooth."""


def logo_base64() -> str:
    """Return the logo as a PNG in base64."""
    kept = io.BytesIO()
    _logo().save(kept, format="PNG", optimize=True)
    return base64.b64encode(kept.getvalue()).decode("ascii")


def _logo() -> Image.Image:
    side = SIZE_DOTS * FINE
    paper = Image.new("L", (side, side), 255)
    brush = ImageDraw.Draw(paper)
    edge = side // 40
    brush.ellipse((edge, edge, side - edge, side - edge), outline=0, width=side // 22)
    paper.paste(0, mask=_leaf(side))
    for step in range(3):
        top = side * (66 + 7 * step) // 100
        reach = side * (26 - 6 * step) // 100
        middle = side // 2
        brush.arc(
            (middle - reach, top - side // 20, middle, top + side // 20),
            start=0,
            end=180,
            fill=0,
            width=side // 40,
        )
        brush.arc(
            (middle, top - side // 20, middle + reach, top + side // 20),
            start=180,
            end=360,
            fill=0,
            width=side // 40,
        )
    small = paper.resize((SIZE_DOTS, SIZE_DOTS), Image.Resampling.LANCZOS)
    return small.point(lambda level: 255 if level > 140 else 0).convert("1")


def _leaf(side: int) -> Image.Image:
    """Return the leaf as a mask: where two circles overlap, cut along its vein."""
    radius = side * 34 // 100
    centre, top = side // 2, side * 38 // 100
    halves = []
    for shift in (-1, 1):
        half = Image.new("L", (side, side), 0)
        middle = centre + shift * side * 20 // 100
        ImageDraw.Draw(half).ellipse(
            (middle - radius, top - radius, middle + radius, top + radius), fill=255
        )
        halves.append(half)
    leaf = Image.composite(halves[0], Image.new("L", (side, side), 0), halves[1])
    vein = (centre, top - side * 12 // 100, centre, top + side * 30 // 100)
    ImageDraw.Draw(leaf).line(vein, fill=0, width=side // 60)
    return leaf
