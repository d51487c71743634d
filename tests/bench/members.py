"""A shop with very many members, made in bulk: rows as registering leaves them, no journal."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from core.catalog import terms_of
from core.ids import seeded
from hub.app import open_hub
from tests.bench.shop import furnish

BATCH = 20_000
BEGAN_AT = 1_600_000_000_000
CACHE_KIB = 256 * 1024

# A shop sees these surnames about so often.
_SURNAMES = {
    "王": 72, "李": 70, "张": 68, "刘": 54, "陈": 45, "杨": 31, "黄": 22, "赵": 21, "吴": 20,
    "周": 20, "徐": 15, "孙": 15, "马": 13, "朱": 13, "胡": 12, "郭": 12, "何": 11, "高": 10,
    "林": 10, "罗": 9, "郑": 9, "梁": 9, "谢": 8, "宋": 8, "唐": 7, "许": 7, "韩": 7, "邓": 6,
    "冯": 6, "曹": 6, "彭": 5, "曾": 5, "欧阳": 1, "上官": 1, "尉迟": 1,
}  # fmt: skip
_GIVEN = (
    "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂玲婷雪梅倩慧欣怡梓涵雨轩浩宇思琪佳文博一诺"
    "子墨晨曦若彤嘉俊熙美琳海燕建国志红玉兰春花金凤小雅晓东永康德华云飞天宝立新少芬淑珍惠"
)

_MEMBER = """INSERT INTO member (id, number, standing, name, name_terms, phone, gender, birthday,
  category, note, store, since, joined_on, stamps)
  VALUES (?, ?, 'member', ?, ?, ?, 'female', ?, '普通会员', '', 's1', ?, '2020-09-13', ?)"""
_CARD = (
    "INSERT INTO card (number, member, generation, active, since, stamps) VALUES (?,?,1,1,?,?)"
)
_STAMPED = (
    "birthday", "category", "gender", "joined_on", "name", "name_terms", "note", "number",
    "phone", "since", "standing", "store",
)  # fmt: skip

_folders: list[tempfile.TemporaryDirectory[str]] = []
"""Kept until the program ends, so that benches share what takes long to make."""


@cache
def shop_with(count: int) -> Path:
    """Return the folder of a shop with so many members."""
    made = tempfile.TemporaryDirectory(prefix="dianshu-bench-")
    _folders.append(made)
    folder = Path(made.name) / "hub"
    furnish(folder)
    box = open_hub(folder)
    try:
        with box.door.connection() as connection:
            # A crash would cost nothing but this bench.
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            connection.execute("PRAGMA wal_autocheckpoint = 20000")
            rows = _people(count)
            while batch := list(islice(rows, BATCH)):
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(_MEMBER, (member for member, _card in batch))
                connection.executemany(_CARD, (card for _member, card in batch))
                connection.execute("COMMIT")
        box.door.checkpoint()
    finally:
        box.close()
    return folder


Values = tuple[Any, ...]


def _people(count: int) -> Iterator[tuple[Values, Values]]:
    """Yield the rows of a member and of their card."""
    chance, ids = random.Random(3), seeded(3)
    named: dict[str, str] = {}
    for number in range(count):
        at = BEGAN_AT + number * 60_000
        name, phone = _name(chance), f"1{chance.choice('3578')}{chance.randrange(10**9):09}"
        known = f"MA{number + 1_000:06}"
        terms = named.get(name) or named.setdefault(name, " ".join(terms_of(name)))
        day = f"{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"
        stamp = f"{at:011x}.0001.{number:08x}.00112233445566aa"
        stamps = msgspec.json.encode(dict.fromkeys(_STAMPED, stamp)).decode()
        card_stamps = msgspec.json.encode(
            dict.fromkeys(("active", "generation", "member", "since"), stamp)
        ).decode()
        member = ids.new(at)
        yield (
            (member, known, name, terms, phone, f"1990-{day}", at, stamps),
            (f"81{number:08}", member, at, card_stamps),
        )


def _name(chance: random.Random) -> str:
    (surname,) = chance.choices(list(_SURNAMES), list(_SURNAMES.values()))
    return surname + "".join(chance.choices(_GIVEN, k=chance.choice((1, 2, 2))))
