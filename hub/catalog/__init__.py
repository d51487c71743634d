"""What the shop sells, edited in the shop: items, categories, card types, stock."""

from core.errors import N_
from core.pages import SHARED
from core.web import Capability, NavItem
from hub.catalog.service import (
    PART,
    StockMove,
    count_stock,
)
from hub.catalog.views import pages

CAPABILITY = Capability(
    name="catalog",
    parts=(PART,),
    blueprints=(SHARED, pages),
    nav=(
        NavItem(
            endpoint="catalog.items",
            label=N_("项目"),
            icon="tag",
            permission="catalog.edit",
            order=50,
        ),
    ),
)

__all__ = [
    "CAPABILITY",
    "StockMove",
    "count_stock",
]
