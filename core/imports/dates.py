"""Dates in the spellings that people and spreadsheets use, and none that is guessed."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time

from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel

from core.imports.cells import Cell, YearHidden, clipped
from core.imports.fields import CellRefused, Context
from core.imports.texts import words

TYPED_CHARS_MAX = 40
SERIAL_MIN, SERIAL_MAX = 10_000, 80_000
"""Days since 1900 from 1927 to 2119. Smaller numbers are years or slips, not days."""
BIRTHDAY_MIN = date(1900, 1, 2)
JOINED_MIN = date(1980, 1, 1)
ENDLESS_FROM = date(2200, 1, 1)
"""Later ends, like 9999-12-31, are how programs write "never"."""

# What databases and spreadsheets write where there is no date.
_NO_DATE = frozenset({date(1, 1, 1), date(1899, 12, 30), date(1899, 12, 31), date(1900, 1, 1)})
_ZEROS = re.compile(r"0000[-/.]00?[-/.]00?(?:[T ].*)?|1900[-/]0?1[-/]00?(?: .*)?|0(?:\.0+)?")
_ENDLESS = frozenset(
    {"永久", "永久有效", "长期", "长期有效", "无限期", "不限", "不限期", "终身"}
)

_TIME_OF_DAY = (
    r"(?:T|\s)*(?:\(?(?:星期|周)[一二三四五六日天]\)?)?"
    r"(?:(?:T|\s)*(?:上午|下午|[AaPp][Mm])?\s*[0-9]{1,2}[:时点][0-9:.分秒\s]*(?:[AaPp][Mm])?)?"
)
_FULL = re.compile(
    r"(?P<year>[0-9]{4})(?P<between>[-/.])(?P<month>[0-9]{1,2})(?P=between)(?P<day>[0-9]{1,2})"
    + _TIME_OF_DAY
)
_CHINESE = re.compile(r"([0-9]{4}|[0-9]{2})年([0-9]{1,2})月([0-9]{1,2})[日号]?" + _TIME_OF_DAY)
_COMPACT = re.compile(
    r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})(?:\s?[0-9]{6})?(?:\.0+)?"
)
_SERIAL = re.compile(r"[0-9]{5}(?:\.[0-9]+)?")
_MONTH_DAY = re.compile(r"([0-9]{1,2})(?:月([0-9]{1,2})[日号]?|[-/]([0-9]{1,2}))")
_MONTH_DOT_DAY = re.compile(r"([0-9]{2})\.([0-9]{2})")
_YEAR_LAST = re.compile(r"[0-9]{1,2}([-/.])[0-9]{1,2}\1[0-9]{4}(?:\s.*)?")
_YEAR_SHORT = re.compile(r"[0-9]{1,2}([-/.])[0-9]{1,2}\1[0-9]{1,2}(?:\s.*)?|[0-9]{6}")
_AROUND_UNITS = re.compile(r"\s*([年月日号])\s*")


def joined_on(cell: Cell, context: Context) -> date | None:
    """Read a day that has been."""
    day = _day(cell, context, ahead=False)
    if day and day < JOINED_MIN:
        raise CellRefused("date_too_early", value=clipped(cell))
    return day


def expires_on(cell: Cell, context: Context) -> date | None:
    """Read the last day that something holds; None is for ever."""
    if isinstance(cell, str) and words(cell) in _ENDLESS:
        return None
    day = _day(cell, context, ahead=True)
    if day and day < JOINED_MIN:
        raise CellRefused("date_too_early", value=clipped(cell))
    return None if day and day >= ENDLESS_FROM else day


def birthday(cell: Cell, context: Context) -> str | None:
    """Read a birthday as YYYY-MM-DD, or MM-DD where the year is not told."""
    if isinstance(cell, YearHidden):
        return f"{cell:%m-%d}"
    if isinstance(cell, str) and (month_day := _month_and_day(_typed(cell))):
        # Any leap year serves to know that the day exists.
        return _real(2000, *month_day, cell).isoformat()[5:]
    day = _day(cell, context, ahead=False)
    if day and day < BIRTHDAY_MIN:
        raise CellRefused("date_too_early", value=clipped(cell))
    return day.isoformat() if day else None


def _day(cell: Cell, context: Context, *, ahead: bool) -> date | None:
    if isinstance(cell, datetime):
        day: date | None = cell.date()
    elif isinstance(cell, int | float):
        day = _numbered(cell, cell, context)
    elif cell == time():
        # Zero under a date format is midnight.
        day = None
    else:
        day = _written(cell, context, ahead=ahead)
    if day is None or day in _NO_DATE:
        return None
    if day > context.today and not ahead:
        raise CellRefused("date_future", value=clipped(cell))
    return day


def _written(cell: Cell, context: Context, *, ahead: bool) -> date | None:
    text = _typed(cell)
    if not text or _ZEROS.fullmatch(text):
        return None
    if match := _FULL.fullmatch(text) or _COMPACT.fullmatch(text):
        return _matched(match, cell)
    if match := _CHINESE.fullmatch(text):
        year, month, day = map(int, match.groups())
        if len(match[1]) == 4:
            return _real(year, month, day, cell)
        # The written unit says that this is the year; the century is the last one that fits.
        found = _real(2000 + year, month, day, cell)
        return (
            found if ahead or found <= context.today else _real(1900 + year, month, day, cell)
        )
    if _SERIAL.fullmatch(text):
        return _numbered(float(text), cell, context)
    raise CellRefused(_why_unreadable(text), value=clipped(cell))


def _why_unreadable(text: str) -> str:
    if _month_and_day(text):
        return "date_year_missing"
    if _YEAR_LAST.fullmatch(text):
        return "date_order_unclear"
    return "date_year_short" if _YEAR_SHORT.fullmatch(text) else "date_unreadable"


def _numbered(number: float, cell: Cell, context: Context) -> date | None:
    """Read a number: 20240102, or days since a spreadsheet's first day."""
    if not number:
        return None
    if SERIAL_MIN <= number < SERIAL_MAX:
        epoch = MAC_EPOCH if context.epoch_1904 else WINDOWS_EPOCH
        moment: datetime = from_excel(number, epoch)
        return moment.date()
    match = _COMPACT.fullmatch(f"{number:.0f}")
    if not match or number != int(number):
        raise CellRefused("date_unreadable", value=clipped(cell))
    return _matched(match, cell)


def _typed(cell: Cell) -> str:
    text = words(cell)
    if len(text) > TYPED_CHARS_MAX:
        raise CellRefused("date_unreadable", value=clipped(cell))
    text = unicodedata.normalize("NFKC", text.strip("'‘’ "))
    return _AROUND_UNITS.sub(r"\1", text)


def _month_and_day(text: str) -> tuple[int, int] | None:
    match = _MONTH_DAY.fullmatch(text) or _MONTH_DOT_DAY.fullmatch(text)
    if not match:
        return None
    month, day = (int(part) for part in match.groups() if part)
    return month, day


def _matched(match: re.Match[str], cell: Cell) -> date:
    return _real(int(match["year"]), int(match["month"]), int(match["day"]), cell)


def _real(year: int, month: int, day: int, cell: Cell) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise CellRefused("date_not_real", value=clipped(cell)) from None
