"""What a box may give back of single lines: by its parts of the bill's right, and no more.

The parts lie in places like money, so that they suffice is looked at with everything that is
taken. What is looked at here is that they are the bill's, that they came of its whole right,
and that what goes back is what they stand for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from cloud.ingest.bills import Settling, at_risk_of, gainers, settling_of, spent_by
from core.journal import Event, Posting, kind_name, kind_of, place_of
from core.sqlite import Reader
from core.tickets import (
    TicketPartReversed,
    TicketSettled,
    parts_of,
    reversed_place,
    settled_place,
)
from core.wallet import (
    CLOUD,
    Asset,
    are_one,
    break_up,
    mint_account,
    parts_spent,
    use_parts,
)

PART_REVERSED = kind_name(TicketPartReversed)
_reversal = msgspec.json.Decoder(TicketPartReversed)


def beyond_the_parts(db: Reader, event: Event, *, late: bool = False) -> str:
    """Return what of a reversal of single lines its bill does not bear out; empty where none.

    `db` as it was before the event.
    """
    body = _reversal.decode(event.body)
    bill = body.ticket
    settling = settling_of(db, bill)
    if settling.sale is None:
        return f"{bill} is no bill that is known"
    if reversed_place(db, bill):
        return f"{bill} was reversed before"
    used = parts_spent(event.postings, bill)
    return (
        _right_of_its_own(db, event, settling.sale, used, late=late)
        or _other_than_it_says(body, used)
        or _gives_back_beyond(db, event, settling, used)
        or ("" if late else _gives_back_at_risk(db, bill, settling, used))
    )


def parts_at_risk(db: Reader, event: Event) -> dict[str, int]:
    """Return by asset what of a late reversal of lines the merchant had paid for."""
    if kind_of(event) != PART_REVERSED:
        return {}
    bill = _reversal.decode(event.body).ticket
    settling = settling_of(db, bill)
    before = _given_back(db, bill, settling)
    return {
        asset: paid - before[asset]
        for asset, paid in at_risk_of(db, settling.event).items()
        if paid > before[asset]
    }


def _right_of_its_own(
    db: Reader, event: Event, sale: TicketSettled, used: Mapping[str, int], *, late: bool
) -> str:
    """Hold what an event does to a bill's right against what may be done to it."""
    bill, place = sale.ticket, place_of(event.origin, event.epoch)
    moved = [posting for posting in event.postings if posting.asset == Asset.REFUND]
    issued = {p.lot for p in moved if p.account == mint_account(place)}
    told = use_parts(bill, place, used)
    if issued:
        travelled = bill not in issued
        told = [*break_up(bill, place, parts_of(sale), travelled=travelled), *told]
        if not travelled:
            begun = settled_place(db, bill)
            if _trunk(begun) != place or _was_issued(db, bill, place, late=late):
                return f"the right to reverse {bill} lies elsewhere"
    if _written(moved) != _written(told):
        return f"it takes other parts of the right to reverse {bill} than there are"
    return ""


def _other_than_it_says(body: TicketPartReversed, used: Mapping[str, int]) -> str:
    sums: Counter[str] = Counter()
    for name, amount in used.items():
        sums[name.partition(".")[0]] += amount
    lines = sum(line.amount for line in body.lines)
    tenders = sum(payment.amount for payment in body.payments)
    if not sums["line"] == sums["paid"] == lines == tenders == body.total:
        return f"it gives back {body.total} of {body.ticket} for parts of {sums['line']}"
    return ""


def _gives_back_beyond(
    db: Reader, event: Event, settling: Settling, used: Mapping[str, int]
) -> str:
    for member in gainers(event, settling.paid.keys()):
        if not any(are_one(db, member, payer) for payer in settling.members):
            return f"{member} did not pay {settling.sale and settling.sale.ticket}"
    may: Counter[tuple[str, str]] = Counter()
    for asset, lot, amount in _values(used):
        may[asset, lot] += amount
    for (asset, lot), amount in spent_by(event).items():
        if -amount > may[asset, lot]:
            return f"{-amount} {asset} of {may[asset, lot]} that these lines were paid by"
    return ""


def _gives_back_at_risk(
    db: Reader, bill: str, settling: Settling, used: Mapping[str, int]
) -> str:
    at_risk = at_risk_of(db, settling.event)
    if not at_risk:
        return ""
    back = _given_back(db, bill, settling)
    for asset, _lot, amount in _values(used):
        back[asset] += amount
    whole = _by_asset(settling)
    for asset, paid in at_risk.items():
        if back[asset] > whole[asset] - paid:
            return f"{paid} {asset} of {bill} was paid by the merchant"
    return ""


def _given_back(db: Reader, bill: str, settling: Settling) -> Counter[str]:
    """Return by asset what reversals of a bill's lines have given back, wherever they were."""
    rows = db.all(
        "SELECT lot, amount FROM holding WHERE member = :bill AND asset = :asset"
        " UNION ALL SELECT lot, amount FROM transit WHERE member = :bill AND asset = :asset",
        bill=bill,
        asset=Asset.REFUND,
    )
    rest: dict[str, int] = {}
    for row in rows:
        name = row["lot"].removeprefix(f"{bill}.")
        rest[name] = rest.get(name, 0) + row["amount"]
    if not any(name.startswith("value.") for name in rest):
        return Counter()  # It was never broken.
    given = _by_asset(settling)
    for asset, _lot, amount in _values(rest):
        given[asset] -= amount
    return given


def _by_asset(settling: Settling) -> Counter[str]:
    sums: Counter[str] = Counter()
    for (asset, _lot), amount in settling.paid.items():
        sums[asset] += amount
    return sums


def _values(parts: Mapping[str, int]) -> Iterable[tuple[str, str, int]]:
    """Return the parts that are of lots, as (asset, lot, amount)."""
    for name, amount in parts.items():
        kind, _, rest = name.partition(".")
        if kind == "value":
            _position, asset, lot = rest.split(".", 2)
            yield asset, lot, amount


def _was_issued(db: Reader, bill: str, place: str, *, late: bool) -> bool:
    """Say whether the right was written down before, or head office did so in its stead."""
    for where in (place, CLOUD) if late else (place,):
        if db.one(
            "SELECT 1 FROM refund_issued WHERE bill = :bill AND place = :place",
            bill=bill,
            place=where,
        ):
            return True
    return False


def _trunk(place: str) -> str:
    """Return a place without the name of a branch: both histories are the one box's."""
    origin, branch, rest = place.partition("~")
    _name, dot, epoch = rest.partition(".")
    return f"{origin}{dot}{epoch}" if branch else place


def _written(postings: Iterable[Posting]) -> list[bytes]:
    return sorted(map(msgspec.json.encode, postings))
