"""What an owner may ask about which boxes were let in."""

from __future__ import annotations

from core.journal import Body


class CodeMade(Body, frozen=True, kw_only=True, tag="hub.code_made"):
    """A code was made by which a box may be joined to a store; the code itself is not told."""

    store: str
    hub: str = ""
    """Whose place another box may take with it; empty for a box that is new."""


class HubRevoked(Body, frozen=True, kw_only=True, tag="hub.revoked"):
    """A box was shut out for good; from before a reason was asked for."""

    hub: str
    store: str
