"""The merchant and its stores: names on paper, the business day, and the rules set once.

All of it comes down the feed: `company` (one), `store` (by id), `settings` (one).
"""

from core.organisation.branches import check_store, is_code_used
from core.organisation.settings import (
    ZONES,
    Company,
    NumberFormat,
    PointsRule,
    Settings,
    Store,
    Tender,
)
from core.organisation.tables import PART, THE_ONE, company, settings, store, stores
from core.organisation.true_times import ClockAnchored, true_time, true_times

__all__ = [
    "PART",
    "THE_ONE",
    "ZONES",
    "ClockAnchored",
    "Company",
    "NumberFormat",
    "PointsRule",
    "Settings",
    "Store",
    "Tender",
    "check_store",
    "company",
    "is_code_used",
    "settings",
    "store",
    "stores",
    "true_time",
    "true_times",
]
