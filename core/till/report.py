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
# after the lot ended is a lot of its own, issued by the store that gave it back. What was laid
# out is head office's, which is owed it by whose lot pays it back. A pass is worth what was
# paid for it, shared out over its units; the shares of a period are rounded down.
_BETWEEN = """
    WITH spent AS (
      SELECT lot, store, asset, SUM(amount) AS amount FROM movement
       WHERE date BETWEEN :first AND :last
         AND asset IN ('principal', 'bonus', 'punches', 'minutes', 'coupons')
         AND kind IN ('ticket.settled', 'ticket.reversed', 'ticket.part_reversed',
                      'wallet.collected')
       GROUP BY lot, store, asset),
    issued AS (
      SELECT lot, store, ROW_NUMBER() OVER (
               PARTITION BY lot
               ORDER BY kind IN ('ticket.reversed', 'ticket.part_reversed'),
                        at, origin, epoch, seq
             ) AS place
        FROM movement
       WHERE amount > 0
         AND kind IN ('wallet.topped_up', 'wallet.opened', 'wallet.adjusted',
                      'wallet.pass_given', 'ticket.reversed', 'ticket.part_reversed')
         AND lot IN (SELECT lot FROM spent)),
    worth AS (
      SELECT COALESCE(i.store, '') AS taken_at, s.store AS spent_at, s.asset,
             -s.amount * CASE WHEN s.asset IN ('principal', 'bonus') THEN 1 ELSE l.paid END
               / CASE WHEN s.asset IN ('principal', 'bonus') THEN 1 ELSE l.units END AS amount
        FROM spent s
        LEFT JOIN issued i ON i.lot = s.lot AND i.place = 1
        LEFT JOIN lot l ON l.lot = s.lot AND l.units > 0),
    owed AS (
      SELECT taken_at, spent_at,
             SUM(CASE asset WHEN 'principal' THEN amount ELSE 0 END) AS principal,
             SUM(CASE asset WHEN 'bonus' THEN amount ELSE 0 END) AS bonus,
             SUM(CASE WHEN asset IN ('principal', 'bonus') THEN 0
                      ELSE COALESCE(amount, 0) END) AS passes
        FROM worth WHERE taken_at <> spent_at GROUP BY taken_at, spent_at)
    SELECT * FROM owed WHERE principal <> 0 OR bonus <> 0 OR passes <> 0
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

    Over the business dates on which it was spent, less what reversals gave back. `passes` is
    the share of what was paid for them. A lot that nobody knows the origin of, as what was
    laid out, is taken in at '', which is head office. Drain history first.
    """
    return db.all(_BETWEEN, first=first, last=last)
