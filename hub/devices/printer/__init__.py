"""Receipts on paper: what stands on them, their bytes, the wires, and whether it came out.

    payload = encode(from_json(row), profile=PAPER_80MM, typeface=find_typeface())
    outcome = send(parse_address("tcp://192.168.1.50:9100", reach=Reach()), payload)

Promises: no text that anyone typed becomes a command. No job that may be on paper is called
safe to repeat. What a printer did not say is unknown. Printing again never opens the drawer.
"""

from __future__ import annotations

from hub.devices.printer.address import BadAddress, Reach, parse_address
from hub.devices.printer.characters import clean
from hub.devices.printer.document import (
    QR,
    QR_BYTES_MAX,
    Align,
    Beep,
    Columns,
    Cut,
    Document,
    Feed,
    Image,
    Job,
    Kick,
    Pair,
    Part,
    Rule,
    Size,
    Text,
    from_json,
    to_json,
)
from hub.devices.printer.encoder import encode, resync
from hub.devices.printer.file import File
from hub.devices.printer.plain import plain_text
from hub.devices.printer.profile import PAPER_58MM, PAPER_80MM, CodePage, Profile
from hub.devices.printer.send import Outcome, Reason, Verdict, send
from hub.devices.printer.serial_port import SerialPort
from hub.devices.printer.status import Status, ask_status
from hub.devices.printer.tcp import Tcp
from hub.devices.printer.transport import (
    CONNECT_TIMEOUT_S,
    PRINT_TIMEOUT_S,
    STATUS_TIMEOUT_S,
    Broken,
    Transport,
)
from hub.devices.printer.typeface import Face, Glyph, Typeface, find_typeface, typeface_from
from hub.devices.printer.usb import Usb

__all__ = [
    "CONNECT_TIMEOUT_S",
    "PAPER_58MM",
    "PAPER_80MM",
    "PRINT_TIMEOUT_S",
    "QR",
    "QR_BYTES_MAX",
    "STATUS_TIMEOUT_S",
    "Align",
    "BadAddress",
    "Beep",
    "Broken",
    "CodePage",
    "Columns",
    "Cut",
    "Document",
    "Face",
    "Feed",
    "File",
    "Glyph",
    "Image",
    "Job",
    "Kick",
    "Outcome",
    "Pair",
    "Part",
    "Profile",
    "Reach",
    "Reason",
    "Rule",
    "SerialPort",
    "Size",
    "Status",
    "Tcp",
    "Text",
    "Transport",
    "Typeface",
    "Usb",
    "Verdict",
    "ask_status",
    "clean",
    "encode",
    "find_typeface",
    "from_json",
    "parse_address",
    "plain_text",
    "resync",
    "send",
    "to_json",
    "typeface_from",
]
