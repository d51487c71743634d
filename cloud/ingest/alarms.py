"""What somebody should look at, written down once and not with every message."""

from __future__ import annotations

from cloud.platform import Hub, Platform, alarm
from core.clock import HOUR_MS, MINUTE_MS
from core.sqlite import Writer

AGAIN_AFTER_MS = HOUR_MS
"""A hub that does the same wrong thing all day is told of once an hour."""
CLOCK_WRONG_MS = 5 * MINUTE_MS


class Alarms:
    """Alarms that wait for the next transaction, and those that were raised lately."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._waiting: list[tuple[Hub, str, str]] = []
        self._raised: dict[tuple[str, str], int] = {}

    def raise_soon(self, hub: Hub, kind: str, detail: str, *, at: int) -> None:
        """Raise an alarm, but for one that was raised of this hub within the hour."""
        last = self._raised.get((hub.id, kind))
        if last is None or at - last >= AGAIN_AFTER_MS:
            self._raised[hub.id, kind] = at
            self._waiting.append((hub, kind, detail))

    @property
    def waiting(self) -> bool:
        return bool(self._waiting)

    def write(self, tx: Writer) -> None:
        """Write those that wait; one that stands there already with the same words is known."""
        for hub, kind, detail in self._waiting:
            known = tx.value(
                "SELECT 1 FROM alarm WHERE hub = :hub AND kind = :kind AND detail = :detail"
                " AND at > :since",
                hub=hub.id,
                kind=kind,
                detail=detail,
                since=self._platform.clock.read().at - AGAIN_AFTER_MS,
            )
            if not known:
                alarm(tx, self._platform, hub, kind=kind, detail=detail)

    def written(self) -> None:
        """Forget what waited; called once it is committed."""
        self._waiting.clear()


def clock_fault(clock_at: int, now: int) -> str:
    """Return how far a hub's clock is off; empty where it is near enough or was not told."""
    off = clock_at - now
    if not clock_at or abs(off) <= CLOCK_WRONG_MS:
        return ""
    way = "ahead" if off > 0 else "behind"
    minutes = abs(off) // MINUTE_MS
    if minutes < 2 * 60:
        return f"{minutes} minutes {way}"
    hours = minutes // 60
    return f"{hours} hours {way}" if hours < 48 else f"{hours // 24} days {way}"
