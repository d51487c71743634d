"""Words by which Chinese names are found: characters, pinyin, and pinyin initials."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from core.catalog.readings import readings

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
    return [part.lower() for part, _is_read in readings().parts(text)]


@lru_cache(maxsize=4096)
def _pinyin(bare: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    parts = list(readings().parts(bare))
    first = [part[:1] if is_read else part for part, is_read in parts]
    return _latin(part for part, _is_read in parts), _latin(first)


def _latin(parts: Iterable[str]) -> tuple[str, ...]:
    return tuple(word for part in parts for word in _LATIN.findall(part.lower()))
