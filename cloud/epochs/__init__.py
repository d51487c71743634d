"""Boxes that are no more: an epoch is closed, its value goes home, what it still brings counts.

Closing only marks, in the shared database. The books move value afterwards: what lay at the
closed place, or was on its way there, into its members' pools; what the box brings late is
paid for first by the member's pool, then by the merchant's account `risk`, and never by a
balance below zero. Both histories of a box that was two are facts.
"""

from cloud.epochs.closing import close_epoch, release_limbo, tell_closed
from cloud.epochs.events import EpochClosed, LateTaken, LimboReleased, PlaceEmptied
from cloud.epochs.histories import (
    Branch,
    branches_of,
    bring_late,
    head_of,
    stream_of,
    take_up_forks,
)
from cloud.epochs.presented import (
    Presented,
    Shown,
    check_shown,
    present,
    read_shown,
    take_presented,
)
from cloud.epochs.tables import PART, SHARED_TABLES
from cloud.epochs.voiding import (
    FORK,
    LATE,
    ClosedPlace,
    fund_for,
    hands_on_missing,
    is_voided,
    late_seq,
    not_sent,
    note_late,
    repay,
    settle_pool,
    sweep_after,
    void_some,
)

__all__ = [
    "FORK",
    "LATE",
    "PART",
    "SHARED_TABLES",
    "Branch",
    "ClosedPlace",
    "EpochClosed",
    "LateTaken",
    "LimboReleased",
    "PlaceEmptied",
    "Presented",
    "Shown",
    "branches_of",
    "bring_late",
    "check_shown",
    "close_epoch",
    "fund_for",
    "hands_on_missing",
    "head_of",
    "is_voided",
    "late_seq",
    "not_sent",
    "note_late",
    "present",
    "read_shown",
    "release_limbo",
    "repay",
    "settle_pool",
    "stream_of",
    "sweep_after",
    "take_presented",
    "take_up_forks",
    "tell_closed",
    "void_some",
]
