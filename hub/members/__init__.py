"""Members at the counter: registered once, found by anything they can say or show."""

from core.journal import Part
from core.members import (
    MEMBER,
    PROSPECT,
    SEARCH,
    Application,
    Profile,
    by_number,
    by_phone,
    canonical_card,
    cards_of,
    check_birthday,
    check_card,
    check_phone,
    faults,
    is_phone,
    issue_card,
    member_of,
    next_number,
    register,
    search,
)
from core.members import active_card as card
from hub.members.block_list import MIGRATION, is_due, list_as_of, note_list
from hub.members.service import change, enrol, return_card
from hub.members.sql import birthdays, changes, count, page

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
    "is_due",
    "is_phone",
    "issue_card",
    "list_as_of",
    "member_of",
    "next_number",
    "note_list",
    "page",
    "register",
    "return_card",
    "search",
]

LOCAL = Part(name=SEARCH.name, migrations=(*SEARCH.migrations, MIGRATION))
