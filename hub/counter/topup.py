"""Topping up: a package or an amount is chosen, the money taken, the booking shown.

One tender or several: the hub computes each step, and the browser keeps no sum.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
from flask import Blueprint, render_template, request, url_for

from core.catalog import offer_document, offers
from core.errors import Refused
from core.journal import Act
from core.organisation import Settings, Tender, settings
from core.pages import good_for, units_label
from core.sqlite import Reader, Row
from core.till import Offered
from core.wallet import Asset, ToppedUp
from core.web import (
    Form,
    fresh_id,
    fresh_read,
    go,
    permission,
    read,
    reading_act,
    show,
    typed_form,
    write,
)
from core.web import gettext as _
from hub.access import till
from hub.checkout import pay_topup, reprint
from hub.counter import sql
from hub.counter.words import ASSET_NAMES
from hub.devices import was_printed
from hub.members import member_of
from hub.receipts import proof, tender_label
from hub.till import find_open_period
from hub.wallet import Balance, Terms, TopUp, balance, correct, terms_of

pages = Blueprint("counter", __name__, template_folder="templates")

CASH = "cash"
PARTS_MAX = 6
FREE = "free"
FIELDS = {
    "tender_unknown": "tender",
    "payments_differ": "received",
    "tendered_short": "received",
    "card_malformed": "card",
    "card_is_phone": "card",
    "card_taken": "card",
    "card_of_staff": "card",
}
QUICK_NOTES = (100_00, 200_00, 500_00, 1000_00)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How far a top-up has come: what is sold, and what was taken for it."""

    offer: Row | None
    terms: Terms
    parts: list[Offered] = field(default_factory=list)

    @property
    def left(self) -> int:
        """Return the fen still to be taken."""
        return self.terms.price - sum(part.amount for part in self.parts)

    def wanted(self, member: str, card: str) -> TopUp:
        return TopUp(
            member=member,
            offer=self.offer["id"] if self.offer else None,
            amount=0 if self.offer else self.terms.price,
            card=card,
            payments=tuple(self.parts),
        )


@pages.get("/members/<member>/topup")
@permission("card.topup")
def top_up_page(member: str) -> Any:
    return _page(member, Form(request.args))


@pages.post("/members/<member>/topup")
@permission("card.topup")
def take(member: str) -> Any:
    """Take one tender's part; with the last one the top-up is booked, once."""
    form = typed_form()
    with read() as db:
        plan = _read_plan(db, reading_act(db), form)
        rules = settings(db)
    if plan is None or form.text("step") == "again":
        return _page(member, form)
    part = _entered(form, plan.left, rules) if plan.left else None
    if form.errors:
        return _page(member, form, status=422)
    if part is not None:
        plan.parts.append(part)
        form.typed.setlist("part", [_written(one) for one in plan.parts])
    if plan.left:
        # The rest is hardly ever paid the same way again.
        used = {one.tender for one in plan.parts}
        form.typed["tender"] = next((one.id for one in rules.tenders if one.id not in used), "")
        return _page(member, form)
    return _book(member, plan, form)


def _book(member: str, plan: Plan, form: Form) -> Any:
    wanted = plan.wanted(member, form.text("card"))
    with form.catching(**FIELDS):
        booked = write(
            lambda tx, act: pay_topup(tx, act, wanted, till=till(), key=form.text("key"))
        )
        return go(url_for("counter.topped_up", topup=booked["topup"], done="paid"))
    form.typed.setlist("part", [_written(one) for one in plan.parts[:-1]])
    return _page(member, form, status=422)


@pages.get("/members/topups/<topup>")
@permission("card.topup")
def topped_up(topup: str) -> str:
    with fresh_read() as db:
        row = sql.topup(db, topup)
        if row is None:
            raise Refused("no_topup")
        proven = proof(db, origin=row["origin"], epoch=row["epoch"], seq=row["seq"])
        rules = settings(db)
        return render_template(
            "counter/topped_up.html",
            topup=row,
            booked=msgspec.json.decode(proven.event.body, type=ToppedUp),
            head=proven.head,
            balance=balance(db, reading_act(db), row["member"]),
            printed=was_printed(db, topup),
            show_change=rules.show_change,
            tender_name=lambda tender: tender_label(tender, rules),
            units_label=units_label,
        )


@pages.post("/members/topups/<topup>/print")
@permission("sale.reprint")
def print_again(topup: str) -> Any:
    write(lambda tx, act: reprint(tx, act, topup=topup))
    return go(url_for("counter.topped_up", topup=topup, done="printed"))


@pages.get("/members/<member>/adjust")
@permission("card.adjust")
def adjust_page(member: str) -> Any:
    return _adjust_page(member, Form({"asset": Asset.PRINCIPAL, "way": "up"}))


@pages.post("/members/<member>/adjust")
@permission("card.adjust")
def adjust(member: str) -> Any:
    form = typed_form()
    form.required("amount")
    asset = form.text("asset")
    if asset not in set(Asset):
        form.errors["asset"] = _("请选择")
    size = form.whole("amount") if asset == Asset.POINTS else form.fen("amount") or 0
    amount = -size if form.text("way") == "down" else size
    if not form.errors:
        with form.catching(
            reason_missing="reason",
            amount_wrong="amount",
            adjust_below_zero="amount",
            points_below_zero="amount",
            mint_right_spent="amount",
        ):
            write(
                lambda tx, act: correct(
                    tx,
                    act,
                    member=member,
                    asset=Asset(asset),
                    amount=amount,
                    reason=form.text("reason"),
                    key=form.text("key"),
                )
            )
            return go(url_for("members.profile", member=member, done="adjusted"))
    return _adjust_page(member, form, status=422)


def _adjust_page(member: str, form: Form, *, status: int = 200) -> Any:
    with read() as db:
        return show(
            "counter/adjust.html",
            "counter/_adjust.html",
            status=status,
            member=member_of(db, member),
            balance=balance(db, reading_act(db), member),
            assets=ASSET_NAMES,
            form=form,
            key=form.text("key") or fresh_id(),
        )


def _page(member: str, form: Form, *, status: int = 200) -> Any:
    with read() as db:
        act = reading_act(db)
        row = member_of(db, member)
        if form.text("step") == "again":
            form.typed.setlist("part", [])
        held, rules = balance(db, act, member), settings(db)
        plan = _read_plan(db, act, form)
        return show(
            "counter/topup.html",
            "counter/_topup.html",
            status=status,
            member=row,
            balance=held,
            offers=offers(db, act.store),
            passes_of=lambda offer: offer_document(offer).passes,
            good_for=partial(good_for, db),
            plan=plan,
            form=form,
            key=form.text("key") or fresh_id(),
            tenders=rules.tenders,
            tender=_tender(form, rules),
            tender_name=lambda tender: tender_label(tender, rules),
            units_label=units_label,
            quick=_quick(plan.left) if plan else (),
            over=_over(plan, held, rules),
            limit=rules.topup_max_cents,
            shift_open=find_open_period(db, act.store, till()) is not None,
        )


def _read_plan(db: Reader, act: Act, form: Form) -> Plan | None:
    """Return what was chosen so far, or None before that."""
    chosen, amount = form.text("offer"), form.text("amount")
    if not chosen or (chosen == FREE and not amount.strip("0")):
        return None
    wanted = (
        TopUp(member="", amount=_fen(form, "amount"))
        if chosen == FREE
        else TopUp(member="", offer=chosen)
    )
    with form.catching(amount_wrong="amount"):
        terms = terms_of(db, act, wanted)
        found = next((row for row in offers(db, act.store) if row["id"] == chosen), None)
        return Plan(offer=found, terms=terms, parts=_parts(form))
    return None


def _entered(form: Form, left: int, rules: Settings) -> Offered | None:
    """Return what the keypad says by the chosen tender, no more than is left."""
    tender = _tender(form, rules)
    received = _fen(form, "received")
    if received <= 0:
        form.errors.setdefault("received", _("请输入金额"))
        return None
    if tender.gives_change:
        return Offered(tender=tender.id, amount=min(received, left), tendered=received)
    if received > left:
        form.errors.setdefault(
            "received", _("%(tender)s不能多收，请改金额", tender=_(tender.name))
        )
        return None
    return Offered(tender=tender.id, amount=received)


def _tender(form: Form, rules: Settings) -> Tender:
    return rules.tender(form.text("tender")) or rules.tenders[0]


def _written(part: Offered) -> str:
    """Write a part as the form carries it to the next step."""
    return (
        f"{part.tender}:{part.amount}:{part.amount if part.tendered is None else part.tendered}"
    )


def _parts(form: Form) -> list[Offered]:
    """Read the parts that were taken before; anything else than ours is left out."""
    parts = []
    for written in form.many("part")[:PARTS_MAX]:
        tender, _colon, sums = written.partition(":")
        amount, _colon, tendered = sums.partition(":")
        if amount.isdigit() and tendered.isdigit() and len(sums) < 24:
            parts.append(Offered(tender=tender, amount=int(amount), tendered=int(tendered)))
    return parts


def _fen(form: Form, name: str) -> int:
    """Return the fen that a keypad sends."""
    typed = form.text(name)
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 10):
        form.errors.setdefault(name, _("金额“%(amount)s”不对，请重输", amount=typed[:20]))
        return 0
    return int(typed)


def _quick(left: int) -> tuple[int, ...]:
    """Return round sums of banknotes that somebody may hand over for what is left."""
    rounded = {-(-left // note) * note for note in QUICK_NOTES}
    return tuple(sorted(rounded - {left}))[:3]


def _over(plan: Plan | None, held: Balance, rules: Settings) -> int:
    """Return the fen by which the balance would pass the limit of a card; 0 within it."""
    if plan is None:
        return 0
    after = held.living + plan.terms.principal + plan.terms.bonus
    return max(0, after - rules.topup_max_cents)
