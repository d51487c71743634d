"""One place in a store, box after box: each box's time, what lies there, what came late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from cloud.epochs import Branch, branches_of
from cloud.platform import Epoch, Hub, Merchant, Platform, epochs_of
from cloud.streams import cursor_of
from core.errors import N_
from core.journal import Birth, place_of
from core.sqlite import Reader
from core.wallet import STORED_VALUE, risk_sums

REASONS: Mapping[str, tuple[str, str]] = {
    "broken": (N_("坏了"), N_("不能开机，或要送修。")),
    "lost": (N_("丢了"), N_("找不到了，但不像是被人拿走。")),
    "stolen": (N_("被偷"), N_("被人拿走了。它里面的余额先冻结，等您决定。")),
    "replaced": (N_("换新"), N_("还能用，只是换一台新的。请先让它联网传完。")),
    "retired": (N_("不再使用"), N_("关店或者闲置，也不换新的。")),
}
"""What somebody may say became of a box: its name, and when it is that."""
CLOSED_NAMES: Mapping[str, str] = {
    **{reason: name for reason, (name, _when) in REASONS.items()},
    "forked": N_("出现了两份不同的记录"),
    "closed": N_("没有写原因"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A second history: it left the first behind event `after` and has so many of its own."""

    name: str
    after: int
    events: int
    began_at: int
    waiting: int
    """Of them not yet in the books."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenure:
    """One box's time in a place. Money in fen; what was paid at risk by asset."""

    epoch: int
    number: int
    """Which box in a row this was; epochs are not counted without gaps."""
    since: int
    closed: str
    closed_at: int | None
    limbo: bool
    members: int
    value: int
    points: int
    under_way: int
    late: int
    """Events that came after it was closed."""
    twins: tuple[Twin, ...]
    risk: Mapping[str, int]

    @property
    def risk_cents(self) -> int:
        return sum(self.risk.get(asset, 0) for asset in STORED_VALUE)

    @property
    def empty(self) -> bool:
        return not (self.value or self.points or self.under_way)


def tenures(platform: Platform, merchant: Merchant, hub: Hub) -> list[Tenure]:
    """Return a hub's epochs as people see them, the newest first."""
    with platform.door.read() as shared:
        epochs = epochs_of(shared, hub.id)
        branches = branches_of(shared, hub.id)
        have = {
            one.epoch: cursor_of(shared, hub.id, one.epoch, one.birth).have for one in epochs
        }
    with merchant.door.read() as db:
        known = [
            _tenure(
                db,
                epoch,
                number=number,
                late=have[epoch.epoch] - epoch.closed_seq,
                branches=[one for one in branches if one.epoch == epoch.epoch],
            )
            for number, epoch in enumerate(epochs, 1)
        ]
    return known[::-1]


def numbered(db: Reader, hub_id: str) -> dict[int, int]:
    """Return by a hub's epochs which box in a row each of them was."""
    return {one.epoch: number for number, one in enumerate(epochs_of(db, hub_id), 1)}


_HELD = """
    SELECT COUNT(DISTINCT member) AS members,
           COALESCE(SUM(CASE WHEN asset IN ('principal', 'bonus') THEN amount END), 0) AS value,
           COALESCE(SUM(CASE WHEN asset = 'points' THEN amount END), 0) AS points
      FROM holding WHERE place = :place AND amount > 0"""
_UNDER_WAY = """
    SELECT COALESCE(SUM(t.amount), 0)
      FROM granted g JOIN transit t ON t.transfer = g.transfer AND t.member = g.member
     WHERE g.hub = :hub AND g.epoch = :epoch AND t.asset IN ('principal', 'bonus')"""


def _tenure(
    db: Reader, epoch: Epoch, *, number: int, late: int, branches: list[Branch]
) -> Tenure:
    place = {"hub": epoch.hub, "epoch": epoch.epoch}
    held = db.one(_HELD, place=place_of(epoch.hub, epoch.epoch))
    assert held is not None, "it counts, so it answers"
    return Tenure(
        epoch=epoch.epoch,
        number=number,
        since=msgspec.json.decode(epoch.birth, type=Birth).made_at,
        closed=epoch.closed_reason,
        closed_at=epoch.closed_at,
        limbo=epoch.limbo,
        members=held["members"],
        value=held["value"],
        points=held["points"],
        under_way=db.value(_UNDER_WAY, **place),
        late=late if epoch.closed_at is not None else 0,
        twins=tuple(_twin(db, branch) for branch in branches),
        risk=risk_sums(db, hub=epoch.hub, epoch=epoch.epoch),
    )


def _twin(db: Reader, branch: Branch) -> Twin:
    known: int | None = db.value(
        "SELECT MAX(seq) FROM journal WHERE origin = :origin AND epoch = :epoch",
        origin=branch.origin,
        epoch=branch.epoch,
    )
    return Twin(
        name=branch.origin.partition("~")[2],
        after=branch.after_seq,
        events=branch.seq - branch.after_seq,
        began_at=branch.began_at,
        waiting=branch.seq - (known or branch.after_seq),
    )
