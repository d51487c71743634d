"""Commands that a printer obeys on arrival, wherever they stand in the stream."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hub.simulator.paper.tokens import DrawerKick

_COMMAND = re.compile(
    rb"\x10\x04(?P<question>[\x01-\x04])|\x10\x14\x01(?P<pin>[\x00\x01])[\x01-\x08]", re.DOTALL
)
_BEGINNING = re.compile(rb"\x10(\x04|\x14(\x01[\x00\x01]?)?)?\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Question:
    """DLE EOT: which status is asked for, 1 to 4."""

    number: int


class RealTime:
    """Splits a stream into what is obeyed at once and what waits its turn."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, chunk: bytes) -> tuple[bytes, list[Question | DrawerKick]]:
        """Return the ordinary bytes, without the commands, and the commands in order.

        The beginning of a command at the end of a chunk is held back until more comes.
        """
        stream = self._pending + chunk
        held = _BEGINNING.search(stream)
        cut = held.start() if held else len(stream)
        stream, self._pending = stream[:cut], stream[cut:]
        commands = [_command(found) for found in _COMMAND.finditer(stream)]
        return _COMMAND.sub(b"", stream), commands

    def end(self) -> bytes:
        """Return what was held back; it was no command after all."""
        rest, self._pending = self._pending, b""
        return rest


def _command(found: re.Match[bytes]) -> Question | DrawerKick:
    if found["question"]:
        return Question(found["question"][0])
    return DrawerKick(raw=found[0], pin=5 if found["pin"] == b"\x01" else 2, on_ms=100)
