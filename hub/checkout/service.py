"""Settling a bill, and answering a settled one by its opposite."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from core.errors import N_, Refusal, Refused
from core.journal import Act, Event, Posting
from core.organisation import Settings, settings
from core.sqlite import Reader, Row, Writer
from core.tickets import SoldLine, TicketSettled
from core.till import STORED_VALUE, Offered, check_payments
from core.wallet import (
    Asset,
    ByPass,
    Earning,
    Leg,
    Payment,
    Use,
    available,
    earned,
    holdings,
    issue,
    plan_spend,
    points_lot,
    spend,
)
from hub.checkout.accounts import check_account
from hub.checkout.passes import payment_of, plan_uses
from hub.tickets import OpenTicket, account_of, read_ticket, require_open
from hub.till import require_period
from hub.wallet import Ahead, elsewhere, lay_out

REASON_CHARACTERS_MAX = 80

REFUSALS = {
    "empty_ticket": Refusal(409, N_("单上还没有项目")),
    "not_settled": Refusal(409, N_("这张单没有结账，或已经冲正")),
    "no_topup": Refusal(404, N_("没有找到这笔充值")),
    "block_list_old": Refusal(
        409,
        N_(
            "已超过 %(hours)s 小时没有联机，不知道有没有新挂失的卡：刷卡付储值最多 ¥%(limit)s。"
            "联机后再试，或核对本人后按手机号开单"
        ),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What was booked, with the event that proves it."""

    sale: TicketSettled
    event: Event


def settle(  # noqa: PLR0913 - the hands of every verb, and a payment's five facts
    tx: Writer,
    act: Act,
    *,
    ticket: str,
    version: int,
    till: str,
    payments: tuple[Offered | ByPass, ...],
    ahead: Ahead | None = None,
) -> Settled:
    """Take payment for a bill and close it.

    `version` is the bill as the cashier saw it. One event carries the whole sale: lines with
    list price and paid price, tenders, the lots that paid, points. The caller commits. `ahead`
    is what the cashier agreed to have laid out where not enough lies here.

    Refused: no_ticket, ticket_closed, stale_ticket, empty_ticket, no_period,
    no_member_to_charge, insufficient_balance, what `check_payments`, `plan_passes` and
    `lay_out` refuse.
    """
    found = read_ticket(tx, ticket)
    require_open(found.row)
    if found.version != version:
        raise Refused("stale_ticket")
    if not found.lines:
        raise Refused("empty_ticket")
    period = require_period(tx, act, till)
    rules = settings(tx)
    member: str | None = found.row["member"]
    account = account_of(tx, found.row)
    wishes = [one for one in payments if isinstance(one, ByPass)]
    if wishes:
        check_account(tx, act, found.row, wanted=0)
    uses = plan_uses(tx, act, found, wishes)
    offered = [one for one in payments if isinstance(one, Offered)]
    rest = found.bill.total - sum(use.cents for use in uses)
    paid = check_payments(offered, rest, rules, stored_value=True)
    if ahead is not None and account is not None:
        due = sum(p.amount for p in paid if p.tender == STORED_VALUE)
        lay_out(tx, act, member=account, due=due, ticket=ticket, ahead=ahead)
    paid, spent = _spend(tx, act, rules, ticket=found.row, payments=paid)
    points = 0
    if account:
        points = _points(found, rules, date=act.date, spent=spent, uses=uses)
    sale = TicketSettled(
        ticket=ticket,
        number=found.row["number"],
        version=version + 1,
        member=member,
        period=period,
        lines=_sold(found),
        list_total=found.bill.list_total,
        total=found.bill.total,
        payments=(*(payment_of(use) for use in uses), *paid),
        points=points,
        points_lot=points_lot(rules.points, date=act.date),
        payer=account if account and found.row["payer"] else "",
    )
    legs = [*spent, *(use.leg for use in uses)]
    event = act.append(tx, sale, postings=_postings(act, account, legs, sale))
    return Settled(sale=sale, event=event)


def suggest(db: Reader, act: Act, found: OpenTicket) -> int:
    """Return how many fen of the bill the member's balance here can pay."""
    account = account_of(db, found.row)
    if account is None:
        return 0
    held = holdings(db, account, act.journal.identity.place)
    return min(available(held, store=act.store, date=act.date), found.bill.total)


def _spend(
    tx: Writer, act: Act, rules: Settings, *, ticket: Row, payments: list[Payment]
) -> tuple[list[Payment], list[Leg]]:
    """Choose the lots behind the stored-value payments, as one spend."""
    wanted = sum(p.amount for p in payments if p.tender == STORED_VALUE)
    if not wanted:
        return payments, []
    account = check_account(tx, act, ticket, wanted=wanted)
    legs = plan_spend(
        holdings(tx, account, act.journal.identity.place),
        wanted,
        store=act.store,
        date=act.date,
        bonus_first=rules.spend_bonus_first,
        elsewhere=elsewhere(tx, act, account).stored,
    )
    stored = Payment(
        tender=STORED_VALUE,
        amount=wanted,
        legs=tuple((leg.asset.value, leg.lot, leg.amount) for leg in legs),
    )
    others = [p for p in payments if p.tender != STORED_VALUE]
    return [stored, *others], legs


def _points(
    found: OpenTicket, rules: Settings, *, date: str, spent: list[Leg], uses: list[Use]
) -> int:
    """Return what the bill earns; what the balance paid is shared over the lines first.

    A pass was paid for before, like a balance. A coupon was not: what it pays earns nothing.
    """
    by_pass: Counter[str] = Counter()
    off: Counter[str] = Counter()
    for use in uses:
        (off if use.asset is Asset.COUPONS else by_pass)[use.line] += use.cents
    from_balance, from_coupons = sum(leg.amount for leg in spent), off[""]
    earnings = []
    for line, priced in zip(found.lines, found.bill.lines, strict=True):
        amount = priced.amount - off[line["id"]]
        free = min(from_coupons, amount - by_pass[line["id"]])
        from_coupons, amount = from_coupons - free, amount - free
        before = by_pass[line["id"]]
        covered = min(from_balance, amount - before)
        from_balance -= covered
        earnings.append(
            Earning(amount=amount, from_balance=before + covered, times=line["points_times"])
        )
    return earned(rules.points, earnings, date=date)


def _sold(found: OpenTicket) -> tuple[SoldLine, ...]:
    return tuple(
        SoldLine(
            line=line["id"],
            item=line["item"],
            code=line["code"],
            name=line["name"],
            kind=line["kind"],
            unit=line["unit"],
            quantity=line["quantity"],
            list_price=line["list_price"],
            price=priced.price,
            amount=priced.amount,
            rule=priced.rule,
            points_times=line["points_times"],
            staff=line["staff"],
        )
        for line, priced in zip(found.lines, found.bill.lines, strict=True)
    )


def _postings(
    act: Act, member: str | None, spent: list[Leg], sale: TicketSettled
) -> list[Posting]:
    if member is None:
        return []
    place = act.journal.identity.place
    gained = [Leg(Asset.POINTS, sale.points_lot, sale.points)] if sale.points else []
    return [*spend(member, place, spent), *issue(member, place, gained)]
