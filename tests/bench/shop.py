"""A shop to be measured: what it sells, eight tills with a drawer each, members with money.

Its printer is a file, so that whoever starts `hub devices` sees receipts printed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.feed import FeedDocument, load
from core.journal import Act, drain_all
from core.sqlite import Writer
from core.wallet import Asset
from hub.access import make_token
from hub.app import open_hub
from hub.box import Box, settle_in
from hub.devices import set_printer
from hub.members import Application, Profile, register
from hub.till import open_period
from hub.wallet import adjust

OWNER = "w1"
TILLS = 8
MEMBERS = 64
ITEMS = ("item-1", "item-2", "item-3")
BALANCE = 90_000_000
"""Fen; enough for some ten thousand sales to each member."""

DOCUMENTS: dict[tuple[str, str], dict[str, Any]] = {
    ("company", "-"): {"name": "清和养生", "phone": "020-88886666", "footer": "谢谢光临"},
    ("store", "s1"): {"name": "人民路店", "code": "A", "cutoff_minutes": 240},
    ("settings", "-"): {"topup_max_cents": 100_000_000},
    ("category", "c1"): {"name": "足疗"},
    ("item", "item-1"): {
        "code": "101",
        "name": "足疗 60 分钟",
        "price": 12_800,
        "member_price": 9_900,
        "category": "c1",
    },
    ("item", "item-2"): {
        "code": "201",
        "name": "茉莉花茶",
        "kind": "product",
        "unit": "壶",
        "price": 3_800,
        "category": "c1",
    },
    ("item", "item-3"): {"code": "102", "name": "拔罐", "price": 6_800, "category": "c1"},
    ("staff", OWNER): {"number": "01", "name": "王芳", "role": "owner"},
}


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A furnished folder that nobody has open."""

    folder: Path
    tokens: tuple[str, ...]
    """One for each till."""
    members: tuple[str, ...]


def furnish(folder: Path) -> Shop:
    """Make a shop that is ready to sell."""
    box = open_hub(folder)
    try:
        box.door.write(lambda tx: _bring(tx, box))
        tokens, members = box.door.write(
            lambda tx: _open_for_business(tx, box.act(tx, actor=OWNER))
        )
        drain_all(box.door, box.parts)
        return Shop(folder=folder, tokens=tokens, members=members)
    finally:
        box.close()


def _bring(tx: Writer, box: Box) -> None:
    documents = [
        FeedDocument(topic=topic, key=key, pos=pos, content=content)
        for pos, ((topic, key), content) in enumerate(DOCUMENTS.items(), start=1)
    ]
    load(tx, box.parts, documents)
    settle_in(tx, "s1")
    paper = box.folder / "paper"
    paper.mkdir()
    address = f"file:{paper / 'roll'}"
    set_printer(tx, name="前台", address=address, columns=48, raster=False, drawer_pin=2)


def _open_for_business(tx: Writer, act: Act) -> tuple[tuple[str, ...], tuple[str, ...]]:
    tills = [f"till-{number}" for number in range(TILLS)]
    for till in tills:
        open_period(tx, act, till=till, float_cents=50_000)
    tokens = [make_token(tx, act, name=till, staff_id=OWNER, till=till) for till in tills]
    members = [_member(tx, act, number) for number in range(MEMBERS)]
    return tuple(tokens), tuple(members)


def _member(tx: Writer, act: Act, number: int) -> str:
    profile = Profile(name="李慧敏", phone=f"199{number:08}")
    member = register(tx, act, Application(profile=profile, card=f"70{number:08}"))
    adjust(tx, act, member=member, asset=Asset.PRINCIPAL, amount=BALANCE, reason="bench")
    return member
