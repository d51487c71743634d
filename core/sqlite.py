"""The only door to a SQLite database: who writes, who commits, and when an answer may be given.

One writer thread per process takes commands from a queue. Each command runs in a savepoint of
its own; those that wait together share one COMMIT, so eight tills cost one disk flush. An
answer is given only after that COMMIT. Between processes, BEGIN IMMEDIATE keeps writers apart.

`synchronous=FULL` is the promise that a sale survives a power cut; README "Decisions" has the
figures. SQLite before 3.51.3 can lose a write-ahead log to a race and is refused.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import sqlcipher3.dbapi2 as driver

from core.errors import N_, Refusal, Refused
from core.room import FULL
from core.write_ahead import commits_cut_off, frames_in, log_of

T = TypeVar("T")
Row = Mapping[str, Any]

SQLITE_MIN = (3, 51, 3)
PAGE_BYTES = 1024
"""Small pages keep the log short: a sale writes a few hundred bytes on each of a few pages."""
BUSY_TIMEOUT_MS = 10_000
GROUP_COMMANDS_MAX = 64
WAL_RETRY_S = 0.01
READERS_MAX = 12
READER_WAIT_S = 20

_STORAGE_FAILING = {driver.SQLITE_IOERR, driver.SQLITE_CORRUPT, driver.SQLITE_NOTADB}
log = logging.getLogger(__name__)

REFUSALS = {
    "disk_full": Refusal(507, N_("门店主机存储已满，没有记账，请勿收款；请通知店长清理")),
    "storage_failing": Refusal(503, N_("门店主机存储故障，没有记账；请改用纸单并联系维修")),
    "disk_read_only": Refusal(503, N_("门店主机的存储只能读，没有记账；请改用纸单并联系维修")),
}


class Reader:
    """Queries on one consistent view. Parameters are named: `:member`."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def all(self, sql: str, /, **values: object) -> list[Row]:
        return list(self._connection.execute(sql, values))

    def one(self, sql: str, /, **values: object) -> Row | None:
        row: Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def value(self, sql: str, /, **values: object) -> Any:
        """Return the first column of the first row, or None."""
        row = self._connection.execute(sql, values).fetchone()
        return None if row is None else row[0]

    def each(self, sql: str, /, **values: object) -> Iterator[Row]:
        """Stream rows; for what does not fit in memory."""
        yield from self._connection.execute(sql, values)


class Writer(Reader):
    """One command's hand on the open transaction. Nobody below the edge commits."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self.afterwards: list[Callable[[], None]] = []
        """Run after COMMIT, in order: doorbells, never anything that matters if it is lost."""

    def run(self, sql: str, /, **values: object) -> int:
        """Execute one statement and return how many rows it changed."""
        changed: int = self._connection.execute(sql, values).rowcount
        return changed

    def run_many(self, sql: str, rows: Iterable[Mapping[str, object]]) -> None:
        self._connection.executemany(sql, rows)


@dataclass(frozen=True, slots=True)
class Migration:
    """A named step of the schema, run statement by statement in one transaction."""

    name: str
    statements: tuple[str, ...]


@dataclass(slots=True)
class _Command:
    verb: Callable[[Writer], Any]
    future: Future[Any] = field(default_factory=Future)
    outcome: Any = None
    error: BaseException | None = None
    afterwards: list[Callable[[], None]] = field(default_factory=list)


class Door:
    """Opens a database file, brings its schema up to date, and lets readers and writers in."""

    def __init__(
        self,
        path: Path,
        *,
        key: bytes,
        migrations: Iterable[Migration] = (),
        synchronous: str = "FULL",
        on_full: Callable[[], None] = lambda: None,
    ) -> None:
        """Open `path`, made if absent, encrypted with a 32-byte `key`.

        `synchronous` exists for the bench that shows why it is FULL; `on_full` is called when
        the disk had no room for a command, so that the next one may find some. Refused:
        disk_full.
        """
        if not __debug__:
            raise RuntimeError("assertions guard the money: do not run with python -O")
        if driver.sqlite_version_info < SQLITE_MIN:
            raise RuntimeError(f"SQLite {driver.sqlite_version} can lose writes")
        if len(key) != 32:
            raise ValueError("the database key is 32 bytes")
        self.path = path
        self._key = key
        self._synchronous = synchronous
        self._on_full = on_full
        self._refusing = ""
        self._writing = self._connect()
        self._keep_damaged_log()
        try:
            self._migrate(tuple(migrations))
        except driver.OperationalError as error:
            self._writing.close()
            if _primary_code(error) == driver.SQLITE_FULL:
                raise Refused("disk_full") from error
            raise
        self._idle: queue.LifoQueue[Any] = queue.LifoQueue()
        self._readers = threading.BoundedSemaphore(READERS_MAX)
        self._commands: queue.SimpleQueue[_Command | None] = queue.SimpleQueue()
        self._queueing = threading.Lock()
        """Held while queueing and while closing, so that nothing is queued behind the end."""
        self._closed = False
        self._failing = False
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    # -- opening ---------------------------------------------------------------------------

    def _connect(self) -> Any:
        connection = driver.connect(
            str(self.path),
            isolation_level=None,
            check_same_thread=False,
            timeout=BUSY_TIMEOUT_MS / 1000,
            cached_statements=256,
        )
        connection.row_factory = driver.Row
        try:
            self._set_up(connection)
        except driver.DatabaseError as error:
            connection.close()
            if _primary_code(error) == driver.SQLITE_NOTADB:
                raise RuntimeError(f"{self.path} does not open with this key") from error
            raise
        return connection

    def _unlock(self, connection: Any) -> None:
        connection.execute(f"PRAGMA key = \"x'{self._key.hex()}'\"")
        connection.execute(f"PRAGMA cipher_page_size = {PAGE_BYTES}")

    def _set_up(self, connection: Any) -> None:
        self._unlock(connection)
        _use_wal(connection)
        for pragma in (
            f"synchronous = {self._synchronous}",
            "foreign_keys = ON",
            "wal_autocheckpoint = 0",
            "cache_size = -4000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @property
    def damaged_log(self) -> Path:
        """Where a log is kept that was damaged while nobody had it open."""
        return self.path.with_name(f"{self.path.name}-wal.damaged")

    def _keep_damaged_log(self) -> None:
        """Keep the log if damage has cut off what was answered: the next write goes over it."""
        written = log_of(self.path)
        read = self._writing.execute("PRAGMA wal_checkpoint(NOOP)").fetchone()[1]
        size = written.stat().st_size if written.exists() else 0
        if frames_in(size, page_bytes=PAGE_BYTES) <= read or self.damaged_log.exists():
            return
        held = written.read_bytes()
        cut = commits_cut_off(held, read=read, page_bytes=PAGE_BYTES)
        if not cut:
            return
        log.critical("%s: damage cuts off %s commits that were answered", written, cut)
        try:
            self.damaged_log.write_bytes(held)
        except OSError:
            log.exception("it could not be kept")

    def _migrate(self, migrations: tuple[Migration, ...]) -> None:
        run = self._writing.execute
        run("CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY) STRICT")
        known = {migration.name for migration in migrations}
        done = {row["name"] for row in run("SELECT name FROM migration")}
        if newer := sorted(done - known):
            raise RuntimeError(f"{self.path} was made by a newer version: {', '.join(newer)}")
        for migration in migrations:
            run("BEGIN IMMEDIATE")
            try:
                # Asked again inside the transaction: another process may have been first.
                if not run(
                    "SELECT 1 FROM migration WHERE name = ?", (migration.name,)
                ).fetchone():
                    for statement in migration.statements:
                        run(statement)
                    run("INSERT INTO migration VALUES (?)", (migration.name,))
                run("COMMIT")
            except BaseException:
                if self._writing.in_transaction:
                    run("ROLLBACK")
                raise

    # -- writing ---------------------------------------------------------------------------

    @property
    def refusing(self) -> str:
        """Return the code by which everything is refused that would write; empty is none."""
        return self._refusing

    def refuse(self, code: str) -> None:
        """Write nothing from now on: what is open here is a copy. disk_full, disk_read_only."""
        self._refusing = code

    def write(self, verb: Callable[[Writer], T]) -> T:
        """Run a verb in the next transaction; return its answer once that is on the disk.

        Refused: disk_full, disk_read_only, storage_failing, and what the verb refuses. A verb
        that raises has changed nothing.
        """
        if self._refusing:
            raise Refused("disk_full" if self._refusing == FULL else "disk_read_only")
        if threading.current_thread() is self._thread:
            raise RuntimeError("a verb writes with its Writer, not by a write inside a write")
        command = _Command(verb)
        with self._queueing:
            if self._closed or self._failing:
                raise Refused("storage_failing")
            self._commands.put(command)
        outcome: T = command.future.result()
        return outcome

    def _work(self) -> None:
        while (command := self._commands.get()) is not None:
            group = [command]
            try:
                if self._failing:
                    raise Refused("storage_failing")  # noqa: TRY301 - one way out for all
                self._run_group(group)
            except (driver.Error, Refused) as error:
                self._fail(group, error)
            except BaseException as error:  # The thread outlives a bug.
                log.exception("the writer failed")
                self._fail(group, error)
        self._writing.close()

    def _run_group(self, group: list[_Command]) -> None:
        connection = self._writing
        connection.execute("BEGIN IMMEDIATE")
        self._run_one(group[0])
        while len(group) < GROUP_COMMANDS_MAX:
            try:
                command = self._commands.get_nowait()
            except queue.Empty:
                break
            if command is None:
                self._commands.put(None)
                break
            group.append(command)
            self._run_one(command)
        connection.execute("COMMIT")
        # A refusal waits too: it may rest on what a neighbour did in the same transaction.
        for command in group:
            if command.error is not None:
                command.future.set_exception(_told(command.error))
                continue
            for act in command.afterwards:
                _ring(act)
            command.future.set_result(command.outcome)

    def _run_one(self, command: _Command) -> None:
        connection = self._writing
        connection.execute("SAVEPOINT command")
        writer = Writer(connection)
        try:
            command.outcome = command.verb(writer)
            command.afterwards = writer.afterwards
        except BaseException as error:
            if not connection.in_transaction:
                raise  # The disk filled: SQLite has rolled back the whole group.
            if _primary_code(error) in _STORAGE_FAILING:
                log.critical("storage is failing: %s", error)
            connection.execute("ROLLBACK TO command")
            command.error = error
        connection.execute("RELEASE command")

    def _fail(self, group: list[_Command], error: BaseException) -> None:
        if self._writing.in_transaction:
            self._writing.execute("ROLLBACK")
        if _primary_code(error) in _STORAGE_FAILING:
            # After a failed flush the kernel may call a second one clean: never retry.
            log.critical("storage is failing: %s", error)
            self._failing = True
        if _primary_code(error) == driver.SQLITE_FULL:
            # What did not fit stays refused: a till was told nothing of it. The next one fits.
            _ring(self._on_full)
        for command in group:
            if not command.future.done():
                command.future.set_exception(_told(error))

    # -- reading ---------------------------------------------------------------------------

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Lend a consistent view of the last commit. Must not be kept."""
        if not self._readers.acquire(timeout=READER_WAIT_S):
            raise TimeoutError("all readers are busy")
        try:
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                connection = self._connect()
                connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            try:
                yield Reader(connection)
            finally:
                connection.execute("ROLLBACK")
                self._idle.put(connection)
        finally:
            self._readers.release()

    # -- care ------------------------------------------------------------------------------

    def checkpoint(self) -> None:
        """Move the log into the file. Only the jobs process calls this (see the module)."""
        connection = self._connect()
        try:
            # It holds writers off while it waits for readers, so it must not wait: what a long
            # report keeps from being moved now is moved the next time.
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except driver.OperationalError as error:
            if _primary_code(error) != driver.SQLITE_FULL:
                raise
            self._on_full()  # All of it is in the log still: it is moved the next time.
        finally:
            connection.close()

    def integrity(self) -> list[str]:
        """Return what SQLite and SQLCipher find broken; empty when sound."""
        connection = self._connect()
        found: list[str] = []
        if self.damaged_log.exists():
            found.append(
                f"what was written is missing: its log was damaged, {self.damaged_log}"
            )
        try:
            if _broken_pages(connection):
                # A power cut while the log was moved leaves half pages in the file, which the
                # log still holds whole: what is broken is what stays so once it was moved.
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
                found += _broken_pages(connection)
            found += [row[0] for row in connection.execute("PRAGMA integrity_check")]
        except driver.DatabaseError as error:
            found.append(str(error))  # Too broken to be walked.
        finally:
            connection.close()
        return [line for line in found if line != "ok"]

    def copy_to(self, path: Path) -> None:
        """Write a copy as of one commit to a path that must not exist, under the same key.

        Writers go on meanwhile; what they commit is in the next copy.
        """
        if path.exists():
            raise FileExistsError(path)
        source = self._connect()
        target = driver.connect(str(path), isolation_level=None, check_same_thread=False)
        try:
            self._unlock(target)
            source.backup(target)
        finally:
            target.close()
            source.close()

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """Lend a bare connection to sqlite-utils, for imports, exports and full-text set-up."""
        connection = self._connect()
        try:
            yield connection
        finally:
            connection.close()

    def close(self) -> None:
        """Finish what is queued and let go of the file."""
        with self._queueing:
            self._closed = True
            self._commands.put(None)
        self._thread.join()
        while not self._idle.empty():
            self._idle.get_nowait().close()


def _broken_pages(connection: Any) -> list[str]:
    """Return what SQLCipher finds of pages in the file itself, whatever the log holds."""
    return [row[0] for row in connection.execute("PRAGMA cipher_integrity_check")]


@contextmanager
def looking_into(path: Path, *, key: bytes) -> Iterator[Reader]:
    """Lend a database that no program has open, as it lies: nothing in it is changed.

    For copies. Raises RuntimeError where the key is another one or this is no database.
    """
    connection = driver.connect(str(path), isolation_level=None)
    connection.row_factory = driver.Row
    try:
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        connection.execute(f"PRAGMA cipher_page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT COUNT(*) FROM sqlite_master")
        yield Reader(connection)
    except driver.DatabaseError as error:
        raise RuntimeError(f"{path} cannot be read: {error}") from error
    finally:
        connection.close()


def _use_wal(connection: Any) -> None:
    """Switch to the write-ahead log, once in a file's life.

    Here alone SQLite does not wait for another process that is at the same work, and all
    programs of a new hub start at once.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except driver.OperationalError as error:
            if _primary_code(error) != driver.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(WAL_RETRY_S)
        else:
            return


def _ring(act: Callable[[], None]) -> None:
    """Do what follows a commit; it cannot take the answer back."""
    try:
        act()
    except Exception:
        log.exception("a doorbell failed")


def _primary_code(error: BaseException) -> int:
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def _told(error: BaseException) -> BaseException:
    code = _primary_code(error)
    if code == driver.SQLITE_FULL:
        return Refused("disk_full")
    if code in _STORAGE_FAILING:
        return Refused("storage_failing")
    return error
