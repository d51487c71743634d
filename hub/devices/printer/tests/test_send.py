from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from hub.devices.printer import (
    PAPER_58MM,
    PAPER_80MM,
    Document,
    File,
    Kick,
    Outcome,
    Pair,
    Reach,
    SerialPort,
    Status,
    Tcp,
    Text,
    Usb,
    Verdict,
    encode,
    parse_address,
    send,
)
from hub.simulator.paper import PaperPrinter, State, decode, plain_text, rows

SMALL = encode(
    Document((Text("足浴 ¥128", bold=True), Pair("合计", "128.00"))),
    profile=PAPER_58MM,
    typeface=None,
)
EVERY_BYTE = range(len(SMALL) + 2)
ANSWER_S = 1.0
HEALTHY = Status(online="yes", paper="ok", cover="closed", error="no")


def at_every_byte(make_printer, serving, make_transport, *, silent):
    """Send to a printer that stops at byte k, for every k; one past the end never stops."""

    def one(stop_after):
        stops = None if stop_after > len(SMALL) else stop_after
        printer = make_printer(stop_after=stops, silent=silent)
        with serving(printer) as where:
            outcome = send(make_transport(where), SMALL, status_timeout_s=ANSWER_S)
        return stop_after, outcome, bytes(printer.got)

    with ThreadPoolExecutor(32) as pool:
        return list(pool.map(one, EVERY_BYTE))


def tcp(port):
    return Tcp("127.0.0.1", port)


def check(results, *, whole_and_gone):
    for stop_after, outcome, got in results:
        if stop_after == 0:
            assert outcome.verdict is Verdict.FAILED, outcome
            assert got == b""
        elif stop_after < len(SMALL):
            assert outcome.verdict is Verdict.UNKNOWN, (stop_after, outcome)
            assert got == SMALL[:stop_after]
        elif stop_after == len(SMALL):
            assert outcome.verdict is whole_and_gone, outcome
            assert got == SMALL
        else:
            assert outcome.verdict is Verdict.DONE, outcome
            assert got == SMALL


def test_over_a_socket_every_byte_at_which_a_printer_can_die_is_told_right(
    make_printer, on_socket
):
    results = at_every_byte(make_printer, on_socket, tcp, silent=False)
    # It answered before and not afterwards: whether its last line came out is not known.
    check(results, whole_and_gone=Verdict.UNKNOWN)
    assert results[-1][1] == Outcome(verdict=Verdict.DONE, status=HEALTHY)


def test_a_silent_socket_printer_is_believed_only_when_it_read_every_byte(
    make_printer, on_socket
):
    results = at_every_byte(make_printer, on_socket, tcp, silent=True)
    check(results, whole_and_gone=Verdict.DONE)


@pytest.mark.parametrize("kind", [SerialPort, Usb])
@pytest.mark.parametrize("silent", [False, True])
def test_over_a_cable_every_byte_at_which_a_printer_can_die_is_told_right(
    kind, silent, make_printer, on_terminal
):
    results = at_every_byte(make_printer, on_terminal, kind, silent=silent)
    check(results, whole_and_gone=Verdict.UNKNOWN)


def test_nobody_there_is_failed(tmp_path):
    with PaperPrinter(tmp_path, state=State.OFF) as printer:
        outcome = send(tcp(printer.port), SMALL)
    assert outcome == Outcome(verdict=Verdict.FAILED, reason="unreachable")


@pytest.mark.parametrize(
    ("state", "reason"), [(State.PAPER_OUT, "paper_out"), (State.COVER_OPEN, "cover_open")]
)
def test_a_printer_that_cannot_print_is_sent_nothing_and_prints_once_when_it_can(
    state, reason, tmp_path
):
    with PaperPrinter(tmp_path, state=state) as printer:
        outcome = send(tcp(printer.port), SMALL)
        assert (outcome.verdict, outcome.reason) == (Verdict.FAILED, reason)
        printer.switch(State.ONLINE)
        assert printer.papers() == []
        assert send(tcp(printer.port), SMALL).verdict is Verdict.DONE
        (paper,) = printer.wait_for_papers(1)
    assert paper.bin.read_bytes() == SMALL


def test_an_offline_printer_without_a_told_cause_is_offline(make_printer, on_socket):
    printer = make_printer(stop_after=None, silent=True)

    def serve(read, write):
        while read(3):
            write(b"\x1a" if not printer.got else b"\x12")
            printer.got += b"?"

    printer.serve = serve
    with on_socket(printer) as port:
        outcome = send(tcp(port), SMALL)
    assert (outcome.verdict, outcome.reason) == (Verdict.FAILED, "offline")


def test_paper_that_ends_amid_a_receipt_is_unknown_and_prints_once_after_refill(tmp_path):
    with PaperPrinter(tmp_path) as printer:

        class PaperEndsNow(Tcp):
            def write(self, payload, timeout_s=30.0):
                if payload == SMALL:
                    printer.switch(State.PAPER_OUT)
                super().write(payload, timeout_s)

        outcome = send(PaperEndsNow("127.0.0.1", printer.port), SMALL)
        assert (outcome.verdict, outcome.reason) == (Verdict.UNKNOWN, "paper_out")
        assert outcome.status.paper == "out"
        assert printer.papers() == []
        printer.switch(State.ONLINE)
        (paper,) = printer.wait_for_papers(1)
        assert paper.text == plain_text(rows(decode(SMALL)))


def test_low_paper_is_told_and_stops_nothing(tmp_path):
    with PaperPrinter(tmp_path, state=State.NEAR_END) as printer:
        outcome = send(tcp(printer.port), SMALL)
    assert outcome.verdict is Verdict.DONE
    assert outcome.status.paper == "near_end"


def test_a_printer_that_falls_silent_after_answering_is_unknown(make_printer, on_socket):
    printer = make_printer(stop_after=None, silent=False)
    answering = printer.serve

    def serve(read, write):
        answering(read, lambda answer: None if printer.got else write(answer))

    printer.serve = serve
    with on_socket(printer) as port:
        outcome = send(tcp(port), SMALL, status_timeout_s=0.2)
    assert (outcome.verdict, outcome.reason) == (Verdict.UNKNOWN, "silent")
    assert printer.got == SMALL


def test_a_printer_that_stops_taking_bytes_is_unknown_when_time_is_up():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        outcome = send(
            tcp(listener.getsockname()[1]),
            SMALL * 200_000,
            print_timeout_s=0.3,
            status_timeout_s=0.1,
        )
    assert (outcome.verdict, outcome.reason) == (Verdict.UNKNOWN, "timeout")


def test_a_silent_printer_that_chatters_is_listened_to_no_longer_than_its_time(
    make_printer, on_socket
):
    printer = make_printer(stop_after=None, silent=True)

    def serve(read, write):
        while read(1):
            write(b"\x11" * 10)

    printer.serve = serve
    with on_socket(printer) as port:
        assert send(tcp(port), SMALL, status_timeout_s=0.2).verdict is Verdict.DONE


def test_a_file_takes_what_it_is_given(tmp_path):
    outcome = send(File(str(tmp_path / "paper.bin")), SMALL)
    assert outcome == Outcome(verdict=Verdict.DONE)
    assert (tmp_path / "paper.bin").read_bytes() == SMALL


def test_a_drawer_opens_by_its_own_job_over_an_address_as_typed(tmp_path):
    with PaperPrinter(tmp_path) as printer:
        address = f"tcp://127.0.0.1:{printer.port}"
        transport = parse_address(address, reach=Reach(simulated=True))
        kick = encode(Kick(pin=5), profile=PAPER_80MM, typeface=None)
        assert send(transport, kick).verdict is Verdict.DONE
        (paper,) = printer.wait_for_papers(1)
    assert paper.text == "[drawer pin 5, 100 ms]\n"
