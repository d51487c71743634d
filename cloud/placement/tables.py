"""On which days each member visited which store, and whose value is to be looked at when."""

from __future__ import annotations

from collections.abc import Iterable

from core.journal import Add, Change, Entry, Part
from core.sqlite import Migration
from core.tickets import TicketSettled
from core.wallet import ToppedUp


def _count_visit(entry: Entry) -> Iterable[Change]:
    """Count a bill or a top-up as a visit; a reversal takes none back, for they were there."""
    body: TicketSettled | ToppedUp = entry.body
    event = entry.event
    if body.member and event.store:
        key = {"member": body.member, "store": event.store, "date": event.date}
        yield Add("visit", key, {"times": 1})


PART = Part(
    name="placement",
    migrations=(
        Migration(
            "placement/1",
            (
                """CREATE TABLE visit (
                     member TEXT NOT NULL,
                     store TEXT NOT NULL,
                     date TEXT NOT NULL,
                     times INTEGER NOT NULL,
                     PRIMARY KEY (member, store, date)
                   ) STRICT, WITHOUT ROWID""",
                # What was projected before there was this table; what was not yet, will be.
                """INSERT INTO visit (member, store, date, times)
                   SELECT member, store, date, count(*) FROM (
                     SELECT member, store, date FROM sale
                      WHERE sign = 1 AND COALESCE(member, '') <> '' AND store <> ''
                     UNION ALL
                     SELECT member, store, date FROM topup WHERE member <> '' AND store <> ''
                   ) GROUP BY member, store, date""",
                # A note to ourselves, no projection: losing it costs a look at who moves next.
                """CREATE TABLE resting (
                     member TEXT PRIMARY KEY,
                     due_at INTEGER,
                     soon INTEGER NOT NULL DEFAULT 0 CHECK (soon IN (0, 1)),
                     recalled_at INTEGER NOT NULL DEFAULT 0
                   ) STRICT, WITHOUT ROWID""",
                "CREATE INDEX resting_due ON resting (due_at) WHERE due_at IS NOT NULL",
                # A transfer that arrived stays as a row of zero; these few have not.
                """CREATE INDEX transit_under_way ON transit (member, transfer)
                    WHERE amount <> 0""",
            ),
        ),
    ),
    tables={"visit": ("member", "store", "date")},
    later={TicketSettled: _count_visit, ToppedUp: _count_visit},
)
