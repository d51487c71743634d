"""Members at the counter: registered once, found by anything they can say or show."""

from hub.members.checks import (
    MEMBER,
    PROSPECT,
    Application,
    Profile,
    canonical_card,
    check_birthday,
    check_card,
    check_phone,
    faults,
    is_phone,
    next_number,
)
from hub.members.service import change, enrol, issue_card, register, return_card
from hub.members.sql import (
    birthdays,
    by_number,
    by_phone,
    card,
    cards_of,
    changes,
    count,
    page,
    search,
)
from hub.members.sql import member as member_of
from hub.members.tables import LOCAL

__all__ = [
    "LOCAL",
    "MEMBER",
    "PROSPECT",
    "Application",
    "Profile",
    "birthdays",
    "by_number",
    "by_phone",
    "canonical_card",
    "card",
    "cards_of",
    "change",
    "changes",
    "check_birthday",
    "check_card",
    "check_phone",
    "count",
    "enrol",
    "faults",
    "is_phone",
    "issue_card",
    "member_of",
    "next_number",
    "page",
    "register",
    "return_card",
    "search",
]
