"""What lies under all of head office: its folder, its merchants, its hubs and certificates.

A merchant is a file of its own with a key of its own, so a query cannot reach another's. What
is known before a merchant is (who there is, which hub is whose, codes, alarms) lies in one
shared database.
"""

from cloud.platform.authority import Pair, serial_of
from cloud.platform.closing import Reason, closed_by_certificate, end_limbo, mark_closed
from cloud.platform.codes import (
    CODE_LIFE_MS,
    code_open_for,
    new_code,
    replace_code,
    spelled,
)
from cloud.platform.enrolment import enrol, look, renew, renew_late
from cloud.platform.hubs import (
    Epoch,
    Hub,
    alarm,
    alarms_of,
    all_hubs,
    epochs_of,
    find_hub,
    hub_named,
    hubs_of,
    next_epoch,
    pass_over_epochs,
)
from cloud.platform.merchant import DOWNLINK, Merchant, secret_of
from cloud.platform.nights import Check, last_checks, next_to_check, note_check
from cloud.platform.papers import (
    BROKER,
    GATE,
    INGEST,
    names_of,
    program_pair,
    revoked_list,
    set_names,
)
from cloud.platform.places import (
    Places,
    keep_places,
    parse_broker,
    parse_gate,
    places,
    set_places,
)
from cloud.platform.platform import Platform, create_merchant, open_platform
from cloud.platform.refusals import REFUSALS

__all__ = [
    "BROKER",
    "CODE_LIFE_MS",
    "DOWNLINK",
    "GATE",
    "INGEST",
    "REFUSALS",
    "Check",
    "Epoch",
    "Hub",
    "Merchant",
    "Pair",
    "Places",
    "Platform",
    "Reason",
    "alarm",
    "alarms_of",
    "all_hubs",
    "closed_by_certificate",
    "code_open_for",
    "create_merchant",
    "end_limbo",
    "enrol",
    "epochs_of",
    "find_hub",
    "hub_named",
    "hubs_of",
    "keep_places",
    "last_checks",
    "look",
    "mark_closed",
    "names_of",
    "new_code",
    "next_epoch",
    "next_to_check",
    "note_check",
    "open_platform",
    "parse_broker",
    "parse_gate",
    "pass_over_epochs",
    "places",
    "program_pair",
    "renew",
    "renew_late",
    "replace_code",
    "revoked_list",
    "secret_of",
    "serial_of",
    "set_names",
    "set_places",
    "spelled",
]
