"""Who the shop is, by which rules it works, who works in it: edited in the shop itself."""

from core.errors import N_
from core.web import Capability, NavItem
from hub.organisation import lists, people, shop
from hub.organisation.blueprint import pages
from hub.organisation.service import PART

__all__ = ["CAPABILITY", "lists", "people", "shop"]

CAPABILITY = Capability(
    name="organisation",
    parts=(PART,),
    blueprints=(pages,),
    nav=(
        NavItem(
            endpoint="organisation.index",
            label=N_("设置"),
            icon="settings",
            permission="settings.edit",
            order=60,
        ),
    ),
)
