"""Takings as pages show them: every store in a line, also one that has sold nothing yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date as calendar_date
from datetime import timedelta

from cloud.fleet import Branch
from core.sqlite import Reader
from core.till import owed_between, takings, turnover

TREND_DAYS = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Takings:
    """A day's figures, of one store or of all, in fen but for the counts."""

    bills: int = 0
    sold: int = 0
    reversals: int = 0
    returned: int = 0
    topups: int = 0
    topped_up: int = 0
    from_balance: int = 0

    @property
    def revenue(self) -> int:
        """What was sold, less what reversals gave back."""
        return self.sold - self.returned


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A store's takings, with how sure one can be that they are all."""

    branch: Branch
    date: str
    takings: Takings


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One bar of the trend."""

    date: str
    revenue: int
    share: int
    """Of the best day shown, in hundredths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """What one store owes another: it took the money that the other earned."""

    owes: str
    to: str
    principal: int
    bonus: int


def of_stores(db: Reader, branches: Iterable[Branch], dates: dict[str, str]) -> list[Line]:
    """Return each store's takings on its own business date."""
    asked = {date: _by_store(db, date) for date in set(dates.values())}
    return [
        Line(
            branch=branch,
            date=dates[branch.id],
            takings=asked[dates[branch.id]].get(branch.id, Takings()),
        )
        for branch in branches
    ]


def total(lines: Iterable[Line]) -> Takings:
    """Add up."""
    listed = [line.takings for line in lines]
    names = [field.name for field in fields(Takings)]
    return Takings(**{name: sum(getattr(one, name) for one in listed) for name in names})


def trend(db: Reader, last: str, *, days: int = TREND_DAYS) -> list[Day]:
    """Return the revenue of each of the last days, also of those without any."""
    end = calendar_date.fromisoformat(last)
    dates = [(end - timedelta(days=back)).isoformat() for back in range(days - 1, -1, -1)]
    rows = turnover(db, first=dates[0], last=last)
    known = {row["date"]: row["revenue"] for row in rows}
    best = max([1, *known.values()])
    return [
        Day(
            date=date,
            revenue=known.get(date, 0),
            share=max(0, known.get(date, 0)) * 100 // best,
        )
        for date in dates
    ]


def debts(db: Reader, *, first: str, last: str) -> list[Debt]:
    """Return who owes whom for value taken in at one store and spent at another."""
    return [
        Debt(
            owes=row["taken_at"],
            to=row["spent_at"],
            principal=row["principal"],
            bonus=row["bonus"],
        )
        for row in owed_between(db, first=first, last=last)
    ]


def settled(owed: Iterable[Debt]) -> list[Debt]:
    """Set debts of each pair off against each other: what is left is what is to be paid."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for debt in owed:
        turned = debt.owes > debt.to
        pair = (debt.to, debt.owes) if turned else (debt.owes, debt.to)
        sign = -1 if turned else 1
        principal, bonus = sums.get(pair, (0, 0))
        sums[pair] = (principal + sign * debt.principal, bonus + sign * debt.bonus)
    left = []
    for (one, other), (principal, bonus) in sorted(sums.items()):
        if principal < 0 or (principal == 0 and bonus < 0):
            left.append(Debt(owes=other, to=one, principal=-principal, bonus=-bonus))
        elif principal or bonus:
            left.append(Debt(owes=one, to=other, principal=principal, bonus=bonus))
    return left


def _by_store(db: Reader, date: str) -> dict[str, Takings]:
    names = [field.name for field in fields(Takings)]
    return {
        row["store"]: Takings(**{name: row[name] for name in names})
        for row in takings(db, date)
    }
