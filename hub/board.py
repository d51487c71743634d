"""On which board this box stands: a copy of its disk in another machine does not write.

Two machines from one disk would each write events under the same numbers. The board's number is
noted when a box is born, joined in another's place or brought back from a backup; where another
one stands there at a start, the box is read and nothing else, until a person has decided.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from core.errors import N_, Refused
from core.sqlite import Reader, Writer

SERIALS = (
    Path("/sys/firmware/devicetree/base/serial-number"),
    Path("/proc/device-tree/serial-number"),
)
MACHINE_ID = Path("/etc/machine-id")
PLACE = "DIANSHU_BOARD"
"""Names a file that holds another number instead, for machines that have theirs elsewhere."""
NUMBER_MIN = 8
"""Shorter ones, and those of zeros alone, are what makers leave where they write none."""
NAME = "board"

ALONE_WORDS = N_(
    "这家店的存储被放到了另一台主机上：现在只能查询，不能记账，请勿收款。"
    "如果确是换机、旧主机已停用，请在这台主机上运行 dianshu hub admin moved。"
)
JOINED_WORDS = N_(
    "这家店的存储被放到了另一台主机上：现在只能查询，不能记账，请勿收款。"
    "如果确是换机，请在总部为本店取换机码，再在这台主机上运行 dianshu hub admin replace。"
)


def this_board() -> str:
    """Return this machine's number, hashed; empty where it has none."""
    named = os.environ.get(PLACE)
    return board_in((Path(named),) if named else (*SERIALS, MACHINE_ID))


def board_in(paths: tuple[Path, ...]) -> str:
    """Return the number that the first of these files holds, hashed; empty where none does."""
    for path in paths:
        try:
            number = path.read_bytes().strip(b"\0 \n")
        except OSError:
            continue
        if len(number) >= NUMBER_MIN and number.strip(b"0"):
            return hashlib.sha256(b"dianshu board\0" + number).hexdigest()[:32]
    return ""


def bind(tx: Writer, board: str) -> None:
    """Note that the box stands on this board from now on."""
    tx.run(
        "INSERT INTO box (name, value) VALUES (:name, :board)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name=NAME,
        board=board,
    )


def bound(db: Reader) -> str:
    """Return on which board the box stands; empty where nobody could tell yet."""
    return db.value("SELECT value FROM box WHERE name = :name", name=NAME) or ""


def is_moved(db: Reader, board: str) -> bool:
    """Say whether the box was noted to stand on another board than this one."""
    return bool(board) and bound(db) not in {"", board}


def check(db: Reader, board: str) -> None:
    """Refuse to write on another board. Refused: other_board."""
    if is_moved(db, board):
        raise Refused("other_board")
