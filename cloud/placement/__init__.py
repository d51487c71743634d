"""Where a member's value should lie. Policy only: it plans, and cannot break the ledger.

Value follows a recognised member. Who asks gets what the pool has, all of it, so that the rest
of the visit needs no line; what lies in other stores is called in and handed on as it arrives.
"""

from cloud.placement.policy import ASK_LIFETIME_MS, Ask, Plan, heir, plan

__all__ = ["ASK_LIFETIME_MS", "Ask", "Plan", "heir", "plan"]
