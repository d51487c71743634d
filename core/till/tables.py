"""Till periods and what went through each drawer, by kind and tender."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from core.errors import N_, Refusal
from core.journal import Add, Append, Change, Entry, Part, Put, stamp_of
from core.sqlite import Migration, Reader, Row
from core.tickets import TicketPartReversed, TicketReversed, TicketSettled
from core.till.events import (
    CashMoved,
    DrawerOpened,
    PeriodClosed,
    PeriodOpened,
    ReceiptReprinted,
)
from core.wallet import Payment, ToppedUp

SALE = "sale"
TOPUP = "topup"
REVERSAL = "reversal"
CASH_IN = "cash_in"
CASH_OUT = "cash_out"


def period_totals(db: Reader, period: str) -> list[Row]:
    """Return kind, tender, count and amount (fen) of a period. Drain history first."""
    return db.all(
        "SELECT kind, tender, count, amount FROM till_total WHERE period = :period"
        " ORDER BY kind, tender",
        period=period,
    )


def expected_cash(float_cents: int, totals: Iterable[Row]) -> int:
    """Return what should lie in the drawer: float, cash taken, put in, less what went out."""
    cash: int = sum(row["amount"] for row in totals if row["tender"] == "cash")
    return float_cents + cash


def _total(period: str, kind: str, tender: str, amount: int) -> Add:
    key = {"period": period, "kind": kind, "tender": tender}
    return Add("till_total", key, {"count": 1, "amount": amount})


def _totals(period: str, kind: str, payments: Iterable[Payment], sign: int) -> Iterator[Change]:
    for payment in payments:
        yield _total(period, kind, payment.tender, sign * payment.amount)


def _total_sale(entry: Entry) -> Iterator[Change]:
    yield from _totals(entry.body.period, SALE, entry.body.payments, 1)


def _total_reversal(entry: Entry) -> Iterator[Change]:
    yield from _totals(entry.body.period, REVERSAL, entry.body.payments, -1)


def _total_topup(entry: Entry) -> Iterator[Change]:
    yield from _totals(entry.body.period, TOPUP, entry.body.payments, 1)


def _total_cash(entry: Entry) -> Iterator[Change]:
    body: CashMoved = entry.body
    kind = CASH_IN if body.amount > 0 else CASH_OUT
    yield _total(body.period, kind, "cash", body.amount)
    yield Append(
        "cash_move",
        {
            "id": body.move,
            "period": body.period,
            "amount": body.amount,
            "reason": body.reason,
            "at": entry.event.at,
            "actor": entry.event.actor,
        },
    )


def _count_drawer(entry: Entry) -> Iterator[Change]:
    yield _total(entry.body.period, "no_sale", "drawer", 0)


def _open(entry: Entry) -> Iterator[Change]:
    body: PeriodOpened = entry.body
    event = entry.event
    yield Put(
        "till_period",
        {"id": body.period},
        {
            "till": body.till,
            "store": event.store,
            "state": "open",
            "cashier": event.actor,
            "date": event.date,
            "opened_at": event.at,
            "float_cents": body.float_cents,
            "closed_at": None,
            "z_number": None,
            "counted": None,
            "expected": None,
        },
        stamp_of(event),
    )


def _close(entry: Entry) -> Iterator[Change]:
    body: PeriodClosed = entry.body
    event = entry.event
    yield Put(
        "till_period",
        {"id": body.period},
        {
            "state": "closed",
            "closed_at": event.at,
            "z_number": body.z_number,
            "counted": body.counted,
            "expected": body.expected,
        },
        stamp_of(event),
    )


def _record_report(entry: Entry) -> Iterator[Change]:
    body: PeriodClosed = entry.body
    event = entry.event
    yield Append(
        "z_report",
        {
            "period": body.period,
            "note": body.difference_note,
            "exceptions": msgspec.json.encode(body.exceptions).decode(),
            "origin": event.origin,
            "epoch": event.epoch,
            "seq": event.seq,
        },
    )


def _nothing(_entry: Entry) -> tuple[()]:
    return ()


PART = Part(
    name="till",
    migrations=(
        Migration(
            "till/1",
            (
                """CREATE TABLE till_period (
                     id TEXT PRIMARY KEY,
                     till TEXT NOT NULL,
                     store TEXT NOT NULL,
                     state TEXT NOT NULL CHECK (state IN ('open', 'closed')),
                     cashier TEXT,
                     date TEXT NOT NULL,
                     opened_at INTEGER NOT NULL,
                     float_cents INTEGER NOT NULL CHECK (float_cents >= 0),
                     closed_at INTEGER,
                     z_number INTEGER,
                     counted INTEGER,
                     expected INTEGER,
                     stamps TEXT NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                """CREATE UNIQUE INDEX till_open ON till_period (store, till)
                    WHERE state = 'open'""",
                "CREATE UNIQUE INDEX till_z ON till_period (store, z_number)",
                """CREATE TABLE till_total (
                     period TEXT NOT NULL,
                     kind TEXT NOT NULL,
                     tender TEXT NOT NULL,
                     count INTEGER NOT NULL,
                     amount INTEGER NOT NULL,
                     PRIMARY KEY (period, kind, tender)
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE cash_move (
                     id TEXT PRIMARY KEY, period TEXT NOT NULL, amount INTEGER NOT NULL,
                     reason TEXT NOT NULL, at INTEGER NOT NULL, actor TEXT
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
        Migration(
            "till/2",
            (
                # What stood on the report when it was printed; asked again later, some of it
                # would have another answer.
                """CREATE TABLE z_report (
                     period TEXT PRIMARY KEY, note TEXT NOT NULL, exceptions TEXT NOT NULL,
                     origin TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
        Migration(
            "till/3",
            (
                # A box that was lost leaves its till open, and the box that follows it in the
                # store counts its reports from 1 again: at head office both are true. That a
                # box opens a till once and counts on is for its own verbs, which look first.
                "DROP INDEX till_open",
                "DROP INDEX till_z",
                "CREATE INDEX till_open ON till_period (store, till) WHERE state = 'open'",
                "CREATE INDEX till_z ON till_period (store, z_number)",
            ),
        ),
    ),
    tables={
        "till_period": ("id",),
        "till_total": ("period", "kind", "tender"),
        "cash_move": ("id",),
        "z_report": ("period",),
    },
    now={PeriodOpened: _open, PeriodClosed: _close, ReceiptReprinted: _nothing},
    later={
        TicketSettled: _total_sale,
        TicketReversed: _total_reversal,
        TicketPartReversed: _total_reversal,
        ToppedUp: _total_topup,
        CashMoved: _total_cash,
        DrawerOpened: _count_drawer,
        PeriodClosed: _record_report,
    },
    refusals={
        "no_period": Refusal(409, N_("还没有开班，请先开班并点入备用金")),
        "period_open": Refusal(409, N_("这个收银台已经开班（%(cashier)s）")),
        "payments_differ": Refusal(422, N_("各项付款合计 ¥%(paid)s，应收 ¥%(due)s，不一致")),
        "tender_unknown": Refusal(422, N_("没有“%(tender)s”这种付款方式")),
        "amount_wrong": Refusal(422, N_("金额“%(amount)s”不对，请重输")),
        "tendered_short": Refusal(422, N_("实收 ¥%(tendered)s 少于现金应收 ¥%(due)s")),
        "no_member_to_charge": Refusal(422, N_("散客不能用储值付款，请先选会员")),
    },
)
