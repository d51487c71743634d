"""Closing an epoch, and letting go what waited for a decision: marks, and who made them."""

from __future__ import annotations

from cloud.epochs.events import EpochClosed, LimboReleased
from cloud.platform import (
    Epoch,
    Hub,
    Platform,
    Reason,
    end_limbo,
    epochs_of,
    find_hub,
    revoked_list,
)
from cloud.streams import shut
from core.errors import Refused
from core.sqlite import Reader, Writer


def close_epoch(
    platform: Platform, hub_id: str, *, reason: str, actor: str | None = None
) -> None:
    """Let a box's newest epoch in nowhere from now on, but for what it may still bring late.

    Only marks; the books move what lay there afterwards. Again does nothing, but that a box
    which turns out to be stolen is known as stolen. The broker is told by its list of revoked
    certificates. Refused: no_hub, bad_reason.
    """
    try:
        why = Reason(reason)
    except ValueError as error:
        raise Refused("bad_reason") from error

    def mark(tx: Writer) -> tuple[Hub, Epoch, bool]:
        hub, epochs = _known(tx, hub_id)
        at = platform.clock.read().at
        fresh = shut(tx, epochs[-1], reason=why, at=at)
        return hub, epochs_of(tx, hub_id)[-1], fresh

    hub, epoch, fresh = platform.door.write(mark)
    if fresh:
        _tell(platform, hub, actor, _closed(hub, epoch))
    tell_closed(platform)


def release_limbo(
    platform: Platform, hub_id: str, *, epoch: int, actor: str | None = None
) -> None:
    """Give what lay at a stolen box's place back to its members' pools.

    Refused: no_hub, no_limbo.
    """

    def mark(tx: Writer) -> Hub:
        hub, _ = _known(tx, hub_id)
        if not end_limbo(tx, hub=hub_id, epoch=epoch):
            raise Refused("no_limbo")
        return hub

    hub = platform.door.write(mark)
    _tell(platform, hub, actor, LimboReleased(hub=hub_id, epoch=epoch, store=hub.store))
    platform.ring("ingest")
    platform.ring("web")


def tell_closed(platform: Platform, *by_itself: str) -> None:
    """Let everybody know that an epoch ended: the broker by its list, the programs by bells.

    Of the hubs whose newest epoch ended `by_itself`, as two histories do, the merchant's own
    journal is told here; nobody closed those.
    """
    for hub_id in by_itself:
        with platform.door.read() as db:
            hub, epochs = _known(db, hub_id)
        _tell(platform, hub, None, _closed(hub, epochs[-1]))
    revoked_list(platform)
    for bell in ("broker", "ingest", "web"):
        platform.ring(bell)


def _known(db: Reader, hub_id: str) -> tuple[Hub, list[Epoch]]:
    hub, epochs = find_hub(db, hub_id), epochs_of(db, hub_id)
    if hub is None or not epochs:
        raise Refused("no_hub")
    return hub, epochs


def _closed(hub: Hub, epoch: Epoch) -> EpochClosed:
    return EpochClosed(
        hub=hub.id,
        epoch=epoch.epoch,
        store=hub.store,
        seq=epoch.closed_seq,
        reason=epoch.closed_reason,
    )


def _tell(
    platform: Platform, hub: Hub, actor: str | None, body: EpochClosed | LimboReleased
) -> None:
    merchant = platform.merchant(hub.merchant)
    merchant.door.write(lambda tx: merchant.act(tx, actor=actor).append(tx, body))
