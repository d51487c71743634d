"""A hub's book, for `dianshu verify`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.crypto import database_key
from core.journal import MIGRATIONS, Parts
from core.sqlite import Door
from core.verifying import Book
from hub.app import CAPABILITIES, CORE_PARTS
from hub.command_line import use_credentials


@contextmanager
def books(data: Path) -> Iterator[list[Book]]:
    """Open the one book in a hub's folder; no program of the hub need run, or stop."""
    use_credentials(data)
    key = database_key(data / "secrets" / "database.key")
    parts = Parts((*CORE_PARTS, *(part for c in CAPABILITIES for part in c.parts)))
    door = Door(data / "hub.db", key=key, migrations=(*MIGRATIONS, *parts.migrations))
    try:
        yield [Book(name="", door=door, parts=parts, key=key, folder=data)]
    finally:
        door.close()
