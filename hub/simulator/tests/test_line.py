"""The line over real sockets: an echo at the far end, and what its caller notices."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from hub.simulator.line import Line, LineState, Route

WAIT_S = 10
A_MOMENT_S = 0.2
LOOPBACK = "127.0.0.1"


@pytest.fixture
def echo():
    """Serve a port at which everything comes back; return it."""
    with socket.create_server((LOOPBACK, 0)) as server:

        def answer(link):
            with contextlib.suppress(OSError), link:
                while data := link.recv(65_536):
                    link.sendall(data)

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    link, _address = server.accept()
                    threading.Thread(target=answer, args=(link,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def line(echo):
    with Line((Route(port=0, to=echo), Route(port=0, to=echo))) as line:
        yield line


@pytest.fixture
def dial(line):
    """Call through the line as a store does."""
    links = []

    def dial(route=0):
        links.append(socket.create_connection((LOOPBACK, line.ports[route]), timeout=WAIT_S))
        return links[-1]

    yield dial
    for link in links:
        link.close()


@pytest.fixture
def server():
    """A far end whose connections the test itself accepts."""
    with socket.create_server((LOOPBACK, 0)) as server:
        server.settimeout(WAIT_S)
        yield server


@pytest.fixture
def far_line(server):
    with Line((Route(port=0, to=server.getsockname()[1]),)) as line:
        yield line


@pytest.fixture
def far_end(server, far_line):
    with socket.create_connection((LOOPBACK, far_line.ports[0]), timeout=WAIT_S) as link:
        yield server, link


def heard(link, count):
    got = b""
    while len(got) < count:
        got += link.recv(65_536)
    return got


def test_what_is_said_arrives_and_the_answer_comes_back(dial):
    for route in (0, 1):
        link = dial(route)
        large = bytes(range(256)) * 4_000
        threading.Thread(target=link.sendall, args=(large,)).start()
        assert heard(link, len(large)) == large


def test_the_end_of_what_is_said_comes_through_and_the_answer_after_it(far_end):
    server, link = far_end
    link.sendall(b"hello")
    link.shutdown(socket.SHUT_WR)
    far, _address = server.accept()
    with far:
        asked = b""
        while data := far.recv(100):
            asked += data
        far.sendall(b"you said " + asked)
    assert heard(link, 14) == b"you said hello"


def test_a_pulled_line_breaks_what_stands_and_refuses_what_comes(line, dial):
    standing = dial()
    standing.sendall(b"x")
    assert heard(standing, 1) == b"x"
    line.switch(LineState.CUT)
    with pytest.raises(ConnectionResetError):
        standing.recv(1)
    for route in (0, 1):
        with pytest.raises(ConnectionRefusedError):
            dial(route)


def test_plugged_back_in_it_carries_again_at_the_same_ports(line, dial):
    before = line.ports
    for _again in range(3):
        line.switch(LineState.CUT)
        line.switch(LineState.UP)
        link = dial()
        link.sendall(b"back")
        assert heard(link, 4) == b"back"
    assert line.ports == before


def test_a_silent_line_lets_nothing_through_and_ends_nothing(line, dial):
    standing = dial()
    standing.sendall(b"x")
    assert heard(standing, 1) == b"x"
    line.switch(LineState.SILENT)
    newcomer = dial()
    for link in (standing, newcomer):
        link.sendall(b"is anybody there?")
        link.settimeout(A_MOMENT_S)
        with pytest.raises(TimeoutError):
            link.recv(1)
        link.settimeout(WAIT_S)
    line.switch(LineState.UP)
    for link in (standing, newcomer):
        with pytest.raises(ConnectionResetError):
            link.recv(1)
    fresh = dial()
    fresh.sendall(b"y")
    assert heard(fresh, 1) == b"y"


def test_the_far_ends_goodbye_does_not_come_through_a_silent_line(far_end, far_line):
    server, link = far_end
    far, _address = server.accept()
    far.sendall(b"x")
    assert heard(link, 1) == b"x"
    far_line.switch(LineState.SILENT)
    far.close()
    link.settimeout(A_MOMENT_S)
    with pytest.raises(TimeoutError):
        link.recv(1)
    far_line.switch(LineState.CUT)
    link.settimeout(WAIT_S)
    with pytest.raises(ConnectionResetError):
        link.recv(1)


def test_from_silent_to_cut_and_from_cut_to_silent(line, dial):
    line.switch(LineState.SILENT)
    silent = dial()
    line.switch(LineState.CUT)
    with pytest.raises(ConnectionResetError):
        silent.recv(1)
    with pytest.raises(ConnectionRefusedError):
        dial()
    line.switch(LineState.SILENT)
    assert line.state is LineState.SILENT
    link = dial()
    link.settimeout(A_MOMENT_S)
    with pytest.raises(TimeoutError):
        link.recv(1)


def test_a_far_end_that_is_not_there_resets_its_caller():
    with socket.create_server((LOOPBACK, 0)) as free:
        port = free.getsockname()[1]
    with (
        Line((Route(port=0, to=port),)) as lonely,
        pytest.raises(ConnectionResetError),
        socket.create_connection((LOOPBACK, lonely.ports[0]), timeout=WAIT_S) as link,
    ):
        link.recv(1)


def test_a_port_that_is_taken_is_told_at_once(echo):
    with pytest.raises(OSError, match="in use"), Line((Route(port=echo, to=1),)):
        pass


def test_the_end_of_the_program_leaves_no_connection(echo):
    with Line((Route(port=0, to=echo),)) as line:
        link = socket.create_connection((LOOPBACK, line.ports[0]), timeout=WAIT_S)
        link.sendall(b"x")
        assert heard(link, 1) == b"x"
        port = line.ports[0]
    with link, pytest.raises(ConnectionResetError):
        link.recv(1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, port), timeout=WAIT_S)
