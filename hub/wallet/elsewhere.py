"""A member's value in other places, and the wish to have it brought here.

Money follows a member who is recognised: the store asks head office, which sends what it holds
and calls back what other stores hold. Nothing at the till waits for that.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.journal import Act
from core.sqlite import Reader, Row, Writer
from core.wallet import STORED_VALUE, Asset

FOLLOW_FRESH_MS = 10 * 60_000
"""A wish that could not be sent for so long is dropped: by then the member has left."""
FOLLOW_PATIENCE_MS = 15_000
"""So long after an answer the value may still be on its way from another store."""

ASKED = "asked"
GRANTED = "granted"
RECALLING = "recalling"
NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """What lies in other places or is on its way, as far as this store knows; never below 0."""

    stored: int = 0
    """Stored value in fen."""
    points: int = 0


def elsewhere(db: Reader, act: Act, member: str) -> Elsewhere:
    """Return what a member has in other places.

    Head office's sums, less what came here since they were made: a transfer only changes where
    value lies, so whatever arrived is no longer elsewhere, and what was sent off is.
    """
    here = act.journal.identity.origin
    told = db.all(
        """SELECT asset,
                  SUM(CASE place WHEN :here THEN moved ELSE amount END) AS amount
             FROM wallet_elsewhere WHERE member = :member GROUP BY asset""",
        here=here,
        member=member,
    )
    came = db.all(
        "SELECT asset, amount FROM transferred WHERE place = :here AND member = :member",
        here=here,
        member=member,
    )
    sums: dict[str, int] = {row["asset"]: row["amount"] for row in told}
    for row in came:
        sums[row["asset"]] = sums.get(row["asset"], 0) - row["amount"]
    left = {asset: max(0, amount) for asset, amount in sums.items()}
    return Elsewhere(
        stored=sum(left.get(asset, 0) for asset in STORED_VALUE),
        points=left.get(Asset.POINTS, 0),
    )


def follow(tx: Writer, act: Act, *, member: str, why: str) -> str | None:
    """Ask for a recognised member's value to be brought here; return the wish's id.

    None when nothing lies elsewhere. While a wish is open, another one is the same.
    """
    there = elsewhere(tx, act, member)
    if not there.stored and not there.points:
        return None
    held = newest_wish(tx, member)
    if held is not None and is_open(held, now=act.at):
        wish: str = held["id"]
        return wish
    tx.run("DELETE FROM follow_request WHERE member = :member", member=member)
    made = act.new_id()
    tx.run(
        """INSERT INTO follow_request (id, member, asked_at, state, why)
           VALUES (:id, :member, :at, 'asked', :why)""",
        id=made,
        member=member,
        at=act.at,
        why=why,
    )
    return made


def newest_wish(db: Reader, member: str) -> Row | None:
    """Return the last wish for a member."""
    return db.one("SELECT * FROM follow_request WHERE member = :member", member=member)


def is_open(wish: Row, *, now: int) -> bool:
    """Say whether a wish may still bring something, so that nobody needs to ask again."""
    age: int = now - wish["asked_at"]
    if wish["state"] == ASKED:
        return age < FOLLOW_FRESH_MS
    return wish["state"] != NOTHING and age < FOLLOW_PATIENCE_MS


def unsent_wishes(db: Reader, *, now: int) -> list[Row]:
    """Return the wishes that head office has not answered and that are still of use."""
    return db.all(
        "SELECT * FROM follow_request WHERE state = 'asked' AND asked_at > :since"
        " ORDER BY asked_at, id",
        since=now - FOLLOW_FRESH_MS,
    )


def note_answer(tx: Writer, *, request: str, state: str) -> None:
    """Keep what head office answered to a wish: granted, recalling or nothing."""
    tx.run("UPDATE follow_request SET state = :state WHERE id = :id", state=state, id=request)
