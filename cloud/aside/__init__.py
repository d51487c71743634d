"""The tray: what stores sent and could not be booked, why, and what somebody decided about it.

Nothing in it is lost: the record stands in the journal as it came. Trying again is left to the
program that takes stores' records in; what is left aside for good is an event with a reason.
"""

from cloud.aside.service import (
    PART,
    LeftAside,
    Request,
    ask_again,
    forget_request,
    leave,
    open_rows,
    requests,
)
from cloud.aside.views import mark, pages
from core.web import Capability

__all__ = [
    "CAPABILITY",
    "PART",
    "LeftAside",
    "Request",
    "ask_again",
    "forget_request",
    "leave",
    "mark",
    "open_rows",
    "requests",
]

CAPABILITY = Capability(name="aside", parts=(PART,), blueprints=(pages,))
