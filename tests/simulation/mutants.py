"""Mistakes planted in the programs' own code, each of which some history must find.

The seeds are those at which each was found. Another version of the product lives other
histories, so a seed that finds nothing any more is looked for anew before anybody worries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

from cloud.epochs import voiding
from cloud.gate import past as gate_past
from cloud.ingest import (
    books,
    exchange,
    lateness,
    reacting,
    recovering,
    righting,
    sources,
    talk,
)
from cloud.ingest import step as cloud_step
from core.enrolment import LateAnswer, LateState
from core.feed import held_pos
from core.ids import Ids
from core.journal import Parts
from core.journal import append as appending
from core.tickets import parts_of
from core.wallet import Leg, Use, break_up, places
from core.wallet import ending as points_ending
from core.wire import Sender, Verdict
from hub.checkout import RightHere, paying, reversing
from hub.sync import disk as hub_disk
from hub.sync import downlink, feeding, joining
from hub.sync import step as hub_step
from hub.sync.past import Past
from tests.simulation.furnished import furnished
from tests.simulation.real_hub import RealHub
from tests.simulation.running import Seed, live_one

LOOKED_FOR_SEEDS = 40
Plant = Callable[[ExitStack], None]
STORES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A mistake: how it is planted, and the history in which it was found."""

    plant: Plant
    profile: str
    seed: int

    @property
    def name(self) -> str:
        return self.plant.__name__.replace("_", " ")

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Let the mistake be in the code for a while."""
        furnished(STORES)  # Made by sound programs; what goes wrong is to go wrong later.
        with ExitStack() as stack:
            self.plant(stack)
            yield


def put(stack: ExitStack, holder: Any, name: str, mistake: Any) -> None:
    stack.enter_context(mock.patch.object(holder, name, mistake))


# The wire and the disks.


def ack_before_commit(stack: ExitStack) -> None:
    """Head office moves its cursor over a segment that it has not kept yet, and never does."""
    right, count = exchange.keep, iter(range(1 << 30))

    def keep(tx: Any, stream: Any, segment: Any, raw: bytes, **where: Any) -> bool:
        kept = bool(right(tx, stream, segment, raw, **where))
        if kept and next(count) % 5 == 4:
            tx.run(
                "DELETE FROM segment WHERE origin = :origin AND last_seq = :last",
                origin=stream.origin,
                last=segment.last,
            )
        return kept

    put(stack, exchange, "keep", keep)


def max_ack(stack: ExitStack) -> None:
    """A hub believes the highest acknowledgement that it ever heard."""
    begin = Sender.begin
    put(
        stack,
        Sender,
        "begin",
        lambda sender, acked, window: begin(sender, max(acked, sender.acked), window),
    )


def feed_over_a_gap(stack: ExitStack) -> None:
    """A hub takes a batch although it stands before its beginning."""
    right = joining.take_batch

    def take(tx: Any, parts: Any, *, after: int, pos: int, documents: Any) -> bool:
        here = min(after, held_pos(tx) or 0)
        return bool(right(tx, parts, after=here, pos=pos, documents=documents))

    def came(state: Any, batch: Any, _now_ms: int) -> Any:
        if batch.pos <= state.standing.feed_pos:
            return state, []
        return state, [feeding.TakeFeed(batch=batch)]

    put(stack, joining, "take_batch", take)
    put(stack, hub_step, "batch_came", came)


def recall_not_answered_where_nothing_lies(stack: ExitStack) -> None:
    """A hub that holds nothing of a member says nothing to a recall."""
    right = downlink._release

    def silent(tx: Any, act: Any, asked: Any) -> None:
        held = places.all_legs(tx, asked.member, act.journal.identity.place)
        if held and not downlink.is_served(tx, asked.member, now=act.at):
            right(tx, act, asked)

    put(stack, downlink, "_release", silent)


def unknown_kinds_move_nothing(stack: ExitStack) -> None:
    """The postings of a kind that is not known here are passed over with its body."""
    right = Parts.project_now

    def known_only(parts: Parts, event: Any, entry: Any) -> Any:
        return [] if entry is None else right(parts, event, entry)

    put(stack, Parts, "project_now", known_only)


def command_key_not_looked_at(stack: ExitStack) -> None:
    """A till that heard no answer and asks again pays again."""
    put(stack, paying, "once", lambda _tx, _act, run, **_more: run())


# Value.


def accept_twice(stack: ExitStack) -> None:
    """Who receives books what was sent, and books it once more."""

    def again(tx: Any, act: Any, sent: Any, *, place: str) -> Any:
        legs = places.read_legs(sent.legs)
        body = places.Accepted(
            transfer=sent.transfer, member=sent.member, legs=sent.legs, lots=sent.lots
        )
        for _ in range(2):
            act.append(
                tx, body, postings=places.accept(sent.member, place, sent.transfer, legs)
            )

    put(stack, downlink, "take_in", again)
    put(stack, reacting, "take_in", again)


def release_double(stack: ExitStack) -> None:
    """A hub that is called sends what it holds, and keeps it too."""
    right = places.release

    def doubled(member: str, place: str, transfer: str, legs: Any) -> Any:
        return [
            replace_account(posting, f"mint/{place}") if posting.amount < 0 else posting
            for posting in right(member, place, transfer, legs)
        ]

    put(stack, places, "release", doubled)


def replace_account(posting: Any, account: str) -> Any:
    return type(posting)(account, posting.asset, posting.lot, posting.amount)


def grant_without_taking(stack: ExitStack) -> None:
    """Head office sends value that stays in its pool as well."""
    right = places.grant

    def doubled(member: str, transfer: str, legs: Any) -> Any:
        return [
            replace_account(posting, "revenue") if posting.amount < 0 else posting
            for posting in right(member, transfer, legs)
        ]

    put(stack, places, "grant", doubled)


# Boxes that are no more, and boxes that are two.


def no_fence(stack: ExitStack) -> None:
    """Head office sees that a hub has two histories, and lets it go on."""
    put(stack, cloud_step, "_fork", lambda state, *_told: (state, []))


def simultaneous_clone_unnoticed(stack: ExitStack) -> None:
    """Events under numbers that are known are taken for known, whatever they say."""
    right, heads = cloud_step.judge, exchange.read_input

    def lenient(stream: Any, cursor: Any, arrived: Any) -> Any:
        judged = right(stream, cursor, arrived)
        if judged.verdict is Verdict.FORKED:
            return replace(judged, verdict=Verdict.KNOWN)
        return judged

    def blind(*given: Any, **more: Any) -> Any:
        happened = heads(*given, **more)
        if isinstance(happened, cloud_step.Heard):
            return replace(happened, up_head=None, down_head=None)
        return happened

    put(stack, cloud_step, "judge", lenient)
    put(stack, exchange, "read_input", blind)


def counter_ids(stack: ExitStack) -> None:
    """Ids come out of a counter on the disk, and go back with it."""
    right = RealHub.open

    class Counted(Ids):
        def __init__(self, box: Any, given: Ids) -> None:
            super().__init__(given.randomness)
            self.box, self.seq, self.drawn = box, -1, 0

        def new(self, _at: int) -> str:
            with self.box.door.read() as db:
                seq = self.box.journal.head(db).seq
            self.seq, self.drawn = seq, self.drawn + 1 if seq == self.seq else 1
            name = self.box.journal.identity.origin
            return f"{name[:8]}-0000-7000-8000-{seq * 64 + self.drawn:012x}"

    def opened(node: RealHub, born: Any = None) -> Any:
        box = right(node, born)
        box.journal.ids = Counted(box, box.journal.ids)
        return box

    put(stack, RealHub, "open", opened)


def own_tail_download_off(stack: ExitStack) -> None:
    """A hub that has forgotten asks nobody for what it wrote."""
    put(stack, Past, "fetch_own", lambda _past, _origin, **_where: None)


def epoch_regress(stack: ExitStack) -> None:
    """Head office talks with a hub in the oldest epoch that it knows of it."""

    def oldest(db: Any, hub_id: str) -> Any:
        epochs = sources.epochs_of(db, hub_id)
        hub = sources.find_hub(db, hub_id)
        return sources._source(db, hub, epochs[0]) if epochs else None

    put(stack, sources, "source_of", oldest)
    put(stack, exchange, "source_of", oldest)


def grant_to_a_closed_epoch_kept(stack: ExitStack) -> None:
    """What was on its way to a box that is gone stays on its way."""
    put(stack, voiding, "_on_the_way", lambda *_asked: {})


def closed_place_not_emptied(stack: ExitStack) -> None:
    """A box's epoch is closed, and what lay there stays there."""
    put(stack, books, "void_some", lambda *_asked: ([], True))


def reborn_hub_skips_grants(stack: ExitStack) -> None:
    """A box in another's place passes over the first thing that is sent to it."""
    right = downlink._follow

    def follow(tx: Any, act: Any, stream: Any, *, seq: int, raw: bytes) -> None:
        if stream.epoch == 1 or seq > 1:
            right(tx, act, stream, seq=seq, raw=raw)

    put(stack, downlink, "_follow", follow)


def new_box_takes_the_old_place(stack: ExitStack) -> None:
    """A box in another's place spends what the one before held."""
    put(stack, appending, "place_of", lambda origin, _epoch: origin)


def late_facts_dropped(stack: ExitStack) -> None:
    """What a fenced box brings is thanked for and thrown away."""

    def thanks(_tx: Any, _epoch: Any, segment: Any, _raw: bytes, **_more: Any) -> LateAnswer:
        return LateAnswer(state=LateState.KEPT, acked=segment.last)

    put(stack, gate_past, "bring_late", thanks)


def late_facts_not_paid_for(stack: ExitStack) -> None:
    """A late fact takes what is not there."""
    right = lateness.fund_for

    def unpaid(tx: Any, *given: Any, **more: Any) -> Any:
        tx.run("SAVEPOINT unpaid")
        done = right(tx, *given, **more)
        tx.run("ROLLBACK TO unpaid")
        tx.run("RELEASE unpaid")
        return done

    put(stack, lateness, "fund_for", unpaid)


# Members that are one.


def merged_value_stays(stack: ExitStack) -> None:
    """A box never moves what lies in it under a name that is no more."""
    put(stack, hub_disk, "settle_people", lambda *_given: None)


# Passes, returns, advances, points that end.


def a_minute_pays_for_all(stack: ExitStack) -> None:
    """A pass pays a line by one unit, however many it costs."""
    put(stack, Use, "leg", property(lambda use: Leg(use.asset, use.lot, 1)))


def returns_know_nothing_of_others(stack: ExitStack) -> None:
    """A store reverses what it sold, wherever the right to do so is, and however often."""

    def all_of_it(_db: Any, act: Any, sale: Any) -> Any:
        parts = parts_of(sale)
        here = act.journal.identity.place
        return RightHere(
            rest=parts, breaking=break_up(sale.ticket, here, parts, travelled=False)
        )

    put(stack, reversing, "rest_here", all_of_it)


def debts_are_let_go(stack: ExitStack) -> None:
    """Head office says that it took what a member owes, and takes nothing."""
    put(stack, righting, "collect", lambda *_given: [])


def points_end_at_once(stack: ExitStack) -> None:
    """The month that points end in is not looked at."""
    put(stack, points_ending, "first_month_kept", lambda **_given: "9999-12")


# Head office that was put back.


def no_freeze(stack: ExitStack) -> None:
    """Head office that was put back moves value as if it remembered."""
    put(stack, books, "reach_of", sources.lines_of)
    put(stack, books, "recovery_of", lambda *_asked: None)


def nobody_is_believed(stack: ExitStack) -> None:
    """Head office goes on from an old image whatever stores remember."""
    put(stack, talk, "remembered", lambda *_asked: "")


def sends_before_it_heard(stack: ExitStack) -> None:
    """Head office writes to stores that have not said yet how far they are."""
    put(stack, sources, "heard_now", _all_lines)


def _all_lines(db: Any) -> frozenset[tuple[str, int]]:
    return frozenset((row["hub"], row["epoch"]) for row in db.all("SELECT * FROM epoch"))


def eager_risk_settlement(stack: ExitStack) -> None:
    """Head office books as lost what has not come back yet."""
    put(stack, recovering, "is_over", lambda *_asked: True)


MUTANTS = (
    Mutant(plant=ack_before_commit, profile="wire", seed=0),
    Mutant(plant=max_ack, profile="restores", seed=11),
    Mutant(plant=feed_over_a_gap, profile="wire", seed=0),
    Mutant(plant=recall_not_answered_where_nothing_lies, profile="wire", seed=0),
    Mutant(plant=unknown_kinds_move_nothing, profile="versions", seed=0),
    Mutant(plant=command_key_not_looked_at, profile="deaths", seed=9),
    Mutant(plant=accept_twice, profile="wire", seed=0),
    Mutant(plant=release_double, profile="wire", seed=0),
    Mutant(plant=grant_without_taking, profile="wire", seed=0),
    Mutant(plant=no_fence, profile="clones", seed=0),
    Mutant(plant=simultaneous_clone_unnoticed, profile="clones", seed=0),
    Mutant(plant=counter_ids, profile="amnesia", seed=15),
    Mutant(plant=own_tail_download_off, profile="amnesia", seed=0),
    Mutant(plant=epoch_regress, profile="lost boxes", seed=0),
    Mutant(plant=grant_to_a_closed_epoch_kept, profile="lost boxes", seed=2),
    Mutant(plant=closed_place_not_emptied, profile="lost boxes", seed=0),
    Mutant(plant=reborn_hub_skips_grants, profile="lost boxes", seed=0),
    Mutant(plant=new_box_takes_the_old_place, profile="lost boxes", seed=0),
    Mutant(plant=late_facts_dropped, profile="clones", seed=3),
    Mutant(plant=late_facts_not_paid_for, profile="clones", seed=0),
    Mutant(plant=merged_value_stays, profile="people", seed=3),
    Mutant(plant=a_minute_pays_for_all, profile="dealings", seed=1),
    Mutant(plant=returns_know_nothing_of_others, profile="dealings", seed=1),
    Mutant(plant=debts_are_let_go, profile="dealings", seed=0),
    Mutant(plant=points_end_at_once, profile="dealings", seed=0),
    Mutant(plant=no_freeze, profile="restores", seed=3),
    Mutant(plant=eager_risk_settlement, profile="restores", seed=1),
    Mutant(plant=nobody_is_believed, profile="rollbacks", seed=1),
    Mutant(plant=sends_before_it_heard, profile="rollbacks", seed=22),
)


def killer(mutant: Mutant) -> tuple[int, str] | None:
    """Return the seed that finds a mistake, the known one if it still does, and how."""
    for seed in (mutant.seed, *range(LOOKED_FOR_SEEDS)):
        with mutant.planted():
            lived = live_one(Seed(profile=mutant.profile, seed=seed))
        if lived.wrong:
            lines = [line for line in lived.wrong.splitlines() if line.strip()]
            said = (
                lines[-1] if lines[0].startswith("Traceback") else lines[min(1, len(lines) - 1)]
            )
            return seed, said
    return None
