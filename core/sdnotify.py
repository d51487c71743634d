"""Tell systemd how a unit is doing, by a datagram; without systemd nothing is sent.

systemd says where to send in NOTIFY_SOCKET. A unit of `Type=notify` counts as started only
when it said READY, so that a unit behind it never meets a half-open program.
"""

from __future__ import annotations

import os
import socket

NOTIFY_TIMEOUT_S = 1.0


def ready(status: str = "") -> bool:
    """Say that the program serves now; call it once it does, not before."""
    return notify(f"READY=1\nSTATUS={_one_line(status)}" if status else "READY=1")


def alive() -> bool:
    """Answer the watchdog; call it from the loop that works, not from a spare thread."""
    return notify("WATCHDOG=1")


def stopping() -> bool:
    """Say that the end has begun."""
    return notify("STOPPING=1")


def status(text: str) -> bool:
    """Show one line in `systemctl status`."""
    return notify(f"STATUS={_one_line(text)}")


def notify(state: str) -> bool:
    """Send lines of NAME=value; False where nobody asked for them or they did not arrive."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to_systemd:
        to_systemd.settimeout(NOTIFY_TIMEOUT_S)
        try:
            to_systemd.sendto(state.encode(), address)
        except OSError:
            # A till must not stop because its supervisor did not listen.
            return False
    return True


def _one_line(text: str) -> str:
    # A line break would begin another assignment, such as READY or MAINPID.
    return " ".join(text.split())
