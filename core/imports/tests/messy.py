"""Member lists as shops export them, with known sums, for tests and measurements.

`write_members(path, rows, bad_fraction, seed)` writes .xlsx or .csv by the path's ending and
says what an import must find in it.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from core.imports.tests.raw_xlsx import DATE, MONEY, Styled, Value, write_workbook

TODAY = date(2026, 6, 30)
"""The date on which the lists are right; give it to the import."""

HEADINGS = (
    "会员编号",
    "会员卡号",
    "会员姓名",
    "手机号码(必填)",
    "性别",
    "生日",
    "会员等级",
    "卡内余额（元）",
    "赠送余额（元）",
    "可用积分",
    "剩余次数",
    "开卡日期",
    "开卡门店",
    "最近消费时间",
    "备注",
)
NUMBER, CARD, NAME, PHONE, GENDER, BIRTHDAY, LEVEL, PRINCIPAL, BONUS, POINTS, PUNCHES = range(
    11
)
JOINED = 11

_SURNAMES = "王李张刘陈杨黄赵周吴徐孙马朱胡郭何高林罗𠮷"
_GIVEN = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂玲婷雪梅倩"
_LEVELS = ("普通会员", "银卡", "金卡", "钻石卡", "VIP")
_STORES = ("总店", "万达店", "人民路店")
_NOTES = (
    "",
    "",
    "",
    "喜欢靠窗",
    "皮肤敏感,勿用酒精",
    "老客户\n周末来",
    '自称"小仙女"',
    "=好评",
    "-50%券一张",
)


@dataclass(frozen=True)
class Written:
    """What an import of the file must find. Sums are of the good rows, in fen."""

    good: int
    bad: int
    principal_cents: int
    bonus_cents: int
    points: int
    punches: int
    bad_lines: tuple[int, ...]


@dataclass
class _Sums:
    good: int = 0
    principal: int = 0
    bonus: int = 0
    points: int = 0
    punches: int = 0
    bad_lines: list[int] = field(default_factory=list)
    phones: list[str] = field(default_factory=list)


def write_members(
    path: Path,
    rows: int,
    bad_fraction: float,
    seed: int,
    *,
    encoding: str = "gb18030",
    blank_every: int = 997,
) -> Written:
    """Write `rows` members of whom `bad_fraction` cannot be imported, and a line of totals.

    The totals are one more bad row. `encoding` is for .csv; "utf-8" is written with its mark.
    """
    chance = random.Random(seed)
    sheet = path.suffix.lower() == ".xlsx"
    sums = _Sums()
    lines = _lines(chance, rows, round(rows * bad_fraction), blank_every, sums, sheet=sheet)
    if sheet:
        write_workbook(path, {"会员资料": lines})
    else:
        _write_csv(path, lines, "utf-8-sig" if encoding == "utf-8" else encoding)
    return Written(
        good=sums.good,
        bad=len(sums.bad_lines),
        principal_cents=sums.principal,
        bonus_cents=sums.bonus,
        points=sums.points,
        punches=sums.punches,
        bad_lines=tuple(sums.bad_lines),
    )


def _write_csv(path: Path, lines: Iterator[list[Value]], encoding: str) -> None:
    with path.open("w", encoding=encoding, newline="") as stream:
        writer = csv.writer(stream)
        for line in lines:
            if line and line[0] is BROKEN:
                stream.write('M0,"未闭合"的引号,张三,13800000000\r\n')
            else:
                writer.writerow(["" if cell is None else cell for cell in line])


BROKEN = "\0broken"
"""Stands in the first cell for a line whose quotes do not match."""


def _lines(
    chance: random.Random, rows: int, bad: int, blank_every: int, sums: _Sums, *, sheet: bool
) -> Iterator[list[Value]]:
    line = 4
    yield ["丽人美容会所 会员资料"]
    yield []
    yield ["导出时间：2026-06-30 21:05", None, None, "操作员：前台"]
    yield list(HEADINGS)
    spoiled = set(chance.sample(range(rows), bad))
    for index in range(rows):
        line += 1
        if line % blank_every == 0:
            line += 1
            yield [None, "", "  "] if not sheet else [None, " "]
        cells = _good(chance, index, sums, counted=index not in spoiled, sheet=sheet)
        if index in spoiled:
            sums.bad_lines.append(line)
            cells = _spoil(chance, cells, sums, sheet=sheet)
        yield cells
    sums.bad_lines.append(line + 1)
    yield ["合计：", *[None] * 6, "¥1,234,567.00"]


def _good(
    chance: random.Random, index: int, sums: _Sums, *, counted: bool, sheet: bool
) -> list[Value]:
    phone = f"1{chance.choice('3578')}{chance.randrange(10)}{index:08d}"
    principal = chance.choice(
        (0, chance.randrange(0, 500) * 1000, chance.randrange(0, 500_000))
    )
    bonus = chance.choice((0, 0, chance.randrange(0, 300) * 100))
    points, punches = (
        chance.randrange(0, 20_000),
        chance.choice((0, 0, chance.randrange(0, 30))),
    )
    if counted:
        sums.good += 1
        sums.principal += principal
        sums.bonus += bonus
        sums.points += points
        sums.punches += punches
        sums.phones.append(phone)
    born = date(1950, 1, 1) + timedelta(days=chance.randrange(0, 20_000))
    joined = date(2015, 1, 1) + timedelta(days=chance.randrange(0, 4_000))
    name = chance.choice(_SURNAMES) + "".join(
        chance.choices(_GIVEN, k=chance.choice((1, 2, 2)))
    )
    return [
        f"M{index:07d}",
        chance.choice((f"80{index:08d}", f"80 {index:08d}", f"{_wide(f'80{index:08d}')}")),
        chance.choice((name, f" {name} ", f"{name}\t", name)),
        _phone(chance, phone, sheet=sheet),
        chance.choice(("男", "女", "先生", "女士", "F", "M", "未知", "", None)),
        _birthday(chance, born, sheet=sheet),
        chance.choice(_LEVELS),
        _amount(chance, principal, sheet=sheet),
        _amount(chance, bonus, sheet=sheet),
        chance.choice(
            (str(points), f"{points:,}", f"{points}.0", points if sheet else str(points))
        ),
        str(punches) if punches else chance.choice(("", "0", "-")),
        _day(chance, joined, sheet=sheet),
        chance.choice(_STORES),
        "2026-06-01 13:45:10",
        chance.choice(_NOTES),
    ]


def _wide(digits: str) -> str:
    return digits.translate({ord("0") + digit: ord("０") + digit for digit in range(10)})


def _phone(chance: random.Random, phone: str, *, sheet: bool) -> Value:
    spelled: tuple[Value, ...] = (
        phone,
        phone,
        f"{phone[:3]} {phone[3:7]} {phone[7:]}",
        f"{phone[:3]}-{phone[3:7]}-{phone[7:]}",
        f"+86 {phone}",
        _wide(phone),
        f"{phone}.0",
        f"{phone[0]}.{phone[1:]}E+10",
        f"{phone}\t",
        f"'{phone}",
    )
    return (
        chance.choice((*spelled, int(phone), float(phone))) if sheet else chance.choice(spelled)
    )


def _birthday(chance: random.Random, day: date, *, sheet: bool) -> Value:
    return chance.choice(
        (None, f"{day:%m-%d}", f"{day.month}月{day.day}日", _day(chance, day, sheet=sheet))
    )


def _day(chance: random.Random, day: date, *, sheet: bool) -> Value:
    serial = (day - date(1899, 12, 30)).days
    spelled: tuple[Value, ...] = (
        day.isoformat(),
        f"{day.year}/{day.month}/{day.day}",
        f"{day.year}.{day.month}.{day.day}",
        f"{day.year}年{day.month}月{day.day}日",
        f"{day:%Y%m%d}",
        f"{day.year}/{day.month}/{day.day} 0:00",
        f"{day.isoformat()} 13:45:10",
        str(serial),
    )
    return (
        chance.choice((*spelled, serial, Styled(serial, DATE)))
        if sheet
        else chance.choice(spelled)
    )


def _amount(chance: random.Random, cents: int, *, sheet: bool) -> Value:
    whole, fen = divmod(cents, 100)
    plain = f"{whole}.{fen:02d}"
    spelled: tuple[Value, ...] = (
        plain,
        f"{whole:,}.{fen:02d}元",
        f"¥{plain}",
        f"￥{whole:,}.{fen:02d}",
        f"{plain}0000000000001",
        f" {plain} ",
    )
    if cents == 0:
        spelled += ("", "-", "0")
    if sheet:
        # As a spreadsheet keeps the sum of many small amounts.
        spelled += (cents / 100, Styled(cents / 100 + 1e-10, MONEY))
    return chance.choice(spelled)


def _set(place: int, *values: Value) -> Callable[[random.Random, list[Value]], list[Value]]:
    def spoil(chance: random.Random, cells: list[Value]) -> list[Value]:
        return [*cells[:place], chance.choice(values), *cells[place + 1 :]]

    return spoil


_SPOILS = (
    _set(NAME, "", "  ", "无"),
    _set(NAME, "长" * 61),
    _set(PHONE, "1381234", "没有手机", "23812345678", "0000"),
    _set(PHONE, "138****2046"),
    _set(PHONE, "1.38E+10"),
    _set(PHONE, "13812345678/13912345678"),
    _set(GENDER, "男女", "1"),
    _set(BIRTHDAY, "1990-02-30", "2090-01-01", "90-1-2", "5/6/1990", "农历八月十五"),
    _set(PRINCIPAL, "-50.00", "壹佰元", "12.345", "1.2万", "99999999999"),
    _set(BONUS, "(20.00)", "#REF!"),
    _set(POINTS, "12.5", "-3", "很多"),
    _set(PUNCHES, "面部护理3次"),
    _set(JOINED, "2024-13-01", "昨天", "01-02", "2027-01-01"),
)


def _spoil(
    chance: random.Random, cells: list[Value], sums: _Sums, *, sheet: bool
) -> list[Value]:
    way = chance.randrange(len(_SPOILS) + 3)
    if way < len(_SPOILS):
        return _SPOILS[way](chance, cells)
    if way == len(_SPOILS) and sums.phones:
        return _set(PHONE, chance.choice(sums.phones))(chance, cells)
    if way == len(_SPOILS) + 1 and not sheet:
        return [BROKEN]
    return [None, None, cells[NAME], None, *cells[4:]]
