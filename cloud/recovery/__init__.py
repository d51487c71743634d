"""Backups of head office, putting it back, and what it does until it knows again.

A backup that was put back has forgotten: to whom value was sent, what stores wrote, what was
edited. Stores have not. So each merchant is in recovery until every one of its hubs has given
back what it was sent and sent anew what it wrote; until then no value moves, and a pool that
is below zero is only one of which the rest is not known yet.
"""

from cloud.recovery.backups import (
    Backup,
    add_recipient,
    backup_signer,
    backups_of,
    make_backup,
    make_recovery_key,
    prune_backups,
    recipients_of,
    verify_backup,
)
from cloud.recovery.events import PART, SEALING, HubReleased, RecoveryBegan, RecoveryEnded
from cloud.recovery.releasing import release_hub
from cloud.recovery.remembering import (
    begin_books,
    read_document,
    returned_documents,
    take_back,
    withdraw,
)
from cloud.recovery.restoring import NotEmpty, Restored, restore
from cloud.recovery.returning import (
    Caller,
    take_documents,
    take_done,
    take_papers,
    take_segment,
)
from cloud.recovery.settling import is_over, settle
from cloud.recovery.standing import (
    RELEASE_AFTER_MS,
    Awaited,
    Owed,
    Recovery,
    State,
    Why,
    await_hub,
    awaited_hubs,
    begin_again,
    begin_anew,
    begin_recovery,
    end_recovery,
    feed_told,
    hubs_in_recovery,
    incarnation_of,
    next_incarnation,
    owed_by,
    recovery_of,
    safe_of,
)
from cloud.recovery.tables import SHARED_TABLES
from cloud.recovery.views import mark, pages
from core.web import Capability

__all__ = [
    "CAPABILITY",
    "PART",
    "RELEASE_AFTER_MS",
    "SHARED_TABLES",
    "Awaited",
    "Backup",
    "Caller",
    "HubReleased",
    "NotEmpty",
    "Owed",
    "Recovery",
    "RecoveryBegan",
    "RecoveryEnded",
    "Restored",
    "State",
    "Why",
    "add_recipient",
    "await_hub",
    "awaited_hubs",
    "backup_signer",
    "backups_of",
    "begin_again",
    "begin_anew",
    "begin_books",
    "begin_recovery",
    "end_recovery",
    "feed_told",
    "hubs_in_recovery",
    "incarnation_of",
    "is_over",
    "make_backup",
    "make_recovery_key",
    "mark",
    "next_incarnation",
    "owed_by",
    "prune_backups",
    "read_document",
    "recipients_of",
    "recovery_of",
    "release_hub",
    "restore",
    "returned_documents",
    "safe_of",
    "settle",
    "take_back",
    "take_documents",
    "take_done",
    "take_papers",
    "take_segment",
    "verify_backup",
    "withdraw",
]

CAPABILITY = Capability(name="recovery", parts=(PART, SEALING), blueprints=(pages,))
