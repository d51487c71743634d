"""Takings as pages show them: every store in a line, also one that has sold nothing yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
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
    principal: int = 0
    bonus: int = 0
    passes: int = 0
    """What was paid for the visits and minutes that were used."""

    @property
    def total(self) -> int:
        return self.principal + self.bonus + self.passes

    @property
    def to_pay(self) -> tuple[int, int]:
        """What decides who pays: money that was taken in first, then what the shop added."""
        return (self.principal + self.passes, self.bonus)

    def turned(self) -> Debt:
        """Return the same debt as the other store sees it."""
        return Debt(
            owes=self.to,
            to=self.owes,
            principal=-self.principal,
            bonus=-self.bonus,
            passes=-self.passes,
        )

    def with_more(self, more: Debt) -> Debt:
        """Return both debts of one pair together."""
        return replace(
            self,
            principal=self.principal + more.principal,
            bonus=self.bonus + more.bonus,
            passes=self.passes + more.passes,
        )


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
            passes=row["passes"],
        )
        for row in owed_between(db, first=first, last=last)
    ]


def settled(owed: Iterable[Debt]) -> list[Debt]:
    """Set debts of each pair off against each other: what is left is what is to be paid."""
    sums: dict[tuple[str, str], Debt] = {}
    for debt in owed:
        one = debt.turned() if debt.owes > debt.to else debt
        known = sums.get((one.owes, one.to), Debt(owes=one.owes, to=one.to))
        sums[one.owes, one.to] = known.with_more(one)
    left = [debt for _pair, debt in sorted(sums.items()) if debt.to_pay != (0, 0)]
    return [debt.turned() if debt.to_pay < (0, 0) else debt for debt in left]


def _by_store(db: Reader, date: str) -> dict[str, Takings]:
    names = [field.name for field in fields(Takings)]
    return {
        row["store"]: Takings(**{name: row[name] for name in names})
        for row in takings(db, date)
    }
