"""What must hold of the real programs' databases once a history is healed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from cloud.feed import position
from cloud.ingest.deriving import is_derived
from cloud.ingest.rebuilding import differences
from core.feed import held_pos, replay
from core.journal import Event, decode, drain_all, is_behind, kind_of, place_of, rebuild
from core.sqlite import Reader
from core.wallet import PASSES, RISK, STORED_VALUE, Asset, all_claims
from core.wallet.accounts import parse_member_account
from hub.fence import FENCED, fence
from hub.sync.step import Line
from tests.simulation.dealt import Dealt
from tests.simulation.real_cloud import RealCloud
from tests.simulation.real_hub import RealHub
from tests.simulation.town import Town

REBUILT_ONE_IN = 8
DEBTS_MAX = 10_000
TOLD = {*STORED_VALUE, *PASSES, Asset.POINTS}


class Given(msgspec.Struct, frozen=True):
    """A pass that somebody gave."""

    lot: str = ""


class Named(msgspec.Struct):
    """The ids by which a counter knows what it did, whichever kind of event carries them."""

    ticket: str = ""
    topup: str = ""
    reversal: str = ""
    sale: str = ""
    member: str | None = ""
    given: Given = Given()


named = msgspec.json.Decoder(Named)
FACT_IDS = {
    "ticket.settled": "ticket",
    "wallet.topped_up": "topup",
    "ticket.reversed": "reversal",
    "ticket.part_reversed": "reversal",
    "wallet.pass_given": "given",
    "simulation.from_the_future": "sale",
}


def fact_of(event: Event) -> str:
    """Return the id of what happened at a counter; empty where an event is of something else."""
    name = FACT_IDS.get(kind_of(event))
    if name is None:
        return ""
    known = named.decode(event.body)
    return known.given.lot if name == "given" else str(getattr(known, name))


def _kind(asset: str) -> str:
    return "stored" if asset in STORED_VALUE else asset


@dataclass(kw_only=True)
class Ledger:
    """Everything that head office's journals say, added up anew from the envelopes alone."""

    facts: Counter[str] = field(default_factory=Counter)
    held: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    """By place, member, asset and lot."""
    lots: Counter[tuple[str, str]] = field(default_factory=Counter)
    """All accounts together, by asset and lot."""
    others: Counter[str] = field(default_factory=Counter)
    """By the kind of account: mint, revenue, transit, risk."""

    risk: Counter[tuple[str, str]] = field(default_factory=Counter)
    """What the merchant paid, by member and asset: below zero on the account is paid."""

    dealt: Dealt = field(default_factory=Dealt)

    def take(self, event: Event) -> None:
        """Count one event."""
        self.dealt.take(event)
        name = fact_of(event)
        if name:
            self.facts[name] += 1
        for posting in event.postings:
            self.lots[posting.asset, posting.lot] += posting.amount
            owner = parse_member_account(posting.account)
            if posting.account == RISK:
                member = named.decode(event.body).member
                self.risk[member, _kind(posting.asset)] += posting.amount
            if owner is None:
                self.others[posting.account.partition("/")[0]] += posting.amount
            else:
                member, place = owner
                self.held[place, member, posting.asset, posting.lot] += posting.amount


def ledger_of(db: Reader) -> Ledger:
    """Add up what is not set aside as a whole."""
    ledger = Ledger()
    for row in db.each(
        "SELECT raw FROM journal j WHERE NOT EXISTS (SELECT 1 FROM quarantine q"
        " WHERE q.origin = j.origin AND q.epoch = j.epoch AND q.seq = j.seq AND q.whole = 1)"
    ):
        ledger.take(decode(row["raw"]))
    return ledger


def wrong(world: Town, cloud: RealCloud, hubs: Sequence[RealHub]) -> Iterator[str]:
    """Yield what does not hold."""
    down = [node.name for node in (cloud, *hubs) if node.life is None]
    if down:
        yield f"not running: {down}"
        return
    for hub in hubs:
        if is_fenced(hub):
            yield from wrong_leftovers(hub)
            continue
        yield from wrong_conversation(cloud, hub)
        yield from wrong_copies(cloud, hub)
        yield from wrong_mirrors(cloud, hub)
    yield from not_unpacked(cloud)
    yield from wrong_closed_places(cloud)
    with cloud.books.door.read() as db:
        ledger = ledger_of(db)
        yield from wrong_tables(db, ledger)
        yield from wrong_rest(db)
        yield from wrong_names(db)
        yield from wrong_bookings(world, db, ledger)
        yield from wrong_tray(world, db)
        if not world.profile.destructive:
            yield from ledger.dealt.wrong()
        tray = in_the_tray(db)
    yield from wrong_facts(world, ledger, tray)
    yield from wrong_words(world, cloud)
    if world.seed % REBUILT_ONE_IN == 0:
        yield from wrong_projections(cloud, hubs)


def unrest(cloud: RealCloud, hubs: Sequence[RealHub]) -> Iterator[str]:
    """Yield what is still under way."""
    for hub in hubs:
        if is_fenced(hub):
            yield from wrong_leftovers(hub)
        else:
            yield from wrong_conversation(cloud, hub)
    with cloud.books.door.read() as db:
        if not is_derived(db) or is_behind(db):
            yield "books are behind"
        yield from under_way(db)
        yield from wrong_rest(db)
        yield from unpaid(db)
        at = position(db)
    yield from not_unpacked(cloud)
    for hub in hubs:
        with hub.box.door.read() as db:
            if held_pos(db) != at and not is_fenced(hub):
                yield f"{hub.store} is at {held_pos(db)} of {at} of the feed"


def is_fenced(hub: RealHub) -> bool:
    """Say whether head office has shut a box out, and the box knows it."""
    with hub.box.door.read() as db:
        held = fence(db)
    return held is not None and held.state == FENCED


def has_brought_all(hub: RealHub) -> bool:
    """Say whether a fenced box has brought all that it has."""
    tail = hub.sending._shut._tail
    with hub.box.door.read() as db:
        written = hub.box.journal.head(db).seq
    return tail is not None and not tail.stuck and tail.following > written


def wrong_leftovers(hub: RealHub) -> Iterator[str]:
    """Yield a fenced box that keeps to itself what head office should have."""
    if not has_brought_all(hub):
        yield f"{hub.name} is fenced and has not brought all: {hub.sending._shut._tail}"


def not_unpacked(cloud: RealCloud) -> Iterator[str]:
    """Yield streams that are kept further than the books have come."""
    with cloud.platform.door.read() as db:
        kept = db.all(
            "SELECT origin, epoch, seq FROM stream_cursor"
            " UNION ALL SELECT origin, epoch, seq FROM branch"
        )
    with cloud.books.door.read() as db:
        for row in kept:
            come = db.value(
                "SELECT MAX(seq) FROM journal WHERE origin = :origin AND epoch = :epoch",
                origin=row["origin"],
                epoch=row["epoch"],
            )
            if (come or 0) != row["seq"]:
                yield f"{dict(row)} has come to {come} only"


def wrong_closed_places(cloud: RealCloud) -> Iterator[str]:
    """Nothing stays where nobody can spend it."""
    with cloud.platform.door.read() as db:
        closed = db.all(
            "SELECT hub, epoch FROM epoch WHERE closed_at IS NOT NULL AND limbo = 0"
        )
    with cloud.books.door.read() as db:
        for row in closed:
            place = place_of(row["hub"], row["epoch"])
            for held in db.all(
                "SELECT * FROM holding WHERE place = :place AND amount <> 0", place=place
            ):
                yield f"left at a closed place: {dict(held)}"


def wrong_conversation(cloud: RealCloud, hub: RealHub) -> Iterator[str]:
    state = hub.sending._state
    if state.line is not Line.LIVE:
        yield f"{hub.store} is {state.line}"
        return
    with hub.box.door.read() as db:
        written = hub.box.journal.head(db).seq
    if not state.sender.acked == state.standing.n == written:
        yield f"{hub.store} wrote {written} events, {state.sender.acked} are acked"
    talk = cloud.exchange._talks.get(hub.hub)
    if talk is None or talk.state.sender.acked != talk.state.sender.total:
        yield f"{hub.store} has not acked its downlink"


def wrong_copies(cloud: RealCloud, hub: RealHub) -> Iterator[str]:
    """Compare both sides' journals and feeds, byte by byte."""
    epoch = hub.box.journal.identity.epoch
    with hub.box.door.read() as here, cloud.books.door.read() as there:
        streams = [
            (hub.hub, row["epoch"])
            for row in here.all(
                "SELECT epoch FROM origin WHERE origin = :hub ORDER BY epoch", hub=hub.hub
            )
        ]
        for origin, number in (*streams, (f"{hub.hub}.dn", epoch)):
            mine, theirs = (_journal(db, origin, number) for db in (here, there))
            # What came late of an earlier epoch came after the new box had fetched its past.
            if mine != theirs and (number == epoch or mine != theirs[: len(mine)]):
                yield f"{origin}: {len(mine)} events at {hub.store}, {len(theirs)} there"
        if held_pos(here) != position(there):
            yield f"{hub.store} is at {held_pos(here)} of {position(there)} of the feed"
        mine, theirs = (
            {
                (row["topic"], row["key"]): (row["pos"], row["content"])
                for row in db.all("SELECT topic, key, pos, content FROM feed_document")
            }
            for db in (here, there)
        )
        if mine != theirs:
            differ = [key for key in mine | theirs if mine.get(key) != theirs.get(key)]
            yield f"{hub.store} has other documents: {differ[:5]}"


def _journal(db: Reader, origin: str, epoch: int) -> list[tuple[int, bytes]]:
    rows = db.all(
        "SELECT seq, raw FROM journal WHERE origin = :origin AND epoch = :epoch ORDER BY seq",
        origin=origin,
        epoch=epoch,
    )
    return [(row["seq"], row["raw"]) for row in rows]


def wrong_mirrors(cloud: RealCloud, hub: RealHub) -> Iterator[str]:
    """Compare what a box holds at its own place with what head office believes that it does."""
    place = hub.box.journal.identity.place
    query = (
        "SELECT member, asset, lot, amount FROM holding"
        " WHERE place = :place AND amount <> 0 ORDER BY member, asset, lot"
    )
    with hub.box.door.read() as here, cloud.books.door.read() as there:
        mine, theirs = (
            [tuple(row) for row in db.all(query, place=place)] for db in (here, there)
        )
        for row in here.all("SELECT * FROM quarantine"):
            yield f"{hub.store} set aside: {dict(row)}"
    if mine != theirs:
        differ = sorted(set(mine) ^ set(theirs))
        yield f"{place} holds {mine and differ[:4]}, by head office something else"


def wrong_tables(db: Reader, ledger: Ledger) -> Iterator[str]:
    """Compare the table of holdings with the envelopes, and look for what lies wrong."""
    told = {
        (row["place"], row["member"], row["asset"], row["lot"]): row["amount"]
        for row in db.all("SELECT * FROM holding WHERE amount <> 0")
    }
    summed = {key: amount for key, amount in ledger.held.items() if amount}
    if told != summed:
        differ = [key for key in told | summed if told.get(key) != summed.get(key)]
        yield f"holdings are not what the envelopes say: {differ[:4]}"
    for key, amount in told.items():
        if amount < 0:
            yield f"negative: {key}: {amount}"
    for key, amount in ledger.lots.items():
        if amount:
            yield f"{key} was made out of nothing: {amount}"
    yield from under_way(db)


def in_the_tray(db: Reader) -> set[str]:
    """Return the facts of events that were set aside as a whole."""
    rows = db.all(
        "SELECT j.raw FROM journal j JOIN quarantine q ON q.origin = j.origin"
        " AND q.epoch = j.epoch AND q.seq = j.seq WHERE q.whole = 1"
    )
    return {fact_of(decode(row["raw"])) for row in rows}


def wrong_tray(world: Town, db: Reader) -> Iterator[str]:
    """Nothing is set aside, but where this world may come to that."""
    if not world.profile.tray:
        for row in db.all("SELECT * FROM quarantine"):
            yield f"head office set aside: {dict(row)}"


def under_way(db: Reader) -> Iterator[str]:
    """Yield what has left one side and not reached the other."""
    for row in db.all("SELECT * FROM transit WHERE amount <> 0"):
        yield f"under way: {dict(row)}"


def wrong_rest(db: Reader) -> Iterator[str]:
    """Nothing waits any more for what cannot come."""
    for row in db.all("SELECT * FROM recall WHERE open = 1"):
        yield f"called in and not answered: {dict(row)}"
    for row in db.all("SELECT * FROM ask WHERE open = 1"):
        yield f"asked for and still open: {dict(row)}"


def wrong_bookings(world: Town, db: Reader, ledger: Ledger) -> Iterator[str]:
    """Each loss is booked, for whom it was paid; and nothing is where nothing was destroyed."""
    booked: Counter[tuple[str, str]] = Counter()
    for row in db.all("SELECT member, asset, amount FROM risk_booking"):
        booked[row["member"], _kind(row["asset"])] -= row["amount"]
    paid = {key: amount for key, amount in ledger.risk.items() if amount}
    if paid != {key: amount for key, amount in booked.items() if amount}:
        yield f"at risk {paid}, booked {dict(booked)}"
    if not world.gone:
        yield from wrong_debts(db, paid)
    world.happened["risk"] += sum(abs(amount) for amount in paid.values())


def wrong_debts(db: Reader, paid: Mapping[tuple[str, str], int]) -> Iterator[str]:
    """Where nothing was destroyed the merchant pays what members owe, and nothing else."""
    owed: Counter[tuple[str, str]] = Counter()
    for row in all_claims(db, limit=DEBTS_MAX):
        owed[row["member"], _kind(row["asset"])] -= row["owed"]
    if owed != paid:
        yield f"nothing was destroyed, {paid} was paid and {dict(owed)} is owed"
    yield from unpaid(db)


def unpaid(db: Reader) -> Iterator[str]:
    """Yield who owes something and has it."""
    for row in all_claims(db, limit=DEBTS_MAX):
        held = db.value(
            "SELECT SUM(amount) FROM holding WHERE member = :member"
            " AND asset IN ('principal', 'bonus')",
            member=row["member"],
        )
        if held and row["asset"] in STORED_VALUE:
            yield f"{row['member']} owes {row['owed']} and has {held}"


def wrong_facts(world: Town, ledger: Ledger, tray: Collection[str] = ()) -> Iterator[str]:
    """Compare what people were told at the tills with what all places hold together."""
    for name, times in ledger.facts.items():
        if times > 1:
            yield f"{name} happened {times} times"
    for fact in world.facts.values():
        if fact.told and not ledger.facts[fact.id] and fact.id not in {*world.lost, *tray}:
            yield f"somebody was told of {fact} and it is nowhere"
    yield from wrong_sums(expected_of(world, ledger), ledger, ever_one(world.merged))


def wrong_sums(
    expected: Counter[tuple[str, str]], ledger: Ledger, same: Mapping[str, str]
) -> Iterator[str]:
    """Compare by member and asset what the facts come to with what is held."""
    held: Counter[tuple[str, str]] = Counter()
    for (_place, member, asset, _lot), amount in ledger.held.items():
        if asset in TOLD:  # Rights are told to nobody at a till.
            held[member, _kind(asset)] += amount
    told, here, paid = (_together(amounts, same) for amounts in (expected, held, ledger.risk))
    # Where the account of risk paid, a member holds more than the facts alone would leave.
    for key in sorted({*told, *here}):
        if key[0] and told[key] != here[key] + paid[key]:
            yield f"{key}: told {told[key]}, held {here[key]}, at risk {paid[key]}"


def _together(
    amounts: Counter[tuple[str, str]], same: Mapping[str, str]
) -> Counter[tuple[str, str]]:
    """Add up by member and asset, members that were ever one as one."""
    sums: Counter[tuple[str, str]] = Counter()
    for (member, asset), amount in amounts.items():
        sums[same.get(member, member), asset] += amount
    return sums


def ever_one(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return by member the one who stands for all that it was ever merged with."""
    groups: dict[str, set[str]] = {}
    for one, other in pairs:
        group = groups.get(one, {one}) | groups.get(other, {other})
        groups |= dict.fromkeys(group, group)
    return {member: min(group) for member, group in groups.items()}


def wrong_names(db: Reader) -> Iterator[str]:
    """Nothing lies under a name that somebody else stands for."""
    for row in db.all(
        "SELECT * FROM holding WHERE amount <> 0 AND member IN"
        " (SELECT id FROM member WHERE merged_into <> '')"
    ):
        yield f"left under a name that is no more: {dict(row)}"


def expected_of(world: Town, ledger: Ledger) -> Counter[tuple[str, str]]:
    """Return what the facts that head office has come to, by member."""
    expected: Counter[tuple[str, str]] = Counter()
    for fact in world.facts.values():
        if ledger.facts[fact.id]:
            expected[fact.member, "stored"] += fact.stored
            expected[fact.member, "points"] += fact.points
            for asset, units in fact.units.items():
                expected[fact.member, asset] += units
    for member, points in ledger.dealt.ended.items():
        expected[member, "points"] -= points
    return expected


def wrong_words(world: Town, cloud: RealCloud) -> Iterator[str]:
    """No alarm but those for what this world did."""
    expected = world.profile.alarms
    with cloud.platform.door.read() as db:
        for row in db.all("SELECT * FROM alarm"):
            if row["kind"] not in expected:
                yield f"alarm: {row['kind']} {row['detail']}"


def wrong_projections(cloud: RealCloud, hubs: Sequence[RealHub]) -> Iterator[str]:
    """Replay every journal into fresh tables: they must come out the same."""
    for hub in hubs:
        drain_all(hub.box.door, hub.box.parts)
        scratch = hub.folder / "again.db"
        again = rebuild(
            hub.box.door, scratch, hub.box.parts, key=hub.box.database_key, then=replay
        )
        yield from (f"{hub.store}: {line}" for line in again)
    yield from differences(cloud.platform, cloud.books)
