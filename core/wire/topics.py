"""The eight topics of one hub, and the names in them.

A name is built and read here and nowhere else, so that what the broker's access list lets
through (the third level is the certificate's name) and what a program believes cannot differ.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

ROOT = "h1"
INGEST_NAME = "cloud-ingest"
"""The name that head office's certificate carries at the broker."""

_MERCHANT = re.compile(r"[a-z0-9]{8}")
_HUB = re.compile(r"[0-9a-f]{16}")


class Channel(StrEnum):
    """What travels on a topic, and which way."""

    UP_LOG = "up/log"
    UP_CONTROL = "up/ctl"
    UP_ASK = "up/rq"
    UP_PRESENCE = "up/st"
    DOWN_LOG = "dn/log"
    DOWN_CONTROL = "dn/ctl"
    DOWN_ANSWER = "dn/rp"
    DOWN_FEED = "dn/feed"


UP = (Channel.UP_LOG, Channel.UP_CONTROL, Channel.UP_ASK, Channel.UP_PRESENCE)
DOWN = (Channel.DOWN_LOG, Channel.DOWN_CONTROL, Channel.DOWN_ANSWER, Channel.DOWN_FEED)


@dataclass(frozen=True, slots=True)
class Topic:
    """Whose topic it is and what travels there."""

    merchant: str
    hub: str
    channel: Channel


def shard(hub: str) -> str:
    """Return the three hex digits by which hubs are spread over workers."""
    return hashlib.sha256(hub.encode()).hexdigest()[:3]


def link_name(merchant: str, hub: str) -> str:
    """Return the one name of a hub on the wire: certificate, MQTT user and client id.

    Raises ValueError for a name with which a topic would mean something else.
    """
    if not _MERCHANT.fullmatch(merchant) or not _HUB.fullmatch(hub):
        raise ValueError(f"not the name of a hub: {merchant!r}.{hub!r}")
    return f"{merchant}.{hub}"


def parse_link_name(name: str) -> tuple[str, str] | None:
    """Return (merchant, hub) of a certificate's name, or None when it is no hub's."""
    merchant, _, hub = name.partition(".")
    if not _MERCHANT.fullmatch(merchant) or not _HUB.fullmatch(hub):
        return None
    return merchant, hub


def topic(merchant: str, hub: str, channel: Channel) -> str:
    return f"{ROOT}/{shard(hub)}/{link_name(merchant, hub)}/{channel}"


def parse_topic(text: str) -> Topic | None:
    """Read a topic; None for every text that `topic` would not have written."""
    parts = text.split("/")
    if len(parts) != 5 or parts[0] != ROOT:
        return None
    named = parse_link_name(parts[2])
    if named is None or parts[1] != shard(named[1]):
        return None
    try:
        channel = Channel("/".join(parts[3:]))
    except ValueError:
        return None
    return Topic(*named, channel)


def up_filters() -> tuple[str, ...]:
    """Return what head office subscribes to: every hub's upward topics."""
    return tuple(f"{ROOT}/+/+/{channel}" for channel in UP)


def down_filters(merchant: str, hub: str) -> tuple[str, ...]:
    """Return what a hub subscribes to: its own downward topics."""
    return tuple(topic(merchant, hub, channel) for channel in DOWN)
