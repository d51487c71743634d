"""The part of an offer's form that says which visits or minutes it gives, and for what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.catalog import PASSES_MAX, UNLIMITED, OfferedPass, all_categories, wanted_items
from core.catalog import Wanted as WantedItems
from core.money import Cents, split
from core.sqlite import Reader
from core.web import Form, typed_yuan
from core.web import gettext as _


def pass_choices(db: Reader) -> dict[str, Any]:
    """Return what a pass can be good for: services, and headings; and its `rows` in a form."""
    services = wanted_items(db, WantedItems(kind="service"))
    return {"services": services, "headings": all_categories(db), "rows": rows_of}


def fill_passes(form: Form, passes: Iterable[OfferedPass]) -> None:
    """Put passes into the form's rows, the first under 1."""
    for number, one in enumerate(passes, 1):
        endless = one.units == UNLIMITED
        form.typed[f"pass_asset_{number}"] = one.asset
        form.typed[f"pass_units_{number}"] = "" if endless else str(one.units)
        form.typed[f"pass_endless_{number}"] = "1" if endless else ""
        form.typed[f"pass_paid_{number}"] = typed_yuan(one.paid)
        form.typed[f"pass_name_{number}"] = one.name
        form.typed.setlist(f"pass_items_{number}", list(one.items))
        form.typed.setlist(f"pass_categories_{number}", list(one.categories))


def rows_of(form: Form) -> range:
    """Return the numbers of the rows to show: those in use, and an empty one."""
    used = [number for number in range(1, PASSES_MAX + 1) if _is_used(form, number)]
    return range(1, min(PASSES_MAX, max(used, default=0) + 1) + 1)


def typed_passes(form: Form, price: int) -> list[dict[str, Any]]:
    """Return the passes that were typed; each fault stands at its field.

    What of the `price` (fen) no row claims is shared among the rows that name no sum.
    """
    if form.text("kind") != "pass":
        return []
    numbers = [number for number in rows_of(form) if _is_used(form, number)]
    if not numbers:
        form.errors.setdefault("pass_units_1", _("请填写次数或分钟"))
    passes = [_typed_pass(form, number) for number in numbers]
    open_rows = [one for one in passes if one["paid"] is None]
    left = max(0, price - sum(one["paid"] or 0 for one in passes))
    shares = split(Cents(left), [1] * len(open_rows)) if open_rows else []
    for one, part in zip(open_rows, shares, strict=True):
        one["paid"] = part
    return passes


def _typed_pass(form: Form, number: int) -> dict[str, Any]:
    asset = form.text(f"pass_asset_{number}") or "punches"
    endless = asset == "punches" and form.is_on(f"pass_endless_{number}")
    units = UNLIMITED if endless else form.whole(f"pass_units_{number}")
    if endless and not form.text("term_days"):
        form.errors.setdefault("term_days", _("不限次的卡要填有效天数"))
    if not 0 < units <= UNLIMITED:
        form.errors.setdefault(f"pass_units_{number}", _("请填写次数或分钟"))
    return {
        "asset": asset,
        "units": max(1, min(units, UNLIMITED)),
        "paid": form.fen(f"pass_paid_{number}"),
        "name": form.text(f"pass_name_{number}")[:60],
        "items": form.many(f"pass_items_{number}"),
        "categories": form.many(f"pass_categories_{number}"),
    }


def _is_used(form: Form, number: int) -> bool:
    return bool(form.text(f"pass_units_{number}") or form.is_on(f"pass_endless_{number}"))
