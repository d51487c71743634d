"""A member's statement: every movement of a period, tied to the journals and signed.

A transfer between places changes nothing for the member and is left out. Whoever holds the
merchant's public key can tell that not a fen of it was changed afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from core.crypto import verify_log
from core.journal import kind_name
from core.sqlite import Reader, Row
from core.wallet import Accepted, Granted, Recalled, Released, Voided

HEAD_SHOWN_BYTES = 4
_TRANSFERS = tuple(kind_name(kind) for kind in (Accepted, Granted, Recalled, Released, Voided))
_ASSETS = ("principal", "bonus", "points", "punches", "minutes", "coupons")


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """So much of each asset: fen, but for points, visits, minutes and coupons."""

    principal: int = 0
    bonus: int = 0
    points: int = 0
    punches: int = 0
    minutes: int = 0
    coupons: int = 0

    def plus(self, other: Sums) -> Sums:
        return Sums(**{name: getattr(self, name) + getattr(other, name) for name in _ASSETS})


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One event that changed what the member has; `at` in ms, `date` the business date."""

    at: int
    date: str
    store: str
    kind: str
    number: str
    """Of the bill or top-up, as its receipt has it; empty where there is none."""
    change: Sums
    after: Sums
    event: str
    """Its place in a journal: origin/epoch/seq, and the eight characters of the head there."""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What a member had, what happened, and what they have; dates are business dates."""

    merchant: str
    member: str
    number: str
    name: str
    first: str
    last: str
    made_at: int
    opening: Sums
    closing: Sums
    movements: tuple[Movement, ...]


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A statement's exact bytes with the merchant's signature over them."""

    statement: bytes
    key: str
    """The merchant's public key, base64url."""
    signature: bytes


def statement_of(
    db: Reader, member: Row, *, merchant: str, first: str, last: str, at: int
) -> Statement:
    """Return a member's statement from one business date to another, both of them included.

    Drain history first.
    """
    opening = _before(db, member["id"], first)
    movements = tuple(_movements(db, member["id"], first, last, opening))
    return Statement(
        merchant=merchant,
        member=member["id"],
        number=str(member["number"] or ""),
        name=member["name"],
        first=first,
        last=last,
        made_at=at,
        opening=opening,
        closing=movements[-1].after if movements else opening,
        movements=movements,
    )


def sign(statement: Statement, *, key: str, with_key: Callable[[bytes], bytes]) -> bytes:
    """Return a statement as a file that says by itself who vouches for it."""
    body = msgspec.json.encode(statement)
    return msgspec.json.encode(Signed(statement=body, key=key, signature=with_key(body)))


def checked(file: bytes, *, keys: Iterable[str] = ()) -> Statement | None:
    """Return the statement in a file; None where it is not what was signed.

    Where `keys` are given, only by one of them. Raises ValueError where it is no statement.
    """
    try:
        signed = msgspec.json.decode(file, type=Signed)
        known = tuple(keys)
        if known and signed.key not in known:
            return None
        if not verify_log(
            public=signed.key, message=signed.statement, signature=signed.signature
        ):
            return None
        return msgspec.json.decode(signed.statement, type=Statement)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


_SUMMED = {asset: f"SUM(CASE asset WHEN '{asset}' THEN amount ELSE 0 END)" for asset in _ASSETS}
_CHANGES = f"""
    SELECT origin, epoch, seq, MIN(at) AS at, MIN(date) AS date, MIN(store) AS store,
           MIN(kind) AS kind,
           {", ".join(f"{summed} AS {asset}" for asset, summed in _SUMMED.items())}
      FROM movement
     WHERE member = :member AND kind NOT IN ({", ".join(f"'{kind}'" for kind in _TRANSFERS)})
       AND date BETWEEN :first AND :last
     GROUP BY origin, epoch, seq
    HAVING {" OR ".join(f"{summed} <> 0" for summed in _SUMMED.values())}
        OR MIN(kind) = 'wallet.points_carried'"""  # noqa: S608 - own words

_LISTED = f"""
    SELECT c.*, COALESCE(t.number, s.number, '') AS number, j.head FROM ({_CHANGES}) c
      JOIN journal j ON j.origin = c.origin AND j.epoch = c.epoch AND j.seq = c.seq
      LEFT JOIN topup t ON t.member = :member AND t.at = c.at
       AND t.origin = c.origin AND t.epoch = c.epoch AND t.seq = c.seq
      LEFT JOIN sale s ON s.member = :member AND s.at = c.at
       AND s.origin = c.origin AND s.epoch = c.epoch AND s.seq = c.seq
     ORDER BY c.date, c.at, c.origin, c.epoch, c.seq"""  # noqa: S608 - own words

_OPENING = f"""
    SELECT {", ".join(f"COALESCE(SUM({asset}), 0) AS {asset}" for asset in _ASSETS)}
      FROM ({_CHANGES})"""  # noqa: S608 - own words


def _before(db: Reader, member: str, date: str) -> Sums:
    row = db.one(
        _OPENING.replace("BETWEEN :first AND :last", "< :first"), member=member, first=date
    )
    assert row is not None
    return _sums(row)


def _movements(
    db: Reader, member: str, first: str, last: str, opening: Sums
) -> Iterable[Movement]:
    standing = opening
    for row in db.each(_LISTED, member=member, first=first, last=last):
        change = _sums(row)
        standing = standing.plus(change)
        mark = bytes(row["head"])[:HEAD_SHOWN_BYTES].hex().upper()
        yield Movement(
            at=row["at"],
            date=row["date"],
            store=row["store"],
            kind=row["kind"],
            number=row["number"],
            change=change,
            after=standing,
            event=f"{row['origin']}/{row['epoch']}/{row['seq']} #{mark}",
        )


def _sums(row: Row) -> Sums:
    return Sums(**{asset: row[asset] for asset in _ASSETS})
