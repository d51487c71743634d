"""Not waiting any longer: a hub that never calls must not freeze value for ever."""

from __future__ import annotations

from cloud.platform import Merchant, Platform, Reason, epochs_of
from cloud.recovery.events import HubReleased
from cloud.recovery.standing import (
    RELEASE_AFTER_MS,
    State,
    hubs_in_recovery,
    recovery_of,
)
from cloud.streams import shut
from core.clock import HOUR_MS
from core.errors import Refused
from core.sqlite import Writer

REASON_CHARACTERS_MAX = 200


def release_hub(
    platform: Platform, merchant: Merchant, *, hub: str, reason: str, actor: str | None
) -> None:
    """Go on without a hub that was not heard for 72 hours: what it holds is booked as lost.

    Its epoch ends, so what it brings later comes as late facts and is booked back.
    Refused: not_recovering, hub_not_awaited, release_too_early, release_reason_missing.
    """
    reason = reason.strip()[:REASON_CHARACTERS_MAX]
    if not reason:
        raise Refused("release_reason_missing")
    at = platform.clock.read().at

    def release(tx: Writer) -> None:
        recovery = recovery_of(tx, merchant.id)
        if recovery is None:
            raise Refused("not_recovering")
        known = {one.hub: one for one in hubs_in_recovery(tx, merchant.id)}
        if hub not in known or known[hub].state is not State.AWAITED:
            raise Refused("hub_not_awaited")
        left = recovery.since + RELEASE_AFTER_MS - at
        if left > 0:
            raise Refused(
                "release_too_early",
                hours=RELEASE_AFTER_MS // HOUR_MS,
                left=-(-left // HOUR_MS),
            )
        for epoch in epochs_of(tx, hub):
            if epoch.closed_at is None:
                shut(tx, epoch, reason=Reason.LOST, at=at)
        tx.run(
            "UPDATE recovery_hub SET state = :state, reason = :reason, since = :at"
            " WHERE merchant = :merchant AND hub = :hub",
            state=State.RELEASED.value,
            reason=reason,
            at=at,
            merchant=merchant.id,
            hub=hub,
        )

    platform.door.write(release)
    told = HubReleased(hub=hub, reason=reason)
    merchant.door.write(lambda tx: merchant.act(tx, actor=actor).append(tx, told))
    platform.ring("ingest")
    platform.ring("web")
