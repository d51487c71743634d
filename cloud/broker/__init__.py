"""The broker between hubs and head office: mosquitto, told who may say and hear what.

Nothing rests in it: killed and wiped at any moment it loses no message that its sender would
not send again.
"""

from cloud.broker.configuration import (
    INGEST,
    BadSetting,
    Listener,
    Papers,
    write_configuration,
)
from cloud.broker.running import (
    STAND_IN_WARNING,
    NoBroker,
    become_broker,
    broker_words,
    find_mosquitto,
    keeper_words,
    stands_in,
)

__all__ = [
    "INGEST",
    "STAND_IN_WARNING",
    "BadSetting",
    "Listener",
    "NoBroker",
    "Papers",
    "become_broker",
    "broker_words",
    "find_mosquitto",
    "keeper_words",
    "stands_in",
    "write_configuration",
]
