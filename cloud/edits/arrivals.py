"""Which stores have a document: what each hub last said of its place in the feed."""

from __future__ import annotations

from dataclasses import dataclass

from cloud.platform import Hub, Merchant, Platform, hubs_of
from core.organisation import stores
from core.sqlite import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A store, and whether its hub has the document.

    `at` (ms) is since when, as far as is remembered. `hub` is empty where a store has none yet.
    """

    store: str
    name: str
    hub: str = ""
    has: bool = False
    at: int | None = None
    online: bool = False
    last_seen_at: int | None = None


def arrivals(db: Reader, shared: Reader, merchant: str, pos: int) -> list[Arrival]:
    """Return every store, with its hubs, and which of them took the feed up to `pos`.

    `db` is the merchant's database, `shared` the platform's.
    """
    hubs: dict[str, list[Hub]] = {}
    for hub in hubs_of(shared, merchant):
        if not hub.revoked:
            hubs.setdefault(hub.store, []).append(hub)
    found: list[Arrival] = []
    for store, branch in stores(db).items():
        known = hubs.get(store, [])
        found += [_arrival(shared, store, branch.name, hub, pos) for hub in known]
        if not known:
            found.append(Arrival(store=store, name=branch.name))
    return found


def mark(platform: Platform, merchant: Merchant) -> object:
    """Return what differs as soon as a store has more of the feed, or there is more to have."""
    with platform.door.read() as db:
        hubs = [(hub.id, hub.feed_pos, hub.online) for hub in hubs_of(db, merchant.id)]
    with merchant.door.read() as db:
        newest = db.value("SELECT MAX(pos) FROM feed_document")
    return newest, hubs


def _arrival(shared: Reader, store: str, name: str, hub: Hub, pos: int) -> Arrival:
    at = shared.value(
        "SELECT MIN(at) FROM feed_arrival WHERE hub = :hub AND pos >= :pos",
        hub=hub.id,
        pos=pos,
    )
    return Arrival(
        store=store,
        name=name,
        hub=hub.id,
        has=hub.feed_pos >= pos,
        at=at,
        online=hub.online,
        last_seen_at=hub.last_seen_at,
    )
