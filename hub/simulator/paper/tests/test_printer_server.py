from __future__ import annotations

import socket
import time

import pytest
from PIL import Image

from hub.simulator.paper import PaperPrinter, State, papers_in
from hub.simulator.paper.printer_server import BUFFER_BYTES
from hub.simulator.paper.shelf import PAPERS_KEPT_MAX, Shelf
from hub.simulator.paper.tokens import LineFeed

ONE = b"\x1b@one\n\x1dV\x00"
TWO = b"\x1b@two\n\x1dV\x01"


def call(printer):
    link = socket.create_connection(("127.0.0.1", printer.port), timeout=5)
    link.settimeout(5)
    return link


def say(printer, *chunks):
    with call(printer) as link:
        for chunk in chunks:
            link.sendall(chunk)


def test_a_receipt_is_kept_as_bytes_words_and_a_picture(tmp_path):
    with PaperPrinter(tmp_path) as printer:
        say(printer, ONE)
        (paper,) = printer.wait_for_papers(1)
    assert paper.bin == tmp_path / "0001.bin"
    assert paper.bin.read_bytes() == ONE
    assert (tmp_path / "0001.txt").read_text() == "one\n[cut]\n"
    with Image.open(tmp_path / "0001.png") as picture:
        assert picture.width == 640


def test_receipts_end_at_the_cut_also_amid_a_chunk(tmp_path):
    both = ONE + TWO
    with PaperPrinter(tmp_path) as printer:
        say(printer, both[:12], both[12:15], both[15:])
        papers = printer.wait_for_papers(2)
    assert [paper.bin.read_bytes() for paper in papers] == [ONE, TWO]


def test_without_a_cut_a_receipt_ends_where_the_caller_hangs_up(tmp_path):
    with PaperPrinter(tmp_path) as printer:
        say(printer, b"one\n")
        printer.wait_for_papers(1)
        say(printer, b"two\n")
        papers = printer.wait_for_papers(2)
    assert [paper.text for paper in papers] == ["one\n", "two\n"]


def test_a_caller_who_prints_nothing_leaves_no_paper(tmp_path):
    with PaperPrinter(tmp_path) as printer:
        say(printer)
        say(printer, b"\x1b@\x1c&")
        say(printer, b"\x10\x04\x01")
        say(printer, ONE)
        assert len(printer.wait_for_papers(1)) == 1


def test_numbers_go_on_after_a_restart(tmp_path):
    for expected in (1, 2, 3):
        with PaperPrinter(tmp_path) as printer:
            say(printer, ONE)
            assert printer.wait_for_papers(expected)[-1].number == expected


def test_a_paper_left_half_written_by_a_crash_is_not_shown_and_its_number_not_reused(tmp_path):
    (tmp_path / "0007.png").write_bytes(b"")
    (tmp_path / "note.txt").write_text("not ours")
    with PaperPrinter(tmp_path) as printer:
        assert printer.papers() == []
        say(printer, ONE)
        assert printer.wait_for_papers(1)[0].number == 8


def test_only_so_many_papers_are_kept(tmp_path):
    for number in range(1, PAPERS_KEPT_MAX + 1):
        (tmp_path / f"{number:04d}.bin").touch()
    Shelf(tmp_path, typeface=None).put([LineFeed(raw=b"\n")])
    numbers = [paper.number for paper in papers_in(tmp_path)]
    assert (numbers[0], numbers[-1], len(numbers)) == (2, PAPERS_KEPT_MAX + 1, PAPERS_KEPT_MAX)


@pytest.mark.parametrize(
    ("state", "answers"),
    [
        (State.ONLINE, "12 12 12 12"),
        (State.NEAR_END, "12 12 12 1e"),
        (State.PAPER_OUT, "1a 32 12 7e"),
        (State.COVER_OPEN, "1a 16 12 12"),
    ],
)
def test_questions_are_answered_by_the_state(tmp_path, state, answers):
    with PaperPrinter(tmp_path, state=state) as printer, call(printer) as link:
        got = b""
        for question in range(1, 5):
            link.sendall(bytes([0x10, 0x04, question]))
            got += link.recv(1)
    assert got.hex(" ") == answers


def test_a_silent_printer_prints_and_answers_nothing(tmp_path):
    with PaperPrinter(tmp_path, state=State.SILENT) as printer, call(printer) as link:
        link.sendall(b"\x10\x04\x01" + ONE)
        printer.wait_for_papers(1)
        link.settimeout(0.1)
        with pytest.raises(TimeoutError):
            link.recv(1)


def test_switched_off_it_refuses_calls_and_keeps_its_port(tmp_path):
    with PaperPrinter(tmp_path) as printer:
        port = printer.port
        printer.switch(State.OFF)
        with pytest.raises(ConnectionRefusedError):
            call(printer)
        printer.switch(State.ONLINE)
        assert printer.port == port
        say(printer, ONE)
        printer.wait_for_papers(1)


def test_switching_off_hangs_up_on_the_caller(tmp_path):
    with PaperPrinter(tmp_path) as printer, call(printer) as link:
        link.sendall(b"\x10\x04\x01")
        link.recv(1)
        printer.switch(State.OFF)
        assert link.recv(1) == b""


def test_out_of_paper_it_holds_a_receipt_and_prints_it_once_after_the_refill(tmp_path):
    with PaperPrinter(tmp_path, state=State.PAPER_OUT) as printer:
        say(printer, ONE)
        say(printer, b"\x10\x04\x01", TWO)
        assert printer.papers() == []
        printer.switch(State.ONLINE)
        papers = printer.wait_for_papers(2)
        printer.switch(State.PAPER_OUT)
        printer.switch(State.ONLINE)
        assert printer.papers() == papers
    assert [paper.bin.read_bytes() for paper in papers] == [ONE, TWO]


def test_switching_off_forgets_what_was_not_printed(tmp_path):
    with PaperPrinter(tmp_path, state=State.PAPER_OUT) as printer:
        with call(printer) as link:
            link.sendall(ONE + b"\x10\x04\x01")
            link.recv(1)
        printer.switch(State.OFF)
        printer.switch(State.ONLINE)
        say(printer, TWO)
        assert [p.bin.read_bytes() for p in printer.wait_for_papers(1)] == [TWO]


def test_out_of_paper_with_a_full_memory_it_takes_no_more(tmp_path):
    with PaperPrinter(tmp_path, state=State.PAPER_OUT) as printer, call(printer) as link:
        link.settimeout(0.3)
        line = b"x" * 47 + b"\n"
        with pytest.raises(TimeoutError):
            link.sendall(line * (40_000_000 // len(line)))
        assert BUFFER_BYTES <= sum(len(c or b"") for c in printer._waiting) < 3 * BUFFER_BYTES


def test_callers_are_served_one_after_the_other(tmp_path):
    with PaperPrinter(tmp_path) as printer:
        with call(printer) as first, call(printer) as second:
            second.sendall(b"\x10\x04\x01" + TWO)
            first.sendall(b"\x10\x04\x01" + ONE)
            assert first.recv(1) == b"\x12"
            second.settimeout(0.1)
            with pytest.raises(TimeoutError):
                second.recv(1)
        papers = printer.wait_for_papers(2)
    assert [paper.bin.read_bytes() for paper in papers] == [ONE, TWO]


def test_a_drawer_kick_is_a_paper_of_its_own_to_look_at(tmp_path):
    with PaperPrinter(tmp_path) as printer:
        say(printer, b"\x1bp\x00\x32\x32")
        (paper,) = printer.wait_for_papers(1)
    assert paper.text == "[drawer pin 2, 100 ms]\n"


def test_a_receipt_that_breaks_off_shows_where(tmp_path):
    with PaperPrinter(tmp_path) as printer:
        say(printer, b"one\n\x1dv0\x00\x02\x00\x02\x00\xff")
        (paper,) = printer.wait_for_papers(1)
    assert paper.text.splitlines()[1].startswith("[broken off")


def test_a_taken_port_is_the_starters_error(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        printer = PaperPrinter(tmp_path, port=taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            printer.start()


def test_waiting_for_paper_that_does_not_come_ends(tmp_path):
    with PaperPrinter(tmp_path) as printer:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            printer.wait_for_papers(1, timeout_s=0.1)
        assert time.monotonic() - began < 3
