"""What a day brought, by store: asked the same way at a store and at head office."""

from __future__ import annotations

from core.sqlite import Reader, Row

_TAKINGS = """
    SELECT store, SUM(bills) AS bills, SUM(sold) AS sold, SUM(reversals) AS reversals,
           SUM(returned) AS returned, SUM(topups) AS topups, SUM(topped_up) AS topped_up,
           SUM(from_balance) AS from_balance
      FROM (SELECT store, sign = 1 AS bills, CASE sign WHEN 1 THEN total ELSE 0 END AS sold,
                   sign = -1 AS reversals, CASE sign WHEN -1 THEN total ELSE 0 END AS returned,
                   0 AS topups, 0 AS topped_up, 0 AS from_balance
              FROM sale WHERE date = :date
            UNION ALL
            SELECT store, 0, 0, 0, 0, 1, price, 0 FROM topup WHERE date = :date
            UNION ALL
            SELECT s.store, 0, 0, 0, 0, 0, 0, s.sign * p.amount
              FROM sale s JOIN sale_payment p ON p.sale = s.id
             WHERE s.date = :date
               AND p.tender IN ('stored_value', 'punches', 'minutes', 'coupons'))
     GROUP BY store"""

_TURNOVER = """
    SELECT date, SUM(sign * total) AS revenue, SUM(sign = 1) AS bills
      FROM sale WHERE date BETWEEN :first AND :last GROUP BY date ORDER BY date"""

# Value belongs to the store that took it in: where its lot was first issued. What is given back
# after the lot ended is a lot of its own, issued by the store that gave it back.
_BETWEEN = """
    WITH spent AS (
      SELECT lot, store, asset, amount FROM movement
       WHERE date BETWEEN :first AND :last AND asset IN ('principal', 'bonus')
         AND kind IN ('ticket.settled', 'ticket.reversed', 'ticket.part_reversed')),
    issued AS (
      SELECT lot, store, ROW_NUMBER() OVER (
               PARTITION BY lot
               ORDER BY kind IN ('ticket.reversed', 'ticket.part_reversed'),
                        at, origin, epoch, seq
             ) AS place
        FROM movement
       WHERE amount > 0 AND asset IN ('principal', 'bonus')
         AND kind IN ('wallet.topped_up', 'wallet.opened', 'wallet.adjusted',
                      'ticket.reversed', 'ticket.part_reversed')
         AND lot IN (SELECT lot FROM spent))
    SELECT COALESCE(i.store, '') AS taken_at, s.store AS spent_at,
           -SUM(CASE s.asset WHEN 'principal' THEN s.amount ELSE 0 END) AS principal,
           -SUM(CASE s.asset WHEN 'bonus' THEN s.amount ELSE 0 END) AS bonus
      FROM spent s LEFT JOIN issued i ON i.lot = s.lot AND i.place = 1
     WHERE COALESCE(i.store, '') <> s.store
     GROUP BY COALESCE(i.store, ''), s.store
    HAVING SUM(CASE s.asset WHEN 'principal' THEN s.amount ELSE 0 END) <> 0
        OR SUM(CASE s.asset WHEN 'bonus' THEN s.amount ELSE 0 END) <> 0
     ORDER BY taken_at, spent_at"""


def takings(db: Reader, date: str) -> list[Row]:
    """Return each store's bills, reversals and top-ups of a business date, in fen.

    `sold` is before reversals, `returned` what they gave back, `from_balance` what of it was
    paid by stored value and passes. Drain history first.
    """
    return db.all(_TAKINGS, date=date)


def turnover(db: Reader, *, first: str, last: str) -> list[Row]:
    """Return each date's revenue (fen, less reversals) and bills. Drain history first."""
    return db.all(_TURNOVER, first=first, last=last)


def owed_between(db: Reader, *, first: str, last: str) -> list[Row]:
    """Return value (fen) that was taken in at one store and spent at another, by pair.

    Over the business dates on which it was spent, less what reversals gave back. A lot that
    nobody knows the origin of is taken in at ''. Drain history first.
    """
    return db.all(_BETWEEN, first=first, last=last)
