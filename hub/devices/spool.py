"""The print spool and the inbox of scans: where pages and devices meet, in rows.

A print is a row that commits with the sale, so a dead printer never stops one. A job is claimed
before its first byte is sent; one found claimed after a crash is *unknown*, because it may be
on paper, and is never printed again by itself.
"""

from __future__ import annotations

import uuid

from core.errors import N_, Refusal, Refused
from core.journal import Act, Part
from core.sqlite import Migration, Reader, Row, Writer
from hub.devices.printer import Job, to_json

JOBS_SHOWN_MAX = 50
SCAN_CHARACTERS_MAX = 128
SCAN_WAITS_MS = 10_000

QUEUED, CLAIMED, DONE, UNKNOWN, DROPPED = "queued", "claimed", "done", "unknown", "dropped"


def printers(db: Reader) -> list[Row]:
    """Return the printers that are set up, the default one first."""
    return db.all("SELECT * FROM printer ORDER BY is_default DESC, name")


def find_printer(db: Reader, name: str) -> Row | None:
    return db.one("SELECT * FROM printer WHERE name = :name", name=name)


def set_printer(
    tx: Writer, *, name: str, address: str, columns: int, raster: bool, drawer_pin: int
) -> None:
    """Set up a printer, or change it; what waits for it is tried at once.

    The first one is the default and gets what was spooled while there was none.
    """
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
    if first:
        tx.run(
            """UPDATE print_job SET printer = :name
                WHERE state IN ('queued', 'claimed', 'unknown') AND printer IS NULL""",
            name=name,
        )
    hurry(tx, printer=name)


def make_default(tx: Writer, *, name: str) -> None:
    """Let everything new come out of this printer. Refused: no_printer."""
    if find_printer(tx, name) is None:
        raise Refused("no_printer")
    tx.run("UPDATE printer SET is_default = (name = :name)", name=name)


def remove_printer(tx: Writer, *, name: str) -> None:
    """Forget a printer; what waits for it goes to the default one. Refused: no_printer."""
    if not tx.run("DELETE FROM printer WHERE name = :name", name=name):
        raise Refused("no_printer")
    heir = next((row["name"] for row in printers(tx)), None)
    if heir is not None:
        make_default(tx, name=heir)
    tx.run(
        """UPDATE print_job SET printer = :heir, due_at = 0
            WHERE state IN ('queued', 'claimed', 'unknown') AND state = 'queued'
              AND printer = :name""",
        heir=heir,
        name=name,
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


def is_due(db: Reader, *, printer: str, at: int) -> bool:
    """Say whether something waits for a printer that may be tried at this instant (ms)."""
    return (
        db.one(
            """SELECT 1 FROM print_job
                WHERE state IN ('queued', 'claimed', 'unknown') AND state = 'queued'
                  AND printer = :printer AND due_at <= :at LIMIT 1""",
            printer=printer,
            at=at,
        )
        is not None
    )


def claim(tx: Writer, *, printer: str, at: int) -> Row | None:
    """Take the next job for a printer, or None where nothing is due.

    Receipts keep their order: when a new one makes the printer worth a try, the oldest is
    tried. The drawer goes first, because somebody stands before it.
    """
    if not is_due(tx, printer=printer, at=at):
        return None
    row = tx.one(
        """SELECT * FROM print_job
            WHERE state IN ('queued', 'claimed', 'unknown') AND state = 'queued'
              AND printer = :printer
            ORDER BY kind <> 'kick', queued_at, id LIMIT 1""",
        printer=printer,
    )
    assert row is not None
    moved = tx.run(
        "UPDATE print_job SET state = 'claimed', tries = tries + 1"
        " WHERE id = :id AND state = 'queued'",
        id=row["id"],
    )
    assert moved == 1
    return row


def finish(tx: Writer, *, job: str, state: str, reason: str = "") -> None:
    """Say for good what became of a claimed job."""
    tx.run(
        "UPDATE print_job SET state = :state, reason = :reason"
        " WHERE id = :id AND state = 'claimed'",
        id=job,
        state=state,
        reason=reason,
    )


def put_back(tx: Writer, *, job: str, reason: str, due_at: int) -> None:
    """Let a claimed job wait: nothing of it is on paper.

    The reason holds for all that wait for the same printer, and none of them tries it before
    `due_at` (ms).
    """
    moved = tx.run(
        "UPDATE print_job SET state = 'queued' WHERE id = :id AND state = 'claimed'", id=job
    )
    if moved:
        tx.run(
            """UPDATE print_job SET reason = :reason, due_at = MAX(due_at, :due)
                WHERE state IN ('queued', 'claimed', 'unknown') AND state = 'queued'
                  AND printer = (SELECT printer FROM print_job WHERE id = :id)""",
            id=job,
            reason=reason,
            due=due_at,
        )


def hurry(tx: Writer, *, printer: str) -> None:
    """Have a printer tried at once: somebody has mended it."""
    tx.run(
        """UPDATE print_job SET due_at = 0
            WHERE state IN ('queued', 'claimed', 'unknown') AND state = 'queued'
              AND printer = :printer""",
        printer=printer,
    )


def send_to(tx: Writer, *, job: str, printer: str) -> None:
    """Have a job that waits printed elsewhere. Refused: no_job."""
    moved = tx.run(
        "UPDATE print_job SET printer = :printer, due_at = 0"
        " WHERE id = :id AND state = 'queued'",
        id=job,
        printer=printer,
    )
    if not moved:
        raise Refused("no_job")


def recover(tx: Writer) -> int:
    """After a crash: what was being sent may be on paper. Return how many such jobs.

    A drawer that may have opened needs nobody to look for paper, so its job is just over.
    """
    return tx.run(
        """UPDATE print_job
              SET state = CASE kind WHEN 'kick' THEN 'dropped' ELSE 'unknown' END,
                  reason = 'stopped'
            WHERE state IN ('queued', 'claimed', 'unknown') AND state = 'claimed'"""
    )


def forget(tx: Writer, *, printed_before: int, scanned_before: int) -> None:
    """Empty old receipts, which name members, and the inbox of scans; both in ms.

    The row of a receipt stays, so that its next print is still a copy.
    """
    tx.run(
        "UPDATE print_job SET job = x''"
        " WHERE queued_at < :before AND state IN ('done', 'dropped') AND job <> x''",
        before=printed_before,
    )
    tx.run("DELETE FROM scan WHERE at < :before", before=scanned_before)


def drop_waiting(tx: Writer) -> int:
    """Give up every job that is not over; return how many. For a box that was put back."""
    return tx.run(
        "UPDATE print_job SET state = 'dropped' WHERE state IN ('queued', 'claimed', 'unknown')"
    )


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
    alive = db.all(
        """SELECT id, printer, kind, subject, is_copy, state, queued_at, tries, due_at, reason
             FROM print_job WHERE state IN ('queued', 'claimed', 'unknown')
            ORDER BY queued_at DESC, id DESC LIMIT :limit""",
        limit=JOBS_SHOWN_MAX,
    )
    newest = db.all(
        """SELECT id, printer, kind, subject, is_copy, state, queued_at, tries, due_at, reason
             FROM print_job ORDER BY id DESC LIMIT :limit""",
        limit=JOBS_SHOWN_MAX,
    )
    over = [row for row in newest if row["state"] in {DONE, DROPPED}]
    return [*alive, *over][:JOBS_SHOWN_MAX]


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


def has_unknown(db: Reader, *, printer: str) -> bool:
    """Say whether a printer has a job of unknown fate."""
    return (
        db.one(
            """SELECT 1 FROM print_job
                WHERE state IN ('queued', 'claimed', 'unknown') AND state = 'unknown'
                  AND printer = :printer LIMIT 1""",
            printer=printer,
        )
        is not None
    )


def put_scan(tx: Writer, act: Act, *, till: str, value: str) -> str:
    """Put a reading of a card or barcode into the inbox of a till's tablet.

    Refused: scan_malformed.
    """
    value = value.strip()
    if not 0 < len(value) <= SCAN_CHARACTERS_MAX or not value.isprintable():
        raise Refused("scan_malformed")
    scan = max(act.new_id(), _behind(last_scan(tx)))
    tx.run(
        "INSERT INTO scan (id, till, value, at) VALUES (:id, :till, :value, :at)",
        id=scan,
        till=till,
        value=value,
        at=act.at,
    )
    return scan


def _behind(scan: str) -> str:
    """Return the id right behind one: of two swipes in a millisecond the later sorts later."""
    return str(uuid.UUID(int=uuid.UUID(scan).int + 1)) if scan else ""


def scans_after(db: Reader, *, till: str, after: str) -> list[Row]:
    """Return a till's scans that came after one, oldest first."""
    return db.all(
        "SELECT id, value FROM scan WHERE till = :till AND id > :after ORDER BY id",
        till=till,
        after=after,
    )


def last_scan(db: Reader) -> str:
    return db.value("SELECT MAX(id) FROM scan") or ""


def scans_start(db: Reader, told: str | None, *, now: int) -> str:
    """Return the scan after which a stream begins: the last one that its page was `told`.

    A card swiped while one page gives way to the next belongs to the next; one swiped longer
    than `SCAN_WAITS_MS` before is no guest's any more. A page that was told none begins now.
    """
    if told is None:
        return last_scan(db)
    old = db.value("SELECT MAX(id) FROM scan WHERE at < :at", at=now - SCAN_WAITS_MS) or ""
    return max(told, old)


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
        "no_printer": Refusal(404, N_("没有这台打印机")),
        "no_job": Refusal(404, N_("没有这个打印任务，或已经打完")),
        "scan_malformed": Refusal(422, N_("这个读数读不懂，请重刷")),
    },
)
