"""The price list: services and products."""

from __future__ import annotations

from core.catalog import ItemKind
from core.errors import N_
from core.imports import amounts, texts
from core.imports.fields import Field, Form, Schema, TypedRow
from core.imports.limits import (
    ITEM_NOTE_CHARS_MAX,
    LABEL_CHARS_MAX,
    NAME_CHARS_MAX,
    NUMBER_CHARS_MAX,
    STOCK_MAX,
    UNIT_CHARS_MAX,
)
from core.money import Cents

_KINDS = {
    **dict.fromkeys(
        ("服务", "项目", "服务项目", "护理", "服务类", "service", "services"), ItemKind.SERVICE
    ),
    **dict.fromkeys(
        ("商品", "产品", "实物", "实物商品", "零售", "卖品", "product", "products", "goods"),
        ItemKind.PRODUCT,
    ),
    **dict.fromkeys(("其他", "其它", "other"), ItemKind.OTHER),
}


class ItemRow(TypedRow, frozen=True, kw_only=True):
    """A service or product. `price` and the others are fen; a member price of None is none.

    `kind` is empty where the list does not tell; `stock` None where it does not count.
    """

    name: str
    price: Cents
    number: str = ""
    barcode: str = ""
    kind: str = ""
    category: str = ""
    brand: str = ""
    specification: str = ""
    unit: str = ""
    member_price: Cents | None = None
    cost: Cents | None = None
    stock: int | None = None
    minutes: int | None = None
    note: str = ""


_label = texts.line(LABEL_CHARS_MAX)
MINUTES_MAX = 24 * 60

_FIELDS = (
    Field(
        name="number",
        label=N_("项目编号"),
        english="Item No.",
        read=texts.identifier(NUMBER_CHARS_MAX),
        synonyms=(
            *("商品编码", "商品编号", "项目编码", "产品编号", "编号", "编码", "货号"),
            *("商品货号", "代码", "项目代码", "SKU", "code", "item code"),
        ),
    ),
    Field(
        name="barcode",
        label=N_("条码"),
        english="Barcode",
        read=texts.identifier(NUMBER_CHARS_MAX),
        synonyms=("商品条码", "条形码", "产品条码", "EAN"),
    ),
    Field(
        name="name",
        label=N_("项目名称"),
        english="Name",
        read=texts.line(NAME_CHARS_MAX),
        synonyms=(
            *("名称", "商品名称", "产品名称", "服务名称", "品名", "项目", "商品", "产品"),
            *("品项名称", "item", "item name", "product name", "service name"),
        ),
    ),
    Field(
        name="kind",
        label=N_("类型"),
        english="Kind",
        read=texts.choice(_KINDS, "kind_unclear"),
        synonyms=("项目类型", "商品类型", "产品类型", "type"),
        words=(
            (ItemKind.SERVICE, N_("服务"), "service"),
            (ItemKind.PRODUCT, N_("商品"), "product"),
            (ItemKind.OTHER, N_("其他"), "other"),
        ),
    ),
    Field(
        name="category",
        label=N_("分类"),
        english="Category",
        read=_label,
        synonyms=("类别", "项目分类", "商品分类", "产品分类", "所属分类", "分类名称", "大类"),
    ),
    Field(
        name="brand",
        label=N_("品牌"),
        english="Brand",
        read=_label,
        synonyms=("品牌名称",),
    ),
    Field(
        name="specification",
        label=N_("规格"),
        english="Specification",
        read=_label,
        synonyms=("规格型号", "型号", "spec"),
    ),
    Field(
        name="unit",
        label=N_("单位"),
        english="Unit",
        read=texts.line(UNIT_CHARS_MAX),
        synonyms=("计量单位", "销售单位"),
    ),
    Field(
        name="price",
        label=N_("价格"),
        english="Price",
        read=amounts.amount,
        synonyms=(
            *("标准价", "标准价格", "零售价", "零售价格", "售价", "销售价", "销售价格"),
            *("单价", "门市价", "门店价", "原价", "吊牌价", "list price", "unit price"),
        ),
        default=None,
        form=Form.AMOUNT,
    ),
    Field(
        name="member_price",
        label=N_("会员价"),
        english="Member price",
        read=amounts.amount,
        synonyms=("会员价格", "会员单价", "VIP价", "优惠价"),
        default=None,
        form=Form.AMOUNT,
    ),
    Field(
        name="cost",
        label=N_("成本价"),
        english="Cost",
        read=amounts.amount,
        synonyms=("成本", "进价", "进货价", "采购价", "成本单价"),
        default=None,
        form=Form.AMOUNT,
    ),
    Field(
        name="stock",
        label=N_("库存"),
        english="Stock",
        read=texts.count(STOCK_MAX),
        synonyms=("库存数量", "当前库存", "可用库存", "库存数", "数量", "quantity"),
        default=None,
        form=Form.COUNT,
    ),
    Field(
        name="minutes",
        label=N_("时长(分钟)"),
        english="Minutes",
        read=texts.count(MINUTES_MAX),
        synonyms=("时长", "服务时长", "项目时长", "耗时", "duration"),
        default=None,
        form=Form.COUNT,
    ),
    Field(
        name="note",
        label=N_("备注"),
        english="Note",
        read=texts.note(ITEM_NOTE_CHARS_MAX),
        synonyms=("说明", "描述", "remark", "remarks", "notes"),
    ),
)

ITEMS = Schema(
    kind="item",
    label=N_("项目与商品"),
    english="Items",
    row=ItemRow,
    fields=_FIELDS,
    required=("name", "price"),
    unique=("number", "barcode"),
    prefixes=("商品", "项目", "产品", "服务", "品项"),
)
