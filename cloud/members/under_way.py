"""Value that has not arrived: which transfer, since when, to which store, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cloud.access import branch_name, here, platform
from cloud.platform import Hub, epochs_of, hubs_of
from cloud.streams import UnderWay, under_way, waiting_asks
from core.clock import MINUTE_MS
from core.sqlite import Reader
from core.web import gettext as _

MINUTES = (0, 10, 60, 24 * 60)
"""What a page can be asked for: transfers that have been under way for so long at least."""
USUAL_MINUTES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """The merchant's boxes, and which of their epochs have ended."""

    hubs: Mapping[str, Hub]
    ended: frozenset[tuple[str, int]]

    def store(self, hub: str) -> str:
        """Return the name of the store in which a box stands."""
        known = self.hubs.get(hub)
        return branch_name(known.store) if known else _("没有登记的主机")

    def online(self, hub: str) -> bool:
        known = self.hubs.get(hub)
        return known is not None and known.online and not known.revoked


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One transfer as a page tells it; `why` is a sentence for people."""

    member: str
    name: str
    store: str
    value: int
    points: int
    at: int
    late: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A store's wish that another store has not answered."""

    member: str
    name: str
    store: str
    holder: str
    at: int
    why: str


def boxes() -> Boxes:
    with platform().door.read() as shared:
        hubs = hubs_of(shared, here().id)
        ended = frozenset(
            (hub.id, epoch.epoch)
            for hub in hubs
            for epoch in epochs_of(shared, hub.id)
            if epoch.closed_at is not None
        )
    return Boxes(hubs={hub.id: hub for hub in hubs}, ended=ended)


def transfers(
    db: Reader, known: Boxes, *, now: int, member: str = "", minutes: int = 0
) -> list[Transfer]:
    """Return transfers that have been under way for so many minutes, the oldest first."""
    found = under_way(db, member=member, until=now - minutes * MINUTE_MS)
    names = _names(db, {one.member for one in found})
    return [_told(one, known, names, now) for one in found]


def calls(db: Reader, known: Boxes) -> list[Call]:
    """Return what stores asked for and other stores have not released."""
    waiting = waiting_asks(db)
    names = _names(db, {one.member for one in waiting})
    return [
        Call(
            member=one.member,
            name=names[one.member],
            store=known.store(one.hub),
            holder=known.store(one.holder),
            at=one.at,
            why=_("%(store)s已联机，马上会答复。", store=known.store(one.holder))
            if known.online(one.holder)
            else _("%(store)s断网了，联网后才能让出来。", store=known.store(one.holder)),
        )
        for one in waiting
    ]


def _told(one: UnderWay, known: Boxes, names: Mapping[str, str], now: int) -> Transfer:
    late = now - one.at >= USUAL_MINUTES * MINUTE_MS
    return Transfer(
        member=one.member,
        name=names[one.member],
        store=known.store(one.hub),
        value=one.value,
        points=one.points,
        at=one.at,
        late=late,
        why=_why(one, known, late=late),
    )


def _why(one: UnderWay, known: Boxes, *, late: bool) -> str:
    store = known.store(one.hub)
    if (one.hub, one.epoch) in known.ended:
        return _("%(store)s的这台主机已经停用，这笔钱会自动退回总部。", store=store)
    if not known.online(one.hub):
        return _("%(store)s断网了；钱没有丢，联网后自动到账。", store=store)
    if late:
        return _("%(store)s已联机，却一直没有确认收到，请联系维护。", store=store)
    return _("刚发出，%(store)s正在确认，通常几秒钟到账。", store=store)


def _names(db: Reader, members: Iterable[str]) -> dict[str, str]:
    return {member: _name(db, member) for member in members}


def _name(db: Reader, member: str) -> str:
    known = db.value("SELECT name FROM member WHERE id = :id", id=member)
    return known or _("（没有姓名）")
