"""Who works here and what each may do. One entry point for permission: `require`."""

from core.staff.events import (
    DevicePaired,
    DeviceUnpaired,
    LoggedIn,
    LoggedOut,
    PinFailed,
    TokenMade,
    TokenRevoked,
)
from core.staff.permissions import PERMISSIONS, ROLE_NAMES, ROLES, Grants
from core.staff.tables import (
    PART,
    Staff,
    StaffDocument,
    active_staff,
    grants_of,
    require,
    staff,
)

__all__ = [
    "PART",
    "PERMISSIONS",
    "ROLES",
    "ROLE_NAMES",
    "DevicePaired",
    "DeviceUnpaired",
    "Grants",
    "LoggedIn",
    "LoggedOut",
    "PinFailed",
    "Staff",
    "StaffDocument",
    "TokenMade",
    "TokenRevoked",
    "active_staff",
    "grants_of",
    "require",
    "staff",
]
