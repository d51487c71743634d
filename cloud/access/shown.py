"""How times, phones and names are shown to whoever looks."""

from __future__ import annotations

from flask import Flask, g

from cloud.access.accounts import names
from cloud.access.callers import may
from cloud.access.house import here, platform
from core.clock import DAY_MS, HOUR_MS, MINUTE_MS, BusinessDay
from core.members import mask_phone
from core.organisation import Store, stores
from core.web import gettext as _
from core.web import ngettext, read

FULL_PHONE = "member.view_phone_full"
ZONE = "Asia/Shanghai"
"""Before there is a store whose clock could be shown."""


def branches() -> dict[str, Store]:
    """Return the merchant's stores, asked once a request."""
    if "branches" not in g:
        with read() as db:
            g.branches = stores(db)
    known: dict[str, Store] = g.branches
    return known


def branch_name(store: str) -> str:
    """Return what a store is called; its id where it is not known (yet)."""
    known = branches().get(store)
    return known.name if known else store


def account_name(account: str | None) -> str:
    """Return what somebody of head office is called; empty where it is nobody of theirs."""
    if "account_names" not in g:
        with platform().door.read() as db:
            g.account_names = names(db, here().id)
    found: str = g.account_names.get(account or "", "")
    return found


def day_of(store: str = "") -> BusinessDay:
    """Return a store's day; without one, that of the merchant's first store."""
    known = branches().get(store) or next(iter(branches().values()), None)
    return known.day if known else BusinessDay(ZONE)


def moment(at: int | None, store: str = "") -> str:
    """Return the store's date and time of an instant (ms): 2026-09-21 10:00."""
    return "" if at is None else f"{day_of(store).local(at):%Y-%m-%d %H:%M}"


def short_moment(at: int | None, store: str = "") -> str:
    """Return the same without the year, for lists: 09-21 10:00."""
    return "" if at is None else f"{day_of(store).local(at):%m-%d %H:%M}"


def clock_time(at: int | None, store: str = "") -> str:
    """Return the store's time of day of an instant (ms)."""
    return "" if at is None else f"{day_of(store).local(at):%H:%M}"


def ago(at: int | None) -> str:
    """Say how long ago an instant (ms) was: 刚刚, 3 分钟前, 2 天前."""
    if at is None:
        return _("从未")
    return _("刚刚") if _past(at) < MINUTE_MS else _("%(span)s前", span=span(_past(at)))


def span(milliseconds: int) -> str:
    """Say how long something takes, in its largest unit."""
    if milliseconds < MINUTE_MS:
        seconds = max(1, milliseconds // 1000)
        return ngettext("%(num)d 秒", "%(num)d 秒", seconds)
    if milliseconds < HOUR_MS:
        return ngettext("%(num)d 分钟", "%(num)d 分钟", milliseconds // MINUTE_MS)
    if milliseconds < 2 * DAY_MS:
        return ngettext("%(num)d 小时", "%(num)d 小时", milliseconds // HOUR_MS)
    return ngettext("%(num)d 天", "%(num)d 天", milliseconds // DAY_MS)


def phone_shown(phone: str) -> str:
    """Return a phone as this caller may see it: whole, or 138****2046."""
    return phone if not phone or may(FULL_PHONE) else mask_phone(phone)


def install(app: Flask) -> None:
    """Give every template these words."""
    app.jinja_env.filters.update(
        moment=moment,
        short_moment=short_moment,
        clock_time=clock_time,
        ago=ago,
        span=span,
        phone_shown=phone_shown,
        branch_name=branch_name,
    )
    app.jinja_env.globals.update(may=may)


def _past(at: int) -> int:
    return max(0, platform().clock.read().at - at)
