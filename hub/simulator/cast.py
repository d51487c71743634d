"""Who and what a person may play with beside the devices; whoever seeds a shop tells."""

from __future__ import annotations

from pathlib import Path

import msgspec

from core.crypto import read_private, replace_private


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who works in the shop. `pin` and `card` are as typed and as swiped."""

    role: str
    number: str
    name: str
    pin: str = ""
    card: str = ""


class Cast(msgspec.Struct, frozen=True, kw_only=True):
    """Logins, API tokens by role, and the numbers on virtual members' cards."""

    logins: tuple[Login, ...] = ()
    tokens: dict[str, str] = {}
    tills: tuple[str, ...] = ()
    member_cards: tuple[str, ...] = ()
    blank_cards: tuple[str, ...] = ()
    """Cards that stand for nobody yet."""

    def of_role(self, role: str) -> Login | None:
        return next((login for login in self.logins if login.role == role), None)


def read_cast(path: Path) -> Cast:
    """Read a cast; an empty one where there is no file."""
    try:
        return msgspec.json.decode(read_private(path), type=Cast)
    except FileNotFoundError:
        return Cast()


def write_cast(path: Path, cast: Cast) -> None:
    """Keep a cast where only its owner may read it: it holds PINs."""
    replace_private(path, msgspec.json.format(msgspec.json.encode(cast), indent=2))
