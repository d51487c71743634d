"""A row that is refused while it is posted stops none before or behind it."""

from __future__ import annotations

from core.imports import MemberRow
from core.journal import drain_all
from core.money import Cents
from hub.imports import Tally, post_batch, post_member
from hub.imports.service import GROUP_ROWS
from hub.members import search


def row(line, *, card=""):
    return MemberRow(
        line=line,
        row_key=f"{line:064}",
        name=f"客人{line}",
        phone=f"139{line:08}",
        card=card or f"80{line:06}",
        principal=Cents(1_000),
    )


def post(shop, rows):
    tally = Tally()
    post_batch(shop.box, rows, post_member, tally)
    return tally


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
