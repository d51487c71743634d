"""A member at the counter: found, registered, seen whole, topped up, put right."""

from core.errors import N_
from core.web import Capability, NavItem
from hub.counter import card_pages, family_pages, member_pages, topup

__all__ = ["CAPABILITY"]

CAPABILITY = Capability(
    name="counter",
    blueprints=(member_pages.pages, card_pages.pages, family_pages.pages, topup.pages),
    nav=(
        NavItem(
            endpoint="members.listed",
            label=N_("会员"),
            icon="users",
            permission="member.find",
            order=20,
        ),
    ),
)
