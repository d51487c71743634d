"""Backups of one store's box: to a folder or a USB medium, sealed, read back, and put back.

What is in one: the database as it lies, encrypted by its own key; the box's secrets, that key
and the journal's among them; the link to head office; the authority that tablets trust, where
the program may read it. So whoever opens a backup has the box: it is sealed for a recovery key
that the box does not hold.
"""

from hub.backup.daily import Daily, daily_folder, on_own_medium, set_daily_folder
from hub.backup.making import (
    MadeBackup,
    add_recipient,
    back_up,
    backed_up,
    backups,
    make_recovery_key,
    recipients_of,
    verify_backup,
)
from hub.backup.restoring import NotBlank, restore
from hub.backup.tables import LOCAL, set_setting, setting

__all__ = [
    "LOCAL",
    "Daily",
    "MadeBackup",
    "NotBlank",
    "add_recipient",
    "back_up",
    "backed_up",
    "backups",
    "daily_folder",
    "make_recovery_key",
    "on_own_medium",
    "recipients_of",
    "restore",
    "set_daily_folder",
    "set_setting",
    "setting",
    "verify_backup",
]
