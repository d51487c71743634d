"""The print spool: what waits, what came out, what nobody knows of."""

from __future__ import annotations

import msgspec

from core.web import Endpoint, read, write
from hub.api.blueprint import api
from hub.attempts import Answer
from hub.devices import drop, jobs


class PrintJob(msgspec.Struct, frozen=True, kw_only=True):
    """`unknown` may be on paper: it is never printed again by itself."""

    id: str
    printer: str | None
    kind: str
    subject: str
    copy: bool
    state: str
    queued_at_ms: int
    tries: int
    reason: str


class PrintJobs(msgspec.Struct, frozen=True, kw_only=True):
    print_jobs: list[PrintJob]


class Dropped(msgspec.Struct, frozen=True, kw_only=True):
    id: str


@api.get("/print-jobs")
@Endpoint(permission="sale.reprint", answer=PrintJobs)
def list_print_jobs() -> Answer:
    """Return the newest print jobs, those that need somebody first."""
    names = ("id", "printer", "kind", "subject", "state", "tries", "reason")
    with read() as db:
        return {
            "print_jobs": [
                {name: row[name] for name in names}
                | {"copy": bool(row["is_copy"]), "queued_at_ms": row["queued_at"]}
                for row in jobs(db)
            ]
        }


@api.delete("/print-jobs/<job_id>")
@Endpoint(permission="sale.reprint", answer=Dropped, refusals=("no_job",))
def drop_print_job(job_id: str) -> Answer:
    """Give up a job that waits, or one whose fate is unknown."""
    write(lambda tx, _act: drop(tx, job=job_id))
    return {"id": job_id}
