"""Head office's composition root: what merchants' databases know, and how they are opened."""

from __future__ import annotations

from pathlib import Path

from cloud import feed as cloud_feed
from cloud import streams
from cloud.platform import Platform, open_platform
from core import catalog, feed, members, organisation, staff, tickets, till, wallet
from core.clock import Clock
from core.ids import Ids
from core.journal import Part
from core.sqlite import Migration

CORE_PARTS: tuple[Part, ...] = (
    feed.PART,
    organisation.PART,
    staff.PART,
    catalog.PART,
    members.PART,
    wallet.PART,
    tickets.PART,
    till.PART,
)

LOCAL_PARTS: tuple[Part, ...] = (cloud_feed.PART, streams.PART)
"""Tables of head office's own in each merchant's database; a capability is one line."""

SHARED_TABLES: tuple[Migration, ...] = (*streams.SHARED_TABLES,)
"""Tables that a capability keeps in the database that all merchants share."""


def open_cloud(folder: Path, *, clock: Clock | None = None, ids: Ids | None = None) -> Platform:
    """Open head office in a folder, with every capability's tables."""
    return open_platform(
        folder,
        (*CORE_PARTS, *LOCAL_PARTS),
        migrations=SHARED_TABLES,
        clock=clock,
        ids=ids,
    )
