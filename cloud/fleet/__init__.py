"""Stores and their boxes, as head office sees and runs them."""

from cloud.fleet.boxes import pages as boxes
from cloud.fleet.service import (
    PART,
    add_store,
    make_code,
    make_replace_code,
    shut_out,
    usual_day,
)
from cloud.fleet.standing import Branch, Standing, Worry, fleet, mark
from cloud.fleet.views import pages
from core.errors import N_
from core.web import Capability, NavItem

__all__ = [
    "CAPABILITY",
    "PART",
    "Branch",
    "Standing",
    "Worry",
    "add_store",
    "fleet",
    "make_code",
    "make_replace_code",
    "mark",
    "shut_out",
    "usual_day",
]

CAPABILITY = Capability(
    name="fleet",
    parts=(PART,),
    blueprints=(pages, boxes),
    nav=(
        NavItem(
            endpoint="fleet.listed",
            label=N_("门店"),
            icon="store",
            permission="report.sales",
            order=30,
        ),
        NavItem(
            endpoint="boxes.risk",
            label=N_("风险账户"),
            icon="alert",
            permission="report.finance",
            order=31,
        ),
    ),
)
