"""Reading and writing a non-blocking file descriptor against a deadline."""

from __future__ import annotations

import fcntl
import os
import select
import stat
import struct
import termios
import time

from hub.devices.printer.transport import Broken, Deadline

CHUNK_BYTES = 4_096
POLL_S = 0.01

_LOST = select.POLLERR | select.POLLHUP | select.POLLNVAL


def open_device(path: str, flags: int) -> int:
    """Open a character device without waiting for it; raise Broken for anything else."""
    try:
        descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise Broken("unreachable") from error
    if not stat.S_ISCHR(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Broken("unreachable")
    return descriptor


def write_all(descriptor: int, payload: bytes, deadline: Deadline) -> None:
    """Hand over every byte to the kernel, or raise Broken with how many went."""
    handed = 0
    while handed < len(payload):
        wait_writable(descriptor, deadline, handed=handed)
        try:
            handed += os.write(descriptor, payload[handed : handed + CHUNK_BYTES])
        except BlockingIOError:
            continue
        except OSError as error:
            raise Broken("broken", handed=handed) from error


def wait_writable(descriptor: int, deadline: Deadline, *, handed: int) -> None:
    events = _poll(descriptor, select.POLLOUT, deadline.left_ms)
    if events & _LOST:
        raise Broken("broken", handed=handed)
    if not events & select.POLLOUT:
        raise Broken("timeout", handed=handed)


def wait_taken(descriptor: int, deadline: Deadline, *, handed: int) -> None:
    """Wait until the kernel holds none of our bytes back, for sockets and serial lines."""
    while True:
        held = _held_bytes(descriptor)
        # Asked after the count: a lost connection empties the queue too.
        if _poll(descriptor, 0, 0) & _LOST:
            raise Broken("broken", handed=handed)
        if held == 0:
            return
        if not deadline.left_s:
            raise Broken("timeout", handed=handed)
        time.sleep(min(POLL_S, deadline.left_s))


def read_some(descriptor: int, limit: int, deadline: Deadline, *, empty_is_end: bool) -> bytes:
    """Return what has come, b"" at the deadline.

    `empty_is_end`: an empty read means that the far end hung up. A USB printer also sends
    empty packets for nothing.
    """
    while events := _poll(descriptor, select.POLLIN, deadline.left_ms):
        try:
            chunk = os.read(descriptor, limit)
        except BlockingIOError:
            time.sleep(min(POLL_S, deadline.left_s))
            continue
        except OSError as error:
            raise Broken("broken") from error
        if chunk:
            return chunk
        if empty_is_end:
            raise Broken("closed")
        if events & _LOST:
            raise Broken("broken")
        if not deadline.left_s:
            break
        time.sleep(min(POLL_S, deadline.left_s))
    return b""


def _held_bytes(descriptor: int) -> int:
    try:
        answer = fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4))
    except OSError:
        return 0  # Gone or not able to say; the poll that follows knows which.
    return int(struct.unpack("i", answer)[0])


def _poll(descriptor: int, wanted: int, timeout_ms: int) -> int:
    poller = select.poll()
    poller.register(descriptor, wanted)
    return sum(events for _, events in poller.poll(timeout_ms))
