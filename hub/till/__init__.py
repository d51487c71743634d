"""The till: no sale before it is opened, cash counted blind, Z reports that stay."""

from hub.till.service import (
    Report,
    close_period,
    move_cash,
    note_drawer,
    open_period,
    read_report,
    require_period,
)
from hub.till.sql import closed_periods
from hub.till.sql import open_period as find_open_period

__all__ = [
    "Report",
    "close_period",
    "closed_periods",
    "find_open_period",
    "move_cash",
    "note_drawer",
    "open_period",
    "read_report",
    "require_period",
]
