"""Databases in memory, behind the same door as the ones on a disk.

A history opens a program's databases hundreds of times. Here a database outlives the programs
that open it without ever touching a file, and what a disk can do to a program happens on
purpose: the process dies before or after a commit, a write finds no room, a card comes back as
it was an hour ago. What the verbs see is SQLite itself, with the product's own schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlcipher3.dbapi2 as driver

from core.sqlite import Migration, Reader, Writer

T = TypeVar("T")
Hazard = Callable[[], None]
"""Called before and after each commit; what it raises happens to the program there."""


def _no_hazard() -> None:
    return


def _connect() -> Any:
    connection = driver.connect(
        ":memory:", isolation_level=None, check_same_thread=False, cached_statements=1_024
    )
    connection.row_factory = driver.Row
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


class Platter:
    """One database as it lies on its disk, whether or not a program has it open."""

    def __init__(self) -> None:
        self.connection = _connect()
        self.schema: tuple[str, ...] | None = None
        self.before_commit: Hazard = _no_hazard
        self.after_commit: Hazard = _no_hazard

    def image(self) -> Platter:
        """Return what a copy of the card, made now, would hold."""
        copy = Platter()
        self.connection.backup(copy.connection)
        copy.schema = self.schema
        return copy

    def become(self, other: Platter) -> None:
        """Hold from now on what another card holds; the hazards stay with the place."""
        assert not self.connection.in_transaction
        other.connection.backup(self.connection)
        self.schema = other.schema

    def power_cut(self) -> None:
        """Lose what was not committed."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def discard(self) -> None:
        self.connection.close()


class Shelf:
    """All databases of a world by their paths; gives out the doors to them."""

    def __init__(self) -> None:
        self.platters: dict[Path, Platter] = {}
        self.made: Callable[[Path, Platter], None] = lambda _path, _platter: None
        """Called for each new database."""

    def door(
        self,
        path: Path,
        *,
        key: bytes,
        migrations: Iterable[Migration] = (),
        synchronous: str = "FULL",
        on_full: Hazard = _no_hazard,
    ) -> MemoryDoor:
        """Open a database; takes what `core.sqlite.Door` takes."""
        assert len(key) == 32
        platter = self.platters.get(path)
        if platter is None:
            platter = self.platters[path] = Platter()
            # Who only looks whether there is a database looks for a file.
            path.touch()
            self.made(path, platter)
        return MemoryDoor(path, platter, tuple(migrations))

    def lose(self, folder: Path) -> None:
        """Every database in a folder is gone."""
        for path in [path for path in self.platters if folder in path.parents]:
            self.platters.pop(path).discard()

    def images(self, folder: Path) -> dict[Path, Platter]:
        """Return copies of a folder's databases, by their paths in it."""
        return {
            path.relative_to(folder): platter.image()
            for path, platter in self.platters.items()
            if folder in path.parents
        }

    def put(self, folder: Path, images: dict[Path, Platter]) -> None:
        """Put copies of databases into a folder, in the place of what is there."""
        for path, image in images.items():
            if folder / path not in self.platters:
                self.platters[folder / path] = Platter()
            self.platters[folder / path].become(image)

    def rename(self, old: Path, new: Path) -> None:
        """A database's file was moved to another name."""
        if old in self.platters and new not in self.platters:
            self.platters[new] = self.platters.pop(old)

    def close(self) -> None:
        for platter in self.platters.values():
            platter.discard()
        self.platters.clear()


_made: dict[tuple[str, ...], Platter] = {}
"""A new database of each schema: to copy it is faster than to make it again."""


class MemoryDoor:
    """One program's hold on a database: `core.sqlite.Door` without a thread, file or key."""

    refusing = ""
    """A disk that is full here is so for a while only; nothing is opened as a copy."""

    def __init__(
        self, path: Path, platter: Platter, migrations: tuple[Migration, ...] = ()
    ) -> None:
        self.path = path
        self._platter = platter
        self._open = True
        self._migrate(migrations)

    def _migrate(self, migrations: tuple[Migration, ...]) -> None:
        wanted = tuple(migration.name for migration in migrations)
        if self._platter.schema == wanted:
            return
        if self._platter.schema is None and wanted in _made:
            self._platter.become(_made[wanted])
            return
        is_new = self._platter.schema is None
        run = self._platter.connection.execute
        run("CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY) STRICT")
        done = {row["name"] for row in run("SELECT name FROM migration")}
        assert done <= set(wanted), "made by a newer version"
        for migration in migrations:
            if migration.name not in done:
                run("BEGIN IMMEDIATE")
                for statement in migration.statements:
                    run(statement)
                run("INSERT INTO migration VALUES (?)", (migration.name,))
                run("COMMIT")
        self._platter.schema = wanted
        if is_new:
            _made[wanted] = self._platter.image()

    def write(self, verb: Callable[[Writer], T]) -> T:
        """Run a verb in a transaction of its own; return its answer once that is committed."""
        assert self._open, "this program has ended"
        connection = self._platter.connection
        assert not connection.in_transaction, "a write inside a write"
        connection.execute("BEGIN IMMEDIATE")
        writer = Writer(connection)
        try:
            outcome = verb(writer)
            self._platter.before_commit()
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        self._platter.after_commit()
        for act in writer.afterwards:
            act()
        return outcome

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Lend a view of the last commit; inside a write, of what it has done so far.

        The product's door lends the last commit there too. Only joining asks so, for secrets
        that its own write does not touch.
        """
        assert self._open, "this program has ended"
        yield Reader(self._platter.connection)

    def checkpoint(self) -> None:
        """There is no log to move."""

    def integrity(self) -> list[str]:
        rows = self._platter.connection.execute("PRAGMA integrity_check")
        return [row[0] for row in rows if row[0] != "ok"]

    @contextmanager
    def connection(self) -> Iterator[Any]:
        yield self._platter.connection

    def close(self) -> None:
        self._open = False
