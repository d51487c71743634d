"""The voices of many hubs in one process: each connects, says hello and waits for its welcome.

    python -m tests.bench.hub_voices FOLDER

takes a word a line (connect, again, end) and answers each with a line of JSON. A hub that is cut
off, or not answered, tries again as a hub does.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import msgspec

from core.wire import (
    OFFLINE,
    ONLINE,
    RTO_MAX_MS,
    RTO_MIN_MS,
    Ack,
    Channel,
    DownAck,
    Fence,
    Greet,
    Hello,
    Message,
    Welcome,
    channel_of,
    down_filters,
    encode,
    link_name,
    parse_topic,
    read,
    topic,
    unpack,
)
from hub.sync import Retry
from tests.bench import mqtt5
from tests.bench.fleet import EPOCH, HOST, PAPERS, Fleet, Member

KEEPALIVE_S, WILL_DELAY_S, RECEIVE_MAX = 30, 20, 64
HANDSHAKE_S = 15.0
PING_S = 20.0
LOOK_S = 0.005
WAIT_S = 120.0
CONNECT, AGAIN, END = "connect", "again", "end"


class Round(msgspec.Struct, kw_only=True):
    """One answer: when the first and the last were welcomed, by `time.monotonic`."""

    began: float
    cut_at: float
    """When the first connection ended; `began` where none did."""
    welcomes: list[float]
    tries: int
    failures: dict[str, int]
    hellos: int
    wrong: dict[str, int]
    never: list[str]
    """Hubs that were not welcomed."""
    cpu_s: float


class Voice:
    """One hub, for as long as the program runs."""

    def __init__(self, member: Member, fleet: Fleet, count: Counter[str]) -> None:
        self.member, self.count = member, count
        self.name = link_name(member.merchant, member.hub)
        self.welcomed_at = 0.0
        self.cut_at = 0.0
        self.is_shut = False
        self._port, self._retry, self._number = fleet.broker_port, Retry(), 0
        self._fleet = fleet
        self._context = _context(fleet.ca, member)
        self._writer: asyncio.StreamWriter | None = None

    async def live(self) -> None:
        failures = 0
        while True:
            try:
                await self._one_connection()
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                self.count[f"failed: {type(error).__name__}"] += 1
            if self.welcomed_at:
                self.cut_at, failures = time.monotonic(), 0
            self.welcomed_at = 0.0
            failures += 1
            await asyncio.sleep(self._retry.delay_s(failures))

    async def _one_connection(self) -> None:
        self.count["tries"] += 1
        reader, writer = await asyncio.open_connection(
            HOST, self._port, ssl=self._context, ssl_handshake_timeout=HANDSHAKE_S
        )
        self._writer = writer
        repeating: list[asyncio.Task[None]] = []
        try:
            presence = topic(self.member.merchant, self.member.hub, Channel.UP_PRESENCE)
            writer.write(
                mqtt5.connect(
                    self.name,
                    will=(presence, encode(OFFLINE)),
                    will_delay_s=WILL_DELAY_S,
                    keepalive_s=KEEPALIVE_S,
                    receive=RECEIVE_MAX,
                )
            )
            await self._let_in(reader, mqtt5.CONNACK)
            filters = down_filters(self.member.merchant, self.member.hub)
            writer.write(mqtt5.subscribe(self._next(), filters))
            await self._let_in(reader, mqtt5.SUBACK)
            self._say(ONLINE, retain=True)
            repeating = [
                asyncio.ensure_future(self._greet()),
                asyncio.ensure_future(self._ping()),
            ]
            while True:
                self._take(await mqtt5.read_packet(reader))
        finally:
            for task in repeating:
                task.cancel()
            self._writer = None
            writer.transport.abort()

    async def _let_in(self, reader: asyncio.StreamReader, kind: int) -> None:
        packet = await asyncio.wait_for(mqtt5.read_packet(reader), HANDSHAKE_S)
        if packet.type != kind or mqtt5.refusal(packet):
            raise ConnectionRefusedError

    async def _greet(self) -> None:
        """Say hello until welcomed, ever more rarely."""
        pause_ms = RTO_MIN_MS
        while not self.welcomed_at:
            self._hello()
            await asyncio.sleep(pause_ms / 1000)
            pause_ms = min(pause_ms * 2, RTO_MAX_MS)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_S)
            if self._writer is not None:
                self._writer.write(mqtt5.PING)

    def _hello(self) -> None:
        self.count["hellos"] += 1
        member = self.member
        self._say(
            Hello(
                epoch=EPOCH,
                boot=1,
                n=0,
                head=member.head,
                down_n=0,
                down_head=member.down_head,
                feed_pos=member.feed_pos,
                kinds=self._fleet.kinds,
                version="1.0",
                clock_at=time.time_ns() // 1_000_000,
                free_bytes=1 << 33,
            )
        )

    def _say(self, message: Message, *, retain: bool = False) -> None:
        name = topic(self.member.merchant, self.member.hub, channel_of(message))
        if self._writer is not None:
            self._writer.write(
                mqtt5.publish(self._next(), name, encode(message), retain=retain)
            )

    def _take(self, packet: mqtt5.Packet) -> None:
        if packet.type == mqtt5.DISCONNECT:
            raise ConnectionResetError
        if packet.type != mqtt5.PUBLISH:
            return
        name, payload, number = mqtt5.delivered(packet)
        if number and self._writer is not None:
            self._writer.write(mqtt5.puback(number))
        heading = parse_topic(name)
        if heading is None or heading.hub != self.member.hub:
            self.count["wrong: another's topic"] += 1
        elif heading.channel is Channel.DOWN_LOG:
            self._say(DownAck(epoch=EPOCH, acked=unpack(payload).last))
        else:
            self._hear(read(heading.channel, payload))

    def _hear(self, message: Message | None) -> None:
        match message:
            case Welcome():
                if (message.epoch, message.acked, message.head) != (EPOCH, 0, self.member.head):
                    self.count["wrong: welcome"] += 1
                self.count["wrong: welcome"] += self.is_shut
                self.welcomed_at = self.welcomed_at or time.monotonic()
            case Greet():
                self._hello()
            case Fence():
                self.count["wrong: fence"] += not self.is_shut
            case Ack():
                pass
            case _:
                self.count["wrong: word"] += 1

    def _next(self) -> int:
        self._number = self._number % 65_535 + 1
        return self._number


def _context(ca: str, member: Member) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=ca)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as papers:
        papers.write(member.certificate + member.key)
        papers.flush()
        context.load_cert_chain(papers.name)
    return context


class Choir:
    """All of them, and what is counted of them."""

    def __init__(self, fleet: Fleet) -> None:
        self._count: Counter[str] = Counter()
        self._voices = [Voice(member, fleet, self._count) for member in fleet.members]
        self._living: list[asyncio.Task[None]] = []

    async def sing(self, word: str, *shut: str) -> Round:
        """Connect all, or wait until all but those who are shut were cut off and are back."""
        for voice in self._voices:
            voice.is_shut = voice.member.hub in shut
        awaited = [voice for voice in self._voices if not voice.is_shut]
        self._count.clear()
        began, spent = time.monotonic(), time.process_time()
        if not self._living:
            self._living = [asyncio.ensure_future(voice.live()) for voice in self._voices]
        ends = began + WAIT_S
        # Looking two hundred times a second costs less than a thousand wakings.
        while time.monotonic() < ends and not _are_back(awaited, began, word):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S)
        cut = [voice.cut_at for voice in awaited if voice.cut_at >= began]
        count = self._count
        return Round(
            began=began,
            cut_at=min(cut, default=began),
            welcomes=sorted(v.welcomed_at for v in awaited if v.welcomed_at > began),
            tries=count["tries"],
            failures={name: n for name, n in count.items() if name.startswith("failed")},
            hellos=count["hellos"],
            wrong={name: n for name, n in count.items() if n and name.startswith("wrong")},
            never=[voice.name for voice in awaited if voice.welcomed_at <= began],
            cpu_s=time.process_time() - spent,
        )

    async def end(self) -> None:
        for task in self._living:
            task.cancel()
        await asyncio.gather(*self._living, return_exceptions=True)


def _are_back(voices: list[Voice], began: float, word: str) -> bool:
    if word == AGAIN and not any(voice.cut_at >= began for voice in voices):
        return False
    return all(voice.welcomed_at > began for voice in voices)


async def _speak(folder: Path) -> None:
    choir = Choir(msgspec.json.decode((folder / PAPERS).read_bytes(), type=Fleet))
    print("ready", flush=True)
    while (words := (await asyncio.to_thread(sys.stdin.readline)).split()) not in ([], [END]):
        print(msgspec.json.encode(await choir.sing(*words)).decode(), flush=True)
    await choir.end()


if __name__ == "__main__":
    asyncio.run(_speak(Path(sys.argv[1])))
