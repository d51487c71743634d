"""What a name is found by: the library's readings to the letter, in little memory."""

from __future__ import annotations

import random
import subprocess
import sys

import pypinyin
import pytest
from pypinyin.constants import PHRASES_DICT, PINYIN_DICT, RE_HANS

from core.catalog import syllables, terms_of
from core.catalog.readings import readings

SEED = 20261122
MIXED = 5_000
BETWEEN = ("", "a", "Ab1", " ", "·", "重庆", "单", "曾", "〇", "é", "İ", "\ue815", "\U0002a6d7")
MEMORY_MAX = 12_000_000
"""The library takes 58 MB."""
WEIGH = """
import sys
from core.catalog import terms_of
def used():
    with open("/proc/self/smaps_rollup") as told:
        return sum(int(row.split()[1]) for row in told if row.startswith("Anonymous:")) * 1024
before = used()
assert "chenchongqing" in terms_of("陈重庆")
print(used() - before, "pypinyin" in sys.modules)
"""


def as_the_library_reads(text):
    return [part.lower() for part in pypinyin.lazy_pinyin(text)]


@pytest.mark.parametrize("share", [8, pytest.param(1, marks=pytest.mark.deep)])
def test_phrases_and_characters_are_read_as_the_library_reads_them(share):
    known = [*PHRASES_DICT, *map(chr, PINYIN_DICT)]
    some = random.Random(SEED).sample(known, len(known) // share)
    assert [text for text in some if syllables(text) != as_the_library_reads(text)] == []


@pytest.mark.parametrize("text", ["放长线", "放长线钓", "没日没", "巴尔喀什", "远水解不了近"])
def test_what_is_the_beginning_of_a_phrase_is_read_as_the_library_reads_it(text):
    assert syllables(text) == as_the_library_reads(text)


def test_what_is_chinese_is_what_the_library_takes_for_it():
    chinese = [bool(RE_HANS.match(chr(code))) for code in range(0x110000)]
    edges = [code for code in range(1, 0x110000) if chinese[code] != chinese[code - 1]]
    for code in (*edges, *(edge - 1 for edge in edges)):
        parts = list(readings().parts(chr(code) + "a"))
        assert len(parts) == (2 if chinese[code] else 1), hex(code)


def test_phrases_between_others_are_found_where_the_library_finds_them():
    chance, phrases = random.Random(SEED), list(PHRASES_DICT)
    for _ in range(MIXED):
        first, second = chance.choice(phrases), chance.choice(phrases)
        text = (
            chance.choice(BETWEEN)
            + first[: chance.randint(1, len(first))]
            + chance.choice(BETWEEN)
            + second[chance.randint(0, len(second) - 1) :]
            + chance.choice(BETWEEN)
        )
        assert syllables(text) == as_the_library_reads(text), text


@pytest.mark.parametrize(
    ("name", "found_by"),
    [
        ("李慧敏", {"李慧敏", "慧敏", "敏", "lihuimin", "huimin", "min", "lhm", "hm", "m"}),
        ("重庆小面", {"chongqingxiaomian", "cqxm"}),
        ("银行", {"yinhang", "yh"}),
        ("行走", {"xingzou", "xz"}),
        ("SPA护理 60", {"spahuli60", "spahl60", "hl60"}),
        ("绿", {"lv", "l"}),
    ],
)
def test_a_name_is_found_by_characters_pinyin_and_initials(name, found_by):
    assert found_by <= set(terms_of(name))


def test_the_dictionary_takes_a_few_megabytes_and_not_the_library():
    weighed = subprocess.run(
        [sys.executable, "-c", WEIGH], capture_output=True, text=True, check=True, timeout=60
    )
    grown, is_loaded = weighed.stdout.split()
    assert int(grown) < MEMORY_MAX
    assert is_loaded == "False"
