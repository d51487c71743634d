"""What only the counter's pages ask."""

from __future__ import annotations

from core.members import ALIASES
from core.organisation import true_times
from core.sqlite import Reader, Row


def value_history(db: Reader, member: str, *, here: str, limit: int) -> list[Row]:
    """Return what moved in a member's wallet, one row an event, newest first.

    `left_…` is what was held here after it. Names a top-up's package, a bill's number or the
    reason of a correction. Drain history first.
    """
    rows = db.all(
        f"""{ALIASES} SELECT h.*, w.name AS staff_name, a.reason, t.id AS topup, t.offer_name,
                  t.number AS topup_number, s.id AS sale, s.number AS sale_number
             FROM (SELECT v.*,
                          SUM(principal) OVER run AS left_principal,
                          SUM(bonus) OVER run AS left_bonus,
                          SUM(points) OVER run AS left_points
                     FROM (SELECT origin, epoch, seq, MIN(at) AS at, MIN(kind) AS kind,
                                  MIN(actor) AS actor,
                                  SUM(CASE asset WHEN 'principal' THEN amount ELSE 0 END)
                                    AS principal,
                                  SUM(CASE asset WHEN 'bonus' THEN amount ELSE 0 END) AS bonus,
                                  SUM(CASE asset WHEN 'points' THEN amount ELSE 0 END)
                                    AS points,
                                  SUM(CASE asset WHEN 'punches' THEN amount ELSE 0 END)
                                    AS punches,
                                  SUM(CASE asset WHEN 'minutes' THEN amount ELSE 0 END)
                                    AS minutes,
                                  SUM(CASE asset WHEN 'coupons' THEN amount ELSE 0 END)
                                    AS coupons,
                                  SUM(CASE WHEN kind = 'wallet.points_carried' AND amount > 0
                                      THEN amount ELSE 0 END) AS carried
                             FROM movement
                            WHERE member IN (SELECT id FROM alias) AND place = :here
                            GROUP BY origin, epoch, seq) v
                   WINDOW run AS (ORDER BY v.at, v.origin, v.epoch, v.seq)) h
             LEFT JOIN staff w ON w.id = h.actor
             LEFT JOIN adjustment a
               ON a.origin = h.origin AND a.epoch = h.epoch AND a.seq = h.seq
             LEFT JOIN topup t ON t.member IN (SELECT id FROM alias)
              AND t.origin = h.origin AND t.epoch = h.epoch AND t.seq = h.seq
             LEFT JOIN sale s ON (s.member IN (SELECT id FROM alias)
                 OR s.payer IN (SELECT id FROM alias))
              AND s.origin = h.origin AND s.epoch = h.epoch AND s.seq = h.seq
            ORDER BY h.at DESC, h.origin, h.epoch DESC, h.seq DESC LIMIT :limit""",  # noqa: S608 - own text
        member=member,
        here=here,
        limit=limit,
    )
    return true_times(db, rows)


def lots(db: Reader, member: str, *, here: str) -> list[Row]:
    """Return the stored value held here that has an end or belongs to some stores only."""
    return db.all(
        """SELECT l.lot, l.expires, l.stores, t.offer_name, SUM(h.amount) AS amount
             FROM holding h JOIN lot l ON l.lot = h.lot
             LEFT JOIN topup t ON t.member = l.member AND t.lot = l.lot
            WHERE h.place = :here AND h.member = :member AND h.amount > 0
              AND h.asset IN ('principal', 'bonus')
              AND (l.expires IS NOT NULL OR l.stores <> '')
            GROUP BY l.lot ORDER BY COALESCE(l.expires, '9999'), l.opened_at""",
        member=member,
        here=here,
    )


def topup(db: Reader, topup_id: str) -> Row | None:
    """Return a top-up with whose it is and who took it. Drain history first."""
    return db.one(
        """SELECT t.*, m.name AS member_name, m.number AS member_number,
                  w.name AS staff_name
             FROM topup t LEFT JOIN member m ON m.id = t.member
             LEFT JOIN staff w ON w.id = t.actor
            WHERE t.id = :id""",
        id=topup_id,
    )


def spent(db: Reader, member: str) -> Row:
    """Return how often a member came, for how much (fen), and when last. Drain first."""
    row = db.one(
        f"""{ALIASES} SELECT COALESCE(SUM(sign * (1 - part)), 0) AS visits,
                  COALESCE(SUM(sign * total), 0) AS total,
                  MAX(CASE WHEN sign = 1 THEN at END) AS last_at
             FROM sale WHERE member IN (SELECT id FROM alias)""",  # noqa: S608 - own text
        member=member,
    )
    assert row is not None
    return row
