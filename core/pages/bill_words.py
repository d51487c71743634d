"""What bills call things that the journal names by code, at a store and at head office."""

from __future__ import annotations

from collections.abc import Sequence

from core.catalog import UNLIMITED, all_categories, named_items
from core.errors import N_
from core.organisation import Settings
from core.sqlite import Reader
from core.till import STORED_VALUE
from core.web import gettext as _
from core.web import ngettext

PASS_TENDERS = {"punches": N_("次卡"), "minutes": N_("时长卡"), "coupons": N_("券")}
RULE_NAMES = {"list": N_("门市价"), "member": N_("会员价")}


def tender_label(tender: str, settings: Settings) -> str:
    """Return what people call a tender."""
    if tender == STORED_VALUE:
        return _("储值")
    if tender in PASS_TENDERS:
        return _(PASS_TENDERS[tender])
    if tender == "drawer":
        return _("钱箱")
    known = settings.tender(tender)
    return tender if known is None else _(known.name)


def good_for(db: Reader, items: Sequence[str], categories: Sequence[str]) -> str:
    """Return what a pass pays for, by the names of its items and headings."""
    names = [row["name"] for row in named_items(db, items)]
    names += [row["name"] for row in all_categories(db) if row["id"] in categories]
    if not items and not categories:
        return _("所有服务")
    return _("、").join(names) or _("已停售的项目")


def units_label(asset: str, units: int, *, opened: int = 0) -> str:
    """Return so many units of a pass as people say it; `opened` is how many there were."""
    if opened >= UNLIMITED:
        return _("不限次")
    if asset == "minutes":
        return ngettext("%(num)d 分钟", "%(num)d 分钟", units)
    if asset == "coupons":
        return ngettext("%(num)d 张券", "%(num)d 张券", units)
    return ngettext("%(num)d 次", "%(num)d 次", units)
