"""Words by which Chinese names are found: characters, pinyin, and pinyin initials."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib import import_module
from typing import Any

_LATIN = re.compile(r"[0-9a-z]+")


def terms_of(name: str) -> list[str]:
    """Return what a name can be found by, each to be matched from its beginning.

    李慧敏 gives 李慧敏 慧敏 敏 lihuimin huimin min lhm hm m: a search for any run of
    characters, full pinyin or initials from any syllable on finds it.
    """
    bare = "".join(name.split()).lower()
    syllables, initials = _pinyin(bare)
    found: dict[str, None] = {}
    for start in range(len(bare)):
        found[bare[start:]] = None
    for parts in (syllables, initials):
        for start in range(len(parts)):
            found["".join(parts[start:])] = None
    return [term for term in found if term]


def syllables(text: str) -> list[str]:
    """Return text in pinyin: a part for each Chinese character and each run of others."""
    return [part.lower() for part in _pypinyin().lazy_pinyin(text)]


@cache
def _pypinyin() -> Any:
    """Load the dictionary when it is first asked for.

    It takes 58 MB and a fifth of a second in each process that writes names of members and
    items: web, and whoever takes them in from the other side of the wire.
    """
    return import_module("pypinyin")


@lru_cache(maxsize=4096)
def _pinyin(bare: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    full = syllables(bare)
    if len(full) == len(bare):
        # One syllable a character, as in nearly every name: no need to look it up again.
        first = [part[:1] for part in full]
    else:
        style = _pypinyin().Style.FIRST_LETTER
        first = [part.lower() for part in _pypinyin().lazy_pinyin(bare, style=style)]
    return _latin(full), _latin(first)


def _latin(parts: list[str]) -> tuple[str, ...]:
    return tuple(word for part in parts for word in _LATIN.findall(part))
