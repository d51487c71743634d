"""What the stores took: today at a glance, every bill, and who owes whom."""

from cloud.sales.tables import PART
from cloud.sales.views import mark, pages
from core.errors import N_
from core.web import Capability, NavItem

__all__ = ["CAPABILITY", "PART", "mark"]

CAPABILITY = Capability(
    name="sales",
    parts=(PART,),
    blueprints=(pages,),
    nav=(
        NavItem(
            endpoint="sales.home",
            label=N_("总览"),
            icon="home",
            permission="report.sales",
            order=10,
        ),
        NavItem(
            endpoint="sales.day",
            label=N_("营业"),
            icon="chart",
            permission="report.sales",
            order=20,
        ),
        NavItem(
            endpoint="sales.settlements",
            label=N_("门店往来"),
            icon="swap",
            permission="report.sales",
            order=60,
        ),
    ),
)
