from __future__ import annotations

import socket
import time

import pytest

from hub.devices.printer import Broken, File, SerialPort, Status, Tcp, ask_status
from hub.simulator.paper import PaperPrinter, State

HEALTHY = Status(online="yes", paper="ok", cover="closed", error="no")


def asked(port, timeout_s=1.0):
    printer = Tcp("127.0.0.1", port)
    printer.open()
    try:
        return ask_status(printer, timeout_s=timeout_s)
    finally:
        printer.close()


@pytest.fixture
def answering(on_socket, make_printer):
    """Ask a printer that sends these bytes, whatever the question."""

    def ask(*answers):
        printer = make_printer(stop_after=None, silent=True)
        left = list(answers)

        def serve(read, write):
            while read(3):
                write(left.pop(0) if left else b"")

        printer.serve = serve
        with on_socket(printer) as port:
            return asked(port, timeout_s=0.3)

    return ask


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (State.ONLINE, HEALTHY),
        (State.NEAR_END, Status(online="yes", paper="near_end", cover="closed", error="no")),
        (State.PAPER_OUT, Status(online="no", paper="out", cover="closed", error="no")),
        (State.COVER_OPEN, Status(online="no", paper="ok", cover="open", error="no")),
    ],
)
def test_a_printer_tells_how_it_is(tmp_path, state, status):
    with PaperPrinter(tmp_path, state=state) as printer:
        assert asked(printer.port) == status


def test_silence_is_unknown_and_takes_no_longer_than_its_limit(tmp_path):
    with PaperPrinter(tmp_path, state=State.SILENT) as printer:
        began = time.monotonic()
        status = asked(printer.port, timeout_s=0.2)
        assert time.monotonic() - began < 3
    assert status == Status()
    assert not status.answered
    assert status.paper == "unknown"


def test_a_printer_that_answers_only_the_first_question_leaves_the_rest_unknown(answering):
    status = answering(b"\x12")
    assert status == Status(online="yes")
    assert status.answered


def test_bytes_that_are_no_answers_are_passed_over(answering):
    # Flow control, an unasked four-byte report, line noise; then the answer.
    assert answering(b"\x11\x13\x14\x00\x00\x0f\xff\x12", b"\x00\x32", b"\x12") == Status(
        online="yes", paper="out", cover="closed", error="no"
    )


def test_an_error_of_the_machine_is_told(answering):
    assert answering(b"\x1a", b"\x52", b"\x12") == Status(
        online="no", paper="ok", cover="closed", error="yes"
    )


def test_what_came_before_the_question_does_not_answer_it():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        printer = Tcp("127.0.0.1", listener.getsockname()[1])
        printer.open()
        far, _ = listener.accept()
        with far:
            far.sendall(b"\x12\x12\x12")
            time.sleep(0.05)  # Loopback delivers at once; the old answers must be waiting.
            assert ask_status(printer, timeout_s=0.2) == Status()
        printer.close()


def test_a_printer_that_hangs_up_is_not_silent_but_broken():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        printer = Tcp("127.0.0.1", listener.getsockname()[1])
        printer.open()
        listener.accept()[0].close()
        with pytest.raises(Broken):
            ask_status(printer)
        printer.close()


def test_a_file_knows_nothing_about_paper_and_is_asked_nothing_twice(tmp_path):
    printer = File(str(tmp_path / "paper.bin"))
    printer.open()
    began = time.monotonic()
    assert ask_status(printer) == Status()
    assert time.monotonic() - began < 0.5
    printer.close()


def test_status_comes_over_a_serial_line_too(on_terminal, make_printer):
    with on_terminal(make_printer(stop_after=None, silent=False)) as path:
        printer = SerialPort(path)
        printer.open()
        assert ask_status(printer) == HEALTHY
        printer.close()
