"""Every store learns of everybody, and no store's edit is lost to another's."""

from __future__ import annotations

import itertools

import pytest

from core.feed import PART as FEED
from core.feed import FeedDocument, take
from core.journal import Document
from core.members import (
    PART,
    SEARCH,
    CardIssued,
    CardReturned,
    MemberChanged,
    MemberRegistered,
    member_document,
    search,
)
from core.tests.world import open_world

PARTS = [FEED, PART, SEARCH]
PROFILE = {
    "name": "李慧敏",
    "phone": "13812342046",
    "gender": "female",
    "birthday": "1990-05-01",
    "note": "",
}


@pytest.fixture
def stores(tmp_path):
    """A store that knows 李慧敏, one that does not yet, and head office with what it was told."""
    with (
        open_world(tmp_path, PARTS, origin="hub-a") as first,
        open_world(tmp_path, PARTS, origin="hub-b", store="S2") as second,
        open_world(tmp_path, PARTS, origin="merchant", store="") as office,
    ):
        register(first)
        office.hear(first)
        yield first, second, office


def register(world, **more):
    world.append(
        MemberRegistered(member="m1", standing="member", number="MA000007", **more),
        documents=[Document(name="profile", content=PROFILE)],
    )


def edit(world, **fields):
    held = world.rows("member")[0]
    profile = {name: held[name] for name in PROFILE} | fields
    world.append(
        MemberChanged(member="m1", fields=tuple(fields)),
        documents=[Document(name="profile", content=profile)],
    )


def tell(office, *worlds, pos):
    with office.door.read() as db:
        content = member_document(db, "m1")
    document = FeedDocument(topic="member", key="m1", pos=pos, content=content)
    for world in worlds:
        world.write(lambda tx, world=world: take(tx, world.parts, document))


def found(world, typed):
    with world.door.read() as db:
        return [row["id"] for row in search(db, typed)]


def test_a_store_that_was_told_knows_all_that_the_other_one_does(stores):
    first, second, office = stores
    first.append(CardIssued(member="m1", card="8100000001", generation=1))
    office.hear(first)
    tell(office, second, pos=1)
    for table in ("member", "card"):
        assert second.rows(table) == first.rows(table)
    assert found(second, "lhm") == found(second, "2046") == found(second, "ma0000") == ["m1"]
    assert second.differences() == []


def test_an_edit_that_head_office_has_not_heard_of_stands(stores):
    first, second, office = stores
    tell(office, second, pos=1)
    for world in (first, second):
        world.clock.advance(60_000)
    edit(second, name="李惠敏")
    edit(first, note="忌辣")
    office.hear(first)
    tell(office, second, pos=2)
    member = second.rows("member")[0]
    assert (member["name"], member["note"]) == ("李惠敏", "忌辣")
    assert second.differences() == []


def test_two_stores_that_edit_different_fields_at_once_end_alike(stores):
    first, second, office = stores
    tell(office, second, pos=1)
    edit(first, name="李惠敏", birthday="1990-06-02")
    edit(second, phone="13900001111")
    for order in itertools.permutations((first, second)):
        for world in order:
            office.hear(world)
    tell(office, first, second, pos=2)
    for world in (first, second, office):
        assert world.rows("member") == office.rows("member")
        assert world.rows("member")[0]["birth_day"] == "06-02"
        assert found(world, "李惠敏") == found(world, "1390000") == ["m1"]
        assert found(world, "李慧敏") == found(world, "2046") == []
        assert world.differences() == []


def test_the_later_of_two_edits_of_one_field_stands_everywhere(stores):
    first, second, office = stores
    tell(office, second, pos=1)
    second.clock.advance(1)
    edit(second, name="李惠民")
    edit(first, name="李惠敏")
    office.hear(second)
    office.hear(first)
    tell(office, first, second, pos=2)
    assert [w.rows("member")[0]["name"] for w in stores] == ["李惠民"] * 3
    assert first.differences() == second.differences() == office.differences() == []


def test_a_card_that_was_returned_elsewhere_stands_for_nobody_here(stores):
    first, second, office = stores
    first.append(CardIssued(member="m1", card="8100000001", generation=1))
    office.hear(first)
    tell(office, second, pos=1)
    second.clock.advance(1)
    second.append(CardReturned(member="m1", card="8100000001"))
    office.hear(second)
    tell(office, first, pos=2)
    assert [(c["number"], c["active"]) for c in first.rows("card")] == [("8100000001", 0)]
    assert first.differences() == []


def test_an_edit_that_arrives_before_the_registration_waits_in_its_row(stores):
    first, second, office = stores
    tell(office, second, pos=1)
    second.clock.advance(1)
    edit(second, note="忌辣")
    second.append(CardReturned(member="m1", card="8100000001"))
    with open_world(office.door.path.parent, PARTS, origin="new", store="") as fresh:
        fresh.hear(second)
        assert fresh.rows("member")[0]["name"] == ""
        fresh.hear(first)
        office.hear(second)
        assert fresh.rows("member") == office.rows("member")
        assert found(fresh, "lhm") == ["m1"]
        assert fresh.differences() == []


def test_the_same_list_taken_in_at_two_stores_is_kept_twice_and_told_of(stores):
    first, second, office = stores
    first.append(
        MemberRegistered(member="m2", standing="member", source="list:ab"),
        documents=[Document(name="profile", content=PROFILE)],
    )
    second.append(
        MemberRegistered(member="m3", standing="member", source="list:ab"),
        documents=[Document(name="profile", content=PROFILE)],
    )
    office.hear(first)
    office.hear(second)
    assert office.rows("imported") == [
        {"source": "list:ab", "subject": "m2"},
        {"source": "list:ab", "subject": "m3"},
    ]
    assert office.rows("quarantine") == []
    with office.door.read() as db:
        assert member_document(db, "m3")["sources"] == ["list:ab"]
    assert office.differences() == []


def test_fields_of_a_newer_head_office_are_left_out(stores):
    _first, second, office = stores
    with office.door.read() as db:
        content = member_document(db, "m1")
    content["fields"]["zodiac"] = "马"
    content["stamps"]["zodiac"] = "f" * 30
    document = FeedDocument(topic="member", key="m1", pos=9, content=content)
    second.write(lambda tx: take(tx, second.parts, document))
    assert second.rows("member")[0]["name"] == "李慧敏"


def test_a_document_that_is_withdrawn_takes_nobody_away(stores):
    first, second, office = stores
    tell(office, second, pos=1)
    withdrawn = FeedDocument(topic="member", key="m1", pos=2, content=None)
    second.write(lambda tx: take(tx, second.parts, withdrawn))
    assert second.rows("member") == first.rows("member")
