"""How times and phones are shown to whoever looks: the shop's clock, the reader's rights."""

from __future__ import annotations

from flask import Flask, g

from core.clock import BusinessDay
from core.errors import Refused
from core.members import mask_phone
from core.organisation import store
from core.staff import grants_of
from core.web import caller, read
from hub.box import here

FULL_PHONE = "member.view_phone_full"


def moment(at: int | None) -> str:
    """Return the shop's date and time of an instant (ms): 2026-09-21 10:00."""
    return "" if at is None else f"{_day().local(at):%Y-%m-%d %H:%M}"


def short_moment(at: int | None) -> str:
    """Return the same without the year, for lists: 09-21 10:00."""
    return "" if at is None else f"{_day().local(at):%m-%d %H:%M}"


def clock_time(at: int | None) -> str:
    """Return the shop's time of day of an instant (ms)."""
    return "" if at is None else f"{_day().local(at):%H:%M}"


def phone_shown(phone: str) -> str:
    """Return a phone as this caller may see it: whole, or 138****2046."""
    return phone if not phone or may(FULL_PHONE) else mask_phone(phone)


def may(permission: str) -> bool:
    """Say whether this caller has a right, so that a page offers only what will be done."""
    if "grants" not in g:
        with read() as db:
            g.grants = grants_of(db, caller().role or "")
    return permission in g.grants


def install(app: Flask) -> None:
    """Give every template these words."""
    app.jinja_env.filters.update(
        moment=moment,
        short_moment=short_moment,
        clock_time=clock_time,
        phone_shown=phone_shown,
    )
    app.jinja_env.globals.update(may=may)


def _day() -> BusinessDay:
    if "shop_day" not in g:
        with read() as db:
            try:
                g.shop_day = store(db, here().store_id(db)).day
            except Refused:  # Times are shown before the box knows its store, too.
                g.shop_day = BusinessDay("UTC")
    day: BusinessDay = g.shop_day
    return day
