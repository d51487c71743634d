"""Open bills as state, settled bills as history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from core.catalog import stock_change
from core.errors import N_, Refusal
from core.journal import Add, Append, Change, Entry, Event, Part, Put, stamp_of
from core.sqlite import Migration
from core.tickets.events import (
    LineAdded,
    LineChanged,
    LineStaffed,
    MemberSet,
    SoldLine,
    TicketOpened,
    TicketPartReversed,
    TicketReversed,
    TicketSettled,
    TicketVoided,
)
from core.tickets.family import TABLES as FAMILY_TABLES
from core.tickets.family import count_spent
from core.tickets.sending import PART as SENDING_PART
from core.wallet import Payment, lot_rows, renewed_lots


def _put(entry: Entry, **fields: object) -> Put:
    return Put("ticket", {"id": entry.body.ticket}, fields, stamp_of(entry.event))


def _open(entry: Entry) -> Iterator[Change]:
    body: TicketOpened = entry.body
    event = entry.event
    more = {} if body.payer is None else {"payer": body.payer}
    yield _put(
        entry,
        **more,
        number=body.number,
        state="open",
        member=body.member,
        version=1,
        store=event.store,
        date=event.date,
        opened_at=event.at,
        opened_by=event.actor,
        device=event.device,
        settled_at=None,
    )
    yield Add("ticket_number", {"store": event.store, "date": event.date}, {"issued": 1})


def _add_line(entry: Entry) -> Iterator[Change]:
    body: LineAdded = entry.body
    yield Put(
        "ticket_line",
        {"id": body.line},
        {
            "ticket": body.ticket,
            "position": body.version,
            "item": body.item,
            "code": body.code,
            "name": body.name,
            "kind": body.item_kind,
            "unit": body.unit,
            "quantity": body.quantity,
            "list_price": body.list_price,
            "member_price": body.member_price,
            "points_times": body.points_times,
            "staff": None,
        },
        stamp_of(entry.event),
    )
    yield _put(entry, version=body.version)


def _change_line(entry: Entry) -> Iterator[Change]:
    body: LineChanged = entry.body
    fields = {"quantity": body.quantity}
    yield Put("ticket_line", {"id": body.line}, fields, stamp_of(entry.event))
    yield _put(entry, version=body.version)


def _staff_line(entry: Entry) -> Iterator[Change]:
    body: LineStaffed = entry.body
    yield Put("ticket_line", {"id": body.line}, {"staff": body.staff}, stamp_of(entry.event))
    yield _put(entry, version=body.version)


def _set_member(entry: Entry) -> Iterator[Change]:
    body: MemberSet = entry.body
    told = {"payer": body.payer, "card": body.card}
    more = {name: value for name, value in told.items() if value is not None}
    yield _put(entry, member=body.member, version=body.version, **more)


def _void(entry: Entry) -> Iterator[Change]:
    yield _put(entry, state="void", version=entry.body.version, settled_at=entry.event.at)


def _settle(entry: Entry) -> Iterator[Change]:
    body: TicketSettled = entry.body
    yield _put(entry, state="settled", version=body.version, settled_at=entry.event.at)
    yield from _move_stock(entry.event, body.lines, -1)
    if body.payer and body.member:
        yield from count_spent(entry.event, member=body.member, payments=body.payments, sign=1)


def _reverse(entry: Entry) -> Iterator[Change]:
    body: TicketReversed = entry.body
    if not isinstance(body, TicketPartReversed) or body.closes:
        yield _put(entry, state="reversed")
    yield from _move_stock(entry.event, body.lines, 1)
    if body.payer and body.member:
        yield from count_spent(entry.event, member=body.member, payments=body.payments, sign=-1)
    if body.member is not None:
        account = body.payer or body.member
        yield from renewed_lots(account, body.renewed, opened_at=entry.event.at)
        yield from lot_rows(account, body.lots)


def _move_stock(event: Event, lines: tuple[SoldLine, ...], sign: int) -> Iterator[Change]:
    for line in lines:
        if line.kind == "product":
            yield stock_change(event.store, line.item, sign * line.quantity)


def _record_sale(entry: Entry) -> Iterator[Change]:
    body: TicketSettled = entry.body
    yield Append(
        "sale",
        {
            **_bill(entry.event),
            "id": body.ticket,
            "ticket": body.ticket,
            "number": body.number,
            "sign": 1,
            "member": body.member,
            "payer": body.payer,
            "period": body.period,
            "list_total": body.list_total,
            "total": body.total,
            "points": body.points,
            "reason": "",
        },
    )
    yield from _record_lines(body.ticket, body.lines)
    yield from _record_payments(body.ticket, body.payments)


def _record_reversal(entry: Entry) -> Iterator[Change]:
    body: TicketReversed = entry.body
    yield Append(
        "sale",
        {
            **_bill(entry.event),
            "id": body.reversal,
            "ticket": body.ticket,
            "number": body.number,
            "sign": -1,
            "member": body.member,
            "payer": body.payer,
            "period": body.period,
            "list_total": sum(line.list_price * line.quantity for line in body.lines),
            "total": body.total,
            "points": body.points,
            "reason": body.reason,
            "part": int(isinstance(body, TicketPartReversed)),
        },
    )
    yield from _record_lines(body.reversal, body.lines)
    yield from _record_payments(body.reversal, body.payments)


def _bill(event: Event) -> Mapping[str, object]:
    return {
        "at": event.at,
        "date": event.date,
        "store": event.store,
        "actor": event.actor,
        "seq": event.seq,
        "origin": event.origin,
        "epoch": event.epoch,
    }


def _record_lines(sale: str, lines: tuple[SoldLine, ...]) -> Iterator[Change]:
    for position, line in enumerate(lines):
        yield Append(
            "sale_line",
            {
                "sale": sale,
                "position": position,
                "item": line.item,
                "code": line.code,
                "name": line.name,
                "kind": line.kind,
                "unit": line.unit,
                "quantity": line.quantity,
                "list_price": line.list_price,
                "price": line.price,
                "amount": line.amount,
                "rule": line.rule,
                "staff": line.staff,
            },
        )


def _record_payments(sale: str, payments: tuple[Payment, ...]) -> Iterator[Change]:
    for position, payment in enumerate(payments):
        yield Append(
            "sale_payment",
            {
                "sale": sale,
                "position": position,
                "tender": payment.tender,
                "amount": payment.amount,
                "tendered": payment.tendered,
                "change": payment.change,
                "reference": payment.reference,
            },
        )


PART = Part(
    name="tickets",
    migrations=(
        Migration(
            "tickets/1",
            (
                """CREATE TABLE ticket (
                     id TEXT PRIMARY KEY,
                     number TEXT NOT NULL,
                     state TEXT NOT NULL
                       CHECK (state IN ('open', 'settled', 'void', 'reversed')),
                     member TEXT,
                     version INTEGER NOT NULL,
                     store TEXT NOT NULL,
                     date TEXT NOT NULL,
                     opened_at INTEGER NOT NULL,
                     opened_by TEXT,
                     device TEXT,
                     settled_at INTEGER,
                     stamps TEXT NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                "CREATE INDEX ticket_open ON ticket (opened_at) WHERE state = 'open'",
                """CREATE TABLE ticket_line (
                     id TEXT PRIMARY KEY,
                     ticket TEXT NOT NULL,
                     position INTEGER NOT NULL,
                     item TEXT NOT NULL,
                     code TEXT NOT NULL,
                     name TEXT NOT NULL,
                     kind TEXT NOT NULL,
                     unit TEXT NOT NULL,
                     quantity INTEGER NOT NULL CHECK (quantity >= 0),
                     list_price INTEGER NOT NULL CHECK (list_price >= 0),
                     member_price INTEGER,
                     points_times INTEGER NOT NULL,
                     staff TEXT,
                     stamps TEXT NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                "CREATE INDEX ticket_line_by_ticket ON ticket_line (ticket, position)",
                """CREATE TABLE ticket_number (
                     store TEXT NOT NULL, date TEXT NOT NULL, issued INTEGER NOT NULL,
                     PRIMARY KEY (store, date)
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE sale (
                     id TEXT PRIMARY KEY,
                     ticket TEXT NOT NULL,
                     number TEXT NOT NULL,
                     sign INTEGER NOT NULL CHECK (sign IN (-1, 1)),
                     member TEXT,
                     period TEXT NOT NULL,
                     list_total INTEGER NOT NULL,
                     total INTEGER NOT NULL,
                     points INTEGER NOT NULL,
                     reason TEXT NOT NULL,
                     at INTEGER NOT NULL,
                     date TEXT NOT NULL,
                     store TEXT NOT NULL,
                     actor TEXT,
                     origin TEXT NOT NULL,
                     epoch INTEGER NOT NULL,
                     seq INTEGER NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                "CREATE INDEX sale_by_date ON sale (date, at)",
                "CREATE INDEX sale_by_member ON sale (member, at)",
                """CREATE TABLE sale_line (
                     sale TEXT NOT NULL,
                     position INTEGER NOT NULL,
                     item TEXT NOT NULL,
                     code TEXT NOT NULL,
                     name TEXT NOT NULL,
                     kind TEXT NOT NULL,
                     unit TEXT NOT NULL,
                     quantity INTEGER NOT NULL,
                     list_price INTEGER NOT NULL,
                     price INTEGER NOT NULL,
                     amount INTEGER NOT NULL,
                     rule TEXT NOT NULL,
                     staff TEXT,
                     PRIMARY KEY (sale, position)
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE sale_payment (
                     sale TEXT NOT NULL,
                     position INTEGER NOT NULL,
                     tender TEXT NOT NULL,
                     amount INTEGER NOT NULL,
                     tendered INTEGER NOT NULL,
                     change INTEGER NOT NULL,
                     reference TEXT NOT NULL,
                     PRIMARY KEY (sale, position)
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
        *SENDING_PART.migrations,
        Migration(
            "tickets/family",
            (
                "ALTER TABLE ticket ADD COLUMN payer TEXT NOT NULL DEFAULT ''",
                "ALTER TABLE ticket ADD COLUMN card TEXT NOT NULL DEFAULT ''",
                "ALTER TABLE sale ADD COLUMN payer TEXT NOT NULL DEFAULT ''",
                "CREATE INDEX sale_by_payer ON sale (payer, at) WHERE payer <> ''",
                *FAMILY_TABLES,
            ),
        ),
        Migration(
            "tickets/parts",
            (
                "ALTER TABLE sale ADD COLUMN part INTEGER NOT NULL DEFAULT 0",
                "CREATE INDEX sale_by_ticket ON sale (ticket) WHERE sign = -1",
            ),
        ),
    ),
    tables={
        "family_spent": ("member", "month", "place"),
        "ticket": ("id",),
        "ticket_line": ("id",),
        "ticket_number": ("store", "date"),
        "sale": ("id",),
        "sale_line": ("sale", "position"),
        "sale_payment": ("sale", "position"),
        **SENDING_PART.tables,
    },
    now={
        TicketOpened: _open,
        LineAdded: _add_line,
        LineChanged: _change_line,
        LineStaffed: _staff_line,
        MemberSet: _set_member,
        TicketVoided: _void,
        TicketSettled: _settle,
        TicketReversed: _reverse,
        TicketPartReversed: _reverse,
        **SENDING_PART.now,
    },
    later={
        TicketSettled: _record_sale,
        TicketReversed: _record_reversal,
        TicketPartReversed: _record_reversal,
    },
    refusals={
        "no_ticket": Refusal(404, N_("没有找到这张单")),
        "no_line": Refusal(404, N_("这一行已经不在单上")),
        "not_in_family": Refusal(409, N_("这位会员没有用别人的亲情账户")),
        "family_limit": Refusal(
            409,
            N_(
                "超出亲情额度：本月还可用 ¥%(left)s，这次要付 ¥%(needed)s；"
                "可用本人储值或其它方式付"
            ),
        ),
        "ticket_closed": Refusal(409, N_("这张单已经%(state)s，不能再改")),
        "return_nothing": Refusal(422, N_("还没有选要退的项目")),
        "return_beyond": Refusal(
            409, N_("“%(name)s”最多还能退 %(pieces)s 件、¥%(left)s，请核对")
        ),
        "return_split": Refusal(422, N_("各种退款方式合计要等于 ¥%(due)s，且不超过原来付的")),
        "stale_ticket": Refusal(409, N_("这张单刚在别处改过，请核对后再操作")),
        "quantity_wrong": Refusal(422, N_("数量应在 %(low)s 到 %(high)s 之间")),
        "too_many_lines": Refusal(409, N_("一张单最多 %(limit)s 行")),
    },
)
