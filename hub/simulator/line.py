"""The line between one store and head office, with a switch in it.

A store's sync program reaches broker and gate through here and nowhere else. Cut, it is refused
at once, as by a router without a line. Silent is the nastier fault: connections stand and
nothing comes through, so only time tells that nobody is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, Self

CHUNK_BYTES = 65_536
DIAL_TIMEOUT_S = 5.0
SWITCH_TIMEOUT_S = 5.0
ACCEPTING_TURNS = 3
"""A connection that is being accepted becomes a task of its own this much later at most."""
RESET = struct.pack("ii", 1, 0)
"""Linger for no time: closing such a socket tells the other end by a reset."""


class LineState(StrEnum):
    """What lies between a store and head office."""

    UP = "up"
    CUT = "cut"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A port of this machine and where it leads to, on this machine too."""

    port: int
    to: int


class Line:
    """One store's line: all its routes fail and come back together."""

    def __init__(self, routes: tuple[Route, ...], *, host: str = "127.0.0.1") -> None:
        self._routes = routes
        self._host = host
        self._state = LineState.UP
        self._sockets: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []
        self._links: set[_Link] = set()

    def __enter__(self) -> Self:
        """Connect the store. Raises OSError for a port that is taken."""
        with contextlib.ExitStack() as taken:
            for route in self._routes:
                self._sockets.append(taken.enter_context(_take(self._host, route.port)))
            taken.pop_all()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="line", daemon=True)
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        for held in self._sockets:
            held.close()
        self._loop.close()

    @property
    def state(self) -> LineState:
        return self._state

    @property
    def ports(self) -> tuple[int, ...]:
        """Where the routes listen, in their order."""
        return tuple(int(held.getsockname()[1]) for held in self._sockets)

    def switch(self, state: LineState) -> None:
        """Pull the line, plug it back in, or let it fall silent."""
        self._do(self._turn(state))

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(SWITCH_TIMEOUT_S)

    async def _turn(self, state: LineState) -> None:
        before, self._state = self._state, state
        if state is before:
            return
        if state is LineState.CUT:
            await self._refuse()
        elif before is LineState.CUT:
            await self._listen()
        elif before is LineState.SILENT:
            # Of what they carried a part was swallowed: nothing sensible can follow on them.
            self._reset_links()

    async def _listen(self) -> None:
        for held, route in zip(self._sockets, self._routes, strict=True):
            carry = partial(self._carry, to=route.to)
            self._servers.append(await asyncio.start_server(carry, sock=held.dup()))

    async def _refuse(self) -> None:
        """Keep the ports and accept nobody: a port that is held and does not listen refuses."""
        loop = asyncio.get_running_loop()
        for server in self._servers:
            for listening in server.sockets:
                loop.remove_reader(listening.fileno())
        # Who is being accepted comes in before the door shuts: asyncio would forget them open.
        for _ in range(ACCEPTING_TURNS):
            await asyncio.sleep(0)
        for server in self._servers:
            server.close()
        self._servers.clear()
        self._reset_links()
        for position, held in enumerate(self._sockets):
            port = int(held.getsockname()[1])
            held.close()
            self._sockets[position] = _take(self._host, port)

    async def _end(self) -> None:
        self._state = LineState.CUT
        await self._refuse()
        for _ in range(ACCEPTING_TURNS):
            carrying = asyncio.all_tasks() - {asyncio.current_task()}
            await asyncio.gather(*carrying, return_exceptions=True)
            await asyncio.sleep(0)

    def _reset_links(self) -> None:
        for link in tuple(self._links):
            link.reset()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, to: int
    ) -> None:
        link = _Link(writers=[writer])
        self._links.add(link)
        try:
            if self._state is LineState.CUT:  # It was being accepted when the line was pulled.
                link.reset()
                return
            if self._state is LineState.SILENT:
                await self._swallow(reader)
                return
            async with asyncio.timeout(DIAL_TIMEOUT_S):
                far_reader, far_writer = await asyncio.open_connection(self._host, to)
            link.writers.append(far_writer)
            await asyncio.gather(
                self._pass_on(link, reader, far_writer), self._pass_on(link, far_reader, writer)
            )
        except (OSError, TimeoutError):
            link.reset()
        finally:
            self._links.discard(link)
            link.close()

    async def _swallow(self, reader: asyncio.StreamReader) -> None:
        while await reader.read(CHUNK_BYTES):
            pass

    async def _pass_on(
        self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Carry one direction to its end; what breaks here breaks both."""
        try:
            while data := await reader.read(CHUNK_BYTES):
                if self._state is LineState.UP:
                    writer.write(data)
                    await writer.drain()
            if self._state is LineState.SILENT:
                # Not even the end of a connection comes through.
                await link.broken.wait()
            if writer.can_write_eof():
                writer.write_eof()
        except OSError:
            link.reset()


@dataclass(slots=True, eq=False, kw_only=True)
class _Link:
    """Both ends of one connection through the line."""

    writers: list[asyncio.StreamWriter]
    broken: asyncio.Event = field(default_factory=asyncio.Event)

    def reset(self) -> None:
        """Break both ends off, with no more than a reset for either."""
        self.broken.set()
        for writer in self.writers:
            end = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()

    def close(self) -> None:
        for writer in self.writers:
            writer.close()


def _take(host: str, port: int) -> socket.socket:
    """Hold a port without listening at it."""
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((host, port))
    except OSError:
        held.close()
        raise
    return held
