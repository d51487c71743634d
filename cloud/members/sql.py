"""What head office asks about members. Drain history first."""

from __future__ import annotations

from core.members import ALIASES
from core.organisation import true_times
from core.sqlite import Reader, Row

PAGE_MEMBERS = 50
MOVEMENTS_MAX = 500
DUPLICATES_MAX = 200

_PLACES = f"""{ALIASES}
    SELECT place, SUM(CASE asset WHEN 'principal' THEN amount ELSE 0 END) AS principal,
           SUM(CASE asset WHEN 'bonus' THEN amount ELSE 0 END) AS bonus,
           SUM(CASE asset WHEN 'points' THEN amount ELSE 0 END) AS points
      FROM (SELECT place, asset, amount FROM holding WHERE member IN (SELECT id FROM alias)
            UNION ALL
            SELECT 'transit', asset, amount FROM transit
             WHERE member IN (SELECT id FROM alias))
     GROUP BY place HAVING SUM(ABS(amount)) > 0 ORDER BY place"""  # noqa: S608 - own text

_PASSES = f"""{ALIASES}
    SELECT v.place, v.asset, v.lot, SUM(v.amount) AS amount, l.name, l.units, l.expires
      FROM (SELECT place, asset, lot, amount FROM holding
             WHERE member IN (SELECT id FROM alias)
            UNION ALL
            SELECT 'transit', asset, lot, amount FROM transit
             WHERE member IN (SELECT id FROM alias)) v
      LEFT JOIN lot l ON l.lot = v.lot
     WHERE v.asset IN ('punches', 'minutes', 'coupons')
     GROUP BY v.place, v.asset, v.lot HAVING SUM(v.amount) <> 0
     ORDER BY COALESCE(l.expires, '9999'), l.opened_at, v.lot, v.place"""  # noqa: S608 - own text

_MOVEMENTS = f"""{ALIASES}
    SELECT h.*, w.name AS staff_name, a.reason, t.offer_name, t.number AS topup_number,
           s.id AS sale, s.number AS sale_number
      FROM (SELECT origin, epoch, seq, place, MIN(at) AS at, MIN(kind) AS kind,
                   MIN(actor) AS actor, MIN(store) AS store,
                   SUM(CASE asset WHEN 'principal' THEN amount ELSE 0 END) AS principal,
                   SUM(CASE asset WHEN 'bonus' THEN amount ELSE 0 END) AS bonus,
                   SUM(CASE asset WHEN 'points' THEN amount ELSE 0 END) AS points,
                   SUM(CASE asset WHEN 'punches' THEN amount ELSE 0 END) AS punches,
                   SUM(CASE asset WHEN 'minutes' THEN amount ELSE 0 END) AS minutes,
                   SUM(CASE asset WHEN 'coupons' THEN amount ELSE 0 END) AS coupons,
                   SUM(CASE WHEN kind = 'wallet.points_carried' AND amount > 0
                       THEN amount ELSE 0 END) AS carried
              FROM movement WHERE member IN (SELECT id FROM alias)
             GROUP BY origin, epoch, seq, place) h
      LEFT JOIN staff w ON w.id = h.actor
      LEFT JOIN adjustment a
        ON a.origin = h.origin AND a.epoch = h.epoch AND a.seq = h.seq
      LEFT JOIN topup t ON t.member IN (SELECT id FROM alias)
       AND t.origin = h.origin AND t.epoch = h.epoch AND t.seq = h.seq
      LEFT JOIN sale s ON (s.member IN (SELECT id FROM alias)
           OR s.payer IN (SELECT id FROM alias))
       AND s.origin = h.origin AND s.epoch = h.epoch AND s.seq = h.seq
     ORDER BY h.at DESC, h.origin, h.epoch DESC, h.seq DESC LIMIT :limit"""  # noqa: S608 - own text

_DUPLICATES = """
    SELECT m.id, m.number, m.name, m.phone, m.store, m.joined_on, m.category,
           (SELECT COALESCE(SUM(amount), 0) FROM holding h
             WHERE h.member = m.id AND h.asset IN ('principal', 'bonus')) AS held
      FROM member m
      JOIN (SELECT phone FROM member WHERE phone <> '' AND merged_into = ''
             GROUP BY phone HAVING count(*) > 1 ORDER BY phone LIMIT :limit) d
        ON d.phone = m.phone
     WHERE m.merged_into = ''
     ORDER BY m.phone, m.since"""


def places(db: Reader, member: str) -> list[Row]:
    """Return where a member's value lies, by place: principal, bonus (fen) and points."""
    return db.all(_PLACES, member=member)


def passes(db: Reader, member: str) -> list[Row]:
    """Return a member's passes by place, what ends soonest first: units, name, end."""
    return db.all(_PASSES, member=member)


def movements(db: Reader, member: str, *, limit: int = MOVEMENTS_MAX) -> list[Row]:
    """Return what moved in a member's wallet, one row an event and place, newest first."""
    return true_times(db, db.all(_MOVEMENTS, member=member, limit=limit))


def duplicates(db: Reader) -> list[Row]:
    """Return members who share their phone with another, those of one phone together."""
    return db.all(_DUPLICATES, limit=DUPLICATES_MAX)


def duplicates_count(db: Reader) -> int:
    """Return how many phones belong to more than one member."""
    count: int = db.value(
        "SELECT count(*) FROM (SELECT 1 FROM member WHERE phone <> '' AND merged_into = ''"
        " GROUP BY phone HAVING count(*) > 1)"
    )
    return count


def same_phone(db: Reader, member: Row) -> list[Row]:
    """Return who else was registered with a member's phone."""
    return db.all(
        "SELECT id, name, number, store, joined_on FROM member"
        " WHERE phone = :phone AND phone <> '' AND id <> :id AND merged_into = ''"
        " ORDER BY since",
        phone=member["phone"],
        id=member["id"],
    )


def page(db: Reader, *, store: str = "", after: str = "") -> list[Row]:
    """Return one page of members, the newest first; `after` is the last id seen."""
    return db.all(
        """SELECT * FROM member WHERE (:store = '' OR store = :store)
              AND (:after = '' OR id < :after) AND merged_into = ''
            ORDER BY id DESC LIMIT :limit""",
        store=store,
        after=after,
        limit=PAGE_MEMBERS,
    )


def count(db: Reader, *, store: str = "") -> int:
    total: int = db.value(
        "SELECT count(*) FROM member WHERE (:store = '' OR store = :store)"
        " AND merged_into = ''",
        store=store,
    )
    return total


def held_by(db: Reader, members: list[str]) -> dict[str, int]:
    """Return the stored value (fen) of each of these members, wherever it lies."""
    return {
        member: db.value(
            f"""{ALIASES} SELECT COALESCE(SUM(amount), 0)
                 FROM (SELECT asset, amount FROM holding
                        WHERE member IN (SELECT id FROM alias)
                       UNION ALL SELECT asset, amount FROM transit
                        WHERE member IN (SELECT id FROM alias))
                WHERE asset IN ('principal', 'bonus')""",  # noqa: S608 - own text
            member=member,
        )
        for member in members
    }


def spent(db: Reader, member: str) -> Row:
    """Return how often a member came, for how much (fen), and when last."""
    row = db.one(
        f"""{ALIASES} SELECT COALESCE(SUM(sign * (1 - part)), 0) AS visits,
                  COALESCE(SUM(sign * total), 0) AS total,
                  MAX(CASE WHEN sign = 1 THEN at END) AS last_at
             FROM sale WHERE member IN (SELECT id FROM alias)""",  # noqa: S608 - own text
        member=member,
    )
    assert row is not None
    return row


def merges(db: Reader, *, limit: int = DUPLICATES_MAX) -> list[Row]:
    """Return who was merged into whom and still is, the newest first."""
    return db.all(
        """SELECT m.id, m.name, m.number, m.phone, m.store, w.id AS winner,
                  w.name AS winner_name, w.number AS winner_number
             FROM member m JOIN member w ON w.id = m.merged_into
            WHERE m.merged_into <> '' ORDER BY m.merge DESC LIMIT :limit""",
        limit=limit,
    )
