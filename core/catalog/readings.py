"""How Chinese is read aloud, from the dictionary of `pypinyin` in a hundredth of its memory.

The library makes a Python object of every reading, which is 58 MB in each process that takes in
a name. Here are the same facts, read from the same two files, in arrays of 2 MB together; what
they answer is the library's own answer for every text.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from io import StringIO
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TypeVar

T = TypeVar("T", int, bytes)

# What the library takes for Chinese, including characters of which it knows no reading.
_BLOCKS = (
    (0x3007, 0x3007),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xE815, 0xE864),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A703, 0x2B81D),
    (0x2B825, 0x2BF6E),
    (0x2C029, 0x2CE93),
    (0x2D016, 0x2D016),
    (0x2D11B, 0x2EBD9),
    (0x2F80A, 0x2FA1F),
    (0x30000, 0x3134A),
    (0x31350, 0x32389),
)
_CHINESE = re.compile("[" + "".join(f"{chr(low)}-{chr(high)}" for low, high in _BLOCKS) + "]+")
# "银行": [["yín"], ["háng"]], where a character may have further readings behind the first.
_PHRASE = re.compile(rb'"([^"]+)"\s*:\s*\[((?:\s*\[[^\]]*\]\s*,?)*)\s*\]')
_READING = re.compile(rb'\[\s*"([^"]+)"')
# "34892": "háng,xíng"
_CHARACTER = re.compile(rb'"(\d+)"\s*:\s*"([^",]+)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """The dictionary: sorted characters and phrases, and the number of each one's syllable."""

    syllables: tuple[str, ...]
    characters: array[int]
    of_characters: array[int]
    phrases: str
    """All phrases, one behind the other; phrase n begins at `starts[n]`."""
    starts: array[int]
    of_phrases: array[int]
    """The syllable of each character of `phrases`."""

    def parts(self, text: str) -> Iterator[tuple[str, bool]]:
        """Give a syllable for each Chinese character, and each run of others as it stands.

        Beside each stands whether it is a reading.
        """
        end = 0
        for run in _CHINESE.finditer(text):
            if run.start() > end:
                yield text[end : run.start()], False
            yield from self._read(run[0])
            end = run.end()
        if end < len(text):
            yield text[end:], False

    def _read(self, run: str) -> Iterator[tuple[str, bool]]:
        """Take the longest phrase that stands next, or else one character, to the end."""
        while run:
            found, length, is_beginning = self._longest(run)
            if length:
                start = self.starts[found]
                for number in self.of_phrases[start : start + length]:
                    yield self.syllables[number], True
                run = run[length:]
                continue
            # The library looks for no phrase in what is left where all of that is the
            # beginning of one. Rows that it has written are compared with a rebuild.
            length = len(run) if is_beginning else 1
            yield from map(self._read_alone, run[:length])
            run = run[length:]

    def _read_alone(self, character: str) -> tuple[str, bool]:
        code = ord(character)
        at = bisect_left(self.characters, code)
        if at == len(self.characters) or self.characters[at] != code:
            return character, False
        return self.syllables[self.of_characters[at]], True

    def _longest(self, run: str) -> tuple[int, int, bool]:
        """Return the longest phrase that begins `run`: its number and length, 0 for none.

        Third comes whether the whole run is the beginning of a phrase.
        """
        at, found, length = 0, 0, 0
        count = len(self.starts) - 1
        for taken in range(1, len(run) + 1):
            wanted = run[:taken]
            at = bisect_left(range(count), wanted, lo=at, key=self._phrase)
            known = self._phrase(at) if at < count else ""
            if not known.startswith(wanted):
                return found, length, False
            if known == wanted:
                found, length = at, taken
        return found, length, True

    def _phrase(self, number: int) -> str:
        return self.phrases[self.starts[number] : self.starts[number + 1]]


@cache
def readings() -> Readings:
    """Read the dictionary when it is first asked for, which takes a quarter of a second."""
    # Importing the library would load all of it; its folder can be had without.
    spec = find_spec("pypinyin")
    assert spec is not None, "a dependency"
    assert spec.submodule_search_locations is not None, "a package"
    folder = Path(spec.submodule_search_locations[0])
    known: dict[bytes, int] = {}
    starts, of_phrases, text = array("I", [0]), array("H"), StringIO()
    with _mapped(folder / "phrases_dict.json") as told:
        for phrase, spoken in _in_order((one[1], one[2]) for one in _PHRASE.finditer(told)):
            starts.append(starts[-1] + text.write(phrase.decode()))
            of_phrases.extend(_number(known, reading) for reading in _READING.findall(spoken))
    characters, of_characters = array("I"), array("H")
    with _mapped(folder / "pinyin_dict.json") as told:
        for code, reading in _in_order(
            (int(one[1]), one[2]) for one in _CHARACTER.finditer(told)
        ):
            characters.append(code)
            of_characters.append(_number(known, reading))
    return Readings(
        syllables=tuple(_without_tone(reading) for reading in known),
        characters=characters,
        of_characters=of_characters,
        phrases=text.getvalue(),
        starts=starts,
        of_phrases=of_phrases,
    )


@contextmanager
def _mapped(path: Path) -> Iterator[mmap]:
    """Look at a file where it lies: what is read as a whole stays with the process."""
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        yield content


def _in_order(rows: Iterable[tuple[T, bytes]]) -> Iterator[tuple[T, bytes]]:
    """Pass on what the files keep in order already: sorting it would need all of it at once."""
    last: T | None = None
    for row in rows:
        assert last is None or last < row[0], "both files are sorted"
        last = row[0]
        yield row


def _number(known: dict[bytes, int], reading: bytes) -> int:
    return known.setdefault(reading, len(known))


def _without_tone(reading: bytes) -> str:
    letters = unicodedata.normalize("NFD", reading.decode()).replace("u\u0308", "v")
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
