"""The public JSON API under /api/v1: the same verbs as the pages, described by OpenAPI.

Money is integer fen under names that end in `_cents`, times are milliseconds since 1970 UTC
under names that end in `_ms`. Whatever books or creates takes an `Idempotency-Key`, made by
the caller before its first try.
"""

from core.web import Capability
from hub.api import (
    cards,
    description,
    items,
    members,
    passes,
    prints,
    returns,
    scans,
    shifts,
    sync,
    tickets,
    topups,
)
from hub.api.blueprint import PREFIX, api

CAPABILITY = Capability(name="api", blueprints=(api,))

__all__ = [
    "CAPABILITY",
    "PREFIX",
    "api",
    "cards",
    "description",
    "items",
    "members",
    "passes",
    "prints",
    "returns",
    "scans",
    "shifts",
    "sync",
    "tickets",
    "topups",
]
