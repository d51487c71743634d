"""What pages show of a hub: when it was seen, how far it is. Seen often, written seldom."""

from __future__ import annotations

from dataclasses import dataclass

from cloud.streams import heard_boot, heard_down, heard_in
from core.sqlite import Writer
from core.wire import Hello

WRITE_EVERY_MS = 1_000
"""News of where a hub stands; what pages follow live."""
SEEN_EVERY_MS = 10_000
"""That a hub was heard at all."""

HELD_BACK_CHARACTERS_MAX = 200


@dataclass(slots=True)
class Sighting:
    """What is known of one hub and not yet written."""

    last_seen_at: int = 0
    online: bool | None = None
    hello: Hello | None = None
    reported_seq: int | None = None
    feed_pos: int | None = None
    down_n: int | None = None
    held_back: str | None = None
    """For which kinds its downlink waits."""
    epoch: int = 1
    """Of which `down_n` and the hello's boot are told."""
    written_at: int = -SEEN_EVERY_MS

    @property
    def urgent(self) -> bool:
        told = (self.online, self.hello, self.held_back)
        return any(one is not None for one in told)

    @property
    def moved(self) -> bool:
        return not (self.reported_seq is self.feed_pos is self.down_n is None)


class Sightings:
    """Everything seen since it was last written. `at` is head office's own time of day."""

    def __init__(self, run: int) -> None:
        self._run = run
        self._seen: dict[str, Sighting] = {}
        self._fresh: set[str] = set()

    def heard(self, hub: str, *, at: int) -> None:
        """Note that a hub said something."""
        self._of(hub).last_seen_at = at

    def said_hello(self, hub: str, hello: Hello) -> None:
        sighting = self._of(hub)
        sighting.online, sighting.hello, sighting.epoch = True, hello, hello.epoch
        sighting.reported_seq, sighting.feed_pos = hello.n, hello.feed_pos
        sighting.down_n = hello.down_n

    def kept(self, hub: str, *, seq: int) -> None:
        """Note that a hub's journal reaches at least so far."""
        sighting = self._of(hub)
        sighting.reported_seq = max(seq, sighting.reported_seq or 0)

    def reported(self, hub: str, *, epoch: int, down_n: int, feed_pos: int) -> None:
        sighting = self._of(hub)
        sighting.epoch, sighting.down_n, sighting.feed_pos = epoch, down_n, feed_pos

    def held_back(self, hub: str, kinds: tuple[str, ...]) -> None:
        """Note for which kinds that the hub does not know its downlink waits."""
        self._of(hub).held_back = " ".join(kinds)[:HELD_BACK_CHARACTERS_MAX]

    def gone(self, hub: str) -> None:
        self._of(hub).online = False

    @property
    def waiting(self) -> bool:
        return bool(self._fresh)

    def is_due(self, now_ms: int) -> bool:
        """Say whether something should be written now."""
        return any(self._due(self._seen[hub], now_ms) for hub in self._fresh)

    def write(self, tx: Writer, now_ms: int) -> bool:
        """Write what is due; say whether pages have something new to show."""
        told = False
        for hub in sorted(self._fresh):
            sighting = self._seen[hub]
            if self._due(sighting, now_ms):
                told = told or sighting.urgent or sighting.moved
                _write(tx, hub, sighting, run=self._run)
                self._fresh.discard(hub)
                self._seen[hub] = Sighting(
                    last_seen_at=sighting.last_seen_at, written_at=now_ms
                )
        return told

    def _of(self, hub: str) -> Sighting:
        self._fresh.add(hub)
        return self._seen.setdefault(hub, Sighting())

    @staticmethod
    def _due(sighting: Sighting, now_ms: int) -> bool:
        pause = WRITE_EVERY_MS if sighting.moved else SEEN_EVERY_MS
        return sighting.urgent or now_ms - sighting.written_at >= pause


def all_offline(tx: Writer) -> None:
    """Begin without knowing who is on the line."""
    tx.run("UPDATE hub SET online = 0 WHERE online = 1")


def _write(tx: Writer, hub: str, sighting: Sighting, *, run: int) -> None:
    fields = _fields(sighting)
    if fields:
        # The names are the ones below, never from outside.
        sets = ", ".join(f"{name} = :{name}" for name in fields)
        if sighting.hello is None:
            # What was kept says nothing of what still waits at the hub; only a hello does.
            sets = sets.replace("= :reported_seq", "= MAX(reported_seq, :reported_seq)")
        tx.run(f"UPDATE hub SET {sets} WHERE id = :hub", hub=hub, **fields)  # noqa: S608
    if sighting.down_n is not None:
        heard_down(tx, hub, sighting.epoch, sighting.down_n)
    if sighting.hello is not None:
        heard_boot(tx, hub, sighting.epoch, sighting.hello.boot)
        heard_in(tx, hub, sighting.epoch, run)


def _fields(sighting: Sighting) -> dict[str, object]:
    """Return the columns of the hub's row that are known anew."""
    hello = sighting.hello
    fields: dict[str, object | None] = {
        "last_seen_at": sighting.last_seen_at or None,
        "online": None if sighting.online is None else int(sighting.online),
        "reported_seq": sighting.reported_seq,
        "feed_pos": sighting.feed_pos,
        "held_back": sighting.held_back,
    }
    if hello is not None:
        fields |= {
            "version": hello.version,
            "clock_at": hello.clock_at or None,
            "clock_unsure": int(hello.clock_unsure),
            "free_bytes": hello.free_bytes or None,
        }
    return {name: value for name, value in fields.items() if value is not None}
