"""The catalogue's pages: find, add, change, take off sale; and which stores have it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Blueprint, render_template, request, url_for

from cloud.access import branch_name
from cloud.catalog import service
from cloud.catalog.prices import price_changes
from cloud.edits import arrivals_shown, edit_shown, edits_of
from core import catalog
from core.catalog import (
    ITEMS_SHOWN_MAX,
    all_categories,
    all_offers,
    brands,
    item_document,
    known_category,
    known_item,
    known_offer,
    offer_document,
    units,
    wanted_items,
)
from core.organisation import THE_ONE, settings
from core.pages import (
    COLOURS,
    KIND_NAMES,
    NEW,
    OFFER_KIND_NAMES,
    WEEKDAYS,
    category_options,
    filled_category,
    filled_item,
    filled_offer,
    filled_rule,
    good_for,
    new_item_form,
    new_offer_form,
    pass_choices,
    store_names,
    tried_rule,
    typed_category,
    typed_item,
    typed_offer,
    typed_rule,
    units_label,
    wanted_of,
)
from core.sqlite import Reader, Row
from core.web import (
    Form,
    go,
    minted_id,
    permission,
    read,
    reading_act,
    show,
    typed_form,
    write,
)

pages = Blueprint("catalog", __name__, template_folder="templates", url_prefix="/catalog")

PRICES_SHOWN_MAX = 20


@pages.get("")
@permission("catalog.edit")
def items() -> Any:
    wanted = wanted_of(request.args)
    with read() as db:
        return show(
            "catalog/items.html",
            "pages/_items.html",
            items=wanted_items(db, wanted),
            wanted=wanted,
            shown_max=ITEMS_SHOWN_MAX,
            categories=all_categories(db),
            brands=brands(db),
            kinds=KIND_NAMES,
        )


@pages.get("/items/new")
@permission("catalog.edit")
def new_item() -> Any:
    return _item_page(NEW, new_item_form())


@pages.get("/items/<item>")
@permission("catalog.edit")
def item(item: str) -> Any:
    with read() as db:
        form = filled_item(item_document(known_item(db, item)))
    return _item_page(item, form)


@pages.post("/items/<item>")
@permission("catalog.edit")
def save_item(item: str) -> Any:
    form = typed_form()
    content = typed_item(form)
    item_id = minted_id(form) if item == NEW else _known(known_item, item)
    if content is not None:
        with form.catching(
            code_taken="code",
            barcode_taken="barcode",
            no_category="category",
            member_price_high="member_price",
        ):
            write(lambda tx, act: catalog.save_item(tx, act, item=item_id, content=content))
            return go(url_for("catalog.item", item=item_id, done="saved"))
    return _item_page(item, form, status=422)


@pages.post("/items/<item>/sale")
@permission("catalog.edit")
def set_sale(item: str) -> Any:
    active = request.form.get("on") == "1"
    form = Form()
    with form.catching():
        write(lambda tx, act: catalog.set_item_active(tx, act, item=item, active=active))
        return go(url_for("catalog.item", item=item, done="saved"))
    with read() as db:
        filled = filled_item(item_document(known_item(db, item)))
    filled.errors = form.errors
    return _item_page(item, filled, status=409)


def _known(find: Callable[[Reader, str], Row], key: str) -> str:
    """Return the id of what is to be changed. Refused: no_item, no_category, no_offer."""
    with read() as db:
        found: str = find(db, key)["id"]
    return found


def _item_page(item_id: str, form: Form, *, status: int = 200) -> Any:
    with read() as db:
        is_new = item_id == NEW
        page = render_template(
            "catalog/item.html",
            item=None if is_new else known_item(db, item_id),
            form=form,
            item_id=minted_id(form) if is_new else item_id,
            category_options=category_options(db),
            brands=brands(db),
            units=units(db),
            **({} if is_new else _beside(db, item_id)),
        )
    return page, status


def _beside(db: Reader, item_id: str) -> dict[str, Any]:
    """Return what stands beside the form of an item that is known."""
    changes = price_changes(edits_of(db, "item", item_id))
    return {
        "arrived": arrivals_shown(db, "item", item_id),
        "prices": [(change, edit_shown(change.edit)) for change in changes[:PRICES_SHOWN_MAX]],
        "stock": [
            (branch_name(row["store"]), row["on_hand"])
            for row in service.stock_by_store(db, item_id)
        ],
    }


@pages.get("/categories")
@permission("catalog.edit")
def categories() -> Any:
    return _categories_page(NEW, Form({"colour": "0"}))


@pages.get("/categories/<category>")
@permission("catalog.edit")
def category(category: str) -> Any:
    with read() as db:
        form = filled_category(known_category(db, category))
    return _categories_page(category, form)


@pages.post("/categories/<category>")
@permission("catalog.edit")
def save_category(category: str) -> Any:
    form = typed_form()
    content = typed_category(form)
    category_id = minted_id(form) if category == NEW else _known(known_category, category)
    if content is None:
        return _categories_page(category, form, status=422)
    write(lambda tx, act: catalog.save_category(tx, act, category=category_id, content=content))
    return go(url_for("catalog.category", category=category_id, done="saved"))


@pages.post("/categories/<category>/remove")
@permission("catalog.edit")
def remove_category(category: str) -> Any:
    form = Form()
    with form.catching():
        write(lambda tx, act: catalog.remove_category(tx, act, category=category))
        return go(url_for("catalog.categories", done="removed"))
    return _categories_page(NEW, form, status=409)


def _categories_page(category_id: str, form: Form, *, status: int = 200) -> Any:
    with read() as db:
        is_new = category_id == NEW
        page = render_template(
            "catalog/categories.html",
            categories=all_categories(db),
            chosen=category_id,
            category_id=minted_id(form) if is_new else category_id,
            form=form,
            colours=COLOURS,
            arrived=None if is_new else arrivals_shown(db, "category", category_id),
        )
    return page, status


@pages.get("/offers")
@permission("catalog.edit")
def offers() -> str:
    with read() as db:
        return render_template(
            "catalog/offers.html",
            offers=all_offers(db),
            kinds=OFFER_KIND_NAMES,
            store_names=store_names(db),
            passes_of=lambda offer: offer_document(offer).passes,
            units_label=units_label,
            good_for=partial(good_for, db),
        )


@pages.get("/offers/new")
@permission("catalog.edit")
def new_offer() -> Any:
    return _offer_page(NEW, new_offer_form(request.args.get("kind", "topup")))


@pages.get("/offers/<offer>")
@permission("catalog.edit")
def offer(offer: str) -> Any:
    with read() as db:
        form = filled_offer(offer_document(known_offer(db, offer)))
    return _offer_page(offer, form)


@pages.post("/offers/<offer>")
@permission("catalog.edit")
def save_offer(offer: str) -> Any:
    form = typed_form()
    content = typed_offer(form)
    offer_id = minted_id(form) if offer == NEW else _known(known_offer, offer)
    if content is not None:
        with form.catching(principal_high="principal", passes_high="price"):
            write(lambda tx, act: catalog.save_offer(tx, act, offer=offer_id, content=content))
            return go(url_for("catalog.offer", offer=offer_id, done="saved"))
    return _offer_page(offer, form, status=422)


@pages.post("/offers/<offer>/sale")
@permission("catalog.edit")
def set_offer_sale(offer: str) -> Any:
    active = request.form.get("on") == "1"
    write(lambda tx, act: catalog.set_offer_active(tx, act, offer=offer, active=active))
    return go(url_for("catalog.offer", offer=offer, done="saved"))


def _offer_page(offer_id: str, form: Form, *, status: int = 200) -> Any:
    with read() as db:
        is_new = offer_id == NEW
        page = render_template(
            "catalog/offer.html",
            offer=None if is_new else known_offer(db, offer_id),
            offer_id=minted_id(form) if is_new else offer_id,
            form=form,
            store_names=store_names(db),
            choices=pass_choices(db),
            arrived=None if is_new else arrivals_shown(db, "offer", offer_id),
        )
    return page, status


@pages.get("/points")
@permission("settings.edit")
def points() -> Any:
    if "points" in request.args:
        return _points_page(Form(request.args))
    with read() as db:
        form = filled_rule(settings(db).points)
    return _points_page(form)


@pages.post("/points")
@permission("settings.edit")
def save_points() -> Any:
    form = typed_form()
    rule = typed_rule(form)
    if rule is None:
        return _points_page(form, status=422)
    write(lambda tx, act: service.save_points(tx, act, rule=rule))
    return go(url_for("catalog.points", done="saved"))


@pages.get("/points/try")
@permission("settings.edit")
def try_points() -> str:
    return render_template("pages/_try.html", **_tried(Form(request.args)))


def _points_page(form: Form, *, status: int = 200) -> Any:
    with read() as db:
        arrived = arrivals_shown(db, "settings", THE_ONE)
    return show(
        "catalog/points.html",
        "pages/_points.html",
        status=status,
        form=form,
        points_at="catalog",
        weekdays=WEEKDAYS,
        arrived=arrived,
        **_tried(form),
    )


def _tried(form: Form) -> dict[str, object]:
    with read() as db:
        return tried_rule(form, date=reading_act(db).date)
