"""Who pays from whose account: one holder, one level, and every store agrees."""

from __future__ import annotations

import pytest

from core.errors import Refused
from core.feed import PART as FEED
from core.feed import FeedDocument, take
from core.journal import Document
from core.members import (
    PART,
    MemberMerged,
    MemberRegistered,
    holder_of,
    join_family,
    leave_family,
    member_document,
    relatives_of,
)
from core.tests.world import open_world

PARTS = [FEED, PART]


@pytest.fixture
def world(tmp_path):
    with open_world(tmp_path, PARTS) as world:
        for key in ("mother", "daughter", "son", "twin"):
            profile = {"name": key, "phone": "", "gender": "", "birthday": "", "note": ""}
            world.append(
                MemberRegistered(member=key, standing="member"),
                documents=[Document(name="profile", content=profile)],
            )
        yield world


def do(world, verb, **more):
    world.clock.advance(1000)
    world.write(lambda tx: verb(tx, world.act(), **more))


def ask(world, question):
    with world.door.read() as db:
        return question(db)


def test_a_relative_has_a_holder_until_they_leave(world):
    do(world, join_family, member="daughter", holder="mother", limit=5_000)
    do(world, join_family, member="son", holder="mother")
    assert ask(world, lambda db: holder_of(db, "daughter")) == "mother"
    listed = ask(world, lambda db: [r["id"] for r in relatives_of(db, "mother")])
    assert listed == ["daughter", "son"]
    do(world, leave_family, member="daughter")
    do(world, leave_family, member="daughter")
    assert ask(world, lambda db: holder_of(db, "daughter")) is None
    assert ask(world, lambda db: [r["id"] for r in relatives_of(db, "mother")]) == ["son"]
    assert world.differences() == []


def test_saying_the_same_again_makes_no_event_and_another_limit_does(world):
    do(world, join_family, member="daughter", holder="mother", limit=5_000)
    before = len(world.rows("journal"))
    do(world, join_family, member="daughter", holder="mother", limit=5_000)
    assert len(world.rows("journal")) == before
    do(world, join_family, member="daughter", holder="mother", limit=6_000)
    assert len(world.rows("journal")) == before + 1


@pytest.mark.parametrize(
    ("member", "holder", "code"),
    [
        ("mother", "mother", "family_self"),
        ("son", "daughter", "family_nested"),
        ("mother", "son", "family_nested"),
        ("nobody", "mother", "no_member"),
    ],
)
def test_what_makes_no_family_is_refused(world, member, holder, code):
    do(world, join_family, member="daughter", holder="mother")
    with pytest.raises(Refused, match=code):
        do(world, join_family, member=member, holder=holder)


def test_a_holder_who_was_merged_is_who_stands_for_them(world):
    do(world, join_family, member="daughter", holder="twin")
    world.append(MemberMerged(member="twin", winner="mother", merge="x", winners=("mother",)))
    assert ask(world, lambda db: holder_of(db, "daughter")) == "mother"
    assert ask(world, lambda db: [r["id"] for r in relatives_of(db, "mother")]) == ["daughter"]


def test_another_store_is_told_of_it(world, tmp_path):
    do(world, join_family, member="daughter", holder="mother", limit=5_000)
    with open_world(tmp_path, PARTS, origin="hub-2", store="S2") as other:
        for pos, key in enumerate(("mother", "daughter"), start=1):
            content = ask(world, lambda db, key=key: member_document(db, key))
            document = FeedDocument(topic="member", key=key, pos=pos, content=content)
            other.write(lambda tx, document=document: take(tx, other.parts, document))
        assert ask(other, lambda db: holder_of(db, "daughter")) == "mother"
        assert other.differences() == []
