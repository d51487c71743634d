"""Who works in the stores: one table for all of them, edited at head office."""

from cloud.staff.views import pages
from core.errors import N_
from core.web import Capability, NavItem

CAPABILITY = Capability(
    name="staff",
    blueprints=(pages,),
    nav=(
        NavItem(
            endpoint="staff.listed",
            label=N_("员工"),
            icon="users",
            permission="staff.edit",
            order=60,
        ),
    ),
)

__all__ = ["CAPABILITY"]
