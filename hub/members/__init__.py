"""Members at the counter: registered once, found by anything they can say or show."""

from hub.members.service import (
    MEMBER,
    PROSPECT,
    Application,
    Profile,
    canonical_card,
    change,
    enrol,
    issue_card,
    register,
    return_card,
)
from hub.members.sql import by_number, by_phone, card, cards_of, search
from hub.members.sql import member as member_of
from hub.members.tables import LOCAL

__all__ = [
    "LOCAL",
    "MEMBER",
    "PROSPECT",
    "Application",
    "Profile",
    "by_number",
    "by_phone",
    "canonical_card",
    "card",
    "cards_of",
    "change",
    "enrol",
    "issue_card",
    "member_of",
    "register",
    "return_card",
    "search",
]
