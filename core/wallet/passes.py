"""What a pass pays: visits, minutes and coupons against the lines of a bill. Pure.

A pass is a bounded counter like a balance and lies in places like one, but its units are whole
and pay only what its lot is good for. Which lot pays is decided here: of those that cover a
line the one that ends soonest, then the oldest. A line is paid by the piece; minutes may come
out of several lots, but a piece is paid whole or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.errors import Refused
from core.wallet.accounts import PASSES, Asset
from core.wallet.events import Lot
from core.wallet.rules import Holding, Leg

QUANTITY_MAX = 999
UNPAID_CENTS = {Asset.PUNCHES: 10_000, Asset.COUPONS: 10_000, Asset.MINUTES: 200}
"""What a unit stands for, in fen, that nobody paid for and that names no sum: gifts are bounded
by the same limits as money."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payable:
    """A line of a bill as passes see it: `price` (fen) and `minutes` are of one piece.

    `amount` is what the bill asks for all of its pieces.
    """

    line: str
    item: str
    category: str
    is_service: bool
    quantity: int
    price: int
    amount: int
    minutes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ByPass:
    """A wish to pay `quantity` pieces of a line by an asset, or by that asset's `lot` alone.

    A coupon that takes money off a bill names no line.
    """

    asset: Asset
    line: str = ""
    quantity: int = 1
    lot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """So many units of one lot pay so many fen: of a line, or of the bill if it names none."""

    asset: Asset
    lot: str
    units: int
    line: str
    cents: int
    name: str

    @property
    def leg(self) -> Leg:
        return Leg(self.asset, self.lot, self.units)


def is_pass(holding: Holding) -> bool:
    return holding.asset in PASSES and holding.amount > 0


def covers(holding: Holding, line: Payable) -> bool:
    """Say whether a pass is good for a line; one that names nothing is for every service."""
    if not holding.items and not holding.categories:
        return line.is_service
    return line.item in holding.items or bool(
        line.category and line.category in holding.categories
    )


def units_for(asset: Asset, line: Payable) -> int:
    """Return how many units one piece of a line costs; 0 where it cannot be paid so."""
    return line.minutes if asset is Asset.MINUTES else 1


def propose(
    holdings: Iterable[Holding], lines: Sequence[Payable], *, store: str, date: str
) -> list[ByPass]:
    """Return how the passes that lie here would pay a bill, visits before minutes.

    Coupons are not proposed: whether to use one is the guest's to say.
    """
    left = _Left(holdings, store=store, date=date)
    proposed = []
    for line in lines:
        open_pieces = line.quantity
        for asset in (Asset.PUNCHES, Asset.MINUTES):
            count = left.pieces(asset, line, most=open_pieces)
            if count:
                proposed.append(ByPass(asset=asset, line=line.line, quantity=count))
                open_pieces -= count
    return proposed


def plan_passes(
    holdings: Iterable[Holding],
    lines: Sequence[Payable],
    asked: Iterable[ByPass],
    *,
    store: str,
    date: str,
) -> list[Use]:
    """Choose the lots that pay what was asked for, in that order, and how much each pays.

    `holdings` are those of one place. Coupons that take money off come last, whatever the
    order: they take it off what the others leave. Never more is taken than a lot has, and
    never more is paid than a line or a bill costs.
    Refused: pass_wrong, pass_short, coupon_least.
    """
    left = _Left(holdings, store=store, date=date)
    known = {line.line: line for line in lines}
    pieces = {line.line: line.quantity for line in lines}
    uses, off = [], []
    for one in asked:
        if one.asset not in PASSES or not 0 < one.quantity <= QUANTITY_MAX:
            raise Refused("pass_wrong")
        if not one.line:
            off.append(one)
            continue
        line = known.get(one.line)
        if line is None or one.quantity > pieces[one.line] or not line.price:
            raise Refused("pass_wrong")
        pieces[one.line] -= one.quantity
        for _piece in range(one.quantity):
            uses += left.pay_piece(one, line)
    rest = {line.line: line.price * pieces[line.line] for line in lines}
    for one in off:
        uses.append(left.take_off(one, lines, rest))
    return _joined(uses)


class _Left:
    """What of the passes here is still unused while a bill is gone through."""

    def __init__(self, holdings: Iterable[Holding], *, store: str, date: str) -> None:
        usable = (h for h in holdings if is_pass(h) and h.spendable(store=store, date=date))
        self._lots = sorted(usable, key=lambda h: (h.expires or "9999", h.opened_at, h.lot))
        self._taken: Counter[tuple[Asset, str]] = Counter()

    def pieces(self, asset: Asset, line: Payable, *, most: int) -> int:
        """Set aside units for up to `most` pieces of a line; return for how many there are."""
        each = units_for(asset, line)
        if not each or not line.price:
            return 0
        lots = self._covering(asset, line)
        count = min(most, sum(self._free(h) for h in lots) // each)
        self._take(lots, count * each)
        return count

    def pay_piece(self, asked: ByPass, line: Payable) -> list[Use]:
        """Pay one piece of a line. Refused: pass_wrong, pass_short."""
        each = units_for(asked.asset, line)
        lots = [h for h in self._covering(asked.asset, line) if asked.lot in {"", h.lot}]
        lots = [h for h in lots if not h.worth]
        there = sum(self._free(h) for h in lots)
        if not each:
            raise Refused("pass_wrong")
        if there < each:
            raise Refused("pass_short", left=there, needed=each)
        parts = self._take(lots, each)
        uses, paid, counted = [], 0, 0
        for holding, units in parts:
            counted += units
            # The last lot pays what is left of the piece, so that the parts sum to its price.
            cents = line.price * counted // each - paid
            paid += cents
            uses.append(_use(holding, units, line=line.line, cents=cents))
        return uses

    def take_off(self, asked: ByPass, lines: Sequence[Payable], rest: dict[str, int]) -> Use:
        """Take a coupon's worth off what is left of the lines that it covers.

        Refused: pass_wrong, pass_short, coupon_least.
        """
        lots = [h for h in self._lots if h.asset is asked.asset and h.lot == asked.lot]
        if asked.quantity != 1 or not lots or not lots[0].worth:
            raise Refused("pass_short", left=0, needed=asked.quantity)
        coupon = lots[0]
        if self._free(coupon) < 1:
            raise Refused("pass_short", left=0, needed=1)
        covered = [line for line in lines if covers(coupon, line)]
        total = sum(line.amount for line in covered)
        if total < coupon.least:
            raise Refused("coupon_least", least_cents=coupon.least, covered_cents=total)
        cents, left = 0, coupon.worth
        for line in covered:
            part = min(left, rest[line.line])
            rest[line.line] -= part
            cents, left = cents + part, left - part
        if not cents:
            raise Refused("pass_wrong")
        self._take([coupon], 1)
        return _use(coupon, 1, line="", cents=cents)

    def _covering(self, asset: Asset, line: Payable) -> list[Holding]:
        return [h for h in self._lots if h.asset is asset and covers(h, line)]

    def _free(self, holding: Holding) -> int:
        return holding.amount - self._taken[holding.asset, holding.lot]

    def _take(self, lots: Iterable[Holding], units: int) -> list[tuple[Holding, int]]:
        parts = []
        for holding in lots:
            part = min(units, self._free(holding))
            if part > 0:
                self._taken[holding.asset, holding.lot] += part
                parts.append((holding, part))
                units -= part
        return parts


def pass_legs(passes: Iterable[Lot]) -> list[Leg]:
    """Return the units of passes that are opened now, as legs."""
    return [Leg(Asset(one.asset), one.lot, one.units) for one in passes]


def pass_value(lot: Lot, units: int) -> int:
    """Return what units of a pass stand for, in fen: what was paid for them, rounded up.

    A coupon that nobody paid for stands for what it takes off, any other gift for a fixed sum.
    """
    whole = max(lot.paid, lot.worth * lot.units)
    if not whole and lot.asset in PASSES:
        whole = UNPAID_CENTS[Asset(lot.asset)] * lot.units
    return -(-whole * units // lot.units) if lot.units else 0


def _use(holding: Holding, units: int, *, line: str, cents: int) -> Use:
    return Use(
        asset=holding.asset,
        lot=holding.lot,
        units=units,
        line=line,
        cents=cents,
        name=holding.name,
    )


def _joined(uses: Iterable[Use]) -> list[Use]:
    """Put what one lot pays of one line into one use."""
    sums: dict[tuple[str, Asset, str], Use] = {}
    for use in uses:
        key = (use.line, use.asset, use.lot)
        before = sums.get(key)
        units = use.units + (before.units if before else 0)
        cents = use.cents + (before.cents if before else 0)
        sums[key] = Use(
            asset=use.asset,
            lot=use.lot,
            units=units,
            line=use.line,
            cents=cents,
            name=use.name,
        )
    return list(sums.values())
