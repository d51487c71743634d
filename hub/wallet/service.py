"""Filling a wallet at the counter, and correcting it by those who may."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date as calendar_date
from datetime import timedelta

from core.catalog import OfferedPass, passes_of
from core.catalog import offer as offer_for_sale
from core.errors import Refused
from core.journal import Act, Posting, place_of
from core.members import standing_for
from core.money import AMOUNT_MAX
from core.organisation import settings, store
from core.sqlite import Reader, Writer
from core.staff import require
from core.till import Offered, check_payments
from core.wallet import (
    CORRECTED,
    STORED_VALUE,
    Adjusted,
    Asset,
    Holding,
    Leg,
    Lot,
    ToppedUp,
    available,
    current_round,
    earned_by_topup,
    holdings,
    issue_within,
    outstanding,
    points_lot,
    points_order,
    spend_order,
    take,
    withdraw,
)
from hub.members import issue_card, member_of
from hub.till import require_period
from hub.wallet.elsewhere import elsewhere

REASON_CHARACTERS_MAX = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What a member has: `here` can be spent at this store now, also with the line cut.

    All in fen but points. `principal`, `bonus` and `points` are what is held here, ended lots
    included. `elsewhere` is stored value in other places or on its way; `total` is all of it.
    `living` is the stored value here in lots that have not ended.
    """

    here: int
    principal: int
    bonus: int
    points: int
    elsewhere: int = 0
    points_elsewhere: int = 0
    living: int

    @property
    def held(self) -> int:
        """Return the stored value that lies here, ended lots included."""
        return self.principal + self.bonus

    @property
    def total(self) -> int:
        return self.held + self.elsewhere

    @property
    def all_points(self) -> int:
        return self.points + self.points_elsewhere

    @property
    def left(self) -> tuple[int, int, int]:
        """Principal, bonus and points here, as they stand on paper."""
        return self.principal, self.bonus, self.points


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUp:
    """A top-up as the cashier entered it: an offer, or an amount of principal (fen)."""

    member: str
    offer: str | None = None
    amount: int = 0
    card: str = ""
    payments: tuple[Offered, ...] = ()


def balance(db: Reader, act: Act, member: str) -> Balance:
    """Return what a member has here, elsewhere and in all."""
    member = standing_for(db, member)
    there, here = elsewhere(db, act, member), act.journal.identity.place
    # What was laid out in this outage will be taken from there, and is the member's no more.
    owed, _whole = outstanding(db, here, current_round(db, here), member)
    held = holdings(db, member, here)
    sums = {asset: sum(h.amount for h in held if h.asset == asset) for asset in Asset}
    return Balance(
        here=available(held, store=act.store, date=act.date),
        principal=sums[Asset.PRINCIPAL],
        bonus=sums[Asset.BONUS],
        points=sums[Asset.POINTS],
        elsewhere=max(0, there.stored - owed),
        points_elsewhere=there.points,
        living=sum(
            h.amount for h in held if h.asset in STORED_VALUE and not h.ended(date=act.date)
        ),
    )


def left_after(
    db: Reader, act: Act, member: str, *, epoch: int, seq: int
) -> tuple[int, int, int]:
    """Return principal, bonus and points here after one event. Drain history first."""
    box = act.journal.identity.origin
    rows = db.all(
        """SELECT asset, SUM(amount) AS amount FROM movement
            WHERE member = :member AND place = :here
              AND origin = :origin AND epoch = :epoch AND seq <= :seq
            GROUP BY asset""",
        member=member,
        here=place_of(box, epoch),
        origin=box,
        epoch=epoch,
        seq=seq,
    )
    sums: dict[str, int] = {row["asset"]: row["amount"] for row in rows}
    return sums.get("principal", 0), sums.get("bonus", 0), sums.get("points", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a top-up costs and gives: fen, points, and until when and where it is spent."""

    name: str
    price: int
    principal: int
    bonus: int
    points: int
    expires: str | None
    stores: tuple[str, ...]
    passes: tuple[OfferedPass, ...] = ()


def terms_of(db: Reader, act: Act, wanted: TopUp) -> Terms:
    """Return what a top-up would cost and give today. Refused: item_gone, amount_wrong."""
    rules = settings(db)
    if wanted.offer is None:
        if not 0 < wanted.amount <= AMOUNT_MAX:
            raise Refused("amount_wrong", amount=str(wanted.amount))
        points = earned_by_topup(rules.points, wanted.amount, date=act.date)
        return Terms(
            name="",
            price=wanted.amount,
            principal=wanted.amount,
            bonus=0,
            points=points,
            expires=None,
            stores=(),
        )
    offer = offer_for_sale(db, wanted.offer)
    stores = tuple(offer["stores"].split())
    if stores and act.store not in stores:
        raise Refused("item_gone")
    days = offer["term_days"]
    last = calendar_date.fromisoformat(act.date) + timedelta(days=days) if days else None
    return Terms(
        name=offer["name"],
        price=offer["price"],
        principal=offer["principal"],
        bonus=offer["bonus"],
        expires=last.isoformat() if last else None,
        stores=stores,
        passes=passes_of(offer),
        points=offer["points"] + earned_by_topup(rules.points, offer["price"], date=act.date),
    )


def top_up(tx: Writer, act: Act, wanted: TopUp, *, topup: str, till: str) -> ToppedUp:
    """Take money into a member's wallet as one new lot; return what was booked.

    Refused: not_logged_in, not_allowed, over_limit, no_period, no_member, item_gone,
    amount_wrong, over_card_limit, mint_right_spent, what `check_payments` and `issue_card`
    refuse.
    """
    period = require_period(tx, act, till)
    wanted = replace(wanted, member=member_of(tx, wanted.member)["id"])
    rules = settings(tx)
    terms = terms_of(tx, act, wanted)
    require(tx, act.actor, "card.topup", amount=terms.price)
    payments = check_payments(wanted.payments, terms.price, rules, stored_value=False)
    held = balance(tx, act, wanted.member)
    # What has ended is no money anybody can spend, so it leaves room for new.
    after = held.living + held.elsewhere + terms.principal + terms.bonus
    if after > rules.topup_max_cents:
        limit = rules.topup_max_cents
        raise Refused("over_card_limit", balance_cents=after, limit_cents=limit)
    card = wanted.card and issue_card(tx, act, member=wanted.member, card=wanted.card)
    lot = act.new_id()
    booked = ToppedUp(
        topup=topup,
        number=_number(tx, act),
        member=wanted.member,
        lot=lot,
        offer=wanted.offer,
        offer_name=terms.name,
        price=terms.price,
        principal=terms.principal,
        bonus=terms.bonus,
        points=terms.points,
        period=period,
        payments=tuple(payments),
        card=card or None,
        expires=terms.expires,
        stores=terms.stores,
        passes=_opened(act, terms),
        points_lot=points_lot(rules.points, date=act.date),
    )
    legs = [
        Leg(Asset.PRINCIPAL, lot, terms.principal),
        Leg(Asset.BONUS, lot, terms.bonus),
        Leg(Asset.POINTS, booked.points_lot, terms.points),
    ]
    postings = _issued(tx, act, wanted.member, legs, passes=booked.passes)
    act.append(tx, booked, postings=postings)
    return booked


def adjust(
    tx: Writer, act: Act, *, member: str, asset: Asset, amount: int, reason: str
) -> None:
    """Correct a balance by a signed amount (fen, or points), with a reason that stays.

    A limit in fen also bounds points: nobody has to know what a point is worth.
    Refused: not_logged_in, not_allowed, over_limit, no_member, reason_missing, amount_wrong,
    adjust_below_zero, points_below_zero, mint_right_spent.
    """
    require(tx, act.actor, "card.adjust", amount=abs(amount))
    member = member_of(tx, member)["id"]
    reason = reason.strip()[:REASON_CHARACTERS_MAX]
    if not reason:
        raise Refused("reason_missing")
    if amount == 0 or abs(amount) > AMOUNT_MAX or asset not in CORRECTED:
        raise Refused("amount_wrong", amount=str(amount))
    if amount > 0:
        is_points = asset is Asset.POINTS
        rule = settings(tx).points
        lot = points_lot(rule, date=act.date) if is_points else act.new_id()
        legs = [Leg(asset, lot, amount)]
        postings = _issued(tx, act, member, legs)
    else:
        legs = _taken(tx, act, member=member, asset=asset, amount=-amount)
        lot = legs[0].lot
        postings = withdraw(member, act.journal.identity.place, legs)
    body = Adjusted(member=member, lot=lot, asset=asset.value, amount=amount, reason=reason)
    act.append(tx, body, postings=postings)


def _taken(tx: Writer, act: Act, *, member: str, asset: Asset, amount: int) -> list[Leg]:
    held = [h for h in holdings(tx, member, act.journal.identity.place) if h.asset is asset]
    ordered: list[Holding] = (
        spend_order(held, bonus_first=asset is Asset.BONUS)
        if asset in STORED_VALUE
        else points_order(held)
    )
    legs = take(ordered, amount)
    have = sum(h.amount for h in held)
    if have < amount:
        if asset is Asset.POINTS:
            raise Refused("points_below_zero", available=have, needed=amount)
        raise Refused("adjust_below_zero", available_cents=have, needed_cents=amount)
    return legs


def _issued(
    db: Reader, act: Act, member: str, legs: list[Leg], *, passes: Sequence[Lot] = ()
) -> list[Posting]:
    worth = [leg for leg in legs if leg.amount]
    return issue_within(db, member, act.journal.identity.place, worth, passes=passes)


def _opened(act: Act, terms: Terms) -> tuple[Lot, ...]:
    return tuple(
        Lot(
            lot=act.new_id(),
            opened_at=act.at,
            paid=one.paid,
            expires=terms.expires,
            stores=terms.stores,
            asset=one.asset,
            units=one.units,
            name=one.name or terms.name,
            items=one.items,
            categories=one.categories,
        )
        for one in terms.passes
    )


def _number(tx: Writer, act: Act) -> str:
    code = store(tx, act.store).code
    issued = tx.value(
        "SELECT issued FROM topup_number WHERE store = :store AND date = :date",
        store=act.store,
        date=act.date,
    )
    mark = act.journal.identity.mark
    return f"{code}-C{act.date[2:].replace('-', '')}-{(issued or 0) + 1:04}{mark}"
