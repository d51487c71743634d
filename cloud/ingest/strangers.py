"""Signs that head office has forgotten: hubs of which it knows nothing, or that know more."""

from __future__ import annotations

from cloud.ingest.talk import Talk
from cloud.platform import Platform, Reason, epochs_of
from cloud.recovery import (
    Why,
    awaited_hubs,
    begin_anew,
    next_incarnation,
    recovery_of,
)
from cloud.streams import account_for
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


def roll_back(tx: Writer, *, platform: Platform, talk: Talk, hello: Hello | None) -> None:
    """Move no value of a merchant any more: a hub remembers what head office does not.

    Nobody said that head office was put back, so nobody knows how much it forgot: it is the
    next incarnation, and every hub is asked, also one that has given back before. A box that
    was shut out as stolen remembers what its thief likes.
    """
    merchant, at = talk.source.hub.merchant, platform.clock.read().at
    if epochs_of(tx, talk.hub)[-1].closed_reason == Reason.STOLEN:
        return
    if recovery_of(tx, merchant) is not None and talk.hub in awaited_hubs(tx, merchant):
        return
    next_incarnation(tx, at=at)
    begin_anew(tx, merchant, why=Why.ROLLED_BACK, at=at)
    if hello is not None and hello.feed_run:
        account_for(tx, hello.feed_run, at=at)


def account_for_run(tx: Writer, *, platform: Platform, hello: Hello) -> None:
    """Know the run of which an awaited hub speaks: it gives back all that it heard in it."""
    account_for(tx, hello.feed_run, at=platform.clock.read().at)
