"""What stands above every page: why this box does not write as it should, and what to do."""

from __future__ import annotations

from core.errors import N_
from core.room import FULL, RESERVE_FILE, room_of
from core.sqlite import Reader
from core.staff import Grants
from core.web import gettext as _
from hub.board import ALONE_WORDS, JOINED_WORDS, is_moved
from hub.box import Box
from hub.fence import fence, words
from hub.mirror import KEPT, MISSING, mirror_told
from hub.sync import joined

CARES_FOR_THE_BOX = "settings.edit"
FULL_WORDS = N_(
    "门店主机的存储已满，现在只能查询，不能记账，请勿收款。请马上通知店长清理存储。"
)
READ_ONLY_WORDS = N_(
    "门店主机的存储只能读，可能已经损坏：现在只能查询，不能记账。请改用纸单，马上联系维修。"
)
RESERVE_WORDS = N_(
    "门店主机的存储已满，正在用最后的备用空间：还能收款和交班，请马上清理或更换存储。"
)
NO_MEDIUM_WORDS = N_(
    "备份盘不在：还没传到总部的新记录只存在主机上，主机坏了就没了。请插回备份盘。"
)
MEDIUM_WORDS = N_(
    "备份盘写不进去：还没传到总部的新记录只存在主机上，主机坏了就没了。请换一块备份盘。"
)
LOW_WORDS = N_("门店主机的存储快满了：收款照常，历史记录和每天的备份先停。请清理或更换存储。")


def alarms(db: Reader, box: Box, grants: Grants) -> list[str]:
    """Return what somebody with these rights is to be told now, the worst first."""
    found = []
    if box.door.refusing:
        found.append(_(FULL_WORDS if box.door.refusing == FULL else READ_ONLY_WORDS))
    if is_moved(db, box.board):
        found.append(_(JOINED_WORDS if joined(box.folder) else ALONE_WORDS))
    held = fence(db)
    if held is not None:
        found.append(_(words(held)))
    if CARES_FOR_THE_BOX in grants and not box.door.refusing:
        found += [*_room(box), *_mirror(box)]
    return found


def _mirror(box: Box) -> list[str]:
    told = mirror_told(box)
    if told is None or told.state == KEPT:
        return []
    return [_(NO_MEDIUM_WORDS if told.state == MISSING else MEDIUM_WORDS)]


def _room(box: Box) -> list[str]:
    room = room_of(box.folder, reserved=(box.folder / RESERVE_FILE).exists())
    if room.full:
        return [_(RESERVE_WORDS)]
    return [_(LOW_WORDS)] if room.low else []
