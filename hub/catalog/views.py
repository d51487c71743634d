"""The catalogue's pages: find, add, change, take off sale; stock; packages and card types."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Blueprint, render_template, request, url_for

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
    on_hand,
    units,
    wanted_items,
)
from core.errors import N_
from core.pages import (
    COLOURS,
    KIND_NAMES,
    NEW,
    OFFER_KIND_NAMES,
    category_options,
    filled_category,
    filled_item,
    filled_offer,
    good_for,
    new_item_form,
    new_offer_form,
    pass_choices,
    store_names,
    typed_category,
    typed_item,
    typed_offer,
    units_label,
    wanted_of,
)
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
from core.web import gettext as _
from hub.box import here
from hub.catalog import service
from hub.catalog.service import StockMove

pages = Blueprint("catalog", __name__, template_folder="templates", url_prefix="/catalog")

MOVE_NAMES = {
    StockMove.RECEIVED: N_("进货"),
    StockMove.COUNTED: N_("盘点"),
    StockMove.LOST: N_("报损"),
}


@pages.get("")
@permission("catalog.edit")
def items() -> Any:
    wanted = wanted_of(request.args)
    with read() as db:
        return show(
            "catalog/items.html",
            "pages/_items.html",
            items=wanted_items(db, wanted, store=here().store_id(db)),
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
    item_id = minted_id(form) if item == NEW else item
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
    write(lambda tx, act: catalog.set_item_active(tx, act, item=item, active=active))
    return go(url_for("catalog.item", item=item, done="saved"))


@pages.post("/items/<item>/stock")
@permission("catalog.edit")
def move_stock(item: str) -> Any:
    form = typed_form()
    form.required("quantity")
    quantity = form.whole("quantity")
    move = form.text("move")
    if move not in set(StockMove):
        form.errors["move"] = _("请选择")
    if not form.errors:
        with form.catching(stock_quantity="quantity"):
            write(
                lambda tx, act: service.count_stock(
                    tx,
                    act,
                    item=item,
                    move=StockMove(move),
                    quantity=quantity,
                    reason=form.text("reason"),
                )
            )
            return go(url_for("catalog.item", item=item, done="stock"))
    with read() as db:
        filled = filled_item(item_document(known_item(db, item)))
    return _item_page(item, filled, stock=form, status=422)


def _item_page(
    item_id: str, form: Form, *, stock: Form | None = None, status: int = 200
) -> Any:
    with read() as db:
        is_new = item_id == NEW
        return (
            render_template(
                "catalog/item.html",
                item=None if is_new else known_item(db, item_id),
                form=form,
                stock=stock or Form({"move": "received"}),
                item_id=minted_id(form) if is_new else item_id,
                on_hand=on_hand(db, reading_act(db).store, item_id),
                category_options=category_options(db),
                brands=brands(db),
                units=units(db),
                kinds=KIND_NAMES,
                moves=MOVE_NAMES,
            ),
            status,
        )


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
    category_id = minted_id(form) if category == NEW else category
    if content is None:
        return _categories_page(category, form, status=422)
    write(lambda tx, act: catalog.save_category(tx, act, category=category_id, content=content))
    return go(url_for("catalog.categories", done="saved"))


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
        return (
            render_template(
                "catalog/categories.html",
                categories=all_categories(db),
                chosen=category_id,
                category_id=minted_id(form) if category_id == NEW else category_id,
                form=form,
                colours=COLOURS,
            ),
            status,
        )


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
    offer_id = minted_id(form) if offer == NEW else offer
    if content is not None:
        with form.catching(principal_high="principal", passes_high="price"):
            write(lambda tx, act: catalog.save_offer(tx, act, offer=offer_id, content=content))
            return go(url_for("catalog.offers", done="saved"))
    return _offer_page(offer, form, status=422)


@pages.post("/offers/<offer>/sale")
@permission("catalog.edit")
def set_offer_sale(offer: str) -> Any:
    active = request.form.get("on") == "1"
    write(lambda tx, act: catalog.set_offer_active(tx, act, offer=offer, active=active))
    return go(url_for("catalog.offers", done="saved"))


def _offer_page(offer_id: str, form: Form, *, status: int = 200) -> Any:
    with read() as db:
        is_new = offer_id == NEW
        return (
            render_template(
                "catalog/offer.html",
                offer=None if is_new else known_offer(db, offer_id),
                offer_id=minted_id(form) if is_new else offer_id,
                form=form,
                kinds=OFFER_KIND_NAMES,
                store_names=store_names(db),
                choices=pass_choices(db),
            ),
            status,
        )
