"""A fact as a code on paper: the event in its exact bytes, signed by its epoch's key.

    "DS" and base32 of: dictionary:u16 signature:64 and one zstd frame

In capitals and digits alone, a QR code needs the fewest modules, and a scanner that types like
a keyboard gets none of it wrong.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Callable
from dataclasses import dataclass

from core.wire.dictionaries import CURRENT, DICTIONARIES
from core.wire.squeezed import BadFrame, squeeze, unsqueeze

PREFIX = "DS"
CODE_CHARACTERS_MAX = 4_096
EVENT_BYTES_MAX = 16 << 10
_HEADER = struct.Struct(">H64s")
_GROUP = 8


class BadCode(Exception):
    """This text is no such code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptCode:
    """What a code says; whether its epoch's key signed it is for who knows that key."""

    event: bytes
    signature: bytes

    @property
    def signed(self) -> bytes:
        return signed_code(self.event)


def signed_code(event: bytes) -> bytes:
    """Return what a code's signature covers."""
    return b"H1 receipt\0" + event


def receipt_code(event: bytes, sign: Callable[[bytes], bytes]) -> str:
    """Return an event as a code for paper."""
    header = _HEADER.pack(CURRENT, sign(signed_code(event)))
    content = header + squeeze(event, dictionary=DICTIONARIES[CURRENT])
    return PREFIX + base64.b32encode(content).decode().rstrip("=")


def read_receipt_code(text: str) -> ReceiptCode:
    """Read a code as it was scanned or typed. Raises BadCode."""
    code = "".join(text.split()).upper()
    if not code.startswith(PREFIX) or len(code) > CODE_CHARACTERS_MAX:
        raise BadCode("not such a code")
    body = code.removeprefix(PREFIX)
    try:
        content = base64.b32decode(body + "=" * (-len(body) % _GROUP))
        dictionary, signature = _HEADER.unpack_from(content)
        frame = content[_HEADER.size :]
        event = unsqueeze(frame, bytes_max=EVENT_BYTES_MAX, dictionary=DICTIONARIES[dictionary])
    except (binascii.Error, ValueError, struct.error, KeyError, BadFrame) as error:
        raise BadCode(str(error)) from error
    return ReceiptCode(event=event, signature=signature)
