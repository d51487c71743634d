"""Finding a settled bill as it was written."""

from __future__ import annotations

import msgspec

from core.errors import Refused
from core.journal import Act, decode, drain
from core.organisation import true_times
from core.sqlite import Reader, Row, Writer
from core.tickets import TicketSettled, sent_bill
from hub.tickets import ticket_row

_sale = msgspec.json.Decoder(TicketSettled)


def settled(tx: Writer, act: Act, ticket: str) -> TicketSettled:
    """Return a settled bill as it was written, for its reversal, wherever it was settled.

    Refused: no_ticket, not_settled.
    """
    while drain(tx, act.journal.parts):
        pass
    return settled_bill(tx, ticket)


def settled_bill(db: Reader, ticket: str) -> TicketSettled:
    """Return a settled bill that was not reversed whole. Drain history first.

    Refused: no_ticket, not_settled.
    """
    if ticket_row(db, ticket)["state"] != "settled":
        raise Refused("not_settled")
    raw = db.value(
        """SELECT j.raw FROM sale s JOIN journal j
             ON j.origin = s.origin AND j.epoch = s.epoch AND j.seq = s.seq
            WHERE s.id = :ticket""",
        ticket=ticket,
    )
    if raw is None:
        sent = sent_bill(db, ticket)
        assert sent is not None, "a settled bill has its event, or came from another store"
        return sent.sale
    return _sale.decode(decode(raw).body)


def topup(db: Reader, topup_id: str) -> Row | None:
    """Return a top-up from history. Drain history first."""
    return db.one("SELECT * FROM topup WHERE id = :id", id=topup_id)


def sales_of_day(db: Reader, date: str, *, limit: int = 200) -> list[Row]:
    rows = db.all(
        """SELECT s.*, m.name AS member_name, w.name AS staff_name FROM sale s
             LEFT JOIN member m ON m.id = s.member LEFT JOIN staff w ON w.id = s.actor
            WHERE s.date = :date ORDER BY s.at DESC, s.seq DESC LIMIT :limit""",
        date=date,
        limit=limit,
    )
    return true_times(db, rows)
