"""Filling and correcting a member's wallet at the counter."""

from hub.wallet.service import Balance, Brought, TopUp, adjust, balance, open_balance, top_up

__all__ = ["Balance", "Brought", "TopUp", "adjust", "balance", "open_balance", "top_up"]
