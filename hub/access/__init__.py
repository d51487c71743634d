"""Who may come in: paired devices, people by PIN or card, programs by token."""

from hub.access.callers import device, look, till, to_login, to_pairing, watch
from hub.access.login import make_token, revoke_tokens, set_pin, tokens
from hub.access.pairing import invite
from hub.access.tables import PART
from hub.access.views import on_moved, pages

__all__ = [
    "PART",
    "device",
    "invite",
    "look",
    "make_token",
    "on_moved",
    "pages",
    "revoke_tokens",
    "set_pin",
    "till",
    "to_login",
    "to_pairing",
    "tokens",
    "watch",
]
