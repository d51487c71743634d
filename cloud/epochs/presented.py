"""A top-up that died with its box and comes back on paper.

Its receipt carries the event, signed by the box's key. Where the box's epoch is closed and the
event never came, what was topped up is put into the member's pool, at the merchant's risk until
the event itself turns up: then the merchant has it back, and it counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import msgspec

from cloud.epochs.histories import stream_of
from cloud.epochs.voiding import ClosedPlace, settle_pool
from cloud.platform import Epoch, Reason, epochs_of, find_hub
from core.errors import N_, Refusal, Refused
from core.journal import Act, Append, Body, Change, Entry, Event, decode, kind_of, place_of
from core.sqlite import Migration, Reader, Writer
from core.wallet import (
    CLOUD,
    PASSES,
    STORED_VALUE,
    Asset,
    Funded,
    Leg,
    Legs,
    Lot,
    ToppedUp,
    book_risk,
    fund,
    lot_rows,
    minted_beyond,
    parse_member_account,
    waits_for_right,
    written_legs,
)
from core.wire import BadCode, ReceiptCode, read_receipt_code

PRESENTED = "presented"
WHY_NOT = {
    "receipt_code_bad": Refusal(422, N_("这不是本商户小票上的码，或没有扫全，请再扫一次")),
    "receipt_box_lives": Refusal(
        409, N_("这家店的主机还在用，等它联网就会补上，不用补记；主机确实坏了，先在总部换主机")
    ),
    "receipt_box_stolen": Refusal(409, N_("这台主机报了失窃，它的小票不能补记，请按更正办理")),
    "receipt_counted": Refusal(409, N_("这笔充值 %(number)s 已经在账上，不用补记")),
    "receipt_member_unknown": Refusal(
        409, N_("这位会员只在坏掉的主机上登记过；请先登记，再用更正补上 ¥%(price)s")
    ),
}


class Presented(Body, frozen=True, kw_only=True, tag="wallet.presented"):
    """A member showed the receipt of a top-up that a lost box took and head office never got.

    `event` is what the box wrote as number `seq` of an epoch that is closed; `legs` are put
    into the member's pool for it.
    """

    member: str
    hub: str
    hub_epoch: int
    seq: int
    event: str
    topup: str
    number: str
    price: int
    legs: Legs
    lots: tuple[Lot, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A receipt's fact, vouched for by its box's key."""

    epoch: Epoch
    event: Event
    raw: bytes
    topup: ToppedUp


def read_shown(shared: Reader, text: str, *, merchant: str) -> Shown:
    """Read what stands in a code. Refused: receipt_code_bad."""
    try:
        code = read_receipt_code(text)
        event = decode(code.event)
        if kind_of(event) != "wallet.topped_up":
            raise Refused("receipt_code_bad")
        topup = msgspec.json.decode(event.body, type=ToppedUp)
    except (BadCode, msgspec.MsgspecError) as error:
        raise Refused("receipt_code_bad") from error
    epoch = _epoch(shared, event, code, merchant=merchant)
    if epoch is None:
        raise Refused("receipt_code_bad")
    return Shown(epoch=epoch, event=event, raw=code.event, topup=topup)


def _epoch(shared: Reader, event: Event, code: ReceiptCode, *, merchant: str) -> Epoch | None:
    hub = find_hub(shared, event.origin)
    if hub is None or hub.merchant != merchant:
        return None
    for epoch in epochs_of(shared, event.origin):
        if epoch.epoch == event.epoch:
            return epoch if stream_of(epoch).check(code.signed, code.signature) else None
    return None


def check_shown(db: Reader, shown: Shown) -> None:
    """Refuse a receipt that is not to be counted.

    Refused: receipt_box_lives, receipt_box_stolen, receipt_counted, receipt_member_unknown,
    receipt_code_bad.
    """
    epoch, event, topup = shown.epoch, shown.event, shown.topup
    if epoch.closed_at is None:
        raise Refused("receipt_box_lives")
    if epoch.limbo or epoch.closed_reason == Reason.STOLEN:
        # Who has its key can sign what he likes.
        raise Refused("receipt_box_stolen")
    if event.seq <= epoch.closed_seq or _is_counted(db, shown):
        raise Refused("receipt_counted", number=topup.number)
    if not db.value("SELECT 1 FROM member WHERE id = :id", id=topup.member):
        raise Refused("receipt_member_unknown", price_cents=topup.price)
    place = place_of(event.origin, event.epoch)
    if minted_beyond(event, place, left=_right_left(db, event, place)):
        # Its key signed it, and no box of ours would have written it: somebody has the key.
        raise Refused("receipt_code_bad")


def _right_left(db: Reader, event: Event, place: str) -> int | None:
    """Return what of its right a closed box had left beside what was counted from paper.

    None where there was no limit.
    """
    if not db.value("SELECT times FROM mint_bound WHERE place = :place", place=place):
        return 0 if waits_for_right(db, place) else None
    left = sum(
        db.value(
            f"SELECT SUM(amount) FROM {table} WHERE place = :place AND asset = :asset",  # noqa: S608 - two words of ours
            place=place,
            asset=Asset.MINT_RIGHT,
        )
        or 0
        for table in ("holding", "swept")
    )
    rows = db.all(
        "SELECT price, legs FROM presented WHERE hub = :hub AND hub_epoch = :epoch",
        hub=event.origin,
        epoch=event.epoch,
    )
    return left - sum(
        _right_for(row["price"], msgspec.json.decode(row["legs"], type=Legs)) for row in rows
    )


def _right_for(price: int, legs: Legs) -> int:
    """Return what of the right a top-up took: its value, and what was paid for its passes."""
    value = sum(amount for asset, _lot, amount in legs if asset in STORED_VALUE)
    principal = sum(amount for asset, _lot, amount in legs if asset == Asset.PRINCIPAL)
    has_passes = any(asset in PASSES for asset, _lot, _amount in legs)
    return value + (max(0, price - principal) if has_passes else 0)


def present(tx: Writer, act: Act, shown: Shown) -> Presented:
    """Count a top-up from its receipt. Refused: what `check_shown` refuses."""
    check_shown(tx, shown)
    event, topup = shown.event, shown.topup
    legs = _legs(event, topup.member)
    body = Presented(
        member=topup.member,
        hub=event.origin,
        hub_epoch=event.epoch,
        seq=event.seq,
        event=event.id,
        topup=topup.topup,
        number=topup.number,
        price=topup.price,
        legs=written_legs(legs),
        lots=_lots(event, topup),
    )
    act.append(tx, body, postings=fund(topup.member, CLOUD, legs=legs, taken=()))
    return body


def take_presented(tx: Writer, act: Act, closed: ClosedPlace, event: Event) -> None:
    """Give the merchant back what was put up for a receipt, now that its event has come."""
    row = tx.one("SELECT member, legs FROM presented WHERE event = :event", event=event.id)
    if row is None:
        return
    held = msgspec.json.decode(row["legs"], type=Legs)
    legs = [Leg(Asset(asset), lot, amount) for asset, lot, amount in held]
    body = Funded(
        member=row["member"],
        hub=closed.hub,
        hub_epoch=closed.epoch,
        taken=written_legs(legs),
        reason=PRESENTED,
        about=event.id,
        pooled=True,
    )
    act.append(tx, body, postings=fund(row["member"], CLOUD, legs=(), taken=legs))
    settle_pool(tx, act, closed, row["member"], reason=PRESENTED, about=event.id)


def _is_counted(db: Reader, shown: Shown) -> bool:
    event = shown.event
    if db.value("SELECT 1 FROM presented WHERE event = :event", event=event.id):
        return True
    rows = db.all(
        "SELECT raw FROM journal WHERE epoch = :epoch AND seq = :seq"
        " AND (origin = :hub OR origin IN (SELECT origin FROM branch WHERE writer = :hub))",
        epoch=event.epoch,
        seq=event.seq,
        hub=event.origin,
    )
    return any(row["raw"] == shown.raw for row in rows)


def _legs(event: Event, member: str) -> list[Leg]:
    """Return what a top-up put at its box's place for its member."""
    place = place_of(event.origin, event.epoch)
    return [
        Leg(Asset(posting.asset), posting.lot, posting.amount)
        for posting in event.postings
        if posting.amount > 0 and parse_member_account(posting.account) == (member, place)
    ]


def _lots(event: Event, topup: ToppedUp) -> tuple[Lot, ...]:
    """Return the lots as the event itself tells them, should it come after all."""
    if not topup.principal and not topup.bonus:
        return topup.passes
    own = Lot(
        lot=topup.lot,
        opened_at=event.at,
        paid=topup.price - sum(one.paid for one in topup.passes),
        principal=topup.principal,
        bonus=topup.bonus,
        expires=topup.expires,
        stores=topup.stores,
    )
    return (own, *topup.passes)


def _present(entry: Entry) -> Iterator[Change]:
    body: Presented = entry.body
    yield from lot_rows(body.member, body.lots)
    yield Append(
        "presented",
        {
            "event": body.event,
            "member": body.member,
            "hub": body.hub,
            "hub_epoch": body.hub_epoch,
            "number": body.number,
            "price": body.price,
            "legs": msgspec.json.encode(body.legs).decode(),
            "at": entry.event.at,
        },
    )
    yield from book_risk(
        entry,
        member=body.member,
        hub=body.hub,
        hub_epoch=body.hub_epoch,
        reason=PRESENTED,
        about=body.event,
    )


MIGRATION = Migration(
    "epochs/presented",
    (
        """CREATE TABLE presented (
             event TEXT PRIMARY KEY,
             member TEXT NOT NULL,
             hub TEXT NOT NULL,
             hub_epoch INTEGER NOT NULL,
             number TEXT NOT NULL,
             price INTEGER NOT NULL,
             legs TEXT NOT NULL,
             at INTEGER NOT NULL
           ) STRICT, WITHOUT ROWID""",
    ),
)
TABLES = {"presented": ("event",)}
NOW: dict[type[Body], Callable[[Entry], Iterable[Change]]] = {Presented: _present}
