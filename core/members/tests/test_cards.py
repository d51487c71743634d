"""Media of a member: lost, found, replaced; whatever store hears of it in whatever order."""

from __future__ import annotations

import itertools

import pytest

from core.errors import Refused
from core.feed import PART as FEED
from core.feed import FeedDocument, take
from core.journal import Document
from core.members import (
    PART,
    SEARCH,
    CardIssued,
    MemberRegistered,
    active_card,
    card_document,
    card_row,
    meet_card,
    member_document,
    read_medium,
    replace_card,
    report_found,
    report_lost,
    search,
    written_on,
)
from core.tests.world import open_world

PARTS = [FEED, PART, SEARCH]
CARD = "8100000001"


@pytest.fixture
def stores(tmp_path):
    """A store that gave a card, one that knows of it, and head office."""
    with (
        open_world(tmp_path, PARTS, origin="hub-a") as first,
        open_world(tmp_path, PARTS, origin="hub-b", store="S2") as second,
        open_world(tmp_path, PARTS, origin="merchant", store="") as office,
    ):
        profile = {"name": "李慧敏", "phone": "", "gender": "", "birthday": "", "note": ""}
        first.append(
            MemberRegistered(member="m1", standing="member"),
            documents=[Document(name="profile", content=profile)],
        )
        first.append(CardIssued(member="m1", card=CARD, generation=1))
        office.hear(first)
        tell(office, second, pos=1)
        yield first, second, office


def tell(office, world, *, pos):
    with office.door.read() as db:
        content = member_document(db, "m1")
    document = FeedDocument(topic="member", key="m1", pos=pos, content=content)
    world.write(lambda tx: take(tx, world.parts, document))


def tell_card(office, world, *, pos, card=CARD):
    with office.door.read() as db:
        content = card_document(db, card)
    document = FeedDocument(topic="card", key=card, pos=pos, content=content)
    world.write(lambda tx: take(tx, world.parts, document))


def do(world, verb, **more):
    world.clock.advance(1000)
    return world.write(lambda tx: verb(tx, world.act(), **more))


def why_not(world, text):
    with world.door.read() as db:
        try:
            active_card(db, text)
        except Refused as refused:
            return refused.code
    return None


@pytest.mark.parametrize(
    ("typed", "number", "generation"),
    [("8100 0000 01", CARD, 0), ("8100000001/2", CARD, 2), ("ab-12", "AB-12", 0)],
)
def test_a_medium_says_its_number_and_perhaps_its_generation(typed, number, generation):
    medium = read_medium(typed)
    assert (medium.number, medium.generation) == (number, generation)


@pytest.mark.parametrize("typed", ["8100000001/0", "8100000001/", "/2", "81/1000", "李"])
def test_nonsense_is_no_medium(typed):
    with pytest.raises(Refused, match="card_malformed"):
        read_medium(typed)


def test_a_lost_card_is_refused_here_at_once_and_there_when_its_document_came(stores):
    first, second, office = stores
    do(first, report_lost, card=CARD)
    assert why_not(first, CARD) == "card_blocked"
    assert why_not(second, CARD) is None
    office.hear(first)
    tell_card(office, second, pos=2)
    assert why_not(second, CARD) == "card_blocked"
    with second.door.read() as db:
        assert search(db, CARD) == []
    for world in stores:
        assert world.differences() == []


def test_the_small_document_and_the_members_own_say_the_same_in_any_order(stores):
    first, second, office = stores
    do(first, report_lost, card=CARD)
    office.hear(first)
    tell_card(office, second, pos=2)
    by_card = second.rows("card")
    tell(office, second, pos=3)
    assert second.rows("card") == by_card
    assert second.differences() == []


def test_a_new_card_kills_the_lost_one_and_a_found_one_stays_dead(stores):
    first, second, office = stores
    do(first, report_lost, card=CARD)
    made = do(first, replace_card, lost=CARD, card="8100000002")
    assert (made["generation"], written_on(made)) == (2, "8100000002")
    office.hear(first)
    tell_card(office, second, pos=2)
    tell_card(office, second, pos=3, card="8100000002")
    assert why_not(second, CARD) == "card_replaced"
    assert why_not(second, "8100000002") is None
    with pytest.raises(Refused, match="card_replaced"):
        do(second, report_found, card=CARD)
    with pytest.raises(Refused, match="card_replaced"):
        do(second, replace_card, lost=CARD, card="8100000003")


def test_a_higher_generation_kills_lower_ones_in_a_store_that_nobody_told(stores):
    first, second, office = stores
    do(first, report_lost, card=CARD)
    do(first, replace_card, lost=CARD, card=CARD)
    assert why_not(first, CARD) == "card_replaced"
    assert why_not(first, f"{CARD}/2") is None
    # The second store is cut off: there the new medium itself says it.
    assert why_not(second, CARD) is None
    row = do(second, meet_card, text=f"{CARD}/2")
    assert (row["generation"], row["least"]) == (2, 2)
    assert why_not(second, CARD) == "card_replaced"
    before = len(second.rows("journal"))
    do(second, meet_card, text=f"{CARD}/2")
    assert len(second.rows("journal")) == before, "met once is met"
    for world in (first, second):
        office.hear(world)
    assert office.differences() == []


def test_found_again_it_is_good_everywhere(stores):
    first, second, office = stores
    do(first, report_lost, card=CARD)
    do(first, report_lost, card=CARD)
    do(first, report_found, card=CARD)
    assert [row["what"] for row in drained(first)][-2:] == ["card.blocked", "card.unblocked"]
    office.hear(first)
    tell_card(office, second, pos=2)
    assert why_not(second, CARD) is None


def drained(world):
    world.drain()
    return sorted(world.rows("member_change"), key=lambda row: row["seq"])


def test_two_stores_that_say_different_things_agree_in_every_order_of_arrival(tmp_path):
    ends = []
    for place, order in enumerate(itertools.permutations(("hub-a", "hub-b", "hub-c"))):
        folder = tmp_path / str(place)
        folder.mkdir()
        with open_world(folder, PARTS, origin="merchant", store="") as office:
            worlds = {}
            for number, origin in enumerate(("hub-a", "hub-b", "hub-c")):
                world = open_world(folder, PARTS, origin=origin)
                world.clock.advance(number)
                worlds[origin] = world
            worlds["hub-a"].append(CardIssued(member="m1", card=CARD, generation=1))
            do(worlds["hub-a"], report_lost, card=CARD)
            worlds["hub-b"].append(
                CardIssued(member="m1", card=CARD, generation=2, replaces=CARD)
            )
            worlds["hub-c"].append(
                CardIssued(member="m1", card="8100000002", generation=3, replaces=CARD)
            )
            for origin in order:
                office.hear(worlds[origin])
            ends.append(office.rows("card"))
            assert office.differences() == []
            for world in worlds.values():
                world.close()
    assert all(end == ends[0] for end in ends)


def test_whose_number_is_kept_by_a_lost_card_is_still_told(stores):
    first, _second, _office = stores
    do(first, report_lost, card=CARD)
    with first.door.read() as db:
        assert card_row(db, CARD)["member"] == "m1"
