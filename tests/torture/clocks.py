"""A clock that jumps under a running hub: neither order nor business day may mind."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from core.clock import DAY_MS, SystemClock
from core.journal import decode
from core.organisation import store
from hub.app import open_hub
from tests.started import Caller
from tests.torture.disk_shim import CLOCK, build
from tests.torture.inspection import Promises, inspect
from tests.torture.life import SALE, Recorder, serving_web
from tests.torture.scenarios import prepare

JUMPS = (-30, 32, -365, 0)
"""Days, each counted from the true time."""


@dataclass(slots=True, kw_only=True)
class Lived:
    """What the clock did and what became of it."""

    jumps: int = 0
    sales: int = 0
    wrong: list[str] = field(default_factory=list)


def jump(beside: Path) -> Lived:
    """Sell while the clock jumps, and once more after starts at other times.

    Raises NoCompiler.
    """
    library = build(beside, CLOCK)
    prepared = prepare(beside)
    turned = beside / "clock"
    recorder = Recorder(
        library=library, folder=prepared.folder, log=beside / "log", turned=turned
    )
    lived, promised = Lived(), Promises()
    for told in prepared.said:
        promised.hear(told)
    set_clock(turned, 0)
    for jumps in (JUMPS, JUMPS[::-1], (-400,)):
        # The first of each is the time at which the box starts.
        set_clock(turned, jumps[0])
        with serving_web(recorder) as port:
            caller = Caller(host="127.0.0.1", port=port, token=prepared.token)
            for days in jumps:
                set_clock(turned, days)
                lived.jumps += 1
                _sell(caller, prepared.member, promised, lived)
    lived.wrong += inspect(prepared.folder, promised, thoroughly=True)
    lived.wrong += _order(prepared.folder)
    return lived


def set_clock(turned: Path, days: int) -> None:
    """Turn the clock of whoever reads this file to so many days from now."""
    beside = turned.with_suffix(".new")
    beside.write_text(str(days * DAY_MS // 1000))
    beside.replace(turned)


def _sell(caller: Caller, member: str, promised: Promises, lived: Lived) -> None:
    for number in range(2):
        key = f"{lived.jumps}/{number}"
        promised.hear({"wish": key, "verb": SALE})
        asked = {"member": member, "lines": [{"item": "item-1"}]}
        bill = caller.done("POST", "/tickets", asked)
        paid = [{"tender": "cash", "amount_cents": bill["total_cents"]}]
        asked = {"version": bill["version"], "payments": paid}
        reply = caller.post(f"/tickets/{bill['id']}/settle", asked, key=key)
        if reply.status >= 300:
            lived.wrong.append(f"no sale after jump {lived.jumps}: {reply.body}")
            continue
        promised.hear({"done": key, "verb": SALE, "body": reply.body})
        lived.sales += 1


def _order(folder: Path) -> list[str]:
    """Find events that are dated before their forerunners or on another day than their own."""
    box = open_hub(folder)
    try:
        with box.door.read() as db:
            day = store(db, box.store_id(db)).day
            raws = [
                row["raw"]
                for row in db.all(
                    "SELECT raw FROM journal WHERE origin = :own ORDER BY epoch, seq",
                    own=box.journal.identity.origin,
                )
            ]
    finally:
        box.close()
    wrong, last, reached = [], 0, 0
    for event in map(decode, raws):
        if event.at < last:
            wrong.append(f"event {event.seq} is before its forerunner")
        last = event.at
        reached = max(reached, event.at)
        if event.store and event.date != day.date(event.at):
            wrong.append(f"event {event.seq} of {day.date(event.at)} says {event.date}")
    if reached < SystemClock().read().at + 30 * DAY_MS:
        wrong.append("the clock was never turned: nothing was tried")
    return wrong
