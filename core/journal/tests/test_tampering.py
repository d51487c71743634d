"""One changed byte anywhere is found, and which event (promise 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.journal import Finding, chain, verify
from core.journal.segments import SEGMENT_EVENTS_MAX
from core.journal.tests.tea_house import (
    TEA_HOUSE,
    GuestNoted,
    TeaBrought,
    TeaServed,
    guest_document,
    paid,
)
from core.sqlite import Writer
from core.tests.world import World, open_world, signature_fits

EVENTS = 12
SEALED = 9


class _UndoError(Exception):
    pass


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Twelve events; the first nine sealed in three segments; events 3, 7 and 11 with documents."""
    with open_world(tmp_path_factory.mktemp("tampering"), [TEA_HOUSE]) as world:
        for number in range(EVENTS):
            world.clock.advance(1_000)
            if number % 4 == 2:
                document = guest_document(f"客人{number}", "13812345678")
                world.append(GuestNoted(guest=f"g-{number}"), documents=[document])
            elif number % 4 == 3:
                world.append(TeaServed(tea="龙井", cups=1, fen=2800), postings=paid(2800))
            else:
                world.append(TeaBrought(tea="龙井", cups=5))
            if number < SEALED and number % 3 == 2:
                assert world.seal() == 1
        assert world.findings() == []
        yield world


def findings_after(house: World, tamper: Callable[[Writer], object]) -> list[Finding]:
    """Tamper, verify, and undo it all."""
    found: list[Finding] = []

    def verb(tx: Writer) -> None:
        tamper(tx)
        found.extend(verify(tx, signature_fits))
        raise _UndoError

    with pytest.raises(_UndoError):
        house.write(verb)
    return found


def flip(tx: Writer, column: str, seq: int, position: int, mask: int) -> None:
    held = bytearray(tx.value(f"SELECT {column} FROM journal WHERE seq = :seq", seq=seq))
    held[position % len(held)] ^= mask
    changed = f"UPDATE journal SET {column} = :held WHERE seq = :seq"
    assert tx.run(changed, held=bytes(held), seq=seq) == 1


seqs = st.integers(1, EVENTS)
positions = st.integers(0, 10_000)
masks = st.integers(1, 255)


@given(seqs, positions, masks)
@settings(max_examples=250)
def test_every_changed_byte_of_an_event_is_found_and_names_it(house, seq, position, mask):
    found = findings_after(house, lambda tx: flip(tx, "raw", seq, position, mask))
    assert [(f.origin, f.epoch, f.seq) for f in found] == [("hub-1", 1, seq)]
    assert found[0].what == "the event is not what was chained"


@given(seqs, positions, masks)
def test_every_changed_byte_of_the_chain_is_found_where_it_was_changed(
    house, seq, position, mask
):
    found = findings_after(house, lambda tx: flip(tx, "head", seq, position, mask))
    assert found[0].seq == seq


def test_no_byte_of_an_event_is_left_out(house):
    with house.door.read() as db:
        size = len(db.value("SELECT raw FROM journal WHERE seq = 4"))
    for position in range(size):
        mask = 1 << position % 8
        found = findings_after(
            house, lambda tx, at=position, mask=mask: flip(tx, "raw", 4, at, mask)
        )
        assert [f.seq for f in found] == [4]


@given(seqs, st.integers(-(10**6), 10**6).filter(bool))
def test_a_changed_time_beside_an_event_is_found(house, seq, by):
    move = "UPDATE journal SET at = at + :by WHERE seq = :seq"
    found = findings_after(house, lambda tx: tx.run(move, by=by, seq=seq))
    assert [f.seq for f in found] == [seq]


def test_a_finding_reads_as_a_sentence_with_the_event_s_kind_and_id(house):
    found = findings_after(house, lambda tx: tx.run("UPDATE journal SET at = 1 WHERE seq = 4"))
    assert str(found[0]).startswith("hub-1/1/4 (tea.served 01")


@given(st.integers(1, EVENTS - 1), st.integers(0, EVENTS))
def test_removed_events_are_found_and_counted(house, first, more):
    last = min(first + more, EVENTS - 1)
    removal = "DELETE FROM journal WHERE seq BETWEEN :first AND :last"
    found = findings_after(house, lambda tx: tx.run(removal, first=first, last=last))
    assert found[0].seq == last + 1
    assert found[0].what == f"events {first} to {last} are missing"


@given(seqs)
def test_a_tail_that_was_sealed_cannot_be_cut_off(house, first):
    cut = "DELETE FROM journal WHERE seq >= :first"
    found = findings_after(house, lambda tx: tx.run(cut, first=first))
    # What nobody has sealed yet, only the cloud or a receipt can vouch for.
    assert bool(found) == (first <= SEALED)
    if found:
        assert {f.what for f in found} == {"a sealed event is missing"}


@given(st.lists(seqs, min_size=2, max_size=2, unique=True))
def test_swapped_events_are_both_found(house, swapped):
    left, right = swapped

    def swap(tx: Writer) -> None:
        for seq, other in ((left, -1), (right, left), (-1, right)):
            # Numbers are positive, so the place between is a large one.
            tx.run(
                "UPDATE journal SET seq = :to WHERE seq = :seq",
                seq=seq if seq > 0 else 1_000,
                to=other if other > 0 else 1_000,
            )

    assert {left, right} <= {f.seq for f in findings_after(house, swap)}


@given(seqs)
def test_an_event_that_was_pushed_in_is_found(house, seq):
    def push_in(tx: Writer) -> None:
        tx.run("UPDATE journal SET seq = seq + 1000 WHERE seq >= :seq", seq=seq)
        tx.run("UPDATE journal SET seq = seq - 999 WHERE seq > 1000")
        tx.run(
            "INSERT INTO journal SELECT origin, epoch, :seq, at, head, raw FROM journal"
            " WHERE seq = :model",
            seq=seq,
            model=1 if seq > 1 else 3,
        )

    assert findings_after(house, push_in)[0].seq == seq


@given(st.integers(1, SEALED), positions, masks)
def test_whoever_forges_the_chain_to_its_end_breaks_the_seal(house, seq, position, mask):
    def forge(tx: Writer) -> None:
        flip(tx, "raw", seq, position, mask)
        head = tx.value("SELECT head FROM journal WHERE seq = :seq", seq=seq - 1)
        for row in tx.all(
            "SELECT seq, raw FROM journal WHERE seq >= :seq ORDER BY seq", seq=seq
        ):
            head = chain(head or house.journal.head(tx).head, row["raw"])
            tx.run("UPDATE journal SET head = :head WHERE seq = :s", head=head, s=row["seq"])

    found = findings_after(house, forge)
    seals = [f.seq for f in found if f.what == "the seal does not fit the chain"]
    assert seals == [end for end in (3, 6, 9) if end >= seq]


@pytest.mark.parametrize("column", ["salt", "content"])
@given(positions, masks)
def test_every_changed_byte_of_a_document_is_found(house, column, position, mask):
    def change(tx: Writer) -> None:
        row = tx.one(f"SELECT event, {column} AS held FROM document ORDER BY event LIMIT 1")
        held = bytearray(row["held"])
        held[position % len(held)] ^= mask
        update = f"UPDATE document SET {column} = :held WHERE event = :event"
        assert tx.run(update, held=bytes(held), event=row["event"]) == 1

    found = findings_after(house, change)
    assert [(f.seq, f.what) for f in found] == [
        (3, "the document guest is not what the event vouches for")
    ]


def test_a_document_that_no_event_vouches_for_is_found(house):
    found = findings_after(
        house,
        lambda tx: tx.run(
            "INSERT INTO document SELECT event, 'second', salt, content FROM document"
        ),
    )
    assert [f.seq for f in found] == [3, 7, 11]


def test_documents_that_changed_places_are_found(house):
    def swap(tx: Writer) -> None:
        events = [row["event"] for row in tx.all("SELECT event FROM document ORDER BY event")]
        for event, to in ((events[0], "x"), (events[1], events[0]), ("x", events[1])):
            tx.run("UPDATE document SET event = :to WHERE event = :event", event=event, to=to)

    assert [f.seq for f in findings_after(house, swap)] == [3, 7]


@pytest.mark.parametrize("column", ["signature", "head"])
@given(st.sampled_from([1, 4, 7]), positions, masks)
def test_every_changed_byte_of_a_seal_is_found(house, column, first, position, mask):
    def change(tx: Writer) -> None:
        wanted = f"SELECT {column} FROM segment WHERE first_seq = :first"
        held = bytearray(tx.value(wanted, first=first))
        held[position % len(held)] ^= mask
        update = f"UPDATE segment SET {column} = :held WHERE first_seq = :first"
        assert tx.run(update, held=bytes(held), first=first) == 1

    found = findings_after(house, change)
    assert [(f.seq, f.what) for f in found] == [(first + 2, "the seal does not fit the chain")]


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM segment WHERE first_seq = 4",
        "DELETE FROM segment WHERE first_seq = 1",
        "UPDATE segment SET last_seq = 5 WHERE first_seq = 4",
        "UPDATE segment SET first_seq = 5 WHERE first_seq = 4",
        "UPDATE segment SET boot = 2 WHERE first_seq = 4",
    ],
)
def test_a_seal_that_was_removed_or_moved_is_found(house, change):
    assert findings_after(house, lambda tx: tx.run(change))


def test_a_journal_of_another_birth_is_found_from_its_first_event(house):
    found = findings_after(house, lambda tx: tx.run("UPDATE origin SET birth = zeroblob(32)"))
    assert found[0].seq == 1


def test_events_that_never_balanced_are_found(tmp_path):
    # A hub with a broken version could sign such a journal; the chain alone would hold.
    with open_world(tmp_path, [TEA_HOUSE]) as house:
        house.append(TeaBrought(tea="龙井", cups=1))
        event = house.append(TeaBrought(tea="龙井", cups=2), postings=paid(100))

        def forge(tx: Writer) -> None:
            raw = tx.value("SELECT raw FROM journal WHERE seq = 2").replace(b"-100", b"-999")
            first = tx.value("SELECT head FROM journal WHERE seq = 1")
            tx.run(
                "UPDATE journal SET raw = :raw, head = :head WHERE seq = 2",
                raw=raw,
                head=chain(first, raw),
            )

        house.write(forge)
        (finding,) = house.findings()
        assert finding.seq == 2
        assert finding.event == f"tea.brought {event.id}"
        assert "do not sum to zero" in finding.what


def test_an_event_that_was_left_out_of_a_forged_tail_is_missed(house):
    # Nothing of it is sealed yet and the chain is made to fit, but events know their number.
    def forge(tx: Writer) -> None:
        tx.run("DELETE FROM journal WHERE seq = 11")
        head = tx.value("SELECT head FROM journal WHERE seq = 10")
        raw = tx.value("SELECT raw FROM journal WHERE seq = 12")
        tx.run(
            "UPDATE journal SET seq = 11, head = :head WHERE seq = 12", head=chain(head, raw)
        )

    assert [(f.seq, f.what) for f in findings_after(house, forge)] == [
        (11, "the event says it is number 12")
    ]


def test_every_origin_is_verified(tmp_path):
    with (
        open_world(tmp_path, [TEA_HOUSE], origin="hub-1") as one,
        open_world(tmp_path, [TEA_HOUSE], origin="hub-2") as two,
    ):
        for world in (one, two):
            world.append(TeaBrought(tea="龙井", cups=1))
            world.seal()
        rows = {
            table: two.rows(table) for table in ("origin", "journal", "segment", "document")
        }
        copy_rows(one, rows)
        assert one.findings() == []
        one.write(lambda tx: tx.run("UPDATE journal SET at = 7 WHERE origin = 'hub-2'"))
        assert [f.origin for f in one.findings()] == ["hub-2"]


def copy_rows(world: World, tables: dict[str, list[dict[str, object]]]) -> None:
    def verb(tx: Writer) -> None:
        for table, rows in tables.items():
            for row in rows:
                names = ", ".join(row)
                values = ", ".join(f":{name}" for name in row)
                tx.run(f"INSERT INTO {table} ({names}) VALUES ({values})", **row)

    world.write(verb)


def test_a_segment_holds_so_many_events_and_sealing_again_does_nothing(tmp_path):
    with open_world(tmp_path, [TEA_HOUSE]) as house:
        act = house.act()

        def verb(tx: Writer) -> None:
            for _ in range(2 * SEGMENT_EVENTS_MAX + 7):
                act.append(tx, TeaBrought(tea="龙井", cups=1))

        assert house.seal() == 0
        house.write(verb)
        assert house.seal() == 3
        assert house.seal() == 0
        spans = [(row["first_seq"], row["last_seq"]) for row in house.rows("segment")]
        assert sorted(spans) == [(1, 200), (201, 400), (401, 407)]
        assert house.findings() == []
