"""What lies under all of head office: its folder, its merchants, its hubs and certificates.

A merchant is a file of its own with a key of its own, so a query cannot reach another's. What
is known before a merchant is (who there is, which hub is whose, codes, alarms) lies in one
shared database.
"""

from cloud.platform.hubs import (
    Epoch,
    Hub,
    alarm,
    alarms_of,
    all_hubs,
    epochs_of,
    find_hub,
    hub_name,
    hub_named,
    hubs_of,
    revoke,
)
from cloud.platform.merchant import DOWNLINK, Merchant
from cloud.platform.platform import Platform, create_merchant, open_platform
from cloud.platform.refusals import REFUSALS

__all__ = [
    "DOWNLINK",
    "REFUSALS",
    "Epoch",
    "Hub",
    "Merchant",
    "Platform",
    "alarm",
    "alarms_of",
    "all_hubs",
    "create_merchant",
    "epochs_of",
    "find_hub",
    "hub_name",
    "hub_named",
    "hubs_of",
    "open_platform",
    "revoke",
]
