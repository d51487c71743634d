"""A line of so many bits a second that every byte takes so long to pass, for this machine only."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

CHUNK_BYTES = 1_500
IN_FLIGHT_MAX = 64
"""Chunks that a connection may have on the way; a router's buffer is no larger."""
HOST = "127.0.0.1"


@dataclass(slots=True)
class _Direction:
    """One way along the line, which all connections share."""

    bytes_a_second: float
    delay_s: float
    free_at: float = 0.0
    carried: int = 0

    def arrival(self, size: int, now: float) -> float:
        """Take bytes on; return when the last of them is at the other end."""
        self.free_at = max(now, self.free_at) + size / self.bytes_a_second
        self.carried += size
        return self.free_at + self.delay_s


class SlowLine:
    """Ports of this machine that lead to others of it, slowly."""

    def __init__(
        self, to: Sequence[int], *, bits_a_second: int, round_trip_s: float, at: str = HOST
    ) -> None:
        self._to, self._at = to, at
        rate, delay = bits_a_second / 8, round_trip_s / 2
        self._ways = (_Direction(rate, delay), _Direction(rate, delay))
        self.ports: list[int] = []

    @property
    def carried(self) -> tuple[int, int]:
        """How many bytes went up, and how many came down."""
        return self._ways[0].carried, self._ways[1].carried

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="slow line")
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> None:
        self._servers = []
        for port in self._to:

            async def carry(reader, writer, port=port):
                await self._carry(reader, writer, port)

            server = await asyncio.start_server(carry, self._at, 0)
            self._servers.append(server)
            self.ports.append(server.sockets[0].getsockname()[1])

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        carrying = asyncio.all_tasks() - {asyncio.current_task()}
        for task in carrying:
            task.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)

    async def _carry(self, reader, writer, port: int) -> None:
        far_reader, far_writer = await asyncio.open_connection(HOST, port)
        up, down = self._ways
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pass_on(reader, far_writer, up))
                both.create_task(_pass_on(far_reader, writer, down))
        except* OSError:
            pass
        finally:
            writer.close()
            far_writer.close()


async def _pass_on(reader, writer, way: _Direction) -> None:
    underway: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(IN_FLIGHT_MAX)
    delivering = asyncio.create_task(_deliver(underway, writer))
    now = asyncio.get_running_loop().time
    try:
        while data := await reader.read(CHUNK_BYTES):
            await underway.put((way.arrival(len(data), now()), data))
        await underway.put((now(), b""))
        await delivering
    finally:
        delivering.cancel()


async def _deliver(underway, writer) -> None:
    now = asyncio.get_running_loop().time
    while True:
        at, data = await underway.get()
        await asyncio.sleep(max(0.0, at - now()))
        if not data:
            with contextlib.suppress(OSError):
                writer.write_eof()
            return
        writer.write(data)
        await writer.drain()
