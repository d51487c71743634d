"""The form of the rule by which points are earned, and what it would give."""

from __future__ import annotations

from core.errors import N_
from core.organisation import PointsRule
from core.wallet import Earning, earned, earned_by_topup
from core.web import Form, typed_yuan
from core.web import gettext as _

WEEKDAYS = (N_("周一"), N_("周二"), N_("周三"), N_("周四"), N_("周五"), N_("周六"), N_("周日"))
EARNS_ON_TOPUP, EARNS_ON_BALANCE, EARNS_ON_NEITHER = "topup", "balance", "neither"
TRY_SUGGESTED = 12_800
"""Fen that the page begins to try the rule with."""


def filled_rule(rule: PointsRule) -> Form:
    earns = EARNS_ON_TOPUP if rule.on_topup else EARNS_ON_NEITHER
    form = Form(
        {
            "per": typed_yuan(rule.per_cents),
            "points": str(rule.points),
            "earns": EARNS_ON_BALANCE if rule.on_stored_value else earns,
        }
    )
    form.typed.setlist("days", [str(day) for day in rule.double_weekdays])
    return form


def typed_rule(form: Form) -> PointsRule | None:
    """Return the rule that was typed, or None with each fault at its field."""
    form.required("per", "points")
    earns = form.text("earns")
    if earns not in {EARNS_ON_TOPUP, EARNS_ON_BALANCE, EARNS_ON_NEITHER}:
        form.errors["earns"] = _("请选择")
    days = form.many("days")
    rule = form.struct(
        PointsRule,
        {
            "per_cents": form.fen("per") or 0,
            "points": form.whole("points"),
            "on_stored_value": earns == EARNS_ON_BALANCE,
            "on_topup": earns == EARNS_ON_TOPUP,
            "double_weekdays": tuple(int(day) for day in days if day in set("0123456")),
        },
    )
    if "per_cents" in form.errors:
        form.errors.pop("per_cents")
        form.errors.setdefault("per", _("金额要大于零"))
    return rule


def tried_rule(form: Form, *, date: str) -> dict[str, object]:
    """Return what an amount would earn that day by the rule as it is typed."""
    tried = Form(form.typed)
    amount = tried.fen("try") if tried.text("try") else TRY_SUGGESTED
    rule = typed_rule(tried)
    if rule is None or amount is None or amount < 0:
        return {"tried": None, "try_amount": amount}
    return {
        "try_amount": amount,
        "tried": {
            "sale": earned(rule, [Earning(amount=amount)], date=date),
            "balance": earned(rule, [Earning(amount=amount, from_balance=amount)], date=date),
            "topup": earned_by_topup(rule, amount, date=date),
        },
    }
