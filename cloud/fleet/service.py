"""Stores and their boxes: opened, changed, closed; let in and shut out."""

from __future__ import annotations

import msgspec

from cloud.epochs import close_epoch
from cloud.fleet.events import CodeMade, HubRevoked
from cloud.platform import Hub, Merchant, Platform, hubs_of, new_code, replace_code
from core.clock import BusinessDay
from core.errors import N_, Refusal, Refused
from core.feed import publish
from core.journal import Act, Part
from core.organisation import ZONES, Store, check_store, store, stores
from core.sqlite import Reader, Writer

STORES_MAX = 2_000

PART = Part(
    name="fleet",
    now=dict.fromkeys((CodeMade, HubRevoked), lambda _entry: ()),
    refusals={
        "stores_full": Refusal(409, N_("一个商户最多 %(limit)s 家门店")),
        "store_unknown": Refusal(404, N_("没有找到这家门店")),
        "hub_unknown": Refusal(404, N_("没有找到这台主机")),
        "store_not_open": Refusal(409, N_("“%(name)s”已停业，请先恢复营业")),
    },
)


def usual_day(db: Reader) -> BusinessDay:
    """Return the day that a new store begins with: that of one that is open.

    Stores whose days begin at different hours are not in the same date at night, and their
    takings of "today" then stand on two pages.
    """
    known = (branch.day for branch in stores(db).values() if not branch.closed_on)
    return next(known, BusinessDay(ZONES[0]))


def add_store(tx: Writer, act: Act, *, content: Store) -> str:
    """Open a store; return its id. Refused: store_code_taken, store_code_used, stores_full."""
    if len(stores(tx)) >= STORES_MAX:
        raise Refused("stores_full", limit=STORES_MAX)
    store_id = act.new_id()
    check_store(tx, store_id, content)
    publish(tx, act, topic="store", key=store_id, content=msgspec.to_builtins(content))
    return store_id


def change_store(tx: Writer, act: Act, *, store_id: str, content: Store) -> None:
    """Change a store's details; whether it is open stays.

    Refused: store_unknown, store_code_taken, store_code_used.
    """
    before = known_store(tx, store_id)
    check_store(tx, store_id, content)
    content = msgspec.structs.replace(content, closed_on=before.closed_on)
    publish(tx, act, topic="store", key=store_id, content=msgspec.to_builtins(content))


def close_store(tx: Writer, act: Act, *, store_id: str) -> None:
    """Open no shift there from today on; what its boxes still have comes up as before.

    Refused: store_unknown.
    """
    _set_closed(tx, act, store_id, known_store(tx, store_id).day.date(act.at))


def reopen_store(tx: Writer, act: Act, *, store_id: str) -> None:
    """Let shifts be opened there again. Refused: store_unknown."""
    _set_closed(tx, act, store_id, "")


def known_store(tx: Writer, store_id: str) -> Store:
    """Return a store of this merchant. Refused: store_unknown."""
    if store_id not in stores(tx):
        raise Refused("store_unknown")
    return store(tx, store_id)


def make_code(
    platform: Platform, merchant: Merchant, *, store_id: str, actor: str | None
) -> str:
    """Make the code that joins one box to a store; '' is a shop that brings its own.

    Refused: store_unknown, store_not_open, no_store, store_missing.
    """
    with merchant.door.read() as db:
        known = stores(db).get(store_id)
    if store_id and known is None:
        raise Refused("store_unknown")
    if known is not None and known.closed_on:
        raise Refused("store_not_open", name=known.name)
    code = new_code(platform, merchant=merchant.id, store=store_id)
    _tell(merchant, actor, CodeMade(store=store_id))
    return code


def shut_out(
    platform: Platform, merchant: Merchant, *, hub_id: str, reason: str, actor: str | None
) -> Hub:
    """Let a box write no more, for a reason (cloud.platform.Reason).

    Refused: hub_unknown, bad_reason.
    """
    known = find_own_hub(platform, merchant, hub_id)
    close_epoch(platform, hub_id, reason=reason, actor=actor)
    return known


def make_replace_code(
    platform: Platform, merchant: Merchant, *, hub_id: str, actor: str | None
) -> str:
    """Make the code that puts another box in the place of one that was closed.

    Refused: hub_unknown, hub_open.
    """
    known = find_own_hub(platform, merchant, hub_id)
    code = replace_code(platform, known)
    _tell(merchant, actor, CodeMade(store=known.store, hub=hub_id))
    return code


def find_own_hub(platform: Platform, merchant: Merchant, hub_id: str) -> Hub:
    """Return a box of this merchant. Refused: hub_unknown, also for another merchant's."""
    with platform.door.read() as db:
        known = {hub.id: hub for hub in hubs_of(db, merchant.id)}
    if hub_id not in known:
        raise Refused("hub_unknown")
    return known[hub_id]


def _set_closed(tx: Writer, act: Act, store_id: str, closed_on: str) -> None:
    content = msgspec.structs.replace(known_store(tx, store_id), closed_on=closed_on)
    publish(tx, act, topic="store", key=store_id, content=msgspec.to_builtins(content))


def _tell(merchant: Merchant, actor: str | None, body: CodeMade) -> None:
    merchant.door.write(lambda tx: merchant.act(tx, actor=actor).append(tx, body))
    merchant.written()
