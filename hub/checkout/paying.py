"""Money at the counter: taken or given back once, with its paper and its drawer.

The pages and the API call these verbs and no others, so neither can pay, print or allow
differently. A second try with the same key changes nothing and returns the first answer, with
`replayed` set.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.journal import Act
from core.organisation import settings
from core.sqlite import Writer
from core.tickets import TicketReversed
from core.till import Offered
from core.wallet import ByPass, Payment
from hub.attempts import Answer, once
from hub.checkout import paper
from hub.checkout.passes import passes_paid
from hub.checkout.reversing import Wanted, reverse, reverse_lines
from hub.checkout.service import settle
from hub.receipts import Left, PassLeft, returned
from hub.till import open_drawer, opens_drawer
from hub.wallet import Ahead, TopUp, balance, held_passes, top_up


def pay_ticket(  # noqa: PLR0913 - the hands of every verb, and a payment's five facts
    tx: Writer,
    act: Act,
    *,
    ticket: str,
    version: int,
    till: str,
    payments: tuple[Offered | ByPass, ...],
    key: str,
    ahead: Ahead | None = None,
) -> Answer:
    """Take payment for a bill, close it, print it, open the drawer for cash.

    Refused: what `settle` and `once` refuse.
    """

    def run() -> Answer:
        sale = settle(
            tx,
            act,
            ticket=ticket,
            version=version,
            till=till,
            payments=payments,
            ahead=ahead,
        ).sale
        left = _left(tx, act, sale.payer or sale.member, used=passes_paid(sale.payments))
        job = paper.print_sale(tx, act, sale, left=left) if _prints(tx) else None
        _open_drawer(tx, act, sale.payments, subject=ticket)
        return {
            "ticket": ticket,
            "number": sale.number,
            "member": sale.member,
            "payer": sale.payer or None,
            "list_total_cents": sale.list_total,
            "total_cents": sale.total,
            "points": sale.points,
            **_outcome(tx, act, left, sale.payments),
            "print_job": job,
        }

    content: list[object] = [ticket, version, till, payments]
    if ahead is not None:
        content.append(ahead.amount)
    return once(tx, act, key=key, verb="ticket.settle", content=content, run=run)


def pay_topup(tx: Writer, act: Act, wanted: TopUp, *, till: str, key: str) -> Answer:
    """Take money into a member's wallet, print it, open the drawer for cash.

    Refused: what `top_up` and `once` refuse.
    """

    def run() -> Answer:
        booked = top_up(tx, act, wanted, topup=act.new_id(), till=till)
        left = _left(tx, act, booked.member, used=[(p.asset, p.lot) for p in booked.passes])
        job = paper.print_topup(tx, act, booked, left=left) if _prints(tx) else None
        _open_drawer(tx, act, booked.payments, subject=booked.topup)
        return {
            "topup": booked.topup,
            "number": booked.number,
            "member": booked.member,
            "offer_name": booked.offer_name,
            "card": booked.card,
            "total_cents": booked.price,
            "principal_cents": booked.principal,
            "bonus_cents": booked.bonus,
            "points": booked.points,
            "expires": booked.expires,
            **_outcome(tx, act, left, booked.payments),
            "print_job": job,
        }

    content = [wanted, till]
    return once(tx, act, key=key, verb="wallet.top_up", content=content, run=run)


def reverse_ticket(
    tx: Writer, act: Act, *, ticket: str, till: str, reason: str, key: str
) -> Answer:
    """Answer a settled bill by its opposite, print that, open the drawer for cash.

    Refused: what `reverse` and `once` refuse.
    """

    def run() -> Answer:
        back = reverse(tx, act, ticket=ticket, reversal=act.new_id(), till=till, reason=reason)
        return _reversed(tx, act, back)

    content = [ticket, till, reason]
    return once(tx, act, key=key, verb="ticket.reverse", content=content, run=run)


def reverse_ticket_lines(  # noqa: PLR0913 - as above, and what is to go back
    tx: Writer, act: Act, *, ticket: str, till: str, reason: str, key: str, wanted: Wanted
) -> Answer:
    """Answer some lines of a settled bill by their opposite, print that, open the drawer.

    Refused: what `reverse_lines` and `once` refuse.
    """

    def run() -> Answer:
        back = reverse_lines(
            tx,
            act,
            ticket=ticket,
            reversal=act.new_id(),
            till=till,
            reason=reason,
            wanted=wanted,
        )
        return {**_reversed(tx, act, back), "closes": back.closes}

    content = [ticket, till, reason, wanted.lines, sorted(wanted.by_tender.items())]
    return once(tx, act, key=key, verb="ticket.reverse_lines", content=content, run=run)


def _reversed(tx: Writer, act: Act, back: TicketReversed) -> Answer:
    """Print a reversal that was booked just now, open the drawer and say what became of it."""
    left = _left(tx, act, back.payer or back.member, used=passes_paid(back.payments))
    job = paper.print_reversal(tx, act, back, left=left) if _prints(tx) else None
    _open_drawer(tx, act, back.payments, subject=back.reversal)
    return {
        "ticket": back.ticket,
        "reversal": back.reversal,
        "number": back.number,
        "member": back.member,
        "payer": back.payer or None,
        "total_cents": back.total,
        "points": back.points,
        "points_short": back.points_short,
        **_outcome(tx, act, left, tuple(returned(back.payments))),
        "print_job": job,
    }


def payment_facts(payments: Iterable[Payment]) -> list[dict[str, Any]]:
    """Return payments as plain facts, in fen."""
    return [
        {
            "tender": payment.tender,
            "amount_cents": payment.amount,
            "tendered_cents": payment.tendered,
            "change_cents": payment.change,
            "bonus_cents": sum(
                amount for asset, _lot, amount in payment.legs if asset == "bonus"
            ),
            "reference": payment.reference,
            "line": payment.line,
            "units": sum(
                amount for asset, _lot, amount in payment.legs if asset == payment.tender
            ),
        }
        for payment in payments
    ]


def _left(
    tx: Writer, act: Act, member: str | None, *, used: Iterable[tuple[str, str]] = ()
) -> Left | None:
    """Return what the member has now: asked once, told on paper and in the answer.

    Of passes those that were `used` or bought, as (asset, lot).
    """
    if member is None:
        return None
    held, about = balance(tx, act, member), list(used)
    passes = held_passes(tx, act, member, used=about) if about else ()
    return Left(
        principal=held.principal,
        bonus=held.bonus,
        points=held.points,
        elsewhere=held.elsewhere,
        points_elsewhere=held.points_elsewhere,
        passes=tuple(
            PassLeft(
                asset=one.lot.asset,
                lot=one.lot.lot,
                name=one.lot.name,
                here=one.here,
                opened=one.lot.units,
                elsewhere=one.elsewhere,
                expires=one.lot.expires,
            )
            for one in passes
            if (one.lot.asset, one.lot.lot) in about
        ),
    )


def _left_facts(left: Left) -> dict[str, Any]:
    return {
        "principal_cents": left.principal,
        "bonus_cents": left.bonus,
        "points": left.points,
        "elsewhere_cents": left.elsewhere or 0,
        "passes": [
            {
                "lot": one.lot,
                "asset": one.asset,
                "name": one.name,
                "here": one.here,
                "total": one.here + (one.elsewhere or 0),
                "expires": one.expires,
            }
            for one in left.passes
        ],
    }


def _outcome(
    tx: Writer, act: Act, left: Left | None, payments: tuple[Payment, ...]
) -> dict[str, Any]:
    """Return what every answer ends with: tenders, change, what is left, where it is proved."""
    head = act.journal.head(tx)
    return {
        "payments": payment_facts(payments),
        "change_cents": sum(payment.change for payment in payments),
        "left": None if left is None else _left_facts(left),
        "at_ms": head.at,
        "head": head.short,
    }


def _prints(tx: Writer) -> bool:
    return settings(tx).receipt_auto_print


def _open_drawer(tx: Writer, act: Act, payments: tuple[Payment, ...], *, subject: str) -> None:
    if opens_drawer(tx, [payment.tender for payment in payments]):
        open_drawer(tx, act, subject=subject)
