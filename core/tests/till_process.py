"""A till in a process of its own, for the tests that kill it, race it or starve it.

    python -m core.tests.till_process sell <database>

Every line goes to the pipe in one write, so that what the parent has read was said.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from core.errors import Refused
from core.sqlite import Door, Migration, Writer
from core.tests.world import KEY

TILLS = 4
SALES_BETWEEN_CHECKPOINTS = 40
SLOW_ROWS = 30_000

FACTS = Migration("facts/1", ("CREATE TABLE fact (id TEXT NOT NULL, till INTEGER) STRICT",))
SLOW = Migration(
    "slow/1",
    (
        "CREATE TABLE early (n INTEGER) STRICT",
        f"""INSERT INTO early WITH RECURSIVE count(n) AS
            (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < {SLOW_ROWS})
            SELECT n FROM count""",
        "CREATE TABLE late AS SELECT COUNT(*) AS n FROM early",
    ),
)
ENDLESS = Migration(
    "endless/1",
    (
        "CREATE TABLE early (n INTEGER) STRICT",
        """INSERT INTO early WITH RECURSIVE count(n) AS
            (SELECT 1 UNION ALL SELECT n + 1 FROM count) SELECT n FROM count""",
    ),
)


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def open_facts(path: Path) -> Door:
    return Door(path, key=KEY, migrations=(FACTS,))


def book(tx: Writer, fact: str, till: int = 0) -> None:
    tx.run("INSERT INTO fact (id, till) VALUES (:id, :till)", id=fact, till=till)


def booking(*facts: str, till: int = 0) -> Callable[[Writer], str]:
    """Return a verb that books facts and answers with the last."""

    def verb(tx: Writer) -> str:
        for fact in facts:
            book(tx, fact, till)
        return f"booked {facts[-1]}"

    return verb


def sell(path: Path) -> None:
    """Sell at four tills until killed; a fact is said only once it is answered."""
    door = open_facts(path)

    def till(number: int) -> None:
        sales = 0
        while True:
            fact = os.urandom(8).hex()
            door.write(booking(fact, till=number))
            say(fact)
            sales += 1
            if number == 0 and sales % SALES_BETWEEN_CHECKPOINTS == 0:
                door.checkpoint()

    for number in range(TILLS):
        threading.Thread(target=till, args=(number,), daemon=True).start()
    threading.Event().wait()


def sell_slowly(path: Path) -> None:
    """Sell one at a time, and say when each is answered."""
    door = open_facts(path)
    say("open")
    for number in range(20):
        door.write(booking(str(number)))
        say("answered")
    os._exit(0)  # Closing flushes once more, which is not what is watched here.


def hold(path: Path) -> None:
    """Keep a transaction open until the parent closes the pipe."""
    door = open_facts(path)

    def verb(tx: Writer) -> None:
        book(tx, "from the child")
        say("held")
        sys.stdin.read()

    door.write(verb)
    door.close()


def migrate(path: Path) -> None:
    """Open with a migration that takes a while, as soon as the parent says so."""
    say("ready")
    sys.stdin.readline()
    Door(path, key=KEY, migrations=(FACTS, SLOW)).close()


def migrate_for_ever(path: Path) -> None:
    say("begun")
    Door(path, key=KEY, migrations=(FACTS, ENDLESS))


def fail(path: Path) -> None:
    """Sell before, while and after the disk refuses to flush."""
    switch = path.with_name("disk-is-broken")
    door = open_facts(path)
    for fact, act in (("before", None), ("while", switch.touch), ("after", switch.unlink)):
        if act:
            act()
        try:
            door.write(booking(fact))
            say(f"{fact}: booked")
        except Refused as refused:
            say(f"{fact}: {refused.code}")
    os._exit(0)


VERBS = {
    verb.__name__: verb for verb in (sell, sell_slowly, hold, migrate, migrate_for_ever, fail)
}

if __name__ == "__main__":
    VERBS[sys.argv[1]](Path(sys.argv[2]))
