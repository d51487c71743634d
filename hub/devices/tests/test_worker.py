from __future__ import annotations

import multiprocessing
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter

import pytest

from hub.devices import Kick, hurry, jobs, waiting
from hub.devices.tests.conftest import (
    END_S,
    ROOT,
    job,
    put,
    receipt,
    set_up_printer,
    wait_for,
    wait_until,
)
from hub.devices.tests.devices_process import serve_for_ever
from hub.devices.worker import RETRY_LATE_MS, RETRY_LATE_TRIES, wait_after_ms
from hub.simulator.paper import PaperPrinter, State

KILLS = 20
JOBS = 40


def numbers(printer):
    return re.findall(r"单号 (\S+)", "".join(paper.text for paper in printer.papers()))


def test_a_receipt_that_is_spooled_comes_out_once(box, paper, devices):
    set_up_printer(box, paper)
    devices()
    first = put(box, receipt("0001"))
    wait_until(box, first, "done", reason="", tries=1)
    second = put(box, receipt("0002"))
    wait_until(box, second, "done")
    paper.wait_for_papers(2)
    assert numbers(paper) == ["0001", "0002"]


def test_a_job_waits_for_a_printer_that_is_off_and_prints_once_when_it_is_on(
    box, paper, devices
):
    paper.switch(State.OFF)
    set_up_printer(box, paper)
    devices()
    first, second = put(box, receipt("0001")), put(box, receipt("0002"))
    row = wait_until(box, first, "queued", reason="unreachable")
    assert row["due_at"] > row["queued_at"]
    with box.door.read() as db:
        assert dict(waiting(db)) == {"waiting": 2, "unknown": 0}
    wait_until(box, second, "queued", tries=0, reason="unreachable")
    assert paper.papers() == []
    paper.switch(State.ONLINE)
    wait_until(box, first, "done", reason="")
    wait_until(box, second, "done")
    paper.wait_for_papers(2)
    assert numbers(paper) == ["0001", "0002"]


@pytest.mark.parametrize(
    ("state", "reason"), [(State.PAPER_OUT, "paper_out"), (State.COVER_OPEN, "cover_open")]
)
def test_a_job_waits_while_the_printer_says_that_it_cannot(box, paper, devices, state, reason):
    paper.switch(state)
    set_up_printer(box, paper)
    devices()
    waits = put(box, receipt("0001"))
    wait_until(box, waits, "queued", reason=reason)
    paper.switch(State.ONLINE)
    wait_until(box, waits, "done")
    paper.wait_for_papers(1)
    assert numbers(paper) == ["0001"]


def test_a_copy_says_that_it_is_one(box, paper, devices):
    set_up_printer(box, paper)
    devices()
    wait_until(box, put(box, receipt("0001")), "done")
    copy = put(box, receipt("0001").as_copy("【补打】"), is_copy=True)
    wait_until(box, copy, "done", is_copy=1)
    texts = [one.text.split() for one in paper.wait_for_papers(2)]
    assert ["【补打】" in words for words in texts] == [False, True]


def test_a_dead_printer_holds_up_nobody_else(box, paper, devices):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        # It takes the call and then neither reads nor answers.
        set_up_printer(box, f"tcp://127.0.0.1:{mute.getsockname()[1]}", "kitchen")
        set_up_printer(box, paper, "front")
        big = put(box, receipt("x" * 4_000_000))
        devices()
        wait_until(box, big, "claimed")
        aside = put(box, receipt("0001"))
        box.door.write(
            lambda tx: tx.run("UPDATE print_job SET printer = 'front' WHERE id = :id", id=aside)
        )
        wait_until(box, aside, "done")
        assert job(box, big)["state"] == "claimed"


def test_a_printer_that_breaks_off_leaves_a_job_of_unknown_fate_that_is_not_tried_again(
    box, paper, devices
):
    with socket.create_server(("127.0.0.1", 0)) as breaks_off:
        set_up_printer(box, f"tcp://127.0.0.1:{breaks_off.getsockname()[1]}")
        devices()
        lost = put(box, receipt("0001"))
        link, _ = breaks_off.accept()
        while b"\x1dV" not in (heard := link.recv(65_536)):
            for _question in range(heard.count(b"\x10\x04")):
                link.sendall(b"\x12")
        link.close()
        wait_until(box, lost, "unknown", tries=1)
    set_up_printer(box, paper)
    after = put(box, receipt("0002"))
    wait_until(box, after, "done")
    assert job(box, lost)["state"] == "unknown"
    assert numbers(paper) == ["0002"]
    # The printer may still wait for the rest of a picture: the next job begins with blanks.
    assert paper.papers()[0].bin.read_bytes().startswith(bytes(9_000))
    wait_until(box, put(box, receipt("0003")), "done")
    assert not paper.wait_for_papers(2)[1].bin.read_bytes().startswith(b"\0")


def test_printers_are_set_up_and_moved_while_it_runs(box, paper, devices, tmp_path):
    devices()
    early = put(box, receipt("0001"))
    with box.door.read() as db:
        assert [row["printer"] for row in jobs(db)] == [None]
    set_up_printer(box, paper)
    wait_until(box, early, "done", printer="front")
    with PaperPrinter(tmp_path / "other roll") as other:
        set_up_printer(box, other)
        wait_until(box, put(box, receipt("0002")), "done")
        other.wait_for_papers(1)
        assert (numbers(paper), numbers(other)) == (["0001"], ["0002"])


def test_an_address_that_leads_nowhere_is_the_reason_until_it_is_mended(box, paper, devices):
    set_up_printer(box, "tcp://8.8.8.8:9100")
    devices()
    waits = put(box, receipt("0001"))
    wait_until(box, waits, "queued", reason="address_network")
    set_up_printer(box, paper)
    wait_until(box, waits, "done")


def test_a_job_that_nothing_can_print_does_not_hold_up_the_next(box, paper, devices):
    set_up_printer(box, paper)
    broken = put(box, receipt("0001"))
    box.door.write(lambda tx: tx.run("UPDATE print_job SET job = x'7b'"))
    devices()
    wait_until(box, put(box, receipt("0002")), "done")
    wait_until(box, broken, "unknown", reason="unprintable")


def test_the_drawer_opens_at_its_printers_own_pin_before_receipts_that_wait(
    box, paper, devices
):
    set_up_printer(box, paper, drawer_pin=5)
    put(box, receipt("0001"))
    kick = put(box, Kick(pin=2), kind="kick")
    devices()
    wait_until(box, kick, "done")
    texts = [one.text for one in paper.wait_for_papers(2)]
    assert texts[0] == "[drawer pin 5, 100 ms]\n"
    assert "单号 0001" in texts[1]


def test_a_drawer_does_not_open_long_after_somebody_wanted_it(box, paper, devices):
    set_up_printer(box, paper)
    kick = put(box, Kick(), kind="kick")
    box.door.write(lambda tx: tx.run("UPDATE print_job SET queued_at = queued_at - 30000"))
    devices()
    wait_until(box, kick, "dropped", reason="too_late")
    wait_until(box, put(box, receipt("0001")), "done")
    assert [one.text for one in paper.papers() if "drawer" in one.text] == []


def test_narrow_paper_and_printers_without_chinese_letters_get_what_suits_them(
    box, paper, devices
):
    set_up_printer(box, paper, columns=32, raster=True)
    devices()
    wait_until(box, put(box, receipt("0001")), "done")
    assert "[picture" in paper.wait_for_papers(1)[0].text


def test_a_file_in_the_hubs_own_folder_is_a_printer(box, devices):
    address = f"file:{box.folder / 'paper' / 'front'}"
    set_up_printer(box, address)
    devices()
    wait_until(box, put(box, receipt("0001")), "done")
    assert "单号 0001".encode("gb18030") in (box.folder / "paper" / "front").read_bytes()


def test_pages_are_told_after_each_change(box, paper, devices):
    bell = box.bells / "web.bell"
    bell.parent.mkdir(exist_ok=True)
    set_up_printer(box, paper)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(bell))
        ear.settimeout(END_S)
        devices()
        ear.recv(8)  # It has begun.
        printed = put(box, receipt("0001"))
        ear.recv(8)
        assert job(box, printed)["state"] == "done"


def test_only_one_process_owns_the_devices(box, paper, devices):
    set_up_printer(box, paper)
    devices()
    wait_until(box, put(box, receipt("0001")), "done")
    second = subprocess.run(
        [sys.executable, "-m", "hub", "devices", "--data", str(box.folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=END_S,
        check=False,
    )
    assert second.returncode == 1
    assert "another process owns" in second.stderr


def test_told_to_stop_it_ends_at_once_and_says_nothing(box, paper, devices, tmp_path):
    set_up_printer(box, paper)
    program = devices()
    wait_until(box, put(box, receipt("0001")), "done")
    program.send_signal(signal.SIGTERM)
    assert program.wait(END_S) == 0
    assert (tmp_path / "said").read_text() == ""


def test_what_was_being_sent_when_the_process_was_killed_is_unknown_at_the_next_start(
    box, devices
):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        set_up_printer(box, f"tcp://127.0.0.1:{mute.getsockname()[1]}")
        program = devices()
        amid = put(box, receipt("0001"))
        wait_until(box, amid, "claimed")
        program.kill()
        program.wait(END_S)
        assert job(box, amid)["state"] == "claimed"
        devices()
        wait_until(box, amid, "unknown", reason="stopped")


def test_killed_again_and_again_it_loses_nothing_and_prints_nothing_twice(box, paper):
    """Each kill comes at a random point of a run that prints as fast as it can."""
    set_up_printer(box, paper)
    ids = {
        f"{number:04d}": put(box, receipt(f"{number:04d}", lines=60)) for number in range(JOBS)
    }
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["hub.devices.tests.devices_process"])
    chance = random.Random(20260302)
    for _kill in range(KILLS):
        program = processes.Process(target=serve_for_ever, args=(box.folder,), daemon=True)
        program.start()
        time.sleep(chance.uniform(0.05, 0.35))
        program.kill()
        program.join(END_S)
    so_far = {job(box, one)["state"] for one in ids.values()}
    assert so_far & {"unknown", "claimed"}, "no kill came amid a receipt"
    last = processes.Process(target=serve_for_ever, args=(box.folder,), daemon=True)
    last.start()
    wait_for(
        lambda: {job(box, one)["state"] for one in ids.values()} <= {"done", "unknown"}, 60
    )
    last.kill()
    last.join(END_S)
    paper.switch(State.OFF)  # What was said to the printer is on paper now.
    came_out = Counter(numbers(paper))
    fates = {number: job(box, one)["state"] for number, one in ids.items()}
    assert len(fates) == JOBS
    assert [number for number, count in came_out.items() if count > 1] == []
    assert [n for n, fate in fates.items() if fate == "done" and not came_out[n]] == []
    assert [number for number in came_out if fates[number] not in {"done", "unknown"}] == []


def test_waits_grow_and_a_printer_that_stays_off_is_asked_seldom():
    assert [wait_after_ms(tries) for tries in range(1, 6)] == [1000, 2000, 4000, 5000, 5000]
    assert wait_after_ms(RETRY_LATE_TRIES + 1) == RETRY_LATE_MS


def test_a_mended_printer_can_be_tried_at_once(box, devices, paper):
    paper.switch(State.OFF)
    set_up_printer(box, paper)
    devices()
    waits = put(box, receipt("0001"))
    wait_until(box, waits, "queued", reason="unreachable")
    far = box.journal.clock.read().at + 3_600_000
    box.door.write(lambda tx: tx.run("UPDATE print_job SET due_at = :far", far=far))
    wait_for(lambda: job(box, waits)["due_at"] == far)
    paper.switch(State.ONLINE)
    box.door.write(lambda tx: hurry(tx, printer="front"))
    box.written()
    wait_until(box, waits, "done")
