"""What became of an edit: who made it, where, and which stores have it by now."""

from cloud.edits.arrivals import Arrival, arrivals, mark
from cloud.edits.history import Edit, edits_of, position_of
from cloud.edits.tables import MIGRATIONS
from cloud.edits.views import arrivals_shown, edit_shown, pages
from core.web import Capability

__all__ = [
    "CAPABILITY",
    "MIGRATIONS",
    "Arrival",
    "Edit",
    "arrivals",
    "arrivals_shown",
    "edit_shown",
    "edits_of",
    "mark",
    "position_of",
]

CAPABILITY = Capability(name="edits", blueprints=(pages,))
