"""The till's screen: catalogue on one side, the bill on the other, one button to be paid."""

from hub.pos.service import REFUSALS
from hub.pos.tables import PART
from hub.pos.views import pages

__all__ = ["PART", "REFUSALS", "pages"]
