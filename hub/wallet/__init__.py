"""Filling and correcting a member's wallet at the counter."""

from hub.wallet.correcting import correct
from hub.wallet.service import (
    Balance,
    Brought,
    TopUp,
    adjust,
    balance,
    left_after,
    open_balance,
    top_up,
)
from hub.wallet.sql import movements, topups_of_member

__all__ = [
    "Balance",
    "Brought",
    "TopUp",
    "adjust",
    "balance",
    "correct",
    "left_after",
    "movements",
    "open_balance",
    "top_up",
    "topups_of_member",
]
