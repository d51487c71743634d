"""Signs that head office has forgotten: hubs of which it knows nothing, or that know more."""

from __future__ import annotations

from cloud.ingest.talk import Talk
from cloud.platform import Platform
from cloud.recovery import Why, begin_recovery, recovery_of
from core.sqlite import Writer
from core.wire import Channel, Hello, Recover, Topic, read


def asked_of_stranger(platform: Platform, heading: Topic, payload: bytes) -> Recover | None:
    """Return what a hub is asked of which head office knows nothing; None for no hub at all.

    The broker lets in only who has a certificate of this head office in that very name. What
    such a hub says is believed once it has shown the merchant's own signature at the gate.
    """
    if heading.channel is not Channel.UP_CONTROL:
        return None
    if not isinstance(read(heading.channel, payload), Hello):
        return None
    if heading.merchant not in platform.merchant_ids():
        return None
    with platform.door.read() as db:
        recovery = recovery_of(db, heading.merchant)
    return Recover(
        incarnation=0 if recovery is None else recovery.incarnation,
        feed_after=0 if recovery is None else recovery.feed_after,
    )


def roll_back(tx: Writer, *, platform: Platform, talk: Talk) -> None:
    """Move no value of a merchant any more: a hub remembers what head office never sent.

    Nobody said that head office was put back, so nobody knows how much it forgot.
    """
    merchant, at = talk.source.hub.merchant, platform.clock.read().at
    begin_recovery(tx, merchant, why=Why.ROLLED_BACK, at=at)
