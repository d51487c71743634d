from __future__ import annotations

import pytest

from core import feed
from core.errors import Refused
from core.feed import (
    FeedDocument,
    FeedPublished,
    follow,
    held_pos,
    load,
    publish,
    put_aside,
    take_batch,
)
from core.journal import Part, decode
from core.sqlite import Migration
from core.tests.world import open_world

TEA = Part(
    name="tea",
    migrations=(
        Migration("tea/1", ("CREATE TABLE tea (key TEXT PRIMARY KEY, fen INTEGER) STRICT",)),
    ),
    feeds={
        "tea": lambda tx, key, content: tx.run(
            "INSERT INTO tea VALUES (:key, :fen) ON CONFLICT (key) DO UPDATE SET fen = :fen",
            key=key,
            fen=None if content is None else content["fen"],
        )
    },
)


@pytest.fixture
def world(tmp_path):
    with open_world(tmp_path, [feed.PART, TEA]) as world:
        yield world


def edit(world, key, fen):
    content = None if fen is None else {"fen": fen}
    return world.write(
        lambda tx: publish(tx, world.act(), topic="tea", key=key, content=content)
    )


def down(world, *documents, after, pos):
    read = [
        FeedDocument(topic="tea", key=key, pos=at, content=content)
        for key, at, content in documents
    ]
    return world.write(
        lambda tx: take_batch(tx, world.parts, after=after, pos=pos, documents=read)
    )


def prices(world):
    return {row["key"]: row["fen"] for row in world.rows("tea")}


def edits(world):
    with world.door.read() as db:
        entries = [
            world.parts.entry(decode(row["raw"]), {}) for row in db.all("SELECT * FROM journal")
        ]
    return [(e.body.key, e.body.pos, e.body.proposed) for e in entries]


def cursor(world):
    with world.door.read() as db:
        return held_pos(db)


def test_a_shop_alone_gives_each_edit_the_next_position(world):
    edit(world, "green", 100)
    edit(world, "black", 200)
    edit(world, "green", 150)
    assert edits(world) == [("green", 1, False), ("black", 2, False), ("green", 3, False)]
    assert cursor(world) is None


def test_an_edit_of_a_joined_shop_holds_at_once_and_until_head_office_has_spoken(world):
    world.write(follow)
    assert down(world, ("green", 7, {"fen": 100}), after=0, pos=9)
    edit(world, "green", 150)
    assert prices(world) == {"green": 150}
    assert edits(world) == [("green", 7, True)]
    # What head office had said before is no answer to the edit.
    assert down(world, ("green", 7, {"fen": 100}), after=9, pos=9)
    assert prices(world) == {"green": 150}
    # It adopts the edit: the same content, with a position.
    assert down(world, ("green", 10, {"fen": 150}), after=9, pos=10)
    assert prices(world) == {"green": 150}
    # Or it declines: its own content again, with a position.
    edit(world, "green", 1)
    assert down(world, ("green", 11, {"fen": 150}), after=10, pos=11)
    assert prices(world) == {"green": 150}


def test_a_new_document_of_a_joined_shop_is_at_no_position(world):
    world.write(follow)
    assert edit(world, "white", 300).pos == 0
    edit(world, "white", 310)
    assert edits(world) == [("white", 0, True), ("white", 0, True)]
    assert prices(world) == {"white": 310}
    assert down(world, ("white", 1, {"fen": 300}), after=0, pos=1)
    assert prices(world) == {"white": 300}


def test_what_a_shop_had_before_it_joined_gives_way_to_whatever_comes_down(world):
    for fen in range(100, 200, 10):
        edit(world, "green", fen)
    world.write(follow)
    assert prices(world) == {"green": 190}
    assert down(world, ("green", 1, {"fen": 5}), after=0, pos=1)
    assert prices(world) == {"green": 5}


def test_joining_again_does_not_lose_the_place_in_the_feed(world):
    world.write(follow)
    assert down(world, ("green", 4, {"fen": 1}), after=0, pos=4)
    world.write(follow)
    assert cursor(world) == 4


def test_a_batch_after_a_gap_is_not_taken_and_one_that_came_before_changes_nothing(world):
    world.write(follow)
    assert not down(world, ("green", 9, {"fen": 1}), after=8, pos=9)
    assert prices(world) == {}
    assert down(world, ("green", 5, {"fen": 2}), after=0, pos=8)
    assert down(world, ("green", 9, {"fen": 3}), after=8, pos=9)
    assert down(world, ("green", 5, {"fen": 2}), after=0, pos=8)
    assert (prices(world), cursor(world)) == ({"green": 3}, 9)


def test_a_shop_that_follows_nobody_takes_no_batch(world):
    assert not down(world, ("green", 1, {"fen": 1}), after=0, pos=1)
    assert cursor(world) is None


def test_a_document_that_cannot_be_applied_holds_up_nobody_and_its_mending_is_taken(world):
    world.write(follow)
    assert down(world, ("bad", 1, {"price": "?"}), ("green", 2, {"fen": 2}), after=0, pos=2)
    assert (prices(world), cursor(world)) == ({"green": 2}, 2)
    with world.door.read() as db:
        (row,) = put_aside(db)
        assert db.value("SELECT count(*) FROM feed_document WHERE key = 'bad'") == 0
    assert (row["key"], row["pos"]) == ("bad", 1)
    assert "KeyError" in row["reason"]
    assert down(world, ("bad", 3, {"fen": 3}), after=2, pos=3)
    assert prices(world) == {"green": 2, "bad": 3}
    with world.door.read() as db:
        assert put_aside(db) == []


def test_a_withdrawn_document_is_withdrawn_here_too(world):
    world.write(follow)
    assert down(world, ("green", 1, {"fen": 1}), after=0, pos=1)
    assert down(world, ("green", 2, None), after=1, pos=2)
    assert prices(world) == {"green": None}


def test_a_joined_shop_is_not_given_documents_behind_head_offices_back(world):
    world.write(follow)
    document = FeedDocument(topic="tea", key="green", pos=99, content={"fen": 1})
    with pytest.raises(Refused, match="feed_followed"):
        world.write(lambda tx: load(tx, world.parts, [document]))


def test_an_older_shape_of_the_edit_is_still_read():
    assert not FeedPublished(topic="tea", key="green", pos=3).proposed
