"""Members: who they are, their numbers and cards. Their value is the wallet's."""

from core.members.events import CardIssued, CardReturned, MemberChanged, MemberRegistered
from core.members.phone import is_mobile, mask_phone, normalise_phone
from core.members.tables import PART, PROFILE, search_terms

__all__ = [
    "PART",
    "PROFILE",
    "CardIssued",
    "CardReturned",
    "MemberChanged",
    "MemberRegistered",
    "is_mobile",
    "mask_phone",
    "normalise_phone",
    "search_terms",
]
