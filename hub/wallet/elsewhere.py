"""A member's value in other places, and the wish to have it brought here.

Money follows a member who is recognised: the store asks head office, which sends what it holds
and calls back what other stores hold. Nothing at the till waits for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from core.journal import Act
from core.members import ALIASES, standing_for
from core.sqlite import Reader, Row, Writer
from core.wallet import PASSES, STORED_VALUE, Asset

FOLLOW_FRESH_MS = 10 * 60_000
"""A wish that could not be sent for so long is dropped: by then the member has left."""
FOLLOW_PATIENCE_MS = 15_000
"""So long after a wish the value may still be on its way from another store."""

RECOGNISED = "bill"
ASKED_FOR = "asked"
"""Why money is wanted here: its member was named on a bill, or somebody tapped for it."""

ASKED = "asked"
GRANTED = "granted"
RECALLING = "recalling"
NOTHING = "nothing"
RECOVERING = "recovering"
"""The reason that head office gives where it waits for stores, not for want of value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """What lies in other places or is on its way, as far as this store knows; never below 0."""

    stored: int = 0
    """Stored value in fen."""
    points: int = 0
    passes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Units by asset and lot."""

    @property
    def nothing(self) -> bool:
        return not self.stored and not self.points and not self.passes


def elsewhere(db: Reader, act: Act, member: str) -> Elsewhere:
    """Return what a member has in other places, in the names of merged duplicates too.

    Head office's sums, less what came here since they were made: a transfer only changes where
    value lies, so whatever arrived is no longer elsewhere, and what was sent off is.
    """
    here, member = act.journal.identity.place, standing_for(db, member)
    told = db.all(
        f"""{ALIASES} SELECT asset,
                  SUM(CASE place WHEN :here THEN moved ELSE amount END) AS amount
             FROM wallet_elsewhere WHERE member IN (SELECT id FROM alias) GROUP BY asset""",  # noqa: S608
        here=here,
        member=member,
    )
    came = db.all(
        f"""{ALIASES} SELECT asset, amount FROM transferred
             WHERE place = :here AND member IN (SELECT id FROM alias)""",  # noqa: S608
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
        passes={key: amount for key, amount in _passes(left) if amount},
    )


def _passes(sums: Mapping[str, int]) -> Iterator[tuple[tuple[str, str], int]]:
    """Return what of sums by place is passes, which are counted by their lots."""
    for name, amount in sums.items():
        asset, _, lot = name.partition("/")
        if lot and asset in PASSES:
            yield (asset, lot), amount


def lies_in_several_places(db: Reader, act: Act, member: str) -> bool:
    """Say whether a member's value was ever in another place than this."""
    here = act.journal.identity.place
    return (
        db.one(
            """SELECT 1 FROM wallet_elsewhere
                WHERE member = :member AND place <> :here
               UNION ALL
               SELECT 1 FROM transferred WHERE place = :here AND member = :member LIMIT 1""",
            here=here,
            member=member,
        )
        is not None
    )


class Way(StrEnum):
    """What can be said of value that lies elsewhere."""

    NONE = "none"
    """Nothing lies elsewhere."""
    CUT = "cut"
    """The line is cut; it is asked for when the line is back."""
    COMING = "coming"
    STUCK = "stuck"
    """It was asked for and did not come: the store that holds it cannot be reached."""
    RECOVERING = "recovering"
    """Head office was put back from a backup and moves nothing before it has heard all."""
    KEPT = "kept"
    """Head office asked, and was given nothing: the member has a bill in the store that holds
    it, or that store's box was shut out."""
    THERE = "there"
    """Nobody has asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bringing:
    """How value from elsewhere is faring; `until` (ms) is when patience with it ends."""

    way: Way = Way.NONE
    until: int = 0


def bringing(db: Reader, act: Act, member: str, *, connected: Callable[[], bool]) -> Bringing:
    """Return how a member's stored value and passes from elsewhere are faring.

    `connected` says whether head office can be reached; it is asked only where that matters.
    """
    member = standing_for(db, member)
    there = elsewhere(db, act, member)
    if not there.stored and not there.passes:
        return Bringing()
    if not connected():
        return Bringing(way=Way.CUT)
    wish = newest_wish(db, member)
    if wish is None or act.at - wish["asked_at"] > FOLLOW_FRESH_MS:
        return Bringing(way=Way.THERE)
    if is_open(wish, now=act.at):
        return Bringing(way=Way.COMING, until=wish["asked_at"] + FOLLOW_PATIENCE_MS)
    if wish["state"] != NOTHING:
        return Bringing(way=Way.STUCK)
    return Bringing(way=Way.RECOVERING if wish["reason"] == RECOVERING else Way.KEPT)


def follow(tx: Writer, act: Act, *, member: str, why: str) -> str | None:
    """Ask for a recognised member's value to be brought here; return the wish's id.

    None when nothing lies elsewhere. While a wish is open, another one is the same.
    """
    member = standing_for(tx, member)
    if elsewhere(tx, act, member).nothing:
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
    """Say whether a wish may still bring something any moment, so that another is no use."""
    age: int = now - wish["asked_at"]
    return wish["state"] != NOTHING and age < FOLLOW_PATIENCE_MS


def unsent_wishes(db: Reader, *, now: int) -> list[Row]:
    """Return the wishes that head office has not answered and that are still of use."""
    return db.all(
        "SELECT * FROM follow_request WHERE state = 'asked' AND asked_at > :since"
        " ORDER BY asked_at, id",
        since=now - FOLLOW_FRESH_MS,
    )


def note_answer(tx: Writer, *, request: str, state: str, reason: str = "") -> None:
    """Keep what head office answered to a wish: granted, recalling or nothing, and why."""
    tx.run(
        "UPDATE follow_request SET state = :state, reason = :reason WHERE id = :id",
        state=state,
        reason=reason,
        id=request,
    )
