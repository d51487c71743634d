"""Runs scenarios in forks of itself, each ended at one operation, and looks at what is left.

    python -m tests.torture.kill_server BESIDE

Started under the shim. It reads one order per line (`{"scenario", "at", "torn", "deep"}`) and
answers each with a line. Whatever it opens itself is closed again before it forks.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.torture.disk_shim import Killer
from tests.torture.inspection import Promises, inspect
from tests.torture.life import OTHER
from tests.torture.scenarios import FROM_NOTHING, SCENARIOS, Prepared, begin

KILLED = -9


def in_a_fork(work: Callable[[Callable[..., None]], None]) -> tuple[list[dict], int]:
    """Run something in a child; return what it said and how it ended (0, or -9 if killed)."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)

        def say(**told: object) -> None:
            os.write(writing, json.dumps(told).encode() + b"\n")

        try:
            work(say)
        except BaseException:  # noqa: BLE001 - told by whoever waits
            say(fault=traceback.format_exc(limit=-4))
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        lines = said.read().splitlines()
    _pid, status = os.waitpid(child, 0)
    return [json.loads(line) for line in lines], os.waitstatus_to_exitcode(status)


def kill(prepared: Prepared, order: dict) -> dict:
    """Kill one scenario at one operation, do it again, and say what is wrong."""
    name, scenario = order["scenario"], SCENARIOS[order["scenario"]]
    folder = prepared.folder.parent / f"killed-{os.getpid()}"
    begin(name, prepared, folder)

    def die(say: Callable[..., None]) -> None:
        killer = Killer(folder)
        killer.arm(order["at"], torn=order["torn"])
        scenario(folder, prepared, say)
        say(operations=killer.operations())

    def again(say: Callable[..., None]) -> None:
        scenario(folder, replace(prepared, known=_answers(said)), say)

    def look(say: Callable[..., None]) -> None:
        promised = Promises()
        before = [] if name in FROM_NOTHING else prepared.said
        for told in [*before, *said, *repeated]:
            promised.hear(told)
        say(problems=inspect(folder, promised, thoroughly=order["deep"]))

    try:
        said, ended = in_a_fork(die)
        if order["at"] == 0:
            return {"operations": said[-1]["operations"]}
        repeated, _ended = in_a_fork(again)
        looked, _ended = in_a_fork(look)
        problems = [*_faults(said), *_faults(repeated), *_faults(looked)]
        problems += _differences(said, repeated)
        problems += [line for told in looked for line in told.get("problems", ())]
        return {
            **order,
            "killed": ended == KILLED,
            "answered": len(_answers(said)),
            "problems": problems,
        }
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _faults(said: list[dict]) -> list[str]:
    return [f"broken: {told['fault']}" for told in said if "fault" in told]


def _answers(said: list[dict]) -> dict[str, dict]:
    return {told["done"]: told["body"] for told in said if "done" in told}


def _differences(first: list[dict], second: list[dict]) -> list[str]:
    """Find answers that are other ones at the second try; a bill's is the bill as it stands."""
    before, after = _answers(first), _answers(second)
    verbs = {told["done"]: told["verb"] for told in first if "done" in told}
    return [
        f"changed: {verbs[key]} {key}"
        for key, body in before.items()
        if after.get(key) != body and verbs[key] != OTHER
    ]


def warm_up(prepared: Prepared) -> None:
    """Do everything once, so that no fork has to load what all of them need."""
    folder = prepared.folder.parent / f"warm-{os.getpid()}"
    for name, scenario in SCENARIOS.items():
        begin(name, prepared, folder)
        scenario(folder, prepared, lambda **_told: None)
        inspect(folder, Promises(), thoroughly=True)
        shutil.rmtree(folder)
    # What is alive now stays: a fork then copies fewer pages for counting references.
    gc.collect()
    gc.freeze()


def main(beside: str) -> None:
    prepared = Prepared.read(Path(beside))
    warm_up(prepared)
    for line in sys.stdin:
        told = kill(prepared, json.loads(line))
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
