"""Where finished papers are kept: NNNN.bin, .txt and .png in one folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.devices import Typeface
from hub.simulator.paper.drawing import draw
from hub.simulator.paper.plain import plain_text
from hub.simulator.paper.rows import DOTS_80MM, rows
from hub.simulator.paper.tokens import Token

PAPERS_KEPT_MAX = 1_000
_NUMBERED = re.compile(r"(\d{4,9})\.(bin|txt|png)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One receipt as three files: the bytes, the words, the picture."""

    number: int
    folder: Path

    @property
    def bin(self) -> Path:
        return self.folder / f"{self.number:04d}.bin"

    @property
    def txt(self) -> Path:
        return self.folder / f"{self.number:04d}.txt"

    @property
    def png(self) -> Path:
        return self.folder / f"{self.number:04d}.png"

    @property
    def text(self) -> str:
        return self.txt.read_text(encoding="utf-8")


def papers_in(folder: Path) -> list[Paper]:
    """List complete papers, oldest first."""
    numbers = (_number(path) for path in folder.glob("*.bin"))
    return [Paper(number=n, folder=folder) for n in sorted(n for n in numbers if n)]


class Shelf:
    """Numbers go on where the folder ends, also after a restart or a crash amid a paper."""

    def __init__(
        self, folder: Path, *, typeface: Typeface | None, dots: int = DOTS_80MM
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._typeface = typeface
        self._dots = dots
        self._last = max((_number(path) for path in folder.iterdir()), default=0)

    def put(self, tokens: Sequence[Token]) -> Paper | None:
        """Keep a paper; None where nothing came out of the printer."""
        laid = rows(tokens, dots=self._dots)
        if not laid:
            return None
        self._last += 1
        paper = Paper(number=self._last, folder=self.folder)
        paper.txt.write_text(plain_text(laid, dots=self._dots), encoding="utf-8")
        draw(laid, typeface=self._typeface, dots=self._dots).save(paper.png)
        # Last and at once, because a paper is complete when its bytes are there.
        part = paper.bin.with_suffix(".part")
        part.write_bytes(b"".join(token.raw for token in tokens))
        part.replace(paper.bin)
        self._forget()
        return paper

    def _forget(self) -> None:
        for paper in papers_in(self.folder)[:-PAPERS_KEPT_MAX]:
            for path in (paper.bin, paper.txt, paper.png):
                path.unlink(missing_ok=True)


def _number(path: Path) -> int:
    match = _NUMBERED.fullmatch(path.name)
    return int(match[1]) if match else 0
