"""What an owner may ask about who was at the till."""

from __future__ import annotations

from core.journal import Body


class DevicePaired(Body, frozen=True, kw_only=True, tag="device.paired"):
    """A tablet, phone or PC was let in."""

    paired: str
    name: str
    till: str


class DeviceUnpaired(Body, frozen=True, kw_only=True, tag="device.unpaired"):
    """A device was shut out."""

    paired: str


class LoggedIn(Body, frozen=True, kw_only=True, tag="staff.logged_in"):
    """Somebody began to work at a device; `by` is pin or card."""

    staff: str
    by: str


class LoggedOut(Body, frozen=True, kw_only=True, tag="staff.logged_out"):
    """Somebody ended work at a device."""

    staff: str


class PinFailed(Body, frozen=True, kw_only=True, tag="staff.pin_failed"):
    """A PIN was wrong; `staff` is None when the number named nobody."""

    staff: str | None
    tries: int


class TokenMade(Body, frozen=True, kw_only=True, tag="token.made"):
    """A program was allowed to act as an employee at a till."""

    name: str
    staff: str
    till: str


class TokenRevoked(Body, frozen=True, kw_only=True, tag="token.revoked"):
    """A program may no longer act."""

    name: str
    staff: str
