"""The birth certificate of an epoch: which key may write it.

Its exact bytes begin the chain, so they are kept and passed on as they were made and never
encoded a second time.
"""

from __future__ import annotations

import msgspec

from core.crypto import verify_log


class Birth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a birth certificate says. Head office countersigns a hub's."""

    hub: str
    """The origin of the journal: a hub, its downlink, a merchant."""
    epoch: int
    key: str
    """The epoch's Ed25519 public key, base64url."""
    made_at: int
    right_first: bool = False
    """Of the stream down to a box: it fills no wallet before a right to came by it."""


def signed_by_birth(birth: bytes, signature: bytes, message: bytes) -> bool:
    """Say whether an epoch's own key made a signature."""
    key = msgspec.json.decode(birth, type=Birth).key
    return verify_log(public=key, message=message, signature=signature)
