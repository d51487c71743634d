"""What all stores sell, edited at head office: items, headings, offers, points."""

from cloud.catalog.views import pages
from core.errors import N_
from core.pages import SHARED
from core.web import Capability, NavItem

CAPABILITY = Capability(
    name="catalog",
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

__all__ = ["CAPABILITY"]
