from __future__ import annotations

import os
import socket
import stat
import termios
import threading
import tty
from contextlib import contextmanager, suppress

import pytest

from hub.devices.printer import Broken, File, SerialPort, Tcp, Usb

LARGE = bytes(8_000_000)


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture
def terminal():
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    yield ours, os.ttyname(theirs)
    for descriptor in (ours, theirs):
        with suppress(OSError):
            os.close(descriptor)


@contextmanager
def opened(transport):
    transport.open()
    try:
        yield transport
    finally:
        transport.close()


def tcp(listener):
    return Tcp("127.0.0.1", listener.getsockname()[1])


def fault(act, *arguments):
    with pytest.raises(Broken) as caught:
        act(*arguments)
    return caught.value.fault


@pytest.mark.parametrize(
    "make",
    [
        lambda path: Tcp("127.0.0.1", 1),
        lambda path: Usb(str(path / "lp0")),
        lambda path: SerialPort(str(path / "ttyUSB0")),
        lambda path: File(str(path / "missing" / "paper.bin")),
    ],
)
def test_what_is_not_there_is_unreachable_and_closes_quietly(make, tmp_path):
    transport = make(tmp_path)
    assert fault(transport.open) == "unreachable"
    assert fault(transport.write, b"x") == "unreachable"
    transport.close()
    transport.close()


def test_bytes_travel_both_ways_over_a_socket(listener):
    with opened(tcp(listener)) as printer:
        far, _ = listener.accept()
        with far:
            printer.write(b"receipt")
            assert far.recv(64) == b"receipt"
            far.sendall(b"\x12")
            assert printer.read(64, 5) == b"\x12"
            assert printer.read(64, 0.05) == b""


def test_a_printer_that_takes_no_more_bytes_times_out_with_some_handed(listener):
    with opened(tcp(listener)) as printer:
        far, _ = listener.accept()
        with far, pytest.raises(Broken) as caught:
            printer.write(LARGE, 0.2)
    assert caught.value.fault == "timeout"
    assert 0 < caught.value.handed < len(LARGE)


def test_what_was_not_taken_in_time_never_arrives_later(listener):
    with opened(tcp(listener)) as printer:
        far, _ = listener.accept()
        assert fault(printer.write, LARGE, 0.2) == "timeout"
    with far, pytest.raises(ConnectionResetError):
        b"".join(iter(lambda: far.recv(65536), b""))


def test_writing_waits_for_what_our_kernel_still_holds_back():
    """A receipt fits into our kernel's buffer; that the printer has it is another matter."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        receipt = bytes(30_000)
        with opened(tcp(listening)) as printer:
            far, _ = listening.accept()
            with far, pytest.raises(Broken) as caught:
                printer.write(receipt, 0.2)
            assert (caught.value.fault, caught.value.handed) == ("timeout", len(receipt))
        with opened(tcp(listening)) as printer:
            far, _ = listening.accept()
            reading = threading.Thread(target=lambda: list(iter(lambda: far.recv(4096), b"")))
            reading.start()
            printer.write(receipt, 20)
        reading.join(10)
        far.close()


def test_a_printer_that_hung_up_after_reading_all_is_closed_and_else_broken(listener):
    with opened(tcp(listener)) as printer:
        far, _ = listener.accept()
        printer.write(b"all")
        far.recv(64)
        far.close()
        assert fault(printer.read, 64, 5) == "closed"
    with opened(tcp(listener)) as printer:
        far, _ = listener.accept()
        printer.write(b"some")
        far.recv(2)
        far.close()
        assert fault(printer.read, 64, 5) == "broken"


def test_a_printer_with_more_to_say_is_heard_out_before_hanging_up(listener):
    """Closing over unread bytes would reset the line and could cost the end of the receipt."""
    printer = tcp(listener)
    printer.open()
    far, _ = listener.accept()
    far.settimeout(5)
    with far:
        printer.write(b"receipt")
        far.sendall(b"unasked report")
        closing = threading.Thread(target=printer.close)
        closing.start()
        assert far.recv(64) == b"receipt"
        assert far.recv(64) == b""
        closing.join()


@pytest.mark.parametrize("kind", [Usb, SerialPort])
def test_bytes_travel_both_ways_over_a_cable(kind, terminal):
    ours, path = terminal
    with opened(kind(path)) as printer:
        every_byte = bytes(range(256))
        printer.write(every_byte)
        assert os.read(ours, 512) == every_byte
        os.write(ours, b"\x12\x13\n\x12")
        assert printer.read(64, 5) == b"\x12\x13\n\x12"
        assert printer.read(64, 0.05) == b""


@pytest.mark.parametrize("kind", [Usb, SerialPort])
def test_a_stopped_printer_on_a_cable_times_out_with_some_handed(kind, terminal):
    ours, path = terminal
    printer = kind(path, baud=115_200) if kind is SerialPort else kind(path)
    payload = bytes(20_000)
    with opened(printer), pytest.raises(Broken) as caught:
        printer.write(payload, 0.2)
    assert caught.value.fault == "timeout"
    assert 0 < caught.value.handed < len(payload)
    os.set_blocking(ours, False)


@pytest.mark.parametrize("kind", [Usb, SerialPort])
def test_an_unplugged_printer_is_broken_for_reading_and_writing(kind, terminal):
    ours, path = terminal
    with opened(kind(path)) as printer:
        os.close(ours)
        assert fault(printer.read, 64, 1) == "broken"
        assert fault(printer.write, b"x", 1) == "broken"


def test_a_serial_line_is_set_to_its_speed_raw_and_for_us_alone(terminal):
    _, path = terminal
    with opened(SerialPort(path, baud=19_200)) as printer:
        settings = termios.tcgetattr(printer._descriptor)
        assert settings[5] == termios.B19200
        assert not settings[1] & termios.OPOST
        assert not settings[3] & (termios.ICANON | termios.ECHO)
        assert fault(SerialPort(path).open) == "unreachable"


def test_a_plain_file_is_no_usb_printer(tmp_path):
    plain = tmp_path / "lp0"
    plain.touch()
    assert fault(Usb(str(plain)).open) == "unreachable"


def test_a_file_collects_receipts_for_the_shop_account_only(tmp_path):
    paper = tmp_path / "paper.bin"
    for receipt in (b"one", b"two"):
        with opened(File(str(paper))) as printer:
            printer.write(receipt)
            assert printer.read(64, 5) == b""
    assert paper.read_bytes() == b"onetwo"
    assert stat.S_IMODE(paper.stat().st_mode) == 0o600


def test_a_file_that_leads_elsewhere_or_is_a_pipe_is_refused(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "other")
    os.mkfifo(tmp_path / "pipe")
    assert fault(File(str(tmp_path / "link")).open) == "unreachable"
    assert fault(File(str(tmp_path / "pipe")).open) == "unreachable"
    assert not (tmp_path / "other").exists()


def test_a_full_disk_says_how_much_went():
    printer = File("/dev/full")
    assert fault(printer.open) == "unreachable"
