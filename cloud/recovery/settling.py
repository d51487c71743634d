"""The end of a recovery: what is below zero now was truly lost, and is the merchant's."""

from __future__ import annotations

from collections import defaultdict

from cloud.platform import Reason, epochs_of
from cloud.recovery.events import RecoveryEnded
from cloud.recovery.standing import (
    Awaited,
    Recovery,
    State,
    hubs_in_recovery,
)
from cloud.streams import cursor_of
from core.journal import Act
from core.sqlite import Reader, Writer
from core.wallet import CLOUD, Asset, Funded, Leg, fund, holdings, plan_taking, written_legs

RESTORE = "restore"


def is_over(shared: Reader, db: Reader, merchant: str) -> bool:
    """Say whether every hub has returned or was let go, and all of it is in the books."""
    return all(
        one.state is State.RELEASED
        or _is_stolen(shared, one)
        or (one.state is State.RETURNED and _is_in(shared, db, one))
        for one in hubs_in_recovery(shared, merchant)
    )


def settle(tx: Writer, act: Act, recovery: Recovery, hubs: list[Awaited]) -> int:
    """Fill pools that are below zero: by the member's other lots, then at the merchant's risk.

    Returns for how many members. Only once nothing more can come: what looks lost before is
    mostly still on its way.
    """
    short: dict[str, list[Leg]] = defaultdict(list)
    for row in tx.all(
        "SELECT member, asset, lot, amount FROM holding"
        " WHERE place = :cloud AND amount < 0 ORDER BY member, asset, lot",
        cloud=CLOUD,
    ):
        leg = Leg(Asset(row["asset"]), row["lot"], -row["amount"])
        short[row["member"]].append(leg)
    for member, missing in short.items():
        taken = plan_taking(missing, holdings(tx, member, CLOUD))
        body = Funded(
            member=member,
            hub="",
            hub_epoch=0,
            legs=written_legs(missing),
            taken=written_legs(taken),
            reason=RESTORE,
        )
        act.append(tx, body, postings=fund(member, CLOUD, legs=missing, taken=taken))
    ended = RecoveryEnded(
        incarnation=recovery.incarnation,
        returned=sum(one.state is State.RETURNED for one in hubs),
        released=sum(one.state is State.RELEASED for one in hubs),
        members=len(short),
    )
    act.append(tx, ended)
    return len(short)


def _is_stolen(shared: Reader, one: Awaited) -> bool:
    """Say whether a person has shut a box out as stolen: nobody waits for a thief's word."""
    epochs = epochs_of(shared, one.hub)
    return bool(epochs) and epochs[-1].closed_reason == Reason.STOLEN


def _is_in(shared: Reader, db: Reader, one: Awaited) -> bool:
    """Say whether what a hub announced is kept, and has been unpacked as far as it is kept."""
    for epoch in epochs_of(shared, one.hub):
        if epoch.epoch != one.epoch:
            continue
        kept = cursor_of(shared, one.hub, epoch.epoch, epoch.birth).have
        # A hub that was shut out meanwhile brings nothing more by the line.
        enough = kept >= one.announced or epoch.closed_at is not None
        unpacked = db.value(
            "SELECT MAX(seq) FROM journal WHERE origin = :hub AND epoch = :epoch",
            hub=one.hub,
            epoch=epoch.epoch,
        )
        return enough and (unpacked or 0) >= kept
    return False
