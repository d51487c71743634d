"""The till: no sale before it is opened, cash counted blind, Z reports that stay."""

from core.errors import N_
from core.web import Capability, NavItem
from hub.till.counter import (
    Count,
    close_till,
    kick_drawer,
    move_till_cash,
    open_drawer,
    open_till,
    opens_drawer,
    report_facts,
    reprint_report,
)
from hub.till.service import (
    PART,
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
from hub.till.views import pages

CAPABILITY = Capability(
    name="till",
    parts=(PART,),
    blueprints=(pages,),
    nav=(
        NavItem(
            endpoint="till.shift",
            label=N_("交班"),
            icon="drawer",
            permission="shift.open",
            order=40,
        ),
    ),
)

__all__ = [
    "CAPABILITY",
    "Count",
    "Report",
    "close_period",
    "close_till",
    "closed_periods",
    "find_open_period",
    "kick_drawer",
    "move_cash",
    "move_till_cash",
    "note_drawer",
    "open_drawer",
    "open_period",
    "open_till",
    "opens_drawer",
    "read_report",
    "report_facts",
    "reprint_report",
    "require_period",
]
