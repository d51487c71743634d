"""Members of a store that ran before there was a head office are kept, found and told of."""

from __future__ import annotations

import msgspec
import pytest

from core.clock import HOUR_MS
from core.feed import PART as FEED
from core.journal import MIGRATIONS, Document
from core.members import (
    PART,
    SEARCH,
    CardIssued,
    CardReturned,
    MemberChanged,
    MemberRegistered,
    search,
)
from core.sqlite import Door
from core.tests.world import KEY, MORNING, open_world

PEOPLE = {
    "m1": ("张伟", "13812342046", "MA000001", "1990-05-01"),
    "m2": ("欧阳晓彤", "", None, ""),
    "m3": ("Anna Lee", "+4917612345678", "2046", "05-01"),
    "m4": ("李娜", "02088886666", "6666", ""),
}
WORDS = {
    "m1": "张伟 伟 zhangwei wei zw w 13812342046 12342046 2046 ma000001",
    "m2": "欧阳晓彤 阳晓彤 晓彤 彤 ouyangxiaotong yangxiaotong xiaotong tong oyxt yxt xt t",
    "m3": "4917612345678 12345678 5678 2046",
    "m4": "李娜 娜 lina na ln n 02088886666 88886666 6666",
}
"""As they stood before: the words of the name, then those of phone and number, each once."""
LATER = {
    *("merged_into", "merge", "winners", "shares", "holder", "family_limit"),
    *("blocked", "replaced_by", "least"),
}
"""Columns that the first version did not have."""
KEPT = ("origin", "journal", "document", "card", "imported", "member_number")


def do_business(world):
    for key, (name, phone, number, birthday) in PEOPLE.items():
        profile = {"name": name, "phone": phone, "gender": "", "birthday": birthday, "note": ""}
        world.append(
            MemberRegistered(
                member=key, standing="member", number=number, issued=1, source=f"row-{key}"
            ),
            documents=[Document(name="profile", content=profile)],
        )
        world.append(CardIssued(member=key, card=f"81{key}", generation=1))
        world.clock.advance(1)
        world.append(
            MemberChanged(member=key, fields=("note",)),
            documents=[Document(name="profile", content=profile | {"note": "常客"})],
        )
    world.append(CardReturned(member="m4", card="81m4"))


def as_before(row):
    """Return a member's row as the first version wrote it after the same events."""
    stamps = msgspec.json.decode(row["stamps"])
    del stamps["name_terms"]
    # What followed from other fields was stamped with every edit.
    stamps |= {"terms": stamps["note"], "birth_day": stamps["note"]}
    kept = {n: v for n, v in row.items() if n not in {"name_terms", *LATER}}
    first = row["name_terms"] + " " if row["id"] == "m3" else ""
    stamped = msgspec.json.encode(stamps, order="deterministic").decode()
    return kept | {"terms": first + WORDS[row["id"]], "stamps": stamped}


@pytest.fixture
def upgraded(tmp_path):
    """A store's database of the first version, opened by this one."""
    with open_world(tmp_path, [FEED, PART]) as world:
        do_business(world)
        kept = {table: world.rows(table) for table in KEPT}
        kept["card"] = [
            {n: v for n, v in row.items() if n not in LATER} for row in kept["card"]
        ]
        kept["member"] = [as_before(row) for row in world.rows("member")]
    world.door.path.unlink()
    first = (*MIGRATIONS, *FEED.migrations, PART.migrations[0], *SEARCH.migrations[:2])
    old = Door(world.door.path, key=KEY, migrations=first)
    old.write(lambda tx: [insert(tx, table, row) for table in kept for row in kept[table]])
    old.close()
    with open_world(tmp_path, [FEED, PART, SEARCH], at=MORNING + HOUR_MS) as world:
        yield world


def insert(tx, table, row):
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    tx.run(f"INSERT INTO {table} ({names}) VALUES ({values})", **row)


def found(world, typed):
    with world.door.read() as db:
        return sorted(row["id"] for row in search(db, typed))


def test_the_upgraded_tables_are_those_that_the_journal_gives(upgraded):
    assert len(upgraded.rows("member")) == 4
    assert len(upgraded.rows("card")) == 4
    assert len(upgraded.rows("imported")) == 4
    assert upgraded.differences() == []


@pytest.mark.parametrize(
    ("typed", "who"),
    [
        ("zhangw", ["m1"]),
        ("彤", ["m2"]),
        ("oyxt", ["m2"]),
        ("annal", ["m3"]),
        ("4917", ["m3"]),
        ("5678", ["m3"]),
        ("2046", ["m1", "m3"]),
        ("ma0000", ["m1"]),
        ("0208", ["m4"]),
    ],
)
def test_whoever_was_registered_before_is_found(upgraded, typed, who):
    assert found(upgraded, typed) == who


def test_whoever_is_renamed_afterwards_is_found_by_the_new_name_only(upgraded):
    profile = {"name": "李娜", "phone": "13900001111", "gender": "", "birthday": "", "note": ""}
    upgraded.append(
        MemberChanged(member="m1", fields=("name",)),
        documents=[Document(name="profile", content=profile)],
    )
    assert found(upgraded, "zhang") == []
    assert found(upgraded, "lina") == ["m1", "m4"]
    assert found(upgraded, "13900001111") == []
    assert found(upgraded, "2046") == ["m1", "m3"]


def test_somebody_new_is_found_too(upgraded):
    profile = {"name": "王芳", "phone": "13700002222", "gender": "", "birthday": "", "note": ""}
    upgraded.append(
        MemberRegistered(member="m5", standing="prospect"),
        documents=[Document(name="profile", content=profile)],
    )
    assert found(upgraded, "wf") == ["m5"]
    assert found(upgraded, "2222") == ["m5"]
