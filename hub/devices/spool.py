"""The print spool and the inbox of scans: where pages and devices meet, in rows.

A print is a row that commits with the sale, so a dead printer never stops one. A job is claimed
before its first byte is sent; one found claimed after a crash is *unknown*, because it may be
on paper, and is never printed again by itself.
"""

from __future__ import annotations

from core.errors import N_, Refusal, Refused
from core.journal import Act, Part
from core.sqlite import Migration, Reader, Row, Writer
from hub.devices.printer import Job, from_json, to_json

JOBS_SHOWN_MAX = 50
SCAN_CHARACTERS_MAX = 128

QUEUED, CLAIMED, DONE, UNKNOWN, DROPPED = "queued", "claimed", "done", "unknown", "dropped"


def printers(db: Reader) -> list[Row]:
    """Return the printers that are set up, the default one first."""
    return db.all("SELECT * FROM printer ORDER BY is_default DESC, name")


def set_printer(
    tx: Writer, *, name: str, address: str, columns: int, raster: bool, drawer_pin: int
) -> None:
    """Set up a printer, or change it; the first one is the default."""
    first = tx.one("SELECT 1 FROM printer WHERE is_default = 1 AND name <> :n", n=name) is None
    tx.run(
        """INSERT INTO printer (name, address, columns, raster, drawer_pin, is_default)
           VALUES (:name, :address, :columns, :raster, :pin, :first)
           ON CONFLICT (name) DO UPDATE SET address = excluded.address,
             columns = excluded.columns, raster = excluded.raster,
             drawer_pin = excluded.drawer_pin""",
        name=name,
        address=address,
        columns=columns,
        raster=int(raster),
        pin=drawer_pin,
        first=int(first),
    )


def spool(
    tx: Writer, act: Act, job: Job, *, kind: str, subject: str, is_copy: bool = False
) -> str:
    """Queue a job for the default printer; it waits there until a printer takes it."""
    job_id = act.new_id()
    tx.run(
        """INSERT INTO print_job (id, printer, kind, subject, is_copy, job, state, queued_at,
                                  tries, due_at, reason)
           VALUES (:id, (SELECT name FROM printer WHERE is_default = 1), :kind, :subject,
                   :is_copy, :job, 'queued', :at, 0, 0, '')""",
        id=job_id,
        kind=kind,
        subject=subject,
        is_copy=int(is_copy),
        job=to_json(job),
        at=act.at,
    )
    return job_id


def claim(tx: Writer, *, printer: str, at: int) -> tuple[Row, Job] | None:
    """Take the oldest job that is due for a printer, or None."""
    row = tx.one(
        """SELECT * FROM print_job
            WHERE state = 'queued' AND (printer = :printer OR printer IS NULL) AND due_at <= :at
            ORDER BY queued_at, id LIMIT 1""",
        printer=printer,
        at=at,
    )
    if row is None:
        return None
    moved = tx.run(
        "UPDATE print_job SET state = 'claimed', printer = :printer, tries = tries + 1"
        " WHERE id = :id AND state = 'queued'",
        id=row["id"],
        printer=printer,
    )
    assert moved == 1
    return row, from_json(row["job"])


def finish(tx: Writer, *, job: str, state: str, reason: str = "", due_at: int = 0) -> None:
    """Say what became of a claimed job."""
    tx.run(
        "UPDATE print_job SET state = :state, reason = :reason, due_at = :due"
        " WHERE id = :id AND state = 'claimed'",
        id=job,
        state=state,
        reason=reason,
        due=due_at,
    )


def recover(tx: Writer) -> int:
    """After a crash: what was being sent may be on paper. Return how many such jobs."""
    return tx.run("UPDATE print_job SET state = 'unknown' WHERE state = 'claimed'")


def drop(tx: Writer, *, job: str) -> None:
    """Give up a job that waits or whose fate is unknown. Refused: no_job."""
    moved = tx.run(
        "UPDATE print_job SET state = 'dropped' WHERE id = :id"
        " AND state IN ('queued', 'unknown')",
        id=job,
    )
    if not moved:
        raise Refused("no_job")


def jobs(db: Reader) -> list[Row]:
    """Return the newest jobs, those that need somebody first."""
    return db.all(
        """SELECT id, printer, kind, subject, is_copy, state, queued_at, tries, reason
             FROM print_job
            ORDER BY state IN ('queued', 'claimed', 'unknown') DESC, id DESC LIMIT :limit""",
        limit=JOBS_SHOWN_MAX,
    )


def was_printed(db: Reader, subject: str) -> bool:
    """Say whether a receipt for this was ever queued, so that the next one is a copy."""
    return (
        db.one(
            "SELECT 1 FROM print_job WHERE subject = :subject AND kind = 'receipt' LIMIT 1",
            subject=subject,
        )
        is not None
    )


def waiting(db: Reader) -> Row:
    """Return how many jobs wait and how many have an unknown fate."""
    row = db.one(
        """SELECT COALESCE(SUM(state IN ('queued', 'claimed')), 0) AS waiting,
                  COALESCE(SUM(state = 'unknown'), 0) AS unknown
             FROM print_job WHERE state IN ('queued', 'claimed', 'unknown')"""
    )
    assert row is not None
    return row


def put_scan(tx: Writer, act: Act, *, till: str, value: str) -> str:
    """Put a reading of a card or barcode into the inbox of a till's tablet.

    Refused: scan_malformed.
    """
    value = value.strip()
    if not 0 < len(value) <= SCAN_CHARACTERS_MAX or not value.isprintable():
        raise Refused("scan_malformed")
    scan = act.new_id()
    tx.run(
        "INSERT INTO scan (id, till, value, at) VALUES (:id, :till, :value, :at)",
        id=scan,
        till=till,
        value=value,
        at=act.at,
    )
    return scan


def scans_after(db: Reader, *, till: str, after: str) -> list[Row]:
    """Return a till's scans that came after one, oldest first."""
    return db.all(
        "SELECT id, value FROM scan WHERE till = :till AND id > :after ORDER BY id",
        till=till,
        after=after,
    )


def last_scan(db: Reader) -> str:
    return db.value("SELECT MAX(id) FROM scan") or ""


PART = Part(
    name="devices",
    migrations=(
        Migration(
            "devices/1",
            (
                """CREATE TABLE printer (
                     name TEXT PRIMARY KEY,
                     address TEXT NOT NULL,
                     columns INTEGER NOT NULL CHECK (columns IN (32, 48)),
                     raster INTEGER NOT NULL CHECK (raster IN (0, 1)),
                     drawer_pin INTEGER NOT NULL CHECK (drawer_pin IN (2, 5)),
                     is_default INTEGER NOT NULL CHECK (is_default IN (0, 1))
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE print_job (
                     id TEXT PRIMARY KEY,
                     printer TEXT,
                     kind TEXT NOT NULL CHECK (kind IN ('receipt', 'report', 'kick', 'test')),
                     subject TEXT NOT NULL,
                     is_copy INTEGER NOT NULL CHECK (is_copy IN (0, 1)),
                     job BLOB NOT NULL,
                     state TEXT NOT NULL CHECK (state IN
                       ('queued', 'claimed', 'done', 'unknown', 'dropped')),
                     queued_at INTEGER NOT NULL,
                     tries INTEGER NOT NULL,
                     due_at INTEGER NOT NULL,
                     reason TEXT NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                """CREATE INDEX print_job_alive ON print_job (queued_at)
                    WHERE state IN ('queued', 'claimed', 'unknown')""",
                "CREATE INDEX print_job_by_subject ON print_job (subject)",
                """CREATE TABLE scan (
                     id TEXT PRIMARY KEY, till TEXT NOT NULL, value TEXT NOT NULL,
                     at INTEGER NOT NULL
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
    ),
    refusals={
        "no_job": Refusal(404, N_("没有这个打印任务，或已经打完")),
        "scan_malformed": Refusal(422, N_("这个读数读不懂，请重刷")),
    },
)
