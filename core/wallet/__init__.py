"""The wallet: a member's value as holdings by asset, lot and place.

Money has a place. What is held here can be spent here, with the line cut, and never twice:
the check stands in this hub's own transaction and in its own table.
"""

from core.wallet.accounts import CLOUD, STORED_VALUE, Asset
from core.wallet.events import Adjusted, Opened, Payment, ToppedUp
from core.wallet.points import NEVER, Earning, earned, earned_by_topup
from core.wallet.rules import (
    Holding,
    Leg,
    accept,
    available,
    grant,
    issue,
    plan_spend,
    refund,
    release,
    spend,
    spend_order,
    take,
    withdraw,
)
from core.wallet.tables import PART, has_ended, holdings, renewed_lots

__all__ = [
    "CLOUD",
    "NEVER",
    "PART",
    "STORED_VALUE",
    "Adjusted",
    "Asset",
    "Earning",
    "Holding",
    "Leg",
    "Opened",
    "Payment",
    "ToppedUp",
    "accept",
    "available",
    "earned",
    "earned_by_topup",
    "grant",
    "has_ended",
    "holdings",
    "issue",
    "plan_spend",
    "refund",
    "release",
    "renewed_lots",
    "spend",
    "spend_order",
    "take",
    "withdraw",
]
