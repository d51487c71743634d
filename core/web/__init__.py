"""The page shell of hub and cloud: base page, components, language, guards, errors.

A view parses, calls `write` or `read` once, and renders. Every route declares who may call it.
"""

from core.web.api import KEY_HEADER, REPLAY_HEADER, Asked, Endpoint, endpoint_of
from core.web.edge import Caller, House, caller, fresh_read, house, read, reading_act, write
from core.web.forms import (
    Form,
    constraint_sentence,
    fresh_id,
    go,
    minted_id,
    show,
    typed_form,
    typed_yuan,
)
from core.web.guard import csrf_token
from core.web.guard import install as install_guards
from core.web.language import gettext, language, ngettext
from core.web.markers import (
    Door,
    paired,
    permission,
    permission_of,
    program,
    public,
    staff_only,
)
from core.web.openapi import describe
from core.web.shell import Capability, NavItem, bulletin, is_partial, make_app, theme
from core.web.stream import STREAMS_MAX, Bulletin, News
from core.web.told import sentence, tell, tell_kept

__all__ = [
    "KEY_HEADER",
    "REPLAY_HEADER",
    "STREAMS_MAX",
    "Asked",
    "Bulletin",
    "Caller",
    "Capability",
    "Door",
    "Endpoint",
    "Form",
    "House",
    "NavItem",
    "News",
    "bulletin",
    "caller",
    "constraint_sentence",
    "csrf_token",
    "describe",
    "endpoint_of",
    "fresh_id",
    "fresh_read",
    "gettext",
    "go",
    "house",
    "install_guards",
    "is_partial",
    "language",
    "make_app",
    "minted_id",
    "ngettext",
    "paired",
    "permission",
    "permission_of",
    "program",
    "public",
    "read",
    "reading_act",
    "sentence",
    "show",
    "staff_only",
    "tell",
    "tell_kept",
    "theme",
    "typed_form",
    "typed_yuan",
    "write",
]
