"""Value follows its owner when duplicates were merged, and back when that is undone.

Each place moves what lies in it, by a posting of its own, when it hears of a merge: the stores'
boxes from the feed, head office in its pool. Two rules say what belongs to whom:

- What lies in the name of a merged duplicate belongs to who stands for it now.
- A lot belongs to who stands for the one that it was opened for. So after a merge is undone the
  parts of a lot that were not spent go back, wherever they lie by then.

Value without a lot of its own (points) carries no mark. When a merge is undone head office says
what each place gives back of it: at most what had come over, and what is still there.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from core.journal import Act, Posting
from core.members import standing_for
from core.sqlite import Reader, Row, Writer
from core.wallet.accounts import Asset, member_account
from core.wallet.moved import Moved
from core.wallet.places import all_legs, lots_of, written_legs
from core.wallet.rules import Leg

CHAIN_MAX = 64


class _Shares(msgspec.Struct):
    holder: str = msgspec.field(name="from")
    shares: tuple[tuple[str, str, str, int], ...] = ()


_shares = msgspec.json.Decoder(_Shares)


def move_merged(tx: Writer, act: Act, *, place: str) -> int:
    """Bring what lies at a place to whom it belongs; return how many moves that took.

    `act` writes the journal of whoever alone writes the place. Again does nothing; called
    after whatever may have told of a merge or brought value in.
    """
    merged = tx.all("SELECT * FROM member WHERE merge <> '' ORDER BY id")
    moves = 0
    for row in merged:
        moves += _give_over(tx, act, row, place)
        moves += _gather_lots(tx, act, row, place)
        moves += _give_back(tx, act, row, place)
    return moves


def unmarked_shares(db: Reader, merge: str, holder: str) -> list[tuple[str, str, str, int]]:
    """Return what each place can give back of an undone merge that no lot marks.

    (place, asset, lot, amount): what came over by the merge, as far as `holder` still has it,
    head office's pool first.
    """
    came = db.all(
        "SELECT asset, lot, SUM(amount) AS amount FROM merge_moved WHERE merge = :merge"
        " GROUP BY asset, lot HAVING SUM(amount) > 0 ORDER BY asset, lot",
        merge=merge,
    )
    shares = []
    for one in came:
        left: int = one["amount"]
        for held in db.all(
            "SELECT place, amount FROM holding WHERE member = :holder AND asset = :asset"
            " AND lot = :lot AND amount > 0 ORDER BY place <> 'cloud', place",
            holder=holder,
            asset=one["asset"],
            lot=one["lot"],
        ):
            part = min(left, held["amount"])
            if part:
                shares.append((held["place"], one["asset"], one["lot"], part))
                left -= part
    return shares


def ever_stood(db: Reader, member: str) -> set[str]:
    """Return all in whose name this one's lots may lie: who stood for them, and for those."""
    found: set[str] = set()
    asked = [member]
    while asked and len(found) < CHAIN_MAX:
        row = db.one("SELECT winners FROM member WHERE id = :id", id=asked.pop())
        news = set((row["winners"] if row else "").split()) - found
        found |= news
        asked += sorted(news)
    return found | {standing_for(db, one) for one in found}


def are_one(db: Reader, one: str, other: str) -> bool:
    """Say whether two ids are, or ever were, held to be one person."""
    return one == other or other in ever_stood(db, one) or one in ever_stood(db, other)


def _give_over(tx: Writer, act: Act, row: Row, place: str) -> int:
    """Move all that lies in a merged duplicate's name."""
    to = standing_for(tx, row["id"])
    if to == row["id"]:
        return 0
    legs = all_legs(tx, row["id"], place)
    if not legs:
        return 0
    moved = Moved(member=row["id"], to=to, place=place, merge=row["merge"])
    _move(tx, act, moved, legs)
    return 1


def _gather_lots(tx: Writer, act: Act, row: Row, place: str) -> int:
    """Move the lots that were opened for a duplicate and lie in a name that is not theirs."""
    to, moves = standing_for(tx, row["id"]), 0
    for holder in sorted(ever_stood(tx, row["id"]) - {to, row["id"]}):
        rows = tx.all(
            """SELECT h.asset, h.lot, h.amount FROM holding h JOIN lot l ON l.lot = h.lot
                WHERE h.place = :place AND h.member = :holder AND h.amount > 0
                  AND l.member = :owner""",
            place=place,
            holder=holder,
            owner=row["id"],
        )
        if rows:
            legs = [Leg(Asset(one["asset"]), one["lot"], one["amount"]) for one in rows]
            back = to == row["id"]
            moved = Moved(member=holder, to=to, place=place, merge=row["merge"], back=back)
            _move(tx, act, moved, legs)
            moves += 1
    return moves


def _give_back(tx: Writer, act: Act, row: Row, place: str) -> int:
    """Give this place's share of what no lot marks back, once for each undone merge."""
    if row["merged_into"] or not row["shares"]:
        return 0
    told = _shares.decode(row["shares"])
    wanted = [(asset, lot, n) for where, asset, lot, n in told.shares if where == place]
    done = "SELECT 1 FROM merge_given_back WHERE merge = :merge AND place = :place"
    if not wanted or tx.value(done, merge=row["merge"], place=place):
        return 0
    holder = standing_for(tx, told.holder)
    legs = []
    for asset, lot, amount in wanted:
        held = tx.value(
            "SELECT amount FROM holding WHERE place = :place AND member = :member"
            " AND asset = :asset AND lot = :lot",
            place=place,
            member=holder,
            asset=asset,
            lot=lot,
        )
        part = min(amount, held or 0)
        if part > 0:
            legs.append(Leg(Asset(asset), lot, part))
    moved = Moved(
        member=holder,
        to=row["id"],
        place=place,
        merge=row["merge"],
        back=True,
        share=True,
        legs=written_legs(legs),
        unmarked=written_legs(legs),
    )
    act.append(tx, moved, postings=_postings(moved, legs))
    return 1


def _move(tx: Writer, act: Act, moved: Moved, legs: list[Leg]) -> None:
    lots = lots_of(tx, legs)
    marked = {lot.lot for lot in lots}
    body = msgspec.structs.replace(
        moved,
        legs=written_legs(legs),
        lots=lots,
        unmarked=written_legs(leg for leg in legs if leg.lot not in marked),
    )
    act.append(tx, body, postings=_postings(body, legs))


def _postings(moved: Moved, legs: Iterable[Leg]) -> list[Posting]:
    return [
        Posting(account, leg.asset, leg.lot, sign * leg.amount)
        for leg in legs
        for account, sign in (
            (member_account(moved.member, moved.place), -1),
            (member_account(moved.to, moved.place), 1),
        )
    ]
