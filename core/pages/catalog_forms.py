"""The catalogue's forms: from document to fields, and from what was typed to a document."""

from __future__ import annotations

from collections.abc import Mapping

from core.catalog import Category, Item, ItemKind, Offer, Wanted, all_categories
from core.errors import N_
from core.organisation import stores
from core.pages.pass_forms import fill_passes, typed_passes
from core.sqlite import Reader, Row
from core.web import Form, typed_yuan
from core.web import gettext as _

NEW = "new"
"""Stands in an address where the id of something known would."""

KIND_NAMES = {
    ItemKind.SERVICE: N_("服务"),
    ItemKind.PRODUCT: N_("商品"),
    ItemKind.OTHER: N_("其它"),
}
OFFER_KIND_NAMES = {"topup": N_("充值套餐"), "card": N_("会员卡"), "pass": N_("次卡或时长卡")}
COLOURS = range(8)


def wanted_of(asked: Mapping[str, str]) -> Wanted:
    """Return what a list of items is filtered by, from the page's address."""
    return Wanted(
        typed=asked.get("q", "").strip(),
        kind=asked.get("kind", ""),
        category=asked.get("category", ""),
        brand=asked.get("brand", ""),
        active=not asked.get("off"),
    )


def category_options(db: Reader) -> list[tuple[str, str]]:
    """Return the headings to choose from, as (id, name)."""
    return [("", _("不分类")), *((row["id"], row["name"]) for row in all_categories(db))]


def store_names(db: Reader) -> dict[str, str]:
    return {store_id: branch.name for store_id, branch in stores(db).items()}


def new_item_form() -> Form:
    return Form({"kind": "service", "unit": "次", "points_times": "1", "on_sale": "1"})


def filled_item(known: Item) -> Form:
    return Form(
        {
            "code": known.code,
            "name": known.name,
            "kind": known.kind.value,
            "category": known.category,
            "unit": known.unit,
            "price": typed_yuan(known.price),
            "member_price": typed_yuan(known.member_price),
            "barcode": known.barcode,
            "brand": known.brand,
            "note": known.note,
            "points_times": str(known.points_times),
            "minutes": str(known.minutes or ""),
            "sort": str(known.sort),
            "on_sale": "1" if known.active else "",
        }
    )


def typed_item(form: Form) -> Item | None:
    """Return the item that was typed, or None with each fault at its field."""
    form.required("code", "name", "price", "unit")
    content = {
        "code": form.text("code").upper(),
        "name": form.text("name"),
        "kind": form.text("kind"),
        "category": form.text("category"),
        "unit": form.text("unit"),
        "price": form.fen("price") or 0,
        "member_price": form.fen("member_price"),
        "barcode": form.text("barcode"),
        "brand": form.text("brand"),
        "note": form.text("note"),
        "points_times": form.whole("points_times", default=1),
        "minutes": form.whole("minutes"),
        "sort": form.whole("sort"),
        "active": form.is_on("on_sale"),
    }
    return form.struct(Item, content)


def filled_category(row: Row) -> Form:
    return Form({"name": row["name"], "colour": str(row["colour"]), "sort": str(row["sort"])})


def typed_category(form: Form) -> Category | None:
    """Return the heading that was typed, or None with each fault at its field."""
    form.required("name")
    content = {
        "name": form.text("name"),
        "colour": form.whole("colour"),
        "sort": form.whole("sort"),
    }
    return form.struct(Category, content)


def new_offer_form(kind: str) -> Form:
    return Form({"kind": kind, "on_sale": "1"})


def filled_offer(known: Offer) -> Form:
    form = Form(
        {
            "name": known.name,
            "kind": known.kind,
            "price": typed_yuan(known.price),
            "principal": typed_yuan(known.principal),
            "bonus": typed_yuan(known.bonus or None),
            "points": str(known.points or ""),
            "term_days": str(known.term_days or ""),
            "benefits": known.benefits,
            "sort": str(known.sort),
            "on_sale": "1" if known.active else "",
        }
    )
    form.typed.setlist("stores", list(known.stores))
    fill_passes(form, known.passes)
    return form


def typed_offer(form: Form) -> Offer | None:
    """Return the offer that was typed, or None with each fault at its field.

    Where no principal was typed, all that is paid is principal; with passes, all that is left
    is what was paid for them. Whatever gives passes is of that kind.
    """
    form.required("name", "price")
    price = form.fen("price") or 0
    principal = form.fen("principal")
    if form.text("kind") == "pass":
        principal = principal or 0
    elif principal is None:
        principal = price
    passes = typed_passes(form, price - principal)
    content = {
        "name": form.text("name"),
        "kind": form.text("kind"),
        "passes": passes,
        "price": price,
        "principal": principal,
        "bonus": form.fen("bonus") or 0,
        "points": form.whole("points"),
        "term_days": form.whole("term_days") if form.text("term_days") else None,
        "stores": form.many("stores"),
        "benefits": form.text("benefits"),
        "sort": form.whole("sort"),
        "active": form.is_on("on_sale"),
    }
    return form.struct(Offer, content)
