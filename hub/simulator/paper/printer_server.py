"""A network receipt printer made of software: a raw TCP port, a roll of paper, a state."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from hub.devices import find_typeface
from hub.simulator.paper.decoder import Decoder
from hub.simulator.paper.real_time import Question, RealTime
from hub.simulator.paper.rows import DOTS_80MM
from hub.simulator.paper.shelf import Paper, Shelf, papers_in
from hub.simulator.paper.tokens import CutPaper, DrawerKick, Token

BUFFER_BYTES = 65_536
"""What it takes in while it cannot print; then it stops reading, as printers do."""
PAPER_BYTES_MAX = 4_000_000
READ_BYTES = 65_536
ANSWER_TIMEOUT_S = 1.0
IDLE_TIMEOUT_S = 60.0
"""A caller that says nothing for so long loses the line to the next."""
SWITCH_TIMEOUT_S = 5.0


class State(StrEnum):
    """How the printer is; OFF refuses connections, SILENT prints and answers nothing."""

    ONLINE = "online"
    NEAR_END = "near_end"
    PAPER_OUT = "paper_out"
    COVER_OPEN = "cover_open"
    SILENT = "silent"
    OFF = "off"

    @property
    def prints(self) -> bool:
        return self in {State.ONLINE, State.NEAR_END, State.SILENT}


def answer(state: State, question: int) -> bytes:
    """Give the byte that a printer in this state returns for DLE EOT `question`."""
    set_bits = {
        (1, State.PAPER_OUT): 0x08,
        (1, State.COVER_OPEN): 0x08,
        (2, State.PAPER_OUT): 0x20,
        (2, State.COVER_OPEN): 0x04,
        (4, State.NEAR_END): 0x0C,
        (4, State.PAPER_OUT): 0x6C,
    }
    return bytes([0x12 | set_bits.get((question, state), 0)])


class PaperPrinter:
    """Serves one caller at a time, as network printers do, from a thread of its own.

    Receipts end at the cut or where the caller hangs up. What arrives while it cannot print
    is printed, once, when it can again; switching it off forgets that.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        dots: int = DOTS_80MM,
        state: State = State.ONLINE,
    ) -> None:
        self._shelf = Shelf(folder, typeface=find_typeface(), dots=dots)
        self._host, self._port = host, port
        self._state, self._stopping = state, False
        self._selector = selectors.DefaultSelector()
        self._bell, self._doorway = socket.socketpair()
        self._listener: socket.socket | None = None
        self._caller: socket.socket | None = None
        self._switching = threading.Lock()
        self._settled = threading.Event()
        self._printed = threading.Condition()
        self._listeners: list[Callable[[Paper], None]] = []
        self._thread = threading.Thread(target=self._run, name="paper-printer", daemon=True)
        self._power_on()

    def _power_on(self) -> None:
        # None is where a caller hung up.
        self._waiting: deque[bytes | None] = deque()
        self._decoder, self._real_time = Decoder(), RealTime()
        self._tokens: list[Token] = []
        self._bytes = 0

    @property
    def port(self) -> int:
        """The port, known once it is started; it stays the same while the printer is off."""
        return self._port

    @property
    def state(self) -> State:
        return self._state

    def start(self) -> None:
        try:
            self._listen()  # Here and not in the thread: a taken port is the starter's error.
        except OSError:
            self.stop()
            raise
        self._selector.register(self._doorway, selectors.EVENT_READ, self._doorbell)
        self._thread.start()
        self.switch(self._state)

    def stop(self) -> None:
        """Print what is being printed and leave; the folder stays."""
        self._stopping = True
        self._bell.send(b"!")
        if self._thread.ident:
            self._thread.join(SWITCH_TIMEOUT_S)
        self._bell.close()
        self._doorway.close()
        self._selector.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def switch(self, state: State) -> None:
        """Change the state; it holds when this returns."""
        with self._switching:
            self._settled.clear()
            self._state = state
            self._bell.send(b"!")
            if not self._settled.wait(SWITCH_TIMEOUT_S):
                raise TimeoutError(f"the printer did not become {state}")

    def papers(self) -> list[Paper]:
        return papers_in(self._shelf.folder)

    def wait_for_papers(self, count: int, *, timeout_s: float = 5.0) -> list[Paper]:
        """Return the papers once there are so many; raises TimeoutError."""
        with self._printed:
            if not self._printed.wait_for(lambda: len(self.papers()) >= count, timeout_s):
                raise TimeoutError(f"{len(self.papers())} papers, not {count}")
        return self.papers()

    def tell(self, listener: Callable[[Paper], None]) -> None:
        """Call somebody after each paper, from the printer's thread."""
        self._listeners.append(listener)

    def _run(self) -> None:
        while not self._stopping:
            events = self._selector.select(IDLE_TIMEOUT_S if self._caller else None)
            for key, _ in events:
                key.data()
            if not events:
                self._hang_up()
            self._watch()
        self._hang_up()
        self._stop_listening()

    def _watch(self) -> None:
        """Listen for the next caller while there is none, to this one while there is room."""
        held = sum(len(chunk) for chunk in self._waiting if chunk)
        wanted = {
            self._listener: self._accept if not self._caller else None,
            self._caller: self._receive if held < BUFFER_BYTES else None,
        }
        watched = {key.fileobj for key in self._selector.get_map().values()}
        for link, heard in wanted.items():
            if link and heard and link not in watched:
                self._selector.register(link, selectors.EVENT_READ, heard)
            elif link and not heard and link in watched:
                self._selector.unregister(link)

    def _doorbell(self) -> None:
        self._doorway.recv(READ_BYTES)
        if self._state is State.OFF:
            self._hang_up()
            self._stop_listening()
            self._finish()
            self._power_on()
        elif not self._stopping:
            self._listen()
            self._print_waiting()
        self._settled.set()

    def _listen(self) -> None:
        if not self._listener:
            self._listener = socket.create_server((self._host, self._port), backlog=8)
            self._port = int(self._listener.getsockname()[1])
            self._watch()

    def _stop_listening(self) -> None:
        if self._listener:
            self._forget(self._listener)
            self._listener = None

    def _accept(self) -> None:
        if not self._listener:
            return
        self._caller, _ = self._listener.accept()
        self._caller.settimeout(ANSWER_TIMEOUT_S)

    def _receive(self) -> None:
        if not self._caller:
            return
        chunk = b""
        with contextlib.suppress(OSError):
            chunk = self._caller.recv(READ_BYTES)
        if not chunk:
            self._hang_up()
            return
        ordinary, commands = self._real_time.feed(chunk)
        for command in commands:
            self._obey(self._caller, command)
        self._take(ordinary)

    def _obey(self, caller: socket.socket, command: Question | DrawerKick) -> None:
        if isinstance(command, DrawerKick):
            self._tokens.append(command)
        elif self._state is not State.SILENT:
            with contextlib.suppress(OSError):
                caller.sendall(answer(self._state, command.number))

    def _hang_up(self) -> None:
        if self._caller:
            self._forget(self._caller)
            self._caller = None
            self._take(self._real_time.end())
            self._take(None)

    def _forget(self, link: socket.socket) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(link)
        link.close()

    def _take(self, chunk: bytes | None) -> None:
        self._waiting.append(chunk)
        self._print_waiting()

    def _print_waiting(self) -> None:
        while self._waiting and self._state.prints:
            chunk = self._waiting.popleft()
            if chunk is None:
                self._finish()
            else:
                self._print(chunk)

    def _print(self, chunk: bytes) -> None:
        for token in self._decoder.feed(chunk):
            self._tokens.append(token)
            self._bytes += len(token.raw)
            if isinstance(token, CutPaper) or self._bytes > PAPER_BYTES_MAX:
                self._put()

    def _finish(self) -> None:
        self._tokens += self._decoder.end()
        self._put()

    def _put(self) -> None:
        tokens, self._tokens, self._bytes = self._tokens, [], 0
        paper = self._shelf.put(tokens)
        if paper:
            with self._printed:
                self._printed.notify_all()
            for listener in self._listeners:
                listener(paper)
