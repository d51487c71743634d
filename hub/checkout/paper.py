"""Receipts into the spool: the original with its money, and copies that say so."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import msgspec

from core.errors import Refused
from core.journal import Act, Body, Event, drain, kind_of
from core.sqlite import Row, Writer
from core.staff import require
from core.tickets import TicketPartReversed, TicketReversed, TicketSettled
from core.tickets import sale as find_sale
from core.till import ReceiptReprinted
from core.wallet import ToppedUp
from core.web import gettext as _
from core.wire import receipt_code
from hub.attempts import Answer
from hub.checkout import sql
from hub.checkout.passes import passes_paid
from hub.devices import QR_BYTES_MAX, Document, spool, was_printed
from hub.receipts import (
    Left,
    PassLeft,
    Printed,
    Proof,
    newest,
    printed,
    proof,
    reversal_receipt,
    sale_receipt,
    topup_receipt,
)
from hub.wallet import held_passes, left_after, lies_in_several_places, passes_after

Fact = TypeVar("Fact", bound=Body)


def print_sale(tx: Writer, act: Act, sale: TicketSettled, *, left: Left | None) -> str:
    """Spool the receipt of a bill that was settled just now; return the print job."""
    document = sale_receipt(sale, _about(tx, act, sale.member, left, payer=sale.payer))
    return spool(tx, act, document, kind="receipt", subject=sale.ticket)


def print_reversal(tx: Writer, act: Act, reversal: TicketReversed, *, left: Left | None) -> str:
    """Spool the receipt of a reversal that was booked just now; return the print job."""
    about = _about(tx, act, reversal.member, left, payer=reversal.payer)
    document = reversal_receipt(reversal, about)
    return spool(tx, act, document, kind="receipt", subject=reversal.reversal)


def print_topup(tx: Writer, act: Act, topup: ToppedUp, *, left: Left | None) -> str:
    """Spool the receipt of a top-up that was booked just now; return the print job."""
    proven = newest(tx, act)
    about = printed(tx, proven, member=topup.member, left=left)
    document = topup_receipt(topup, replace(about, code=_code(act, proven)))
    return spool(tx, act, document, kind="receipt", subject=topup.topup)


def _code(act: Act, proven: Proof) -> str:
    """Return a top-up as a code that head office counts if this box dies before it has sent it.

    Empty for a shop on its own, for another box's fact, and for one that no code holds.
    """
    me, event, sign = act.journal.identity, proven.event, act.journal.sign
    if sign is None or (event.origin, event.epoch) != (me.origin, me.epoch):
        return ""
    if kind_of(event) != "wallet.topped_up":
        return ""
    code = receipt_code(proven.raw, sign)
    return code if len(code) <= QR_BYTES_MAX else ""


def reprint(
    tx: Writer, act: Act, *, sale: str | None = None, topup: str | None = None
) -> Answer:
    """Spool the receipt of a bill, a reversal or a top-up; after the first one, a copy.

    A copy is written down. It says what the original said, also of the balance here, and is
    marked as a copy; what lay elsewhere then is not kept, so it says nothing of that. The
    drawer stays shut.
    Refused: not_settled, no_topup; of a copy also not_logged_in, not_allowed.
    """
    assert (sale is None) != (topup is None), "one receipt at a time"
    subject = sale or topup or ""
    # Where receipts are printed on request only, the first one is no copy.
    is_copy = was_printed(tx, subject)
    if is_copy and act.actor is not None:
        require(tx, act.actor, "sale.reprint")
    mark = _("补打") if is_copy else ""
    if sale is not None:
        number, document = sale_document(tx, act, sale, copy_mark=mark)
    else:
        number, document = topup_document(tx, act, subject, copy_mark=mark)
    if is_copy:
        act.append(tx, ReceiptReprinted(subject=subject, number=number))
    job = spool(tx, act, document, kind="receipt", subject=subject, is_copy=is_copy)
    return {"print_job": job, "number": number, "at_ms": act.at}


def sale_document(
    tx: Writer, act: Act, sale: str, *, copy_mark: str = ""
) -> tuple[str, Document]:
    """Return the number and the receipt of a settled bill, or of a reversal, as it was.

    `sale` is the bill's id or the reversal's. Refused: not_settled.
    """
    _catch_up(tx, act)
    row = find_sale(tx, sale)
    if row is None:
        raise Refused("not_settled")
    proven = _proof(tx, row)
    if row["sign"] > 0:
        settled = _body(proven, TicketSettled)
        about = _about_then(tx, act, proven, body=settled, copy_mark=copy_mark)
        return settled.number, sale_receipt(settled, about)
    # A part says so by its own tag.
    reversed_ = _body(proven, TicketPartReversed if row["part"] else TicketReversed)
    about = _about_then(tx, act, proven, body=reversed_, copy_mark=copy_mark)
    return reversed_.number, reversal_receipt(reversed_, about)


def topup_document(
    tx: Writer, act: Act, topup: str, *, copy_mark: str = ""
) -> tuple[str, Document]:
    """Return the number and the receipt of a top-up as it was. Refused: no_topup."""
    _catch_up(tx, act)
    row = sql.topup(tx, topup)
    if row is None:
        raise Refused("no_topup")
    proven = _proof(tx, row)
    booked = _body(proven, ToppedUp)
    about = _about_then(tx, act, proven, body=booked, copy_mark=copy_mark)
    return booked.number, topup_receipt(booked, replace(about, code=_code(act, proven)))


def _about(
    tx: Writer, act: Act, member: str | None, left: Left | None, *, payer: str = ""
) -> Printed:
    return printed(tx, newest(tx, act), member=member, payer=payer, left=left)


def _about_then(
    tx: Writer,
    act: Act,
    proven: Proof,
    *,
    body: TicketSettled | TicketReversed | ToppedUp,
    copy_mark: str,
) -> Printed:
    event = proven.event
    payer = "" if isinstance(body, ToppedUp) else body.payer
    account = payer or body.member
    # What a member held at another box then is not known here, so its copy says nothing of it.
    here = event.origin == act.journal.identity.origin
    left = None
    if account and here:
        if isinstance(body, ToppedUp):
            about = [(one.asset, one.lot) for one in body.passes]
        else:
            about = passes_paid(body.payments)
        left = _left_then(tx, act, event, account, about)
    return printed(tx, proven, member=body.member, payer=payer, left=left, copy_mark=copy_mark)


def _left_then(
    tx: Writer, act: Act, event: Event, member: str, about: list[tuple[str, str]]
) -> Left:
    principal, bonus, points = left_after(tx, act, member, epoch=event.epoch, seq=event.seq)
    spread = lies_in_several_places(tx, act, member)
    held = passes_after(tx, member, origin=event.origin, epoch=event.epoch, seq=event.seq)
    passes = held_passes(tx, act, member, used=about) if about else ()
    return Left(
        principal=principal,
        bonus=bonus,
        points=points,
        elsewhere=None if spread else 0,
        passes=tuple(
            PassLeft(
                asset=one.lot.asset,
                lot=one.lot.lot,
                name=one.lot.name,
                here=held.get(one.lot.lot, 0),
                opened=one.lot.units,
                elsewhere=None if spread else 0,
                expires=one.lot.expires,
            )
            for one in passes
            if (one.lot.asset, one.lot.lot) in about
        ),
    )


def _proof(tx: Writer, row: Row) -> Proof:
    return proof(tx, origin=row["origin"], epoch=row["epoch"], seq=row["seq"])


def _body(proven: Proof, kind: type[Fact]) -> Fact:
    return msgspec.json.decode(proven.event.body, type=kind)


def _catch_up(tx: Writer, act: Act) -> None:
    while drain(tx, act.journal.parts):
        pass
