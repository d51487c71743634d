"""What becomes of a print job that somebody has looked at."""

from __future__ import annotations

from core.journal import Act
from core.sqlite import Writer
from hub.checkout import reprint
from hub.devices import QUEUED, UNKNOWN, drop, hurry
from hub.sales import sql
from hub.till import reprint_report


def try_again(tx: Writer, act: Act, *, job: str) -> None:
    """Have a job that waits tried now; print one of unknown fate again, as a copy.

    Only a person who has looked may ask for the second: it may be on paper already.
    Refused: no_job, not_settled, no_topup, no_period.
    """
    row = sql.print_job(tx, job)
    if row["state"] == QUEUED and row["printer"]:
        hurry(tx, printer=row["printer"])
        return
    if row["state"] != UNKNOWN:
        return
    subject = row["subject"]
    if row["kind"] == "report":
        reprint_report(tx, act, period=subject)
    elif row["kind"] == "receipt" and sql.is_topup(tx, subject):
        reprint(tx, act, topup=subject)
    elif row["kind"] == "receipt":
        reprint(tx, act, sale=subject)
    drop(tx, job=job)
