"""A shop with a past, made once: its feed, its people, and a month that its own verbs lived."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date as calendar_date
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from core.clock import DAY_MS, Clock, ManualClock
from core.crypto import card_hash, hash_pin, make_pin, replace_private
from core.feed import FeedDocument, load, read_snapshot
from core.journal import drain_all
from core.sqlite import Writer
from core.staff import StaffDocument
from hub.access import make_token
from hub.app import open_hub
from hub.box import Box, settle_in
from hub.demo import shop
from hub.demo.history import Month, Plan
from hub.demo.people import people
from hub.jobs import seal_journal
from hub.simulator import Cast, Login

SEED = 20_260_302
MEMBER_CARDS_SHOWN = 20
BLANK_CARDS = range(1, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a past is made."""

    members: int = 300
    days: int = 30
    sales: int = 150
    sale_days: int = 14


def seed(folder: Path, snapshot: Path, *, clock: Clock, size: Size | None = None) -> Cast:
    """Make a hub in `folder`, which must not exist, and return who works there.

    The past ends on the business day before `clock`'s. People, prices and sales repeat from
    run to run; PINs, keys and tokens never do. The feed is written to `snapshot` and loaded
    from there, as a new hub will fetch it from head office.
    """
    size = size or Size()
    now = clock.read().at
    # It begins long ago, so that nothing that is opened stands after the first day.
    past = ManualClock(now - (size.days + 2) * DAY_MS)
    box = open_hub(folder, clock=past)
    try:
        logins = _logins()
        replace_private(snapshot, _snapshot(box, logins))
        box.door.write(_bring(box, snapshot.read_text(encoding="utf-8")))
        today = calendar_date.fromisoformat(shop.store().day.date(now))
        chance = Random(SEED)  # noqa: S311 - repeatable on purpose, and no secret
        plan = Plan(
            people=tuple(people(size.members, chance)),
            days=size.days,
            sales=size.sales,
            sale_days=size.sale_days,
        )
        cards = Month(box, past, chance).live(plan, last=today - timedelta(days=1))
        past.at = now
        tokens = box.door.write(_tokens(box))
        drain_all(box.door, box.parts)
        seal_journal(box)
        box.door.checkpoint()
    finally:
        box.close()
    return Cast(
        logins=logins,
        tokens=tokens,
        tills=shop.TILLS,
        member_cards=tuple(sorted(chance.sample(cards, min(MEMBER_CARDS_SHOWN, len(cards))))),
        blank_cards=tuple(f"{int(max(cards)) + next_one:010}" for next_one in BLANK_CARDS),
    )


def _logins() -> tuple[Login, ...]:
    return tuple(
        Login(
            role=role,
            number=shop.staff_number(position),
            name=name,
            pin="" if role == "device" else make_pin(secrets.token_bytes),
            card="" if role == "device" else shop.staff_card(position),
        )
        for position, (role, name) in enumerate(shop.PEOPLE, start=1)
    )


def _snapshot(box: Box, logins: tuple[Login, ...]) -> bytes:
    """Return the shop's feed as a new hub fetches it: one document a line."""
    staff = [
        ("staff", shop.staff_key(position), _employee(box, login))
        for position, login in enumerate(logins, start=1)
    ]
    lines = [
        msgspec.json.encode(FeedDocument(topic=topic, key=key, pos=pos, content=content))
        for pos, (topic, key, content) in enumerate([*shop.documents(), *staff], start=1)
    ]
    return b"".join(line + b"\n" for line in lines)


def _employee(box: Box, login: Login) -> dict[str, Any]:
    pepper, key = box.secrets.pin_pepper, box.secrets.card_key
    known = StaffDocument(
        number=login.number,
        name=login.name,
        role=login.role,
        pin_hash=hash_pin(login.pin, pepper=pepper) if login.pin else "",
        card_hashes=(card_hash(login.card, key=key),) if login.card else (),
    )
    content: dict[str, Any] = msgspec.to_builtins(known)
    return content


def _bring(box: Box, snapshot: str) -> Callable[[Writer], None]:
    def bring(tx: Writer) -> None:
        load(tx, box.parts, read_snapshot(snapshot))
        settle_in(tx, shop.STORE_ID)

    return bring


def _tokens(box: Box) -> Callable[[Writer], dict[str, str]]:
    """Make a token for each role, at the first till."""

    def make(tx: Writer) -> dict[str, str]:
        act = box.act(tx)
        return {
            role: make_token(tx, act, name=f"demo {role}", staff_id=key, till=shop.TILLS[0])
            for role, key in shop.first_of_each_role().items()
        }

    return make
