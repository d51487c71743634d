"""Which bill lies open on which device. Local: a tablet is a window, not a place."""

from __future__ import annotations

from core.errors import N_, Refusal
from core.journal import Part
from core.sqlite import Migration, Reader, Row, Writer

PART = Part(
    name="pos",
    migrations=(
        Migration(
            "pos/1",
            (
                """CREATE TABLE counter (
                     device TEXT PRIMARY KEY, ticket TEXT, last_member TEXT
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
    ),
    refusals={
        "scan_unknown": Refusal(404, N_("“%(scanned)s”不是本店的会员卡、商品条码或项目编号")),
    },
)


def counter(db: Reader, device: str) -> Row | None:
    return db.one("SELECT * FROM counter WHERE device = :device", device=device)


def lay_open(tx: Writer, device: str, ticket: str | None) -> None:
    """Show a bill on a device, or none; whose the one before was is forgotten with it."""
    tx.run(
        """INSERT INTO counter (device, ticket) VALUES (:device, :ticket)
           ON CONFLICT (device)
             DO UPDATE SET ticket = excluded.ticket, last_member = NULL""",
        device=device,
        ticket=ticket,
    )


def remember_member(tx: Writer, device: str, member: str | None) -> None:
    """Keep whose bill it was, so that one key switches to cardless and back."""
    tx.run(
        "UPDATE counter SET last_member = :member WHERE device = :d", member=member, d=device
    )


def carry_over(tx: Writer, before: str, after: str) -> None:
    """Lay the bill that is open on one device open on another, which writes none itself."""
    mine = counter(tx, after)
    if mine is not None and _is_open(tx, mine["ticket"]):
        return
    held = counter(tx, before)
    if held is None or not _is_open(tx, held["ticket"]):
        return
    lay_open(tx, after, held["ticket"])
    remember_member(tx, after, held["last_member"])
    tx.run("DELETE FROM counter WHERE device = :device", device=before)


def _is_open(db: Reader, ticket: str | None) -> bool:
    state = db.value("SELECT state FROM ticket WHERE id = :id", id=ticket)
    return bool(state == "open")
