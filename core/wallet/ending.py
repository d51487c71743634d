"""Points end, or move to the next period: decided by who holds the place they lie in.

Nobody else ends them, and nobody on the way: a place that cannot tell what day it is, or that
is off the line, lets them count until it can.
"""

from __future__ import annotations

from core.journal import Act, Body, Part
from core.organisation import PointsRule, settings
from core.sqlite import Reader, Writer
from core.wallet.accounts import Asset
from core.wallet.events import Legs
from core.wallet.points import NEVER, first_month_kept, next_period, points_end
from core.wallet.rules import Leg, issue, withdraw


class PointsEnded(Body, frozen=True, kw_only=True, tag="wallet.points_ended"):
    """A place closed its day, and these points of a member had ended."""

    member: str
    legs: Legs


class PointsCarried(Body, frozen=True, kw_only=True, tag="wallet.points_carried"):
    """A place closed its day, and these points that nobody had used count for longer.

    `legs` left their lots and `into` are the lots of the next period that took them up.
    """

    member: str
    legs: Legs
    into: Legs


def end_points(tx: Writer, act: Act, *, place: str, rule: PointsRule, limit: int) -> int:
    """End what lies at a place and is over, of up to `limit` members; return of how many.

    `act` writes the journal of whoever alone writes the place, and its date is that of a clock
    that is sure. Nothing ends while the rule says that points never do. History is drained.
    """
    if not rule.ends:
        return 0
    over = first_month_kept(date=act.date)
    members = tx.all(
        "SELECT DISTINCT member FROM holding WHERE place = :place AND asset = :points"
        " AND amount > 0 AND lot <> :never AND lot < :over ORDER BY member LIMIT :limit",
        place=place,
        points=Asset.POINTS,
        never=NEVER,
        over=over,
        limit=limit,
    )
    for row in members:
        _end(tx, act, row["member"], place, rule, over)
    return len(members)


def points_ends(db: Reader, member: str, *, place: str = "") -> list[tuple[str, int]]:
    """Return the last dates of a member's points and how many each has, the soonest first.

    At one place, or wherever they lie and on the way. Nothing while points never end.
    """
    if not settings(db).points.ends:
        return []
    rows = db.all(
        "SELECT lot, SUM(amount) AS amount FROM ("
        "SELECT lot, amount FROM holding"
        " WHERE member = :member AND asset = :points AND :place IN ('', place)"
        " UNION ALL SELECT lot, amount FROM transit"
        " WHERE member = :member AND asset = :points AND :place = ''"
        ") GROUP BY lot HAVING SUM(amount) > 0 ORDER BY lot",
        member=member,
        points=Asset.POINTS,
        place=place,
    )
    return [(end, row["amount"]) for row in rows if (end := points_end(row["lot"]))]


def _end(tx: Writer, act: Act, member: str, place: str, rule: PointsRule, over: str) -> None:
    rows = tx.all(
        "SELECT lot, amount FROM holding WHERE place = :place AND member = :member"
        " AND asset = :points AND amount > 0 AND lot <> :never AND lot < :over ORDER BY lot",
        place=place,
        member=member,
        points=Asset.POINTS,
        never=NEVER,
        over=over,
    )
    ended: list[Leg] = []
    carried: list[Leg] = []
    into: list[Leg] = []
    for row in rows:
        leg = Leg(Asset.POINTS, row["lot"], row["amount"])
        if rule.carry_over and not _was_used(tx, member, leg.lot):
            lot = next_period(rule, leg.lot, date=act.date)
            carried.append(leg)
            into.append(Leg(Asset.POINTS, lot, leg.amount))
        else:
            ended.append(leg)
    if ended:
        body = PointsEnded(member=member, legs=_written(ended))
        act.append(tx, body, postings=withdraw(member, place, ended))
    if carried:
        moved = PointsCarried(member=member, legs=_written(carried), into=_written(into))
        postings = [*withdraw(member, place, carried), *issue(member, place, into)]
        act.append(tx, moved, postings=postings)


def _was_used(db: Reader, member: str, lot: str) -> bool:
    """Say whether a member used any points of a lot, as far as is known here.

    On a bill, or taken off by somebody at the desk; other movements bring them elsewhere.
    """
    found = db.one(
        "SELECT 1 FROM movement WHERE member = :member AND asset = :points AND lot = :lot"
        " AND amount < 0 AND kind IN ('ticket.settled', 'wallet.adjusted') LIMIT 1",
        member=member,
        points=Asset.POINTS,
        lot=lot,
    )
    return found is not None


def _written(legs: list[Leg]) -> Legs:
    return tuple((leg.asset.value, leg.lot, leg.amount) for leg in legs)


PART = Part(
    name="ending",
    now={PointsEnded: lambda _entry: (), PointsCarried: lambda _entry: ()},
)
