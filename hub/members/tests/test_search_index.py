"""The index by which members are found outlives a change of its form."""

from __future__ import annotations

from core.members import PART, search_terms
from core.sqlite import Door
from core.tests.world import KEY
from hub.members import LOCAL, search

FIELDS = {
    "gender": "",
    "birthday": "",
    "birth_day": "",
    "category": "",
    "note": "",
    "store": "",
}


def write_member(tx, row):
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    tx.run(f"INSERT INTO member ({names}) VALUES ({values})", **row)


def member(key, name, phone):
    return {
        **FIELDS,
        "id": key,
        "number": None,
        "standing": "member",
        "name": name,
        "phone": phone,
        "since": 0,
        "joined_on": "",
        "terms": search_terms(name=name, phone=phone, number=None),
        "stamps": "{}",
    }


def found(door, typed):
    with door.read() as db:
        return [row["id"] for row in search(db, typed)]


def test_who_was_registered_before_the_index_changed_is_found_and_can_be_renamed(tmp_path):
    first, *later = LOCAL.migrations
    assert later
    old = Door(tmp_path / "hub.db", key=KEY, migrations=(*PART.migrations, first))
    old.write(lambda tx: write_member(tx, member("m1", "张伟", "13812342046")))
    old.close()

    door = Door(tmp_path / "hub.db", key=KEY, migrations=(*PART.migrations, *LOCAL.migrations))
    try:
        door.write(lambda tx: write_member(tx, member("m2", "章雯", "13900001111")))
        assert found(door, "zhang") == ["m1", "m2"]
        assert found(door, "2046") == ["m1"]
        terms = search_terms(name="李娜", phone="13812342046", number=None)
        door.write(lambda tx: tx.run("UPDATE member SET terms = :t WHERE id = 'm1'", t=terms))
        assert found(door, "zhang") == ["m2"]
        assert found(door, "lina") == ["m1"]
    finally:
        door.close()
