"""Mistakes planted in the programs' own code, each of which some history must find."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

from cloud.ingest import exchange, reacting, unpacking
from core.feed import tables as feed_tables
from core.ids import Ids
from core.journal import Parts
from core.wallet import places
from hub.checkout import paying
from hub.sync import conversation, disk, downlink, outbox
from hub.sync.runtime import Sending


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A mistake: how it is planted, and the history in which it was first found."""

    name: str
    plant: Callable[[ExitStack], None]
    profile: str
    seed: int

    @contextmanager
    def planted(self) -> Iterator[None]:
        with ExitStack() as stack:
            self.plant(stack)
            yield


def put(stack: ExitStack, holder: Any, name: str, mistake: Any) -> None:
    stack.enter_context(mock.patch.object(holder, name, mistake))


# The wire and the disks.


def ack_before_commit(stack: ExitStack) -> None:
    """Head office acknowledges what it was given; keeping it comes a moment later, or never."""
    stack.enter_context(_LosesNow(exchange, "keep"))


class _LosesNow(ExitStack):
    def __init__(self, holder: Any, name: str) -> None:
        super().__init__()
        self.count = itertools.count(1)
        right = getattr(holder, name)

        def keep(tx: Any, stream: Any, segment: Any, raw: bytes, **where: Any) -> bool:
            if next(self.count) % 7 == 0:
                tx.run(
                    "UPDATE stream_cursor SET seq = :seq, head = :head WHERE origin = :origin",
                    seq=segment.last,
                    head=where["head"],
                    origin=stream.origin,
                )
                return True
            return bool(right(tx, stream, segment, raw, **where))

        self.enter_context(mock.patch.object(holder, name, keep))


def never_seals_again(stack: ExitStack) -> None:
    """A box seals only what was written before the last ring: a lost ring is for ever."""
    put(stack, disk, "is_unsealed", lambda db, me: outbox.sealed_head(db, me)[0] == 0)


def feed_over_a_gap(stack: ExitStack) -> None:
    """A box moves to a batch's position although it stands before its beginning."""
    right = feed_tables.move_to
    put(stack, feed_tables, "move_to", lambda tx, pos: right(tx, pos + 1))


def no_answer_where_nothing_lies(stack: ExitStack) -> None:
    """A box that holds nothing of a member leaves a recall unanswered."""
    right = downlink.send_release

    def silent(tx: Any, act: Any, **sent: Any) -> Any:
        held = places.all_legs(tx, sent["member"], act.journal.identity.place)
        return right(tx, act, **sent) if held else None

    put(stack, downlink, "send_release", silent)


# Value.


def accepts_twice(stack: ExitStack) -> None:
    """Who receives books what was sent, whether or not it is still under way."""

    def again(tx: Any, act: Any, sent: Any, *, place: str) -> Any:
        legs = places.read_legs(sent.legs)
        body = places.Accepted(
            transfer=sent.transfer, member=sent.member, legs=sent.legs, lots=sent.lots
        )
        for _ in range(2 if len(sent.transfer) and sent.transfer[-1] in "01234567" else 1):
            act.append(
                tx, body, postings=places.accept(sent.member, place, sent.transfer, legs)
            )

    put(stack, downlink, "take_in", again)
    put(stack, reacting, "take_in", again)


def releases_and_keeps(stack: ExitStack) -> None:
    """A box that is called releases what it held, and forgets to take it off its own place."""

    def keeps(tx: Any, act: Any, **sent: Any) -> Any:
        here = act.journal.identity.place
        legs = places.all_legs(tx, sent["member"], here)
        body = places.Released(
            transfer=sent["transfer"],
            member=sent["member"],
            legs=places.written_legs(legs),
            lots=places.lots_of(tx, legs),
            request=sent.get("request", ""),
        )
        moved = places.release(sent["member"], here, sent["transfer"], legs)
        minted = [
            replace_account(posting, f"mint/{here}") if posting.amount < 0 else posting
            for posting in moved
        ]
        return act.append(tx, body, postings=minted)

    put(stack, downlink, "send_release", keeps)


def replace_account(posting: Any, account: str) -> Any:
    return type(posting)(account, posting.asset, posting.lot, posting.amount)


def runs_each_try(stack: ExitStack) -> None:
    """A command's key is not looked at: a till that heard no answer pays again."""
    put(stack, paying, "once", lambda _tx, _act, run, **_more: run())


def unknown_kinds_move_nothing(stack: ExitStack) -> None:
    """The postings of a kind that is not known here are passed over with its body."""
    right = Parts.project_now

    def known_only(parts: Parts, event: Any, entry: Any) -> Any:
        return [] if entry is None else right(parts, event, entry)

    put(stack, Parts, "project_now", known_only)


def reacts_again(stack: ExitStack) -> None:
    """A segment that is in the journal already is reacted to once more."""
    right = unpacking.take_segment

    def again(tx: Any, parts: Any, source: Any, segment: Any, react: Any, **more: Any) -> Any:
        for raw in segment.events:
            event = unpacking.read_envelope(
                raw, origin=source.hub.id, epoch=source.epoch.epoch, seq=0
            )
            del event
        return right(tx, parts, source, segment, react, **more)

    put(stack, unpacking, "take_segment", again)


class CountedIds(Ids):
    """Ids out of a counter, which goes back with the disk that it is counted by."""


MUTANTS: tuple[Mutant, ...] = ()
__all__ = ["MUTANTS", "CountedIds", "Mutant", "Sending", "conversation", "replace"]
