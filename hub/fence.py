"""What keeps this box from writing: nothing, its being fenced, or its own past under way.

A box is fenced when head office has closed its epoch: what it holds has gone back to the pool,
so it may spend none of it, while bills in cash are facts and go on. A box that has forgotten
events of its own (an old image, a disk that lied) may write nothing before it has them again,
because another event under the same number would part its journal in two.

The word stands in the database and is asked in the transaction of each event, so no program of
the box can write past it, whichever of them learned of it and however often they start.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from core.errors import N_, Refusal, Refused
from core.journal import Body, Part, Posting
from core.sqlite import Migration, Reader, Writer
from core.wallet import Adjusted, Opened, ToppedUp, parse_member_account

FENCED, TAKING_UP = "fenced", "taking_up"
MAKES_VALUE = (ToppedUp, Opened, Adjusted)


class Fence(msgspec.Struct, frozen=True, kw_only=True):
    """Why this box may not write as it likes.

    `state` is fenced or taking_up; `reason` head office's word for it; `since` in ms.
    """

    state: str
    reason: str
    since: int

    @property
    def replaced(self) -> bool:
        """Whether another box has this one's place, and its name at the broker."""
        return self.state == FENCED and self.reason not in REPAIRABLE


TAKING_UP_WORDS = N_(
    "主机正在从总部取回自己的记录，取完以前不能记账，查询照常。请保持联网；久不恢复就联系总部。"
)
REPLACED_WORDS = N_(
    "这台主机已由新主机接替：不能用余额、积分，也不能充值，现金等照常收款，记录会补传。"
    "请改用新主机；补传完后，这台可以关机。"
)
FORKED_WORDS = N_(
    "这台主机的记录与总部的对不上，可能换过存储卡，或有两台在用：不能用余额、积分，也不能充值，"
    "现金等照常收款，记录会补传。请在总部为本店取换机码，再在这台主机上更换。"
)
SHUT_WORDS = N_(
    "总部已停用这台主机：不能用余额、积分，也不能充值，现金等照常收款，记录会补传。请联系总部。"
)


def words(held: Fence) -> str:
    """Return what whoever stands at a till is told, and what is to be done."""
    if held.state == TAKING_UP:
        return TAKING_UP_WORDS
    if held.reason == "replaced":
        return REPLACED_WORDS
    return FORKED_WORDS if held.reason in REPAIRABLE else SHUT_WORDS


REPAIRABLE = {"forked", "downlink_forked"}
"""Why a box is fenced that no other one has replaced yet."""


def fence(db: Reader) -> Fence | None:
    """Return what keeps this box from writing; None where nothing does."""
    row = db.one("SELECT state, reason, since FROM fence")
    return None if row is None else Fence(**dict(row))


def put_up(tx: Writer, state: str, *, reason: str, since: int) -> None:
    """Keep the box from writing from now on. Its being fenced outweighs everything else."""
    held = fence(tx)
    if held is not None and (
        state == TAKING_UP or (held.state, held.reason) == (state, reason)
    ):
        return
    tx.run("DELETE FROM fence")
    tx.run(
        "INSERT INTO fence (one, state, reason, since) VALUES (1, :state, :reason, :since)",
        state=state,
        reason=reason,
        since=since,
    )


def take_down(tx: Writer, state: str) -> None:
    """Let the box write again, if this is what kept it from it."""
    tx.run("DELETE FROM fence WHERE state = :state", state=state)


def guard(db: Reader, body: Body, postings: Sequence[Posting]) -> None:
    """Refuse an event that may not be written now. Refused: taking_up, box_fenced."""
    held = fence(db)
    if held is None:
        return
    if held.state == TAKING_UP:
        raise Refused("taking_up")
    if isinstance(body, MAKES_VALUE) or any(
        posting.amount < 0 and parse_member_account(posting.account) for posting in postings
    ):
        raise Refused("box_fenced")


LOCAL = Part(
    name="fence",
    migrations=(
        Migration(
            "fence/1",
            (
                """CREATE TABLE fence (
                     one INTEGER PRIMARY KEY CHECK (one = 1),
                     state TEXT NOT NULL CHECK (state IN ('fenced', 'taking_up')),
                     reason TEXT NOT NULL,
                     since INTEGER NOT NULL
                   ) STRICT""",
            ),
        ),
    ),
    refusals={
        "box_fenced": Refusal(
            409,
            N_("总部已停用这台主机：不能用余额、积分，也不能充值；现金等方式照常收款"),
        ),
        "taking_up": Refusal(503, N_("主机正在从总部取回自己的记录，取完才能记账，请稍候")),
    },
)
