"""What an owner may ask about when head office was put back, in the merchant's own stream."""

from __future__ import annotations

from core.backup import REFUSALS
from core.errors import N_, Refusal
from core.journal import Body, Part
from core.sqlite import Migration


class RecoveryBegan(Body, frozen=True, kw_only=True, tag="recovery.began"):
    """Head office moves no value of this merchant until its boxes gave back what it forgot.

    `why` is restored (from a backup), rolled_back (a box remembers what head office does not,
    and nobody said why) or forgotten (a box that was joined after the backup has called).
    """

    incarnation: int
    why: str


class HubReleased(Body, frozen=True, kw_only=True, tag="recovery.hub_released"):
    """Somebody decided not to wait for a box any longer."""

    hub: str
    reason: str


class RecoveryEnded(Body, frozen=True, kw_only=True, tag="recovery.ended"):
    """All boxes were heard; what was truly lost is booked, and value moves again.

    `returned` and `released` count boxes, `members` those for whom something was booked.
    """

    incarnation: int
    returned: int
    released: int
    members: int = 0


PART = Part(
    name="recovery",
    migrations=(
        Migration(
            "recovery_here/1",
            (
                # Where each document stood before all of them were published anew: what a box
                # gives back counts only where it is newer than that.
                """CREATE TABLE feed_before (
                     topic TEXT NOT NULL,
                     key TEXT NOT NULL,
                     pos INTEGER NOT NULL,
                     PRIMARY KEY (topic, key)
                   ) STRICT, WITHOUT ROWID""",
                # For which recovery that was done, and from which position on.
                """CREATE TABLE feed_anew (
                     one INTEGER PRIMARY KEY CHECK (one = 1),
                     incarnation INTEGER NOT NULL,
                     began_at INTEGER NOT NULL,
                     base INTEGER NOT NULL
                   ) STRICT""",
            ),
        ),
    ),
    now=dict.fromkeys((RecoveryBegan, HubReleased, RecoveryEnded), lambda _entry: ()),
    refusals={
        "not_recovering": Refusal(409, N_("总部没有在恢复数据")),
        "hub_not_awaited": Refusal(404, N_("没有在等这台主机")),
        "release_too_early": Refusal(
            409, N_("要等满 %(hours)s 小时才能不等这台主机，还差 %(left)s 小时")
        ),
        "release_reason_missing": Refusal(422, N_("请写明为什么不再等这台主机")),
        "return_wrong": Refusal(403, N_("交还的资料不对：%(what)s")),
        "return_forked": Refusal(409, N_("主机的划拨记录与总部的分叉了")),
        "return_incomplete": Refusal(409, N_("交还的记录还不完整")),
        "bad_return": Refusal(422, N_("交还的资料读不懂：%(reason)s")),
    },
)
SEALING = Part(name="sealing", refusals=REFUSALS)
"""What sealing a backup refuses, here as on a hub."""
