from __future__ import annotations

import pytest

from core.clock import DAY_MS
from core.errors import Refused
from core.sqlite import Reader
from hub.devices import (
    Kick,
    drop,
    jobs,
    last_scan,
    put_scan,
    scans_after,
    send_to,
    waiting,
    was_printed,
)
from hub.devices.spool import (
    claim,
    finish,
    forget,
    has_unknown,
    is_due,
    put_back,
    recover,
)
from hub.devices.tests.conftest import job, put, receipt, set_up_printer

ADDRESS = "tcp://192.168.1.50:9100"


def now(box):
    return box.journal.clock.read().at


def take(box, *, later_ms=0, printer="front"):
    at = now(box) + later_ms
    row = box.door.write(lambda tx: claim(tx, printer=printer, at=at))
    return None if row is None else row["id"]


def test_jobs_are_taken_in_the_order_in_which_they_came(box):
    set_up_printer(box, ADDRESS)
    ids = [put(box, receipt(number)) for number in range(3)]
    box.door.write(
        lambda tx: [
            tx.run("UPDATE print_job SET queued_at = :n WHERE id = :id", n=n, id=one)
            for n, one in enumerate(ids)
        ]
    )
    assert [take(box) for _ in range(4)] == [*ids, None]


def test_after_a_failure_all_that_wait_for_the_printer_wait_and_a_new_job_has_the_oldest_tried(
    box,
):
    set_up_printer(box, ADDRESS)
    first, second = put(box, receipt(1)), put(box, receipt(2))
    box.door.write(
        lambda tx: tx.run("UPDATE print_job SET queued_at = 1 WHERE id = :f", f=first)
    )
    assert take(box) == first
    due = now(box) + 60_000
    box.door.write(lambda tx: put_back(tx, job=first, reason="unreachable", due_at=due))
    assert [job(box, one)["due_at"] for one in (first, second)] == [due, due]
    assert take(box) is None
    put(box, receipt(3))
    assert take(box) == first
    box.door.write(lambda tx: put_back(tx, job=first, reason="unreachable", due_at=due))
    assert take(box) is None
    assert take(box, later_ms=60_000) == first


def test_a_failure_holds_nothing_up_at_another_printer(box):
    set_up_printer(box, ADDRESS, "front")
    set_up_printer(box, ADDRESS, "kitchen")
    first, second = put(box, receipt(1)), put(box, receipt(2))
    box.door.write(lambda tx: send_to(tx, job=second, printer="kitchen"))
    assert take(box) == first
    box.door.write(lambda tx: put_back(tx, job=first, reason="x", due_at=now(box) + 60_000))
    assert take(box, printer="kitchen") == second


def test_a_job_that_is_over_or_being_sent_is_not_sent_elsewhere(box):
    set_up_printer(box, ADDRESS)
    put(box, receipt(1))
    taken = take(box)
    with pytest.raises(Refused, match="no_job"):
        box.door.write(lambda tx: send_to(tx, job=taken, printer="kitchen"))


def test_what_was_spooled_without_a_printer_goes_to_the_first_one(box):
    early = put(box, receipt(1))
    set_up_printer(box, ADDRESS, "front")
    set_up_printer(box, ADDRESS, "kitchen")
    assert take(box, printer="kitchen") is None
    assert take(box, printer="front") == early


def test_a_verdict_that_comes_after_the_restart_changes_nothing(box):
    set_up_printer(box, ADDRESS)
    put(box, receipt(1))
    amid = take(box)
    assert box.door.write(recover) == 1
    box.door.write(lambda tx: finish(tx, job=amid, state="done"))
    box.door.write(lambda tx: put_back(tx, job=amid, reason="x", due_at=0))
    assert (job(box, amid)["state"], job(box, amid)["reason"]) == ("unknown", "stopped")


def test_a_drawer_that_may_have_opened_asks_nobody_to_look_for_paper(box):
    set_up_printer(box, ADDRESS)
    put(box, Kick(), kind="kick")
    amid = take(box)
    box.door.write(recover)
    assert job(box, amid)["state"] == "dropped"
    with box.door.read() as db:
        assert dict(waiting(db)) == {"waiting": 0, "unknown": 0}


def test_the_list_begins_with_what_needs_somebody(box):
    set_up_printer(box, ADDRESS)
    lost, fresh = put(box, receipt(1)), [put(box, receipt(n)) for n in range(60)]
    box.door.write(lambda tx: tx.run("UPDATE print_job SET state = 'done'"))
    box.door.write(
        lambda tx: tx.run("UPDATE print_job SET state = 'unknown' WHERE id = :id", id=lost)
    )
    with box.door.read() as db:
        listed = jobs(db)
    assert len(listed) == 50
    assert [row["id"] for row in listed][:1] == [lost]
    assert {row["id"] for row in listed[1:]} == set(fresh[11:])
    box.door.write(lambda tx: drop(tx, job=lost))
    assert job(box, lost)["state"] == "dropped"


def test_old_receipts_are_emptied_and_their_next_print_is_still_a_copy(box):
    set_up_printer(box, ADDRESS)
    old, waits = put(box, receipt("old"), subject="sale-1"), put(box, receipt("waits"))
    box.door.write(
        lambda tx: tx.run("UPDATE print_job SET state = 'done' WHERE id = :id", id=old)
    )
    at = now(box) + DAY_MS
    box.door.write(lambda tx: forget(tx, printed_before=at, scanned_before=0))
    assert job(box, old)["job"] == b""
    assert job(box, waits)["job"] != b""
    with box.door.read() as db:
        assert was_printed(db, "sale-1")


def test_the_inbox_of_scans_is_emptied_of_what_nobody_took(box):
    first = box.door.write(
        lambda tx: put_scan(tx, box.act(tx), till="前台1", value="8800000001")
    )
    after = now(box) + 1
    box.door.write(lambda tx: forget(tx, printed_before=0, scanned_before=after))
    with box.door.read() as db:
        assert last_scan(db) == ""
    second = box.door.write(lambda tx: put_scan(tx, box.act(tx), till="前台1", value="690123"))
    with box.door.read() as db:
        found = scans_after(db, till="前台1", after="")
    assert [(row["id"], row["value"]) for row in found] == [(second, "690123")]
    assert second != first


def test_swipes_of_one_millisecond_are_told_in_their_order(box):
    values = [str(number) for number in range(40)]

    def swipe(tx):
        act = box.act(tx)
        return [put_scan(tx, act, till="前台1", value=value) for value in values]

    swiped = box.door.write(swipe)
    with box.door.read() as db:
        assert [row["value"] for row in scans_after(db, till="前台1", after="")] == values
        assert [row["id"] for row in scans_after(db, till="前台1", after=swiped[0])] == swiped[
            1:
        ]


class Explaining(Reader):
    """A reader that also asks how each of its queries is carried out."""

    def __init__(self, db):
        super().__init__(db._connection)
        self.plan = []

    def one(self, sql, /, **values):
        self.plan += [row["detail"] for row in self.all(f"EXPLAIN QUERY PLAN {sql}", **values)]
        return super().one(sql, **values)


def test_looking_for_work_does_not_read_the_receipts_of_years(box):
    with box.door.read() as db:
        watched = Explaining(db)
        is_due(watched, printer="front", at=0)
        has_unknown(watched, printer="front")
        waiting(watched)
    assert len(watched.plan) >= 3
    assert [step for step in watched.plan if "print_job_alive" not in step] == []
