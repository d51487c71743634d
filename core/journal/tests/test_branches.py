"""A second history of one epoch: walked from where it leaves the first, counted under its name."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from core.journal import birth_head, chain, decode, drain_all, receive_now, signed_bytes
from core.journal.tests.tea_house import TEA_HOUSE, TeaBrought, TeaServed, paid
from core.tests.world import World, open_world

BRANCH = "hub-1~0a1b2c3d"
AFTER = 2


@pytest.fixture
def house(tmp_path) -> Iterator[World]:
    """Four events, and two that the same box wrote behind the second in another life."""
    with open_world(tmp_path, [TEA_HOUSE]) as world:
        world.append(TeaBrought(tea="龙井", cups=20))
        for _ in range(3):
            world.append(TeaServed(tea="龙井", cups=1, fen=2800), postings=paid(2800))
        world.seal()
        branch_off(world)
        yield world


def branch_off(world: World) -> None:
    me = world.journal.identity

    def write(tx):
        rows = tx.all(
            "SELECT raw FROM journal WHERE origin = :o AND seq > :after ORDER BY seq",
            o=me.origin,
            after=AFTER,
        )
        head = tx.value(
            "SELECT head FROM journal WHERE origin = :o AND seq = :after",
            o=me.origin,
            after=AFTER,
        )
        tx.run(
            "INSERT INTO origin (origin, epoch, birth, own) VALUES (:o, 1, :birth, 0)",
            o=BRANCH,
            birth=me.birth,
        )
        tx.run(
            "INSERT INTO branch (origin, epoch, writer, trunk, after)"
            " VALUES (:o, 1, :writer, :writer, :after)",
            o=BRANCH,
            writer=me.origin,
            after=AFTER,
        )
        for seq, row in enumerate(rows, AFTER + 1):
            event = msgspec.json.decode(row["raw"])
            event["id"] = f"other-{seq}"
            event["body"]["tea"] = "龙井"
            raw = msgspec.json.encode(event)
            head = chain(head, raw)
            tx.run(
                "INSERT INTO journal (origin, epoch, seq, at, head, raw)"
                " VALUES (:o, 1, :seq, :at, :head, :raw)",
                o=BRANCH,
                seq=seq,
                at=event["at"],
                head=head,
                raw=raw,
            )
            named = msgspec.structs.replace(decode(raw), origin=BRANCH)
            receive_now(tx, world.parts, named, {})
        covered = signed_bytes(me, first=AFTER + 1, last=4, boot=me.boot, head=head)
        tx.run(
            "INSERT INTO segment (origin, epoch, first_seq, last_seq, boot, head, signature)"
            " VALUES (:o, 1, :first, 4, :boot, :head, :signature)",
            o=BRANCH,
            first=AFTER + 1,
            boot=me.boot,
            head=head,
            signature=world.signing.sign(covered),
        )

    world.door.write(write)


def test_a_branch_holds_from_where_it_leaves_its_trunk(house):
    assert house.findings() == []


def test_both_histories_count_and_a_rebuild_counts_them_alike(house):
    drain_all(house.door, house.parts)
    assert house.differences() == []
    with house.door.read() as db:
        assert db.value("SELECT seq FROM projected WHERE origin = :o", o=BRANCH) == 4


def test_a_changed_byte_of_a_branch_is_found_and_where(house):
    def change(tx):
        tx.run(
            "UPDATE journal SET raw = CAST(replace(CAST(raw AS TEXT), '2800', '2801') AS BLOB)"
            " WHERE origin = :o AND seq = 4",
            o=BRANCH,
        )

    house.door.write(change)
    (finding,) = house.findings()
    assert (finding.origin, finding.seq) == (BRANCH, 4)


def test_a_branch_does_not_hold_at_another_place_of_its_trunk(house):
    house.door.write(lambda tx: tx.run("UPDATE branch SET after = 3"))
    assert {finding.origin for finding in house.findings()} == {BRANCH}
    assert house.findings() != []


def test_a_branch_of_a_trunk_that_is_not_here_is_told(house):
    house.door.write(lambda tx: tx.run("UPDATE branch SET trunk = 'nobody'"))
    (finding, *_rest) = house.findings()
    assert "is not in nobody" in finding.what


def test_a_branch_at_the_very_beginning_has_the_births_head(house):
    """Two lives that parted before the first event have only the birth in common."""
    assert birth_head(house.journal.identity.birth)
    house.door.write(
        lambda tx: (
            tx.run("UPDATE branch SET after = 0"),
            tx.run("DELETE FROM journal WHERE origin = :o", o=BRANCH),
            tx.run("DELETE FROM segment WHERE origin = :o", o=BRANCH),
        )
    )
    assert house.findings() == []
