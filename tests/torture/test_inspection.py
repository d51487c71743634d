"""Whoever looks at an image finds what is planted in it: a bench that finds nothing proves nothing."""

from __future__ import annotations

import shutil

import msgspec
import pytest

from core.journal import decode, kind_of
from core.sqlite import Writer
from hub.app import open_hub
from tests.torture.inspection import Promises, inspect
from tests.torture.scenarios import Prepared, prepare


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Prepared:
    return prepare(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def promised(prepared):
    promised = Promises()
    for told in prepared.said:
        promised.hear(told)
    return promised


@pytest.fixture
def folder(prepared, tmp_path):
    return shutil.copytree(prepared.folder, tmp_path / "hub")


def tamper(folder, verb):
    box = open_hub(folder)
    box.door.write(verb)
    box.close()


def kinds(problems):
    return {problem.partition(":")[0] for problem in problems}


def settled(tx: Writer):
    """Return number and bytes of the first paid bill's event."""
    for row in tx.all("SELECT seq, raw FROM journal ORDER BY seq"):
        if kind_of(decode(row["raw"])) == "ticket.settled":
            return row["seq"], row["raw"]
    raise AssertionError


def test_a_shop_in_order_has_no_problem(folder, promised):
    assert inspect(folder, promised, thoroughly=True) == []


def test_an_answer_that_is_gone_is_a_loss(folder, promised):
    tamper(folder, lambda tx: tx.run("DELETE FROM attempt WHERE key = 'sold'"))
    assert {"lost", "half"} <= kinds(inspect(folder, promised, thoroughly=False))


def test_an_answer_that_would_be_another_one_now_is_found(folder, promised):
    def change(tx):
        answer = msgspec.json.decode(
            tx.value("SELECT answer FROM attempt WHERE key = 'sold'")
        ) | {"number": "A-1"}
        tx.run(
            "UPDATE attempt SET answer = :answer WHERE key = 'sold'",
            answer=msgspec.json.encode(answer),
        )

    tamper(folder, change)
    assert kinds(inspect(folder, promised, thoroughly=False)) == {"changed"}


def test_a_sale_that_is_booked_twice_is_found(folder, promised):
    def again(tx):
        _seq, raw = settled(tx)
        head = tx.one("SELECT * FROM journal ORDER BY seq DESC LIMIT 1")
        tx.run(
            "INSERT INTO journal (origin, epoch, seq, at, head, raw)"
            " VALUES (:origin, 1, :seq, :at, :head, :raw)",
            origin=head["origin"],
            seq=head["seq"] + 1,
            at=head["at"],
            head=head["head"],
            raw=raw,
        )

    tamper(folder, again)
    assert {"twice", "broken", "half"} <= kinds(inspect(folder, promised, thoroughly=False))


def test_a_sale_without_its_answer_is_half_a_sale(folder, promised):
    for name in ("sold", "sold too"):
        del promised.done[name]
    tamper(folder, lambda tx: tx.run("DELETE FROM attempt WHERE key = 'sold'"))
    assert kinds(inspect(folder, promised, thoroughly=False)) == {"half"}


def test_an_event_that_is_gone_is_found(folder, promised):
    def remove(tx):
        seq, _raw = settled(tx)
        tx.run("DELETE FROM journal WHERE seq = :seq", seq=seq)

    tamper(folder, remove)
    assert {"broken", "half"} <= kinds(inspect(folder, promised, thoroughly=False))


def test_a_table_that_does_not_follow_from_the_journal_is_found(folder, promised):
    tamper(folder, lambda tx: tx.run("UPDATE holding SET amount = amount + 1"))
    assert kinds(inspect(folder, promised, thoroughly=True)) == {"half"}


def test_seals_and_grants_that_were_told_and_are_gone_are_losses(folder, promised):
    for told in ({"sealed": 9_999}, {"down": 3}, {"feed": 9_999}, {"joined": True}):
        promised.hear(told)
    assert kinds(inspect(folder, promised, thoroughly=False)) == {"lost"}


def test_a_folder_without_its_key_is_broken(folder, promised):
    (folder / "secrets" / "database.key").unlink()
    assert kinds(inspect(folder, promised, thoroughly=False)) == {"broken"}
