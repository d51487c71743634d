"""The day's bills and the paper that belongs to them."""

from core.errors import N_
from core.web import Capability, NavItem
from hub.sales import elsewhere, lines
from hub.sales.views import pages

__all__ = ["CAPABILITY", "elsewhere", "lines"]

CAPABILITY = Capability(
    name="sales",
    blueprints=(pages,),
    nav=(
        NavItem(
            endpoint="sales.day",
            label=N_("单据"),
            icon="receipt",
            permission="sale.create",
            order=30,
        ),
    ),
)
