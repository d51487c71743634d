"""As much of MQTT 5 as a hub speaks, without a thread: a thousand of them fit one process."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from dataclasses import dataclass

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP, DISCONNECT = 2, 3, 4, 9, 13, 14
QOS1, RETAINED = 0x02, 0x01
PING = bytes((0xC0, 0))
REFUSED_FROM = 0x80
CLEAN_START_WITH_WILL = 0x02 | 0x04 | 0x08 | 0x20
LENGTH_BYTES_MAX = 4


@dataclass(frozen=True, slots=True)
class Packet:
    """What came, by its type; `flags` are the low four bits of the first byte."""

    type: int
    flags: int
    body: bytes


async def read_packet(reader: asyncio.StreamReader) -> Packet:
    """Read the next packet; raises IncompleteReadError at the end of the line."""
    first = (await reader.readexactly(1))[0]
    length = shift = 0
    for _ in range(LENGTH_BYTES_MAX):
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return Packet(first >> 4, first & 0x0F, await reader.readexactly(length))


def connect(
    name: str, *, will: tuple[str, bytes], will_delay_s: int, keepalive_s: int, receive: int
) -> bytes:
    """A clean start with no session afterwards, and a retained will."""
    asked = struct.pack("!BIBH", 0x11, 0, 0x21, receive)
    delay = struct.pack("!BI", 0x18, will_delay_s)
    body = (
        _text("MQTT")
        + struct.pack("!BBH", 5, CLEAN_START_WITH_WILL, keepalive_s)
        + _length(len(asked))
        + asked
        + _text(name)
        + _length(len(delay))
        + delay
        + _text(will[0])
        + struct.pack("!H", len(will[1]))
        + will[1]
    )
    return _packet(0x10, body)


def subscribe(number: int, filters: Sequence[str]) -> bytes:
    wanted = b"".join(_text(name) + bytes((1,)) for name in filters)
    return _packet(0x82, struct.pack("!HB", number, 0) + wanted)


def publish(number: int, topic: str, payload: bytes, *, retain: bool = False) -> bytes:
    kind = 0x30 | QOS1 | (RETAINED if retain else 0)
    return _packet(kind, _text(topic) + struct.pack("!HB", number, 0) + payload)


def puback(number: int) -> bytes:
    return _packet(0x40, struct.pack("!H", number))


def refusal(packet: Packet) -> int:
    """Return the reason code by which a CONNACK or SUBACK says no; 0 where it does not."""
    if packet.type == CONNACK:
        return packet.body[1]
    properties, at = _read_length(packet.body, 2)
    return max(
        (code for code in packet.body[at + properties :] if code >= REFUSED_FROM), default=0
    )


def delivered(packet: Packet) -> tuple[str, bytes, int]:
    """Return a PUBLISH's topic, payload and number; the number is 0 where it wants no receipt."""
    (size,) = struct.unpack_from("!H", packet.body)
    topic, at, number = packet.body[2 : 2 + size].decode(), 2 + size, 0
    if packet.flags & 0x06:
        (number,) = struct.unpack_from("!H", packet.body, at)
        at += 2
    properties, at = _read_length(packet.body, at)
    return topic, packet.body[at + properties :], number


def _packet(first: int, body: bytes) -> bytes:
    return bytes((first,)) + _length(len(body)) + body


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("!H", len(raw)) + raw


def _length(length: int) -> bytes:
    coded = bytearray()
    while True:
        length, low = length >> 7, length & 0x7F
        coded.append(low | 0x80 if length else low)
        if not length:
            return bytes(coded)


def _read_length(raw: bytes, at: int) -> tuple[int, int]:
    length = shift = 0
    while True:
        byte = raw[at]
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return length, at
