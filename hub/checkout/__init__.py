"""Checkout: the bill is paid, once."""

from hub.checkout.service import REFUSALS, Settled, reverse, settle, suggest

__all__ = ["REFUSALS", "Settled", "reverse", "settle", "suggest"]
