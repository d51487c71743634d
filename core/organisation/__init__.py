"""The merchant and its stores: names on paper, the business day, and the rules set once.

All of it comes down the feed: `company` (one), `store` (by id), `settings` (one).
"""

from core.organisation.settings import (
    Company,
    NumberFormat,
    PointsRule,
    Settings,
    Store,
    Tender,
)
from core.organisation.tables import PART, company, settings, store, stores

__all__ = [
    "PART",
    "Company",
    "NumberFormat",
    "PointsRule",
    "Settings",
    "Store",
    "Tender",
    "company",
    "settings",
    "store",
    "stores",
]
