"""One process: who shares a COMMIT, who is answered what, and what readers see."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from core.errors import Refused
from core.sqlite import GROUP_COMMANDS_MAX, Door, Reader, Writer, _Command
from core.tests.till_process import book, booking
from core.tests.wal_file import wal_of

WAIT_S = 10


def facts(door: Door) -> list[str]:
    with door.read() as db:
        return [row["id"] for row in db.all("SELECT id FROM fact ORDER BY id")]


def write_together(
    door: Door,
    pool: ThreadPoolExecutor,
    verbs: list[Callable[[Writer], Any]],
    waiting: list[Future[Any]] | None = None,
) -> list[Future[Any]]:
    """Let verbs wait behind one that is in the middle of its transaction.

    `waiting` receives their answers before the first of them runs.
    """
    waiting = [] if waiting is None else waiting
    entered, go_on = threading.Event(), threading.Event()

    def first(_: Writer) -> None:
        entered.set()
        assert go_on.wait(WAIT_S)

    held = pool.submit(door.write, first)
    assert entered.wait(WAIT_S)
    waiting += [pool.submit(door.write, verb) for verb in verbs]
    deadline = time.monotonic() + WAIT_S
    while door._commands.qsize() < len(verbs):
        assert time.monotonic() < deadline
        time.sleep(0.001)
    go_on.set()
    held.result(WAIT_S)
    return waiting


@pytest.fixture
def pool():
    pool = ThreadPoolExecutor(GROUP_COMMANDS_MAX * 2)
    yield pool
    pool.shutdown(wait=False, cancel_futures=True)


def test_eight_tills_that_wait_together_share_one_commit(door, database, pool):
    before = wal_of(database).commits
    answers = write_together(door, pool, [booking(f"till {n}") for n in range(8)])
    assert [answer.result(WAIT_S) for answer in answers] == [
        f"booked till {n}" for n in range(8)
    ]
    assert wal_of(database).commits - before == 1
    assert facts(door) == [f"till {n}" for n in range(8)]


def test_a_group_has_a_limit(door, database, pool):
    before = wal_of(database).commits
    verbs = [booking(str(n)) for n in range(GROUP_COMMANDS_MAX + 1)]
    for answer in write_together(door, pool, verbs):
        answer.result(WAIT_S)
    assert wal_of(database).commits - before == 2


def test_tills_that_sell_all_day_lose_and_double_nothing(door, database, pool):
    before = wal_of(database).commits
    wanted = sorted(f"{till:02}/{sale:02}" for till in range(8) for sale in range(25))

    def day(till: int) -> None:
        for sale in range(25):
            door.write(booking(f"{till:02}/{sale:02}"))

    for done in [pool.submit(day, till) for till in range(8)]:
        done.result(WAIT_S)
    assert facts(door) == wanted
    assert 0 < wal_of(database).commits - before <= len(wanted)


def test_a_verb_that_raises_changes_nothing_and_its_neighbours_stand(door, database, pool):
    def bug(tx: Writer) -> None:
        book(tx, "half of a sale")
        raise ZeroDivisionError

    before = wal_of(database).commits
    left, raised, right = write_together(door, pool, [booking("left"), bug, booking("right")])
    with pytest.raises(ZeroDivisionError):
        raised.result(WAIT_S)
    assert left.result(WAIT_S) == "booked left"
    assert right.result(WAIT_S) == "booked right"
    assert facts(door) == ["left", "right"]
    assert wal_of(database).commits - before == 1


def test_the_first_of_a_group_may_raise_too(door, pool):
    def bug(tx: Writer) -> None:
        book(tx, "half of a sale")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        door.write(bug)
    door.write(booking("next"))
    assert facts(door) == ["next"]


def test_a_constraint_that_fails_undoes_the_whole_verb(door):
    def verb(tx: Writer) -> None:
        book(tx, "first line")
        tx.run("INSERT INTO fact (id) VALUES (NULL)")

    with pytest.raises(Exception, match="NOT NULL"):
        door.write(verb)
    assert facts(door) == []


def test_a_refusal_reaches_its_caller_with_its_facts(door, pool):
    def refuse(tx: Writer) -> None:
        book(tx, "not paid")
        raise Refused("insufficient_balance", available_cents=1250)

    refused, booked = write_together(door, pool, [refuse, booking("neighbour")])
    with pytest.raises(Refused) as caught:
        refused.result(WAIT_S)
    assert caught.value.code == "insufficient_balance"
    assert caught.value.facts == {"available_cents": 1250}
    assert booked.result(WAIT_S) == "booked neighbour"
    assert facts(door) == ["neighbour"]


def test_verbs_of_a_group_see_what_those_before_them_did(door, pool):
    def count(tx: Writer) -> int:
        return int(tx.value("SELECT COUNT(*) FROM fact"))

    _, one, _, two = write_together(door, pool, [booking("a"), count, booking("b"), count])
    assert (one.result(WAIT_S), two.result(WAIT_S)) == (1, 2)


def test_nobody_is_answered_before_the_commit_not_even_with_a_no(door, pool):
    done_early: list[bool] = []
    early: list[Future[Any]] = []

    def refuse(_: Writer) -> None:
        # Such a no may rest on a neighbour's sale that is not yet on the disk.
        raise Refused("no")

    def last(_: Writer) -> None:
        # Still inside the group's transaction: the ones before must not know yet.
        time.sleep(0.05)
        done_early.extend(answer.done() for answer in early)

    write_together(door, pool, [booking("a"), refuse, last], early)
    assert [answer.exception(WAIT_S) is None for answer in early] == [True, False, True]
    assert done_early == [False, False, False]


def test_what_follows_a_commit_runs_after_it(door, database):
    seen: list[int] = []

    def verb(tx: Writer) -> None:
        book(tx, "a")
        tx.afterwards.append(lambda: seen.append(len(facts(door))))

    door.write(verb)
    assert seen == [1]


def test_what_follows_a_commit_does_not_run_for_a_verb_that_raised(door):
    rung: list[str] = []

    def verb(tx: Writer) -> None:
        tx.afterwards.append(lambda: rung.append("bell"))
        raise Refused("no")

    with pytest.raises(Refused):
        door.write(verb)
    door.write(booking("a"))
    assert rung == []


def test_a_doorbell_that_breaks_takes_no_answer_away(door, pool, caplog):
    def verb(tx: Writer) -> str:
        book(tx, "a")
        tx.afterwards.append(lambda: 1 // 0)
        return "booked"

    first, second = write_together(door, pool, [verb, booking("b")])
    assert first.result(WAIT_S) == "booked"
    assert second.result(WAIT_S) == "booked b"
    assert facts(door) == ["a", "b"]
    assert [record.message for record in caplog.records] == ["a doorbell failed"]


def test_a_reader_sees_one_moment(door):
    door.write(booking("a"))
    count = "SELECT COUNT(*) FROM fact"
    with door.read() as db:
        assert db.value(count) == 1
        door.write(booking("b"))
        assert db.value(count) == 1
        with door.read() as later:
            assert later.value(count) == 2
        assert db.value(count) == 1
    with door.read() as db:
        assert db.value(count) == 2


def test_a_reader_cannot_write(door):
    with door.read() as db, pytest.raises(Exception, match="readonly"):
        db.all("INSERT INTO fact (id) VALUES ('x') RETURNING id")
    assert facts(door) == []


def read_and_break(door: Door) -> None:
    with door.read() as db:
        db.value("SELECT COUNT(*) FROM fact")
        raise ZeroDivisionError


def test_a_reader_that_raises_gives_its_place_back(door):
    for _ in range(40):
        with pytest.raises(ZeroDivisionError):
            read_and_break(door)
    assert facts(door) == []


def test_queries_come_in_four_shapes(door):
    door.write(
        lambda tx: tx.run_many(
            "INSERT INTO fact (id) VALUES (:id)",
            [
                {"id": "a"},
                {"id": "b"},
            ],
        )
    )
    with door.read() as db:
        assert [row["id"] for row in db.all("SELECT id FROM fact ORDER BY id")] == ["a", "b"]
        assert dict(db.one("SELECT id FROM fact WHERE id = :id", id="b") or {}) == {"id": "b"}
        assert db.one("SELECT id FROM fact WHERE id = :id", id="c") is None
        assert db.value("SELECT id FROM fact WHERE id = :id", id="c") is None
        assert [row["id"] for row in db.each("SELECT id FROM fact ORDER BY id")] == ["a", "b"]


def test_run_says_how_many_rows_changed(door):
    door.write(booking("a"))
    changed = "UPDATE fact SET till = 1 WHERE id = :id"
    assert door.write(lambda tx: tx.run(changed, id="a")) == 1
    assert door.write(lambda tx: tx.run(changed, id="b")) == 0


def test_a_report_that_is_being_read_does_not_stall_tills_at_a_checkpoint(door):
    door.write(booking("a"))
    with door.read() as db:
        db.value("SELECT COUNT(*) FROM fact")
        door.write(booking("b"))
        began = time.monotonic()
        door.checkpoint()
        door.write(booking("c"))
        assert time.monotonic() - began < 5
    assert facts(door) == ["a", "b", "c"]


def test_a_checkpoint_empties_the_log_and_keeps_the_facts(door, database):
    door.write(booking("a"))
    assert wal_of(database).frames > 0
    door.checkpoint()
    assert Path(f"{database}-wal").stat().st_size == 0
    assert facts(door) == ["a"]


def test_a_log_is_left_alone_until_someone_asks(door, database):
    size = 0
    for n in range(300):
        door.write(booking(f"{n:04}" * 200))
        grown = Path(f"{database}-wal").stat().st_size
        assert grown > size
        size = grown


def test_closing_finishes_what_is_queued(door, database, pool):
    answers = write_together(door, pool, [booking(str(n)) for n in range(8)])
    door.close()
    assert [answer.result(WAIT_S) for answer in answers] == [f"booked {n}" for n in range(8)]


def test_a_closed_door_refuses_at_once(door):
    door.close()
    with pytest.raises(Refused) as caught:
        door.write(booking("late"))
    assert caught.value.code == "storage_failing"


class HesitantQueue(queue.SimpleQueue[_Command | None]):
    """A till that is interrupted between asking whether the door is open and queueing."""

    def __init__(self) -> None:
        self.hesitating = threading.Event()

    def put(self, command, *_):
        if command is not None:
            self.hesitating.set()
            time.sleep(0.2)
        super().put(command)


def test_nobody_is_left_waiting_behind_a_closed_door(door):
    hesitant, before = HesitantQueue(), door._commands
    door._commands = hesitant
    before.put(_Command(lambda _: None))  # The writer thread now waits at the other queue.
    late: Future[str] = Future()

    def sell() -> None:
        late.set_result(door.write(booking("late")))

    threading.Thread(target=sell, daemon=True).start()
    assert hesitant.hesitating.wait(WAIT_S)
    door.close()
    assert late.result(WAIT_S) == "booked late"


def test_a_verb_that_opens_the_door_again_is_told_so(door):
    def verb(_: Writer) -> None:
        door.write(booking("inner"))

    with pytest.raises(RuntimeError, match="inside"):
        door.write(verb)
    assert facts(door) == []


def test_readers_are_as_many_as_there_are_connections(door):
    taken: list[Reader] = []
    with door.read() as one, door.read() as two:
        taken = [one, two]
        assert one.value("SELECT 1") == two.value("SELECT 1") == 1
    assert taken[0]._connection is not taken[1]._connection
    with door.read() as again:
        assert again._connection in {reader._connection for reader in taken}


def test_a_bare_connection_is_lent_for_imports(door):
    with door.connection() as connection:
        connection.execute("INSERT INTO fact (id) VALUES ('imported')")
    assert facts(door) == ["imported"]
