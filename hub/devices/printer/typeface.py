"""A Chinese font that is installed here, for what no printer's ROM can print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FACES_IN_A_FILE_MAX = 16
_BASELINE = 0.86
"""Where letters stand in their square, from its top; Chinese fonts agree on it closely."""
_NOWHERE = "\U0010fffe"
"""Never a character, so its picture is what a font shows for one that it lacks."""

HAN_FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/truetype/arphic/uming.ttc",
)
SYMBOL_FONTS = (
    "/usr/share/fonts/truetype/noto/NotoEmoji-Regular.ttf",
    "/usr/share/fonts/truetype/ancient-scripts/Symbola_hint.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
)


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a font file, which may hold several."""

    path: str
    index: int = 0


@dataclass(frozen=True, slots=True)
class Typeface:
    """A Chinese face first, then those that fill its gaps."""

    faces: tuple[Face, ...]

    def covers(self, text: str) -> bool:
        return any(_has(face, character) for character in text for face in self.faces)

    def draw(self, canvas: Image.Image, left: int, top: int, glyph: Glyph) -> None:
        """Draw one character black into its box; what no face has stays blank.

        A glyph that is wider than its box is squeezed, so columns hold whatever is typed.
        """
        face = next((face for face in self.faces if _has(face, glyph.text[0])), None)
        if face is None:
            return
        font = _font(face, glyph.high)
        text = "".join(character for character in glyph.text if _has(face, character))
        wide = max(glyph.wide, round(font.getlength(text)))
        box = Image.new("L", (wide, glyph.high), 255)
        inset = (wide - round(font.getlength(text))) // 2
        brush = ImageDraw.Draw(box)
        for shift in range(glyph.strikes):
            brush.text(
                (inset + shift, round(glyph.high * _BASELINE)),
                text,
                font=font,
                fill=0,
                anchor="ls",
            )
        if wide > glyph.wide:
            box = box.resize((glyph.wide, glyph.high))
        canvas.paste(box, (left, top))


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyph:
    """A character and its box in dots; more strikes, one dot apart, make it bolder."""

    text: str
    wide: int
    high: int
    strikes: int = 1


@lru_cache(maxsize=1)
def find_typeface() -> Typeface | None:
    """Find a Chinese font in the usual places; None: then 〓 stands in."""
    return typeface_from(HAN_FONTS, SYMBOL_FONTS)


def typeface_from(han: Sequence[str], symbols: Sequence[str] = ()) -> Typeface | None:
    for path in han:
        if Path(path).is_file():
            rest = tuple(Face(other) for other in symbols if Path(other).is_file())
            return Typeface((_best_face(path), *rest))
    return None


def _best_face(path: str) -> Face:
    """Prefer the simplified-Chinese face with half-width letters: it fills cells exactly."""
    named: dict[str, int] = {}
    for index in range(FACES_IN_A_FILE_MAX):
        try:
            family = ImageFont.truetype(path, 24, index=index).getname()[0]
        except OSError:
            break
        named.setdefault(family or "", index)
    for wanted in ("Mono CJK SC", "Mono", "CJK SC"):
        for family, index in named.items():
            if wanted in family:
                return Face(path, index)
    return Face(path)


@lru_cache(maxsize=32)
def _font(face: Face, high: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(face.path, high, index=face.index)


@lru_cache(maxsize=4_096)
def _has(face: Face, character: str) -> bool:
    return _shape(face, character) != _missing(face)


@lru_cache(maxsize=32)
def _missing(face: Face) -> tuple[tuple[int, int], bytes]:
    return _shape(face, _NOWHERE)


def _shape(face: Face, character: str) -> tuple[tuple[int, int], bytes]:
    mask = _font(face, 24).getmask(character)
    return mask.size, bytes(mask)
