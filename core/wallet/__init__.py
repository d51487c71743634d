"""The wallet: a member's value as holdings by asset, lot and place.

Money has a place. What is held here can be spent here, with the line cut, and never twice:
the check stands in this hub's own transaction and in its own table.
"""

from core.wallet.accounts import CLOUD, STORED_VALUE, Asset
from core.wallet.events import (
    Accepted,
    Adjusted,
    Granted,
    Legs,
    Lot,
    Opened,
    Payment,
    Recalled,
    Released,
    ToppedUp,
)
from core.wallet.opening import Brought, open_balance
from core.wallet.places import (
    TRANSIT,
    all_legs,
    lots_of,
    read_legs,
    send_grant,
    send_release,
    take_in,
    wallet_document,
    written_legs,
)
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
    "TRANSIT",
    "Accepted",
    "Adjusted",
    "Asset",
    "Brought",
    "Earning",
    "Granted",
    "Holding",
    "Leg",
    "Legs",
    "Lot",
    "Opened",
    "Payment",
    "Recalled",
    "Released",
    "ToppedUp",
    "accept",
    "all_legs",
    "available",
    "earned",
    "earned_by_topup",
    "grant",
    "has_ended",
    "holdings",
    "issue",
    "lots_of",
    "open_balance",
    "plan_spend",
    "read_legs",
    "refund",
    "release",
    "renewed_lots",
    "send_grant",
    "send_release",
    "spend",
    "spend_order",
    "take",
    "take_in",
    "wallet_document",
    "withdraw",
    "written_legs",
]
