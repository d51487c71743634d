"""What of lists stands in the merchant's journal beside the rows themselves."""

from __future__ import annotations

from core.journal import Body


class ListExported(Body, frozen=True, kw_only=True, tag="list.exported"):
    """Somebody took a whole list out of the house."""

    list: str
    """members or items"""
    form: str
    """csv or xlsx"""
    rows: int
