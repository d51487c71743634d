"""Members: who they are, their numbers and cards. Their value is the wallet's."""

from core.members.checks import (
    MEMBER,
    PROSPECT,
    Application,
    Profile,
    canonical_card,
    check_birthday,
    check_card,
    check_category,
    check_phone,
    check_profile,
    faults,
    is_phone,
    next_number,
)
from core.members.documents import member_document
from core.members.events import CardIssued, CardReturned, MemberChanged, MemberRegistered
from core.members.finding import (
    active_card,
    by_number,
    by_phone,
    cards_of,
    member_of,
    profile_of,
)
from core.members.order import ahead_of
from core.members.phone import is_mobile, mask_phone, normalise_phone
from core.members.registering import issue_card, register
from core.members.searching import SEARCH, search
from core.members.tables import PART, PROFILE

__all__ = [
    "MEMBER",
    "PART",
    "PROFILE",
    "PROSPECT",
    "SEARCH",
    "Application",
    "CardIssued",
    "CardReturned",
    "MemberChanged",
    "MemberRegistered",
    "Profile",
    "active_card",
    "ahead_of",
    "by_number",
    "by_phone",
    "canonical_card",
    "cards_of",
    "check_birthday",
    "check_card",
    "check_category",
    "check_phone",
    "check_profile",
    "faults",
    "is_mobile",
    "is_phone",
    "issue_card",
    "mask_phone",
    "member_document",
    "member_of",
    "next_number",
    "normalise_phone",
    "profile_of",
    "register",
    "search",
]
