"""A member's passes at this store: what of each lies here, what elsewhere; giving one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from core.catalog import UNLIMITED
from core.errors import Refused
from core.journal import Act, place_of
from core.members import ALIASES, standing_for
from core.money import AMOUNT_MAX
from core.sqlite import Reader, Row, Writer
from core.staff import require
from core.wallet import PASSES, Asset, Lot, PassGiven, issue_within, lot_of, pass_value
from hub.attempts import Answer, once
from hub.members import member_of
from hub.wallet.elsewhere import elsewhere

REASON_CHARACTERS_MAX = 80
NAME_CHARACTERS_MAX = 60
GIVEN_UNITS_MAX = 1_000

_lot = msgspec.json.Decoder(Lot)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPass:
    """One pass of a member: `here` can be used with the line cut, `elsewhere` lies away."""

    lot: Lot
    here: int
    elsewhere: int
    usable: bool
    """Whether it has not ended and counts at this store."""

    @property
    def total(self) -> int:
        return self.here + self.elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift:
    """A pass that nobody pays for: `worth` and `least` in fen, `expires` a business date."""

    member: str
    asset: Asset
    name: str
    reason: str
    units: int = 1
    worth: int = 0
    least: int = 0
    items: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    expires: str | None = None
    stores: tuple[str, ...] = ()


def held_passes(
    db: Reader, act: Act, member: str, *, used: Iterable[tuple[str, str]] = ()
) -> list[HeldPass]:
    """Return a member's passes that are not used up, what ends soonest first.

    Those that were `used` just now, as (asset, lot), also where nothing of them is left.
    """
    member = standing_for(db, member)
    here = act.journal.identity.place
    rows = db.all(
        "SELECT asset, lot, amount FROM holding"
        " WHERE place = :here AND member = :member AND amount > 0",
        here=here,
        member=member,
    )
    held = {(row["asset"], row["lot"]): row["amount"] for row in rows if row["asset"] in PASSES}
    away = elsewhere(db, act, member).passes
    told = _told_lots(db, member)
    passes = []
    for asset, name in sorted({*held, *away, *used}):
        lot = _known_lot(db, name) or told.get(name) or Lot(lot=name, opened_at=0, asset=asset)
        passes.append(
            HeldPass(
                lot=lot,
                here=held.get((asset, name), 0),
                elsewhere=away.get((asset, name), 0),
                usable=(lot.expires is None or act.date <= lot.expires)
                and (not lot.stores or act.store in lot.stores),
            )
        )
    passes.sort(key=lambda one: (one.lot.expires or "9999", one.lot.opened_at, one.lot.lot))
    return passes


def passes_after(
    db: Reader, member: str, *, origin: str, epoch: int, seq: int
) -> Mapping[str, int]:
    """Return by lot what of passes a member had here after one event. Drain history first."""
    rows = db.all(
        """SELECT lot, SUM(amount) AS amount FROM movement
            WHERE member = :member AND place = :here
              AND origin = :origin AND epoch = :epoch AND seq <= :seq
              AND asset IN ('punches', 'minutes', 'coupons')
            GROUP BY lot""",
        member=member,
        here=place_of(origin, epoch),
        origin=origin,
        epoch=epoch,
        seq=seq,
    )
    return {row["lot"]: row["amount"] for row in rows}


def passes_moved(db: Reader, event: Row) -> list[tuple[str, str]]:
    """Return the passes that an event moved, as (asset, lot). Drain history first.

    `event` is any row that says its origin, epoch and seq.
    """
    rows = db.all(
        """SELECT DISTINCT asset, lot FROM movement
            WHERE origin = :origin AND epoch = :epoch AND seq = :seq
              AND asset IN ('punches', 'minutes', 'coupons')""",
        origin=event["origin"],
        epoch=event["epoch"],
        seq=event["seq"],
    )
    return [(row["asset"], row["lot"]) for row in rows]


def give_pass(tx: Writer, act: Act, gift: Gift) -> Lot:
    """Give a member a pass, as one new lot; return it.

    A limit in fen bounds what it takes off. Refused: not_logged_in, not_allowed, over_limit,
    no_member, reason_missing, pass_wrong, amount_wrong, mint_right_spent.
    """
    member = member_of(tx, gift.member)["id"]
    reason = gift.reason.strip()[:REASON_CHARACTERS_MAX]
    name = gift.name.strip()[:NAME_CHARACTERS_MAX]
    given = Lot(
        lot=act.new_id(),
        opened_at=act.at,
        expires=gift.expires,
        stores=gift.stores,
        asset=gift.asset.value,
        units=gift.units,
        name=name,
        items=gift.items,
        categories=gift.categories,
        worth=gift.worth,
        least=gift.least,
    )
    require(tx, act.actor, "card.adjust", amount=pass_value(given, given.units))
    if not reason:
        raise Refused("reason_missing")
    is_coupon = gift.asset is Asset.COUPONS
    if gift.asset not in PASSES or not name or not 0 < gift.units <= GIVEN_UNITS_MAX:
        raise Refused("pass_wrong")
    if not 0 <= gift.worth <= AMOUNT_MAX or not 0 <= gift.least <= AMOUNT_MAX:
        raise Refused("amount_wrong", amount=str(gift.worth))
    if (gift.worth and not is_coupon) or (gift.expires and gift.expires < act.date):
        raise Refused("pass_wrong")
    body = PassGiven(member=member, given=given, reason=reason)
    place = act.journal.identity.place
    act.append(tx, body, postings=issue_within(tx, member, place, (), passes=(given,)))
    return given


def give(tx: Writer, act: Act, gift: Gift, *, key: str) -> Answer:
    """Give a pass, once only. Refused: what `give_pass` and `once` refuse."""

    def run() -> Answer:
        given = give_pass(tx, act, gift)
        member = member_of(tx, gift.member)["id"]
        passes = [pass_facts(one) for one in held_passes(tx, act, member)]
        return {"member": member, "lot": given.lot, "passes": passes, "at_ms": act.at}

    return once(tx, act, key=key, verb="wallet.give_pass", content=[gift], run=run)


def pass_facts(held: HeldPass) -> dict[str, object]:
    """Return a pass as plain facts; `worth` and `least` in fen."""
    lot = held.lot
    return {
        "lot": lot.lot,
        "asset": lot.asset,
        "name": lot.name,
        "here": held.here,
        "elsewhere": held.elsewhere,
        "total": held.total,
        "unlimited": lot.units >= UNLIMITED,
        "expires": lot.expires,
        "stores": lot.stores,
        "items": lot.items,
        "categories": lot.categories,
        "worth_cents": lot.worth,
        "least_cents": lot.least,
        "usable": held.usable,
    }


def _known_lot(db: Reader, name: str) -> Lot | None:
    row = db.one("SELECT * FROM lot WHERE lot = :lot", lot=name)
    return None if row is None else lot_of(row)


def _told_lots(db: Reader, member: str) -> dict[str, Lot]:
    rows = db.all(
        f"{ALIASES} SELECT lot, content FROM pass_elsewhere"  # noqa: S608 - own text
        " WHERE member IN (SELECT id FROM alias)",
        member=member,
    )
    return {row["lot"]: _lot.decode(row["content"]) for row in rows}
