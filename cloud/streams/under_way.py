"""Transfers that left head office and have not arrived: to which store, and since when."""

from __future__ import annotations

from dataclasses import dataclass

from core.journal import place_of
from core.sqlite import Reader, Row
from core.wallet import Asset, Holding

UNDER_WAY_SHOWN_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """One transfer to a store's box: principal and bonus in fen, points in points."""

    transfer: str
    member: str
    hub: str
    epoch: int
    at: int
    """When it left, in ms of head office's clock."""
    asked: bool
    """Whether a store asked for it; else head office sent it by itself."""
    principal: int
    bonus: int
    points: int
    passes: int = 0
    """Visits, minutes and coupons, in units."""

    @property
    def value(self) -> int:
        return self.principal + self.bonus


def under_way(
    db: Reader, *, member: str = "", until: int | None = None, limit: int = UNDER_WAY_SHOWN_MAX
) -> list[UnderWay]:
    """Return transfers under way, the oldest first, as far as they left by `until` (ms)."""
    rows = db.all(
        """SELECT g.transfer, g.member, g.hub, g.epoch, g.at, g.request <> '' AS asked,
                  SUM(CASE t.asset WHEN 'principal' THEN t.amount ELSE 0 END) AS principal,
                  SUM(CASE t.asset WHEN 'bonus' THEN t.amount ELSE 0 END) AS bonus,
                  SUM(CASE t.asset WHEN 'points' THEN t.amount ELSE 0 END) AS points,
                  SUM(CASE WHEN t.asset IN ('punches', 'minutes', 'coupons')
                      THEN t.amount ELSE 0 END) AS passes
             FROM transit t JOIN granted g ON g.transfer = t.transfer
            WHERE t.amount <> 0 AND (:member = '' OR t.member = :member)
              AND (:until IS NULL OR g.at <= :until)
            GROUP BY g.transfer ORDER BY g.at, g.transfer LIMIT :limit""",
        member=member,
        until=until,
        limit=limit,
    )
    return [UnderWay(**{**dict(row), "asked": bool(row["asked"])}) for row in rows]


def grants_under_way(db: Reader, member: str) -> list[tuple[str, Holding]]:
    """Return what is on its way to boxes, each lot with the place that it will lie at."""
    rows = db.all(
        """SELECT g.hub, g.epoch, t.asset, t.lot, t.amount, l.opened_at, l.expires, l.stores
             FROM transit t JOIN granted g ON g.transfer = t.transfer
             LEFT JOIN lot l ON l.lot = t.lot
            WHERE t.member = :member AND t.amount > 0""",
        member=member,
    )
    return [(place_of(row["hub"], row["epoch"]), _holding(row)) for row in rows]


def _holding(row: Row) -> Holding:
    return Holding(
        asset=Asset(row["asset"]),
        lot=row["lot"],
        amount=row["amount"],
        opened_at=row["opened_at"] or 0,
        expires=row["expires"],
        stores=tuple((row["stores"] or "").split()),
    )
