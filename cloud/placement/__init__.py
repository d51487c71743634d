"""Where a member's value should lie. Policy only: it plans, and cannot break the ledger.

Value follows a recognised member. Who asks gets what the pool has, all of it, so that the rest
of the visit needs no line; what lies in other stores is called in and handed on as it arrives.
When the visit is over it comes to rest: `split` between the two stores that the member visits
most and the pool, so that they can spend with the line cut wherever they probably go next.
"""

from cloud.placement.policy import ASK_LIFETIME_MS, Ask, Plan, heir, plan
from cloud.placement.resting import (
    RECALL_EVERY_MS,
    REST_MS,
    RETRY_MS,
    Due,
    due_members,
    note_moved,
    note_rested,
    note_soon,
    visit_weights,
)
from cloud.placement.splitting import Seat, Split, split
from cloud.placement.tables import PART
from cloud.placement.visits import weigh

__all__ = [
    "ASK_LIFETIME_MS",
    "PART",
    "RECALL_EVERY_MS",
    "REST_MS",
    "RETRY_MS",
    "Ask",
    "Due",
    "Plan",
    "Seat",
    "Split",
    "due_members",
    "heir",
    "note_moved",
    "note_rested",
    "note_soon",
    "plan",
    "split",
    "visit_weights",
    "weigh",
]
