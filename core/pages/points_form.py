"""The form of the rule by which points are earned, and what it would give."""

from __future__ import annotations

from core.errors import N_
from core.organisation import PointsRule
from core.wallet import Earning, earned, earned_by_topup, points_end, points_lot
from core.web import Form, typed_yuan
from core.web import gettext as _

WEEKDAYS = (N_("周一"), N_("周二"), N_("周三"), N_("周四"), N_("周五"), N_("周六"), N_("周日"))
EARNS_ON_TOPUP, EARNS_ON_BALANCE, EARNS_ON_NEITHER = "topup", "balance", "neither"
ENDS_BY_MONTHS, ENDS_WITH_A_YEAR = "months", "year"
MONTHS_USUAL, MONTHS_MAX, YEARS_MAX = 12, 120, 2
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
    form.typed["ends"] = rule.ends
    form.typed["months"] = str(rule.ends_after if rule.ends == ENDS_BY_MONTHS else MONTHS_USUAL)
    form.typed["years"] = str(rule.ends_after if rule.ends == ENDS_WITH_A_YEAR else 1)
    form.typed["over"] = "carry" if rule.carry_over else "end"
    return form


def typed_rule(form: Form) -> PointsRule | None:
    """Return the rule that was typed, or None with each fault at its field."""
    form.required("per", "points")
    earns = form.text("earns")
    if earns not in {EARNS_ON_TOPUP, EARNS_ON_BALANCE, EARNS_ON_NEITHER}:
        form.errors["earns"] = _("请选择")
    days, ends = form.many("days"), form.text("ends")
    if ends not in {"", ENDS_BY_MONTHS, ENDS_WITH_A_YEAR}:
        form.errors["ends"] = _("请选择")
    rule = form.struct(
        PointsRule,
        {
            "per_cents": form.fen("per") or 0,
            "points": form.whole("points"),
            "on_stored_value": earns == EARNS_ON_BALANCE,
            "on_topup": earns == EARNS_ON_TOPUP,
            "double_weekdays": tuple(int(day) for day in days if day in set("0123456")),
            "ends": ends,
            "ends_after": _typed_length(form, ends),
            "carry_over": form.text("over") == "carry",
        },
    )
    if "per_cents" in form.errors:
        form.errors.pop("per_cents")
        form.errors.setdefault("per", _("金额要大于零"))
    return rule


def _typed_length(form: Form, ends: str) -> int:
    """Return for how many months or years points count, of the choice that was made."""
    match ends:
        case "months":
            form.required("months")
            length = form.whole("months")
            if not 1 <= length <= MONTHS_MAX:
                text = _("应在 %(low)s 到 %(high)s 之间", low=1, high=MONTHS_MAX)
                form.errors.setdefault("months", text)
            return length
        case "year":
            return min(form.whole("years", default=1), YEARS_MAX)
        case _:
            return MONTHS_USUAL


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
            "last": points_end(points_lot(rule, date=date)),
        },
    }
