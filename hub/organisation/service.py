"""Editing who the shop is and by which rules it works; each edit is a document of the feed."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from core.catalog import syllables
from core.errors import N_, Refusal, Refused
from core.feed import publish
from core.journal import Act, Part
from core.organisation import (
    THE_ONE,
    Company,
    Settings,
    Store,
    Tender,
    check_store,
    settings,
    stores,
)
from core.sqlite import Writer

CATEGORIES_MAX = 20
TENDERS_MAX = 12
RESERVED_TENDERS = {"stored_value", "drawer", "punches", "minutes", "coupons"}
"""Ids that reports use for what no shop adds."""

PART = Part(
    name="organisation_pages",
    refusals={
        "card_of_member": Refusal(409, N_("这张卡已发给会员，不能用来登录，请换一张")),
        "category_taken": Refusal(409, N_("已经有“%(name)s”了")),
        "category_in_use": Refusal(409, N_("还有 %(count)s 位会员是“%(name)s”，不能删")),
        "category_last": Refusal(409, N_("至少要留一个会员类别")),
        "tender_taken": Refusal(409, N_("已经有“%(name)s”这种付款方式了")),
        "tender_gone": Refusal(404, N_("没有这种付款方式")),
        "list_full": Refusal(409, N_("最多 %(limit)s 个")),
        "staff_self": Refusal(409, N_("不能停用自己")),
    },
)


def save_company(tx: Writer, act: Act, *, content: Company) -> None:
    """Change what stands above and below receipts."""
    publish(tx, act, topic="company", key=THE_ONE, content=msgspec.to_builtins(content))


def save_store(tx: Writer, act: Act, *, content: Store) -> None:
    """Change this branch. Refused: store_code_used, store_code_taken.

    Only head office closes and opens a branch, so that stays as it is.
    """
    check_store(tx, act.store, content)
    before = stores(tx).get(act.store)
    closed_on = before.closed_on if before else ""
    content = msgspec.structs.replace(content, closed_on=closed_on)
    publish(tx, act, topic="store", key=act.store, content=msgspec.to_builtins(content))


def change_settings(tx: Writer, act: Act, **changed: Any) -> None:
    """Change some of the rules; the others stay as they are now, whoever else edits them."""
    new = msgspec.structs.replace(settings(tx), **changed)
    content = msgspec.to_builtins(new)
    msgspec.convert(content, Settings)
    publish(tx, act, topic="settings", key=THE_ONE, content=content)


def save_tender(tx: Writer, act: Act, *, tender: str | None, content: Tender) -> None:
    """Add a way of paying, or change one. Refused: tender_taken, tender_gone, list_full.

    Its id never changes, so that old reports keep their name.
    """
    known = settings(tx).tenders
    if any(one.name == content.name and one.id != tender for one in known):
        raise Refused("tender_taken", name=content.name)
    if tender is None:
        if len(known) >= TENDERS_MAX:
            raise Refused("list_full", limit=TENDERS_MAX)
        taken = {one.id for one in known} | RESERVED_TENDERS
        fresh = msgspec.structs.replace(content, id=tender_id(content.name, taken))
        change_settings(tx, act, tenders=(*known, fresh))
        return
    if all(one.id != tender for one in known):
        raise Refused("tender_gone")
    kept = msgspec.structs.replace(content, id=tender)
    change_settings(tx, act, tenders=tuple(kept if one.id == tender else one for one in known))


def tender_id(name: str, taken: set[str]) -> str:
    """Return a lasting id for a new way of paying: letters, never one that is taken."""
    letters = re.sub(r"[^a-z]", "", "".join(syllables(name)))[:16]
    stem = letters if len(letters) >= 2 else "tender"
    tried = stem
    for letter in "abcdefghijklmnopqrstuvwxyz":
        if tried not in taken:
            return tried
        tried = f"{stem}_{letter}"
    raise AssertionError("no shop has so many tenders of one name")


def add_category(tx: Writer, act: Act, *, name: str) -> None:
    """Add a member category. Refused: category_taken, list_full."""
    known = settings(tx).categories
    if name in known:
        raise Refused("category_taken", name=name)
    if len(known) >= CATEGORIES_MAX:
        raise Refused("list_full", limit=CATEGORIES_MAX)
    change_settings(tx, act, categories=(*known, name))


def remove_category(tx: Writer, act: Act, *, name: str) -> None:
    """Take a member category away. Refused: category_in_use, category_last."""
    kept = tuple(one for one in settings(tx).categories if one != name)
    count = tx.value("SELECT count(*) FROM member WHERE category = :name", name=name)
    if count:
        raise Refused("category_in_use", name=name, count=count)
    if not kept:
        raise Refused("category_last")
    change_settings(tx, act, categories=kept)


def set_first_category(tx: Writer, act: Act, *, name: str) -> None:
    """Let new members be of this category where none is chosen. Refused: category_unknown."""
    known = settings(tx).categories
    if name not in known:
        raise Refused("category_unknown", category=name)
    change_settings(tx, act, categories=(name, *(one for one in known if one != name)))
