"""How every store's box is doing: what it last said, what it still has, what to worry about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cloud.feed import position
from cloud.platform import (
    Epoch,
    Hub,
    Merchant,
    Platform,
    Reason,
    alarms_of,
    epochs_of,
    hubs_of,
    last_checks,
)
from cloud.recovery import awaited_hubs, safe_of
from cloud.streams import cursor_of
from core.clock import DAY_MS, MINUTE_MS
from core.errors import N_
from core.organisation import Store, stores
from core.sqlite import Reader

ENDED = "ended"
Alarms = list[tuple[str, str, "Worry"]]
"""The box, the kind, and what is told of it."""
SILENT_MS = 10 * MINUTE_MS
ALARM_SHOWN_MS = 7 * DAY_MS
CERTIFICATE_SOON_MS = 30 * DAY_MS
FREE_BYTES_LOW = 1024 * 1024 * 1024

ALARMS: dict[str, tuple[str, str]] = {
    "forged": (
        N_("收到签名不对的数据，已丢弃"),
        N_("偶尔一次不用管；反复出现就停用这台主机，换一台重新接入。"),
    ),
    "forked": (
        N_("同一台主机出现了两份不同的记录，两份都已留存"),
        N_("两份都会入账。多半是恢复过旧备份或克隆了存储卡：请把它们都断电，再更换主机。"),
    ),
    "other_epoch": (
        N_("主机用旧的身份来联系"),
        N_("请确认没有换下来的旧存储卡还在使用。"),
    ),
    "lost_tail": (
        N_("主机丢了已经上传过的记录"),
        N_("总部的记录完整，主机会自己取回。请检查电源和存储卡，必要时更换。"),
    ),
    "boot_back": (
        N_("主机的启动次数倒退了"),
        N_("多半是恢复过旧备份。请核对当天的单据，必要时停用后重新接入。"),
    ),
    "downlink_forked": (
        N_("主机收到过与总部不一致的划拨记录"),
        N_("请联系维护，在查清之前不要停用这台主机。"),
    ),
    "epoch_ahead": (
        N_("主机的身份比总部记得的新"),
        N_("总部可能从旧备份恢复过；主机会自己出示证明，不用处理。"),
    ),
    "edit_lost": (
        N_("备份之后的一处修改没有找回来"),
        N_("这类资料不能听门店的。请到总部核对，要改就再改一次。"),
    ),
    "downlink_ahead": (
        N_("主机记得总部已不记得的划拨"),
        N_(
            "总部已停止调动余额，正向各店要回忘掉的记录，齐了会自己恢复。请查是谁用旧数据启动了总部。"
        ),
    ),
    "rolled_back": (
        N_("总部退回到了旧数据，门店记得更多"),
        N_(
            "总部已停止调动余额，正向各店要回忘掉的记录，齐了会自己恢复。请查是谁用旧数据启动了总部。"
        ),
    ),
    "set_aside": (
        N_("有一条记录不能入账，已单独放着"),
        N_("原始记录都在。请联系维护查看，多半升级总部后会补上。"),
    ),
    "false_document": (
        N_("有一份会员或员工资料与记录对不上，没有采用"),
        N_("金额不受影响。请到门店核对最近改过的资料。"),
    ),
    "declined": (
        N_("门店的一处修改没有采用，总部有更新的"),
        N_("门店会自动改成总部的内容。要改就在总部再改一次。"),
    ),
    "no_reaction": (
        N_("总部处理一条记录时出了错"),
        N_("记录已收下，金额不受影响。请联系维护。"),
    ),
    "clock": (
        N_("主机的时钟差得太多"),
        N_("请让主机连上网络自动对时；单据的时间可能不准，金额不受影响。"),
    ),
    "foreign_topic": (
        N_("主机往不属于它的地方发数据，已丢弃"),
        N_("请核对这台主机是否被人动过，必要时停用它。"),
    ),
    "revoked": (
        N_("已停用的主机还在发数据，没有收下"),
        N_("请把它断电收好；要再用，清空后重新接入。"),
    ),
    "newer": (
        N_("主机的版本比总部新，有的记录总部还不认识"),
        N_("记录都已收下。请升级总部，升级后会补上。"),
    ),
    "many_asks": (
        N_("主机一小时里调来了太多会员的余额"),
        N_("请打电话问门店是不是真有这么多客人；不是，就马上停用这台主机。"),
    ),
    "garbled": (
        N_("收到读不懂的数据，已丢弃"),
        N_("请把这台主机升级到最新版本。"),
    ),
}
AWAITED_WORDS = (
    N_("总部在恢复数据，在等这台主机"),
    N_("门店照常收银；余额要等它联系上来、交还记录以后才能调动。"),
)
OTHER_ALARM = (N_("主机报告了异常"), N_("请联系维护。"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Worry:
    """Something that somebody should look at: what it is, and what to do."""

    what: str
    advice: str
    level: str = "warn"
    """warn or bad."""
    at: int | None = None
    times: int = 1
    page: str = ""
    """Where something can be done about it."""


AWAITED = Worry(
    what=AWAITED_WORDS[0], advice=AWAITED_WORDS[1], level="warn", page="recovery.shown"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One box as its pages show it."""

    hub: Hub
    waiting: int
    """Events that it said it has and that have not arrived."""
    newest_at: int | None
    """When its newest event that arrived was made (ms)."""
    behind: int
    """How many documents of the feed it has yet to take."""
    safe: int
    """The newest of its events that the newest backup holds, too."""
    worries: tuple[Worry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A store with its boxes."""

    id: str
    store: Store
    boxes: tuple[Standing, ...]

    @property
    def online(self) -> bool:
        return any(box.hub.online for box in self.boxes)

    @property
    def in_use(self) -> tuple[Standing, ...]:
        return tuple(box for box in self.boxes if not box.hub.revoked)

    @property
    def waiting(self) -> int:
        return sum(box.waiting for box in self.in_use)

    @property
    def last_seen_at(self) -> int | None:
        return max((box.hub.last_seen_at or 0 for box in self.boxes), default=0) or None

    @property
    def worries(self) -> tuple[Worry, ...]:
        return tuple(worry for box in self.boxes for worry in box.worries)


def fleet(platform: Platform, merchant: Merchant) -> list[Branch]:
    """Return every store with its boxes: open ones first, each in the order of its code."""
    now = platform.clock.read().at
    with platform.door.read() as shared:
        hubs = hubs_of(shared, merchant.id)
        acked = {hub.id: _arrived(shared, hub) for hub in hubs}
        alarms = [
            (hub.id, ENDED, worry)
            for hub in hubs
            for worry in _ended(epochs_of(shared, hub.id))
        ]
        awaited = awaited_hubs(shared, merchant.id)
        alarms += [(hub.id, ENDED, AWAITED) for hub in hubs if hub.id in awaited]
        safe = {hub.id: _safe(shared, hub) for hub in hubs}
        alarms += _alarms(shared, merchant.id, since=now - ALARM_SHOWN_MS)
    with merchant.door.read() as db:
        known = stores(db)
        boxes = [
            _standing(db, hub, acked[hub.id], safe=safe[hub.id], now=now, alarms=alarms)
            for hub in hubs
        ]
    branches = [
        Branch(id=key, store=one, boxes=tuple(b for b in boxes if b.hub.store == key))
        for key, one in known.items()
    ]
    return sorted(branches, key=lambda b: (bool(b.store.closed_on), b.store.code))


def books_differ(platform: Platform, merchant: Merchant) -> int | None:
    """Return when a night found the books to differ from the journal; None where all holds."""
    with platform.door.read() as shared:
        seen = last_checks(shared).get(merchant.id)
    return None if seen is None or seen.fine else seen.at


def mark(platform: Platform, merchant: Merchant) -> object:
    """Return what differs once the pages about stores and boxes would."""
    with platform.door.read() as shared:
        hubs = hubs_of(shared, merchant.id)
        acked = [_arrived(shared, hub) for hub in hubs]
        closed = [
            (one.hub, one.epoch, one.closed_reason, one.limbo)
            for hub in hubs
            for one in epochs_of(shared, hub.id)
        ]
        newest = next((row["id"] for row in alarms_of(shared, merchant.id)), "")
    with merchant.door.read() as db:
        pos = position(db)
        moved = [db.value(f"SELECT COUNT(*) FROM {table}") for table in _MOVED]  # noqa: S608
    return hubs, acked, closed, newest, pos, moved, platform.clock.read().at // MINUTE_MS


_MOVED = ("emptied_place", "late_taken", "risk_booking")
"""What changes when a closed box's value goes home or it turns up."""


def _ended(epochs: list[Epoch]) -> Iterator[Worry]:
    """Tell of boxes that were closed and for which somebody has to do something."""
    if epochs and epochs[-1].closed_reason == Reason.FORKED:
        yield Worry(
            what=N_("这台主机停下了：它有两份不同的记录"),
            advice=N_(
                "店里还能收现金，不能用储值。请把用过这个身份的主机都断电，再点“更换主机”。"
            ),
            level="bad",
            at=epochs[-1].closed_at,
        )
    for epoch in epochs:
        if epoch.limbo:
            yield Worry(
                what=N_("被偷的主机里还冻结着会员的余额"),
                advice=N_("点开这台主机，决定什么时候退回给会员。"),
                level="bad",
                at=epoch.closed_at,
            )


def _safe(shared: Reader, hub: Hub) -> int:
    epochs = epochs_of(shared, hub.id)
    return safe_of(shared, hub.id, epochs[-1].epoch) if epochs else 0


def _arrived(shared: Reader, hub: Hub) -> int:
    """Return the newest event of a box's newest epoch that is kept here."""
    epochs = epochs_of(shared, hub.id)
    if not epochs:
        return 0
    newest = epochs[-1]
    return cursor_of(shared, hub.id, newest.epoch, newest.birth).have


def _standing(
    db: Reader,
    hub: Hub,
    acked: int,
    *,
    safe: int,
    now: int,
    alarms: Alarms,
) -> Standing:
    newest_at = db.value(
        "SELECT at FROM sale WHERE origin = :hub ORDER BY date DESC, at DESC LIMIT 1",
        hub=hub.id,
    )
    quarantined = db.value("SELECT count(*) FROM quarantine WHERE origin = :hub", hub=hub.id)
    waiting = 0 if hub.revoked else max(0, hub.reported_seq - acked)
    worries = [] if hub.revoked else [*_worries(hub, waiting, now), *_kept_out(quarantined)]
    told = [
        worry
        for hub_id, kind, worry in alarms
        # What a box did before it was shut out is settled; that it still sends is not.
        if hub_id == hub.id and (not hub.revoked or kind in {"revoked", ENDED})
    ]
    return Standing(
        hub=hub,
        waiting=waiting,
        newest_at=newest_at,
        # Positions leap after a restore: what counts is how many documents lie behind.
        behind=db.value(
            "SELECT COUNT(*) FROM feed_document WHERE pos > :pos", pos=hub.feed_pos
        ),
        safe=safe,
        worries=(*worries, *told),
    )


def _worries(hub: Hub, waiting: int, now: int) -> Iterator[Worry]:
    silent_ms = now - (hub.last_seen_at or hub.enrolled_at)
    if not hub.online and silent_ms > SILENT_MS:
        yield Worry(
            what=N_("连不上这台主机"),
            advice=N_("门店照常收银，数据都在主机里。请检查店里的网络和主机电源。"),
            level="bad" if silent_ms > DAY_MS else "warn",
            at=hub.last_seen_at,
        )
    if hub.online and waiting > 1_000:
        yield Worry(
            what=N_("积压的记录正在上传"),
            advice=N_("等它传完再看报表；网络慢时要几分钟。"),
        )
    if hub.clock_unsure:
        yield Worry(
            what=N_("主机的时钟没有对准"),
            advice=N_("请让主机连上网络自动对时；单据的时间可能不准，金额不受影响。"),
        )
    if hub.held_back:
        yield Worry(
            what=N_("主机等待升级：总部有它还不认识的记录，先不发给它"),
            advice=N_(
                "门店照常收银，会员的余额暂时不往那里调。请升级这台主机，升级后自动补发。"
            ),
        )
    if hub.free_bytes is not None and hub.free_bytes < FREE_BYTES_LOW:
        yield Worry(
            what=N_("主机的存储快满了"),
            advice=N_("请尽快联系维护；满了就不能再收银。"),
            level="bad",
        )
    if hub.certificate_until - now < CERTIFICATE_SOON_MS:
        yield Worry(
            what=N_("主机的证书快到期了"),
            advice=N_("让主机联网，它会自己换新证书。"),
        )


def _kept_out(count: int) -> Iterator[Worry]:
    if count:
        yield Worry(
            what=N_("有记录还没能入账"),
            advice=N_("原始记录都在。看看为什么、怎么办："),
            page="aside.listed",
            times=count,
        )


def _alarms(shared: Reader, merchant: str, *, since: int) -> Iterator[tuple[str, str, Worry]]:
    """Yield the newest alarm of each box and kind, with how many there were."""
    gathered: dict[tuple[str, str], tuple[int, int]] = {}
    for row in alarms_of(shared, merchant):
        if row["at"] >= since:
            at, times = gathered.get((row["hub"], row["kind"]), (row["at"], 0))
            gathered[row["hub"], row["kind"]] = (max(at, row["at"]), times + 1)
    for (hub, kind), (at, times) in gathered.items():
        what, advice = ALARMS.get(kind, OTHER_ALARM)
        yield hub, kind, Worry(what=what, advice=advice, level="bad", at=at, times=times)
