"""Filling and correcting a member's wallet at the counter."""

from hub.wallet.correcting import correct
from hub.wallet.service import (
    Balance,
    Brought,
    Terms,
    TopUp,
    adjust,
    balance,
    left_after,
    open_balance,
    terms_of,
    top_up,
)
from hub.wallet.sql import movements, topups_of_member

__all__ = [
    "Balance",
    "Brought",
    "Terms",
    "TopUp",
    "adjust",
    "balance",
    "correct",
    "left_after",
    "movements",
    "open_balance",
    "terms_of",
    "top_up",
    "topups_of_member",
]
