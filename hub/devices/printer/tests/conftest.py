"""Printers that go wrong in known ways, and a Chinese receipt for them to print."""

from __future__ import annotations

import os
import socket
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from hub.devices.printer import (
    QR,
    Columns,
    Cut,
    Document,
    Feed,
    Pair,
    Rule,
    Text,
    Typeface,
    find_typeface,
)
from hub.simulator.paper import Question, RealTime, State, answer

ROW = {"widths": (6, 1, 2), "aligns": ("left", "right", "right")}


@pytest.fixture
def receipt() -> Document:
    return Document(
        (
            Text("云栖足道", align="center", bold=True, size=2),
            Text("朝阳区建国路88号 电话 010-65881234", align="center"),
            Feed(1),
            Pair("单号 A0231-000482", "2026-03-14 21:08"),
            Rule("="),
            Columns(("项目", "数量", "金额"), bold=True, **ROW),
            Columns(("中式足疗 60分钟(点钟·8号技师)", "1", "168.00"), **ROW),
            Columns(("玫瑰精油 Rose Oil 10ml", "1", "1,280.00"), **ROW),
            Columns(("会员折扣 8.8折", "", "−194.88"), **ROW),
            Rule(),
            Pair("应收", "¥1,253.12", bold=True, size=2),
            Pair("现金", "1,300.00", fill="."),
            Pair("找零", "46.88", fill="."),
            Columns(
                ("本金 ¥3,210.00", "赠金 ¥71.00", "积分 5,836"),
                widths=(1, 1, 1),
                aligns=("left", "center", "right"),
            ),
            QR("https://dianshu.example/r/7Q2M-0482"),
            Text("谢谢惠顾，欢迎再次光临！", align="center"),
            Cut(),
        )
    )


@pytest.fixture
def typeface() -> Typeface:
    found = find_typeface()
    if not found:
        pytest.skip("no Chinese font is installed here")
    return found


class StoppingPrinter:
    """Takes so many bytes of payload, then is gone with whatever it had not read."""

    def __init__(self, *, stop_after: int | None, silent: bool) -> None:
        self.stop_after = stop_after
        self.silent = silent
        self.got = bytearray()
        self._real_time = RealTime()

    def serve(self, read: Callable[[int], bytes], write: Callable[[bytes], object]) -> None:
        while self.stop_after is None or len(self.got) < self.stop_after:
            chunk = read(1)
            if not chunk:
                return
            ordinary, commands = self._real_time.feed(chunk)
            self.got += ordinary
            for command in commands:
                if isinstance(command, Question) and not self.silent:
                    write(answer(State.ONLINE, command.number))


@pytest.fixture
def make_printer() -> type[StoppingPrinter]:
    return StoppingPrinter


@pytest.fixture
def on_socket() -> Callable:
    @contextmanager
    def serving(printer: StoppingPrinter) -> Iterator[int]:
        listener = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            connection, _ = listener.accept()
            # The sender may hang up first.
            with connection, suppress(OSError):
                printer.serve(connection.recv, connection.sendall)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            thread.join(10)
            listener.close()
            assert not thread.is_alive()

    return serving


@pytest.fixture
def on_terminal() -> Callable:
    """A pseudo-terminal is the nearest thing to a printer's cable that every machine has."""

    @contextmanager
    def serving(printer: StoppingPrinter) -> Iterator[str]:
        ours, theirs = os.openpty()
        tty.setraw(theirs)
        path = os.ttyname(theirs)
        done = threading.Event()

        def serve() -> None:
            with suppress(OSError):
                printer.serve(lambda n: os.read(ours, n), lambda b: os.write(ours, b))
            os.close(ours)
            done.set()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield path
        finally:
            os.close(theirs)
            thread.join(10)
            assert done.is_set()

    return serving
