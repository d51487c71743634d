"""The till's screen: catalogue on one side, the bill on the other, one button to be paid."""

from core.errors import N_
from core.web import Capability, NavItem
from hub.pos.tables import PART, carry_over
from hub.pos.views import pages

__all__ = ["CAPABILITY", "carry_over"]

CAPABILITY = Capability(
    name="pos",
    parts=(PART,),
    blueprints=(pages,),
    nav=(
        NavItem(
            endpoint="pos.screen",
            label=N_("收银"),
            icon="cart",
            permission="sale.create",
            order=10,
        ),
    ),
)
