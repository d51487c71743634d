"""The catalogue's pages: find, add, change, take off sale; stock; packages and card types."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for

from core.catalog import Category, Item, ItemKind, Offer
from core.errors import N_
from core.organisation import stores
from core.sqlite import Reader
from core.web import (
    Form,
    go,
    minted_id,
    permission,
    read,
    reading_act,
    show,
    typed_form,
    typed_yuan,
    write,
)
from core.web import gettext as _
from hub.box import here
from hub.catalog import service, sql
from hub.catalog.service import StockMove

pages = Blueprint("catalog", __name__, template_folder="templates", url_prefix="/catalog")

KIND_NAMES = {
    ItemKind.SERVICE: N_("服务"),
    ItemKind.PRODUCT: N_("商品"),
    ItemKind.OTHER: N_("其它"),
}
OFFER_KIND_NAMES = {"topup": N_("充值套餐"), "card": N_("会员卡")}
MOVE_NAMES = {
    StockMove.RECEIVED: N_("进货"),
    StockMove.COUNTED: N_("盘点"),
    StockMove.LOST: N_("报损"),
}
COLOURS = range(8)
NEW = "new"


@pages.get("")
@permission("catalog.edit")
def items() -> Any:
    asked = request.args
    wanted = sql.Wanted(
        typed=asked.get("q", "").strip(),
        kind=asked.get("kind", ""),
        category=asked.get("category", ""),
        brand=asked.get("brand", ""),
        active=not asked.get("off"),
    )
    with read() as db:
        return show(
            "catalog/items.html",
            "catalog/_items.html",
            items=sql.items(db, here().store_id(db), wanted),
            wanted=wanted,
            shown_max=sql.ITEMS_SHOWN_MAX,
            categories=sql.categories(db),
            brands=sql.brands(db),
            kinds=KIND_NAMES,
        )


@pages.get("/items/new")
@permission("catalog.edit")
def new_item() -> Any:
    form = Form({"kind": "service", "unit": "次", "points_times": "1", "on_sale": "1"})
    return _item_page(NEW, form)


@pages.get("/items/<item>")
@permission("catalog.edit")
def item(item: str) -> Any:
    with read() as db:
        form = _filled_item(service.item_document(sql.item(db, item)))
    return _item_page(item, form)


@pages.post("/items/<item>")
@permission("catalog.edit")
def save_item(item: str) -> Any:
    form = typed_form()
    content = _typed_item(form)
    item_id = minted_id(form) if item == NEW else item
    if content is not None:
        with form.catching(
            code_taken="code",
            barcode_taken="barcode",
            no_category="category",
            member_price_high="member_price",
        ):
            write(lambda tx, act: service.save_item(tx, act, item=item_id, content=content))
            return go(url_for("catalog.item", item=item_id, done="saved"))
    return _item_page(item, form, status=422)


@pages.post("/items/<item>/sale")
@permission("catalog.edit")
def set_sale(item: str) -> Any:
    active = request.form.get("on") == "1"
    write(lambda tx, act: service.set_item_active(tx, act, item=item, active=active))
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
        filled = _filled_item(service.item_document(sql.item(db, item)))
    return _item_page(item, filled, stock=form, status=422)


def _item_page(
    item_id: str, form: Form, *, stock: Form | None = None, status: int = 200
) -> Any:
    with read() as db:
        is_new = item_id == NEW
        return (
            render_template(
                "catalog/item.html",
                item=None if is_new else sql.item(db, item_id),
                form=form,
                stock=stock or Form({"move": "received"}),
                item_id=minted_id(form) if is_new else item_id,
                on_hand=sql.on_hand(db, reading_act(db).store, item_id),
                category_options=[
                    ("", _("不分类")),
                    *((row["id"], row["name"]) for row in sql.categories(db)),
                ],
                brands=sql.brands(db),
                units=sql.units(db),
                kinds=KIND_NAMES,
                moves=MOVE_NAMES,
            ),
            status,
        )


def _filled_item(known: Item) -> Form:
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
            "sort": str(known.sort),
            "on_sale": "1" if known.active else "",
        }
    )


def _typed_item(form: Form) -> Item | None:
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
        "sort": form.whole("sort"),
        "active": form.is_on("on_sale"),
    }
    return form.struct(Item, content)


@pages.get("/categories")
@permission("catalog.edit")
def categories() -> Any:
    return _categories_page(NEW, Form({"colour": "0"}))


@pages.get("/categories/<category>")
@permission("catalog.edit")
def category(category: str) -> Any:
    with read() as db:
        row = sql.category(db, category)
    return _categories_page(
        category,
        Form({"name": row["name"], "colour": str(row["colour"]), "sort": str(row["sort"])}),
    )


@pages.post("/categories/<category>")
@permission("catalog.edit")
def save_category(category: str) -> Any:
    form = typed_form()
    form.required("name")
    shown = {
        "name": form.text("name"),
        "colour": form.whole("colour"),
        "sort": form.whole("sort"),
    }
    content = form.struct(Category, shown)
    category_id = minted_id(form) if category == NEW else category
    if content is None:
        return _categories_page(category, form, status=422)
    write(lambda tx, act: service.save_category(tx, act, category=category_id, content=content))
    return go(url_for("catalog.categories", done="saved"))


@pages.post("/categories/<category>/remove")
@permission("catalog.edit")
def remove_category(category: str) -> Any:
    form = Form()
    with form.catching():
        write(lambda tx, act: service.remove_category(tx, act, category=category))
        return go(url_for("catalog.categories", done="removed"))
    return _categories_page(NEW, form, status=409)


def _categories_page(category_id: str, form: Form, *, status: int = 200) -> Any:
    with read() as db:
        return (
            render_template(
                "catalog/categories.html",
                categories=sql.categories(db),
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
            offers=sql.offers(db),
            kinds=OFFER_KIND_NAMES,
            store_names=_store_names(db),
        )


@pages.get("/offers/new")
@permission("catalog.edit")
def new_offer() -> Any:
    return _offer_page(NEW, Form({"kind": request.args.get("kind", "topup"), "on_sale": "1"}))


@pages.get("/offers/<offer>")
@permission("catalog.edit")
def offer(offer: str) -> Any:
    with read() as db:
        form = _filled_offer(service.offer_document(sql.offer(db, offer)))
    return _offer_page(offer, form)


@pages.post("/offers/<offer>")
@permission("catalog.edit")
def save_offer(offer: str) -> Any:
    form = typed_form()
    content = _typed_offer(form)
    offer_id = minted_id(form) if offer == NEW else offer
    if content is not None:
        with form.catching(principal_high="principal"):
            write(lambda tx, act: service.save_offer(tx, act, offer=offer_id, content=content))
            return go(url_for("catalog.offers", done="saved"))
    return _offer_page(offer, form, status=422)


@pages.post("/offers/<offer>/sale")
@permission("catalog.edit")
def set_offer_sale(offer: str) -> Any:
    active = request.form.get("on") == "1"
    write(lambda tx, act: service.set_offer_active(tx, act, offer=offer, active=active))
    return go(url_for("catalog.offers", done="saved"))


def _offer_page(offer_id: str, form: Form, *, status: int = 200) -> Any:
    with read() as db:
        is_new = offer_id == NEW
        return (
            render_template(
                "catalog/offer.html",
                offer=None if is_new else sql.offer(db, offer_id),
                offer_id=minted_id(form) if is_new else offer_id,
                form=form,
                kinds=OFFER_KIND_NAMES,
                store_names=_store_names(db),
            ),
            status,
        )


def _filled_offer(known: Offer) -> Form:
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
    return form


def _typed_offer(form: Form) -> Offer | None:
    form.required("name", "price")
    price = form.fen("price") or 0
    principal = form.fen("principal")
    content = {
        "name": form.text("name"),
        "kind": form.text("kind"),
        "price": price,
        "principal": price if principal is None else principal,
        "bonus": form.fen("bonus") or 0,
        "points": form.whole("points"),
        "term_days": form.whole("term_days") if form.text("term_days") else None,
        "stores": form.many("stores"),
        "benefits": form.text("benefits"),
        "sort": form.whole("sort"),
        "active": form.is_on("on_sale"),
    }
    return form.struct(Offer, content)


def _store_names(db: Reader) -> dict[str, str]:
    return {store_id: branch.name for store_id, branch in stores(db).items()}
