"""A row that is refused while it is posted stops none before or behind it."""

from __future__ import annotations

from functools import partial

from core.imports import MemberRow
from core.imports.posting import GROUP_ROWS
from core.journal import drain_all
from core.money import Cents
from hub.imports import post_batch, post_member
from hub.members import search


def row(line, *, card="", **more):
    told = {
        "line": line,
        "row_key": f"{line:064}",
        "name": f"客人{line}",
        "phone": f"139{line:08}",
        "card": card or f"80{line:06}",
        "principal": Cents(1_000),
    }
    return MemberRow(**told | more)


def bodies(shop):
    """Return every event's bytes, as text."""
    return shop.ask(
        lambda db: [bytes(one["raw"]).decode() for one in db.all("SELECT raw FROM journal")]
    )


def post(shop, rows):
    return post_batch(shop.box, rows, partial(post_member, key=shop.box.secrets.card_key))


def test_the_rows_around_a_refused_one_are_in_and_it_is_in_nowhere(shop):
    taken, at = "80000001", GROUP_ROWS + 3
    rows = [row(line) for line in range(1, GROUP_ROWS * 3)]
    rows[at] = row(at + 1, card=taken)

    tally = post(shop, rows)

    assert tally.added == len(rows) - 1
    assert [line for line, _told in tally.refused] == [at + 1]
    assert shop.ask(lambda db: db.value("SELECT count(*) FROM member")) == len(rows) - 1
    assert shop.ask(lambda db: db.value("SELECT SUM(amount) FROM holding")) == 1_000 * (
        len(rows) - 1
    )
    for one in rows:
        hits = shop.ask(lambda db, phone=one.phone: search(db, phone))
        assert [hit["name"] for hit in hits] == ([] if one is rows[at] else [one.name])
    drain_all(shop.box.door, shop.box.parts)
    assert shop.box.findings() == []


def test_rows_that_are_in_already_are_counted_beside_new_and_refused_ones(shop):
    known = [row(line) for line in range(1, GROUP_ROWS)]
    post(shop, known)
    tally = post(shop, [*known, row(500), row(501, card="80000001"), row(502)])
    assert (tally.added, tally.known) == (2, len(known))
    assert [line for line, _told in tally.refused] == [501]


def test_a_phone_that_stood_for_a_number_or_card_is_in_no_event_and_finds_its_owner(shop):
    rows = [
        row(1, number="13900000001", card="13900000001"),
        row(2, number="139-0000-0002", phone=""),
        row(3, number="03116543210", phone="03116543210"),
    ]
    assert post(shop, rows).refused == []
    for one, phone in zip(rows, ("13900000001", "13900000002", "03116543210"), strict=True):
        (found,) = shop.ask(lambda db, phone=phone: search(db, phone))
        assert (found["name"], found["phone"]) == (one.name, phone)
        assert found["number"].startswith("MA")
        assert not [raw for raw in bodies(shop) if phone in raw]
    tally = post(shop, rows)
    assert (tally.added, tally.known) == (0, len(rows))


def test_an_event_names_its_row_by_nothing_that_can_be_guessed(shop):
    one = row(1)
    post(shop, [one])
    told = [raw for raw in bodies(shop) if '"source"' in raw]
    assert len(told) == 2
    assert not [raw for raw in told if one.row_key in raw]
    other = partial(post_member, key=b"another box's")
    tally = post_batch(shop.box, [one], other)
    assert (tally.added, tally.known) == (0, 0)
    assert len(tally.refused) == 1
