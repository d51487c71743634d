"""Holdings, the lots they belong to, and every movement of a member's value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.errors import N_, Refusal
from core.journal import Add, Append, Change, Entry, Event, Part, kind_of
from core.sqlite import Migration, Reader
from core.wallet.accounts import (
    PASSES,
    STORED_VALUE,
    Asset,
    parse_member_account,
    parse_transit_account,
)
from core.wallet.ending import PART as ENDING_PART
from core.wallet.events import (
    Accepted,
    Adjusted,
    Granted,
    Lot,
    Opened,
    PassGiven,
    Recalled,
    Released,
    ToppedUp,
)
from core.wallet.floor import PART as FLOOR_PART
from core.wallet.floor import Advanced, note_advance
from core.wallet.moved import TABLES as MERGING_TABLES
from core.wallet.moved import Moved, count_unmarked
from core.wallet.points import points_end
from core.wallet.risk import PART as RISK_PART
from core.wallet.rules import Holding

_KNOWN = frozenset(Asset)


def holdings(db: Reader, member: str, place: str) -> list[Holding]:
    """Return what a member holds at a place, all assets and lots above zero."""
    rows = db.all(
        """SELECT h.asset, h.lot, h.amount, l.opened_at, l.expires, l.stores, l.name, l.items,
                  l.categories, l.worth, l.least FROM holding h
             LEFT JOIN lot l ON l.lot = h.lot
            WHERE h.place = :place AND h.member = :member AND h.amount > 0""",
        place=place,
        member=member,
    )
    return [
        Holding(
            asset=Asset(row["asset"]),
            lot=row["lot"],
            amount=row["amount"],
            opened_at=row["opened_at"] or 0,
            expires=points_end(row["lot"]) if row["asset"] == Asset.POINTS else row["expires"],
            stores=tuple((row["stores"] or "").split()),
            name=row["name"] or "",
            items=tuple((row["items"] or "").split()),
            categories=tuple((row["categories"] or "").split()),
            worth=row["worth"] or 0,
            least=row["least"] or 0,
        )
        for row in rows
        if row["asset"] in _KNOWN  # What a later version deals in is not this one's to move.
    ]


def has_ended(db: Reader, lot: str, *, date: str) -> bool:
    """Return whether a lot can no longer be spent on this day, also one that is empty."""
    expires = db.value("SELECT expires FROM lot WHERE lot = :lot", lot=lot)
    return expires is not None and date > expires


def renewed_lots(
    member: str, renewed: Iterable[tuple[str, str, int]], *, opened_at: int
) -> Iterator[Append]:
    """Return the lots that a reversal opened, from its (asset, lot, fen); they have no end."""
    lots: dict[str, dict[str, int]] = {}
    for asset, lot, amount in renewed:
        if asset in PASSES:  # Its fact says what it is good for.
            continue
        sums = lots.setdefault(lot, dict.fromkeys(STORED_VALUE, 0))
        sums[asset] += amount
    for lot, sums in lots.items():
        yield _lot_row(
            member,
            Lot(
                lot=lot,
                opened_at=opened_at,
                paid=sums[Asset.PRINCIPAL],
                principal=sums[Asset.PRINCIPAL],
                bonus=sums[Asset.BONUS],
            ),
        )


def _hold(event: Event) -> Iterator[Change]:
    """Move holdings by the postings alone, so that also an unknown kind keeps the balance."""
    transfers = False
    for posting in event.postings:
        if owner := parse_member_account(posting.account):
            member, place = owner
            yield Add(
                "holding",
                {"place": place, "member": member, "asset": posting.asset, "lot": posting.lot},
                {"amount": posting.amount},
            )
        elif way := parse_transit_account(posting.account):
            transfers = True
            member, transfer = way
            yield Add(
                "transit",
                {
                    "member": member,
                    "transfer": transfer,
                    "asset": posting.asset,
                    "lot": posting.lot,
                },
                {"amount": posting.amount},
            )
    if transfers:
        yield from _count_transferred(event)


def counted_as(asset: str, lot: str) -> str:
    """Return under which name sums by place count value: a pass is counted by its lot."""
    return f"{asset}/{lot}" if asset in PASSES else asset


def _count_transferred(event: Event) -> Iterator[Change]:
    """Count what came to a place and left it without being earned or spent there."""
    for posting in event.postings:
        if owner := parse_member_account(posting.account):
            member, place = owner
            yield Add(
                "transferred",
                {
                    "place": place,
                    "member": member,
                    "asset": counted_as(posting.asset, posting.lot),
                },
                {"amount": posting.amount},
            )


def _record_movements(event: Event) -> Iterator[Change]:
    for leg, posting in enumerate(event.postings):
        if owner := parse_member_account(posting.account):
            yield Append(
                "movement",
                {
                    "origin": event.origin,
                    "epoch": event.epoch,
                    "seq": event.seq,
                    "leg": leg,
                    "member": owner[0],
                    "place": owner[1],
                    "asset": posting.asset,
                    "lot": posting.lot,
                    "amount": posting.amount,
                    "at": event.at,
                    "date": event.date,
                    "store": event.store,
                    "actor": event.actor,
                    "kind": kind_of(event),
                },
            )


def _lot_row(member: str, lot: Lot) -> Append:
    """Return a lot's row: the same one whichever side's journal tells of it first."""
    return Append(
        "lot",
        {
            "lot": lot.lot,
            "member": lot.owner or member,
            "opened_at": lot.opened_at,
            "paid": lot.paid,
            "principal": lot.principal,
            "bonus": lot.bonus,
            "expires": lot.expires,
            "stores": " ".join(lot.stores),
            "asset": lot.asset,
            "units": lot.units,
            "name": lot.name,
            "items": " ".join(lot.items),
            "categories": " ".join(lot.categories),
            "worth": lot.worth,
            "least": lot.least,
        },
        again=True,
    )


def lot_rows(member: str, lots: Iterable[Lot]) -> Iterator[Append]:
    """Return the rows of lots that came with a fact about a member."""
    return (_lot_row(member, lot) for lot in lots)


def _open_topup(entry: Entry) -> Iterator[Change]:
    body: ToppedUp = entry.body
    yield Add(
        "topup_number", {"store": entry.event.store, "date": entry.event.date}, {"issued": 1}
    )
    yield from lot_rows(body.member, body.passes)
    if body.passes and not body.principal and not body.bonus:
        return
    lot = Lot(
        lot=body.lot,
        opened_at=entry.event.at,
        paid=body.price - sum(one.paid for one in body.passes),
        principal=body.principal,
        bonus=body.bonus,
        expires=body.expires,
        stores=body.stores,
    )
    yield _lot_row(body.member, lot)


def _open_balance(entry: Entry) -> Iterator[Change]:
    body: Opened = entry.body
    lot = Lot(
        lot=body.lot,
        opened_at=entry.event.at,
        paid=body.principal,
        principal=body.principal,
        bonus=body.bonus,
    )
    yield _lot_row(body.member, lot)


def _give_pass(entry: Entry) -> Iterator[Change]:
    body: PassGiven = entry.body
    yield _lot_row(body.member, body.given)


def _open_adjustment(entry: Entry) -> Iterator[Change]:
    body: Adjusted = entry.body
    if body.amount > 0 and body.asset != Asset.POINTS:
        lot = Lot(
            lot=body.lot,
            opened_at=entry.event.at,
            principal=body.amount if body.asset == Asset.PRINCIPAL else 0,
            bonus=body.amount if body.asset == Asset.BONUS else 0,
        )
        yield _lot_row(body.member, lot)


def _advance(entry: Entry) -> Iterator[Change]:
    body: Advanced = entry.body
    lot = Lot(lot=body.lot, opened_at=entry.event.at, principal=body.amount)
    yield _lot_row(body.member, lot)
    yield from note_advance(entry)


def _carry_lots(entry: Entry) -> Iterator[Change]:
    body: Granted | Released | Accepted | Moved = entry.body
    for lot in body.lots:
        yield _lot_row(body.member, lot)


def _move_merged(entry: Entry) -> Iterator[Change]:
    yield from _carry_lots(entry)
    yield from count_unmarked(entry)


def _record_topup(entry: Entry) -> Iterator[Change]:
    body: ToppedUp = entry.body
    event = entry.event
    yield Append(
        "topup",
        {
            "id": body.topup,
            "number": body.number,
            "member": body.member,
            "lot": body.lot,
            "offer_name": body.offer_name,
            "price": body.price,
            "principal": body.principal,
            "bonus": body.bonus,
            "points": body.points,
            "points_lot": body.points_lot,
            "period": body.period,
            "tenders": " ".join(p.tender for p in body.payments),
            "at": event.at,
            "date": event.date,
            "store": event.store,
            "actor": event.actor,
            "origin": event.origin,
            "epoch": event.epoch,
            "seq": event.seq,
        },
    )


def _record_reason(entry: Entry) -> Iterator[Change]:
    body: Adjusted | PassGiven = entry.body
    event = entry.event
    if isinstance(body, PassGiven):
        asset, amount = body.given.asset, body.given.units
    else:
        asset, amount = body.asset, body.amount
    yield Append(
        "adjustment",
        {
            "origin": event.origin,
            "epoch": event.epoch,
            "seq": event.seq,
            "member": body.member,
            "asset": asset,
            "amount": amount,
            "reason": body.reason,
            "at": event.at,
            "actor": event.actor,
        },
    )


PART = Part(
    name="wallet",
    migrations=(
        Migration(
            "wallet/1",
            (
                """CREATE TABLE holding (
                     place TEXT NOT NULL,
                     member TEXT NOT NULL,
                     asset TEXT NOT NULL,
                     lot TEXT NOT NULL,
                     amount INTEGER NOT NULL CHECK (amount >= 0),
                     PRIMARY KEY (place, member, asset, lot)
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE lot (
                     lot TEXT PRIMARY KEY,
                     member TEXT NOT NULL,
                     opened_at INTEGER NOT NULL,
                     paid INTEGER NOT NULL,
                     principal INTEGER NOT NULL,
                     bonus INTEGER NOT NULL,
                     expires TEXT,
                     stores TEXT NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE topup_number (
                     store TEXT NOT NULL, date TEXT NOT NULL, issued INTEGER NOT NULL,
                     PRIMARY KEY (store, date)
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE movement (
                     origin TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
                     leg INTEGER NOT NULL,
                     member TEXT NOT NULL, place TEXT NOT NULL, asset TEXT NOT NULL,
                     lot TEXT NOT NULL, amount INTEGER NOT NULL, at INTEGER NOT NULL,
                     date TEXT NOT NULL, store TEXT NOT NULL, actor TEXT, kind TEXT NOT NULL,
                     PRIMARY KEY (origin, epoch, seq, leg)
                   ) STRICT, WITHOUT ROWID""",
                "CREATE INDEX movement_by_member ON movement (member, at)",
                """CREATE TABLE topup (
                     id TEXT PRIMARY KEY, number TEXT NOT NULL, member TEXT NOT NULL,
                     lot TEXT NOT NULL, offer_name TEXT NOT NULL, price INTEGER NOT NULL,
                     principal INTEGER NOT NULL, bonus INTEGER NOT NULL,
                     points INTEGER NOT NULL, period TEXT NOT NULL, tenders TEXT NOT NULL,
                     at INTEGER NOT NULL, date TEXT NOT NULL, store TEXT NOT NULL, actor TEXT,
                     origin TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                "CREATE INDEX topup_by_member ON topup (member, at)",
                """CREATE TABLE adjustment (
                     origin TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
                     member TEXT NOT NULL, asset TEXT NOT NULL, amount INTEGER NOT NULL,
                     reason TEXT NOT NULL, at INTEGER NOT NULL, actor TEXT,
                     PRIMARY KEY (origin, epoch, seq)
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
        Migration(
            "wallet/2",
            (
                # Each store's place is written by its own box alone, in that box's order. What
                # head office holds is written in several streams, which a store sees in part
                # and a rebuild reads one after the other: there only the sum at the end counts.
                """CREATE TABLE holding_by_place (
                     place TEXT NOT NULL,
                     member TEXT NOT NULL,
                     asset TEXT NOT NULL,
                     lot TEXT NOT NULL,
                     amount INTEGER NOT NULL CHECK (amount >= 0 OR place = 'cloud'),
                     PRIMARY KEY (place, member, asset, lot)
                   ) STRICT, WITHOUT ROWID""",
                """INSERT INTO holding_by_place (place, member, asset, lot, amount)
                   SELECT place, member, asset, lot, amount FROM holding""",
                "DROP TABLE holding",
                "ALTER TABLE holding_by_place RENAME TO holding",
                """CREATE TABLE transit (
                     member TEXT NOT NULL,
                     transfer TEXT NOT NULL,
                     asset TEXT NOT NULL,
                     lot TEXT NOT NULL,
                     amount INTEGER NOT NULL,
                     PRIMARY KEY (member, transfer, asset, lot)
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE transferred (
                     place TEXT NOT NULL,
                     member TEXT NOT NULL,
                     asset TEXT NOT NULL,
                     amount INTEGER NOT NULL,
                     PRIMARY KEY (place, member, asset)
                   ) STRICT, WITHOUT ROWID""",
                "CREATE INDEX holding_by_member ON holding (member)",
                "CREATE INDEX transferred_by_member ON transferred (member)",
            ),
        ),
        *RISK_PART.migrations,
        *FLOOR_PART.migrations,
        Migration("wallet/merging", MERGING_TABLES),
        Migration(
            "wallet/passes",
            tuple(
                f"ALTER TABLE lot ADD COLUMN {column}"
                for column in (
                    "asset TEXT NOT NULL DEFAULT ''",
                    "units INTEGER NOT NULL DEFAULT 0",
                    "name TEXT NOT NULL DEFAULT ''",
                    "items TEXT NOT NULL DEFAULT ''",
                    "categories TEXT NOT NULL DEFAULT ''",
                    "worth INTEGER NOT NULL DEFAULT 0",
                    "least INTEGER NOT NULL DEFAULT 0",
                )
            ),
        ),
        Migration(
            "wallet/points_end",
            ("ALTER TABLE topup ADD COLUMN points_lot TEXT NOT NULL DEFAULT 'never'",),
        ),
    ),
    tables={
        "holding": ("place", "member", "asset", "lot"),
        "transit": ("member", "transfer", "asset", "lot"),
        "transferred": ("place", "member", "asset"),
        "lot": ("lot",),
        "merge_moved": ("merge", "place", "asset", "lot"),
        "merge_given_back": ("merge", "place"),
        "topup_number": ("store", "date"),
        "movement": ("origin", "epoch", "seq", "leg"),
        "topup": ("id",),
        "adjustment": ("origin", "epoch", "seq"),
        **RISK_PART.tables,
        **FLOOR_PART.tables,
    },
    postings_now=_hold,
    postings_later=_record_movements,
    now={
        ToppedUp: _open_topup,
        Opened: _open_balance,
        Adjusted: _open_adjustment,
        PassGiven: _give_pass,
        Granted: _carry_lots,
        Released: _carry_lots,
        Accepted: _carry_lots,
        Recalled: lambda _entry: (),
        Moved: _move_merged,
        Advanced: _advance,
        **RISK_PART.now,
        **FLOOR_PART.now,
        **ENDING_PART.now,
    },
    later={ToppedUp: _record_topup, Adjusted: _record_reason, PassGiven: _record_reason},
    refusals={
        "insufficient_balance": Refusal(
            409, N_("本店可用余额不足：可用 ¥%(available)s，总额 ¥%(total)s，需要 ¥%(needed)s")
        ),
        "over_card_limit": Refusal(
            409, N_("充值后余额 ¥%(balance)s 超过上限 ¥%(limit)s，请减少金额")
        ),
        "adjust_below_zero": Refusal(409, N_("余额只有 ¥%(available)s，不能再减 ¥%(needed)s")),
        "points_below_zero": Refusal(409, N_("积分只有 %(available)s，不能再减 %(needed)s")),
        "reason_missing": Refusal(422, N_("请写明原因")),
        "pass_wrong": Refusal(422, N_("这张次卡或券不能这样用，请重新选择")),
        "pass_short": Refusal(
            409,
            N_("本店可用的次卡或券不够：剩 %(left)s，需要 %(needed)s。在别店的可先调过来"),
        ),
        "coupon_least": Refusal(
            409, N_("满 ¥%(least)s 才能用这张券，可用的项目只有 ¥%(covered)s")
        ),
        "mint_right_spent": Refusal(
            409,
            N_(
                "总部给本店的充值额度只剩 ¥%(left)s，这次要 ¥%(needed)s。"
                "联网后会自动补上，请那时再充；急用可以先收现金结账"
            ),
        ),
    },
)
