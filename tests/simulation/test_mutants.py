"""The simulation has teeth: each of these mistakes, planted, is found within a few seeds."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from cloud.ingest import step as cloud_step
from core.wire import Cursor, Sender, Verdict, judge
from core.wire.receiver import Judged
from hub.sync import step as hub_step
from tests.simulation.cloud_node import CloudNode
from tests.simulation.history import (
    ALL,
    CRASHES,
    LINES,
    LOSSES,
    LYING_DISK,
    History,
)
from tests.simulation.hub_node import HubNode

pytestmark = pytest.mark.wide

SEEDS = 80


def is_found(profile, **nodes) -> None:
    """Live histories until one does not add up."""
    for seed in range(SEEDS):
        try:
            History(profile, seed, **nodes).live()
        except AssertionError:
            return
    pytest.fail(f"nobody noticed in {SEEDS} histories")


class AcceptsAgain(HubNode):
    """Acts on every downlink segment that arrives, also on one that it has."""

    def flush_downlink(self, segment, after):
        held = self.disk.down.cursor.have
        self.take_downlink(segment.events)
        self.disk.down.forget(held)
        if held == after:
            self.disk.down.extend(segment.events[after + 1 - segment.first :])
        self.feed(self.standing(lost=held != after))
        self.seal_soon()


def known_is_next(stream, cursor, arrived):
    judged = judge(stream, cursor, arrived)
    if judged.verdict is Verdict.KNOWN:
        return replace(judged, verdict=Verdict.NEXT)
    return judged


def test_an_accept_that_is_not_told_apart_from_its_repetition(monkeypatch):
    monkeypatch.setattr(hub_step, "judge", known_is_next)
    is_found(LOSSES, hub_node=AcceptsAgain)


class AcceptsLater(HubNode):
    """Keeps a downlink segment in one transaction and acts on it in another."""

    def take_downlink(self, events):
        self.disk.down.extend(events)
        act = partial(super().take_downlink, events)
        self.world.later(300, self.life, lambda: self.act_then_keep(act))

    def act_then_keep(self, act):
        held = self.disk.down.cursor.have
        act()
        self.disk.down.forget(held)
        self.seal_soon()


def test_an_accept_in_a_transaction_after_the_one_that_keeps_the_grant():
    is_found(CRASHES, hub_node=AcceptsLater)


def test_an_ack_of_which_only_the_highest_counts(monkeypatch):
    begin, acknowledge = Sender.begin, Sender.acknowledge

    def begin_high(sender, acked, window):
        return begin(sender, max(acked, sender.acked), window)

    def acknowledge_high(sender, acked, *others):
        return acknowledge(sender, max(acked, sender.acked), *others)

    monkeypatch.setattr(Sender, "begin", begin_high)
    monkeypatch.setattr(Sender, "acknowledge", acknowledge_high)
    is_found(LYING_DISK)


class FillsNothing(CloudNode):
    """Keeps a segment wherever its copy happens to end."""

    def flush(self):
        gathered, self.kept = self.kept, []
        for hub, keep in gathered:
            copy = self.disk.hubs[hub].copy
            copy.extend(keep.segment.events[max(0, keep.after + 1 - keep.segment.first) :])
            self.feed(self.standing(hub), hub)
            self.unpack_soon(hub)


def gap_is_next(stream, cursor, arrived):
    judged = judge(stream, cursor, arrived)
    if judged.verdict is Verdict.GAP:
        after = Cursor(have=arrived.segment.last, head=cursor.head)
        return Judged(verdict=Verdict.NEXT, cursor=after)
    return judged


def test_a_gap_that_is_taken(monkeypatch):
    monkeypatch.setattr(cloud_step, "judge", gap_is_next)
    is_found(LOSSES, cloud_node=FillsNothing)


def test_a_segment_that_is_kept_without_looking_where_the_cursor_stands():
    is_found(replace(LINES, twice=0.4), cloud_node=FillsNothing)


class GrantsAgain(CloudNode):
    """Answers an ask each time that it is heard."""

    def handle(self, hub, ask):
        self.disk.answers.pop(ask.id, None)
        super().handle(hub, ask)


def test_a_grant_for_each_time_that_an_ask_is_heard():
    is_found(LOSSES, cloud_node=GrantsAgain)


class ReactsAgain(CloudNode):
    """Notes how far it has unpacked a moment after it has reacted."""

    def unpack(self, hub):
        kept = self.disk.hubs[hub]
        before = kept.unpacked
        super().unpack(hub)
        after, kept.unpacked = kept.unpacked, before

        def note():
            kept.unpacked = max(kept.unpacked, after)

        self.world.later(100, self.life, note)


def test_a_reaction_whose_cursor_is_not_in_its_transaction():
    is_found(CRASHES, cloud_node=ReactsAgain)


class SaysNothing(HubNode):
    """Leaves a recall without an answer where it holds nothing."""

    def give_back(self, asked):
        before = len(self.disk.log.raws)
        super().give_back(asked)
        if b'"legs":[]' in self.disk.log.raws[-1]:
            del self.disk.log.raws[before:]
            del self.disk.log.heads[before + 1 :]


def test_a_recall_that_is_not_answered_where_nothing_is_held():
    is_found(ALL, hub_node=SaysNothing)


def test_a_sender_that_never_goes_back(monkeypatch):
    monkeypatch.setattr(Sender, "tick", lambda sender, _now: replace(sender, due_at=None))
    monkeypatch.setattr(Sender, "go_back", lambda sender: sender)
    is_found(LOSSES)


class TakesAnyBatch(HubNode):
    """Takes a live batch although one before it is missing."""

    def flush_feed(self, batch):
        super().flush_feed(
            hub_step.FeedBatch(after=0, pos=batch.pos, documents=batch.documents)
        )


def test_a_feed_batch_that_is_taken_over_a_gap(monkeypatch):
    def batch(state, batch, _now):
        if batch.pos <= state.standing.feed_pos:
            return state, []
        return state, [hub_step.TakeFeed(batch=batch)]

    monkeypatch.setattr(hub_step, "batch_came", batch)
    is_found(LOSSES, hub_node=TakesAnyBatch)


class SealsUnwritten(HubNode):
    """Loses in a crash what it has already sent."""

    def crash(self):
        super().crash()
        log = self.disk.log
        if len(log.seals) > 1:
            del log.seals[-1]
            del log.raws[log.sealed :]
            del log.heads[log.sealed + 1 :]


def test_a_hub_that_sends_before_its_own_disk_has_it():
    is_found(CRASHES, hub_node=SealsUnwritten)
