"""What is on the disks of a simulated world. A method is one transaction; a crash loses none.

The events, their chain, seals, postings and the choice of lots are the product's own. Only the
tables are dictionaries, because a thousand histories cannot open a thousand databases.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from core.ids import Ids
from core.journal import (
    SEGMENT_EVENTS_MAX,
    Body,
    Event,
    Identity,
    Posting,
    assert_balanced,
    birth_head,
    chain,
    encode,
    signed_bytes,
)
from core.journal.event import encode_body
from core.wallet import Asset, Holding, Leg, Lot
from core.wire import Cursor, Segment, Stream

START_MS = 1_772_416_800_000


class Spent(Body, frozen=True, kw_only=True, tag="simulation.spent"):
    member: str
    amount: int


class Noted(Body, frozen=True, kw_only=True, tag="simulation.noted"):
    """An event that moves nothing, so that a stretch of journal is long."""

    text: str


def seal_of(key: bytes, message: bytes) -> bytes:
    """Return 64 bytes that only the holder of a key makes; Ed25519 is 200 times slower."""
    return hashlib.blake2b(message, key=key, digest_size=64).digest()


def stream(origin: str, key: bytes) -> Stream:
    return Stream(
        origin=origin,
        epoch=1,
        birth=origin.encode(),
        check=lambda message, signature: seal_of(key, message) == signature,
    )


class Log:
    """A journal that this disk's owner writes: chained events and the seals over them."""

    def __init__(self, origin: str, key: bytes) -> None:
        self.identity = Identity(origin=origin, epoch=1, birth=origin.encode(), boot=1)
        self.key = key
        self.raws: list[bytes] = []
        self.heads = [birth_head(self.identity.birth)]
        self.seals: list[tuple[int, int, bytes]] = []

    def append(self, ids: Ids, at: int, body: Body, postings: Sequence[Posting] = ()) -> Event:
        assert_balanced(postings)
        event = Event(
            id=ids.new(at),
            origin=self.identity.origin,
            epoch=1,
            seq=len(self.raws) + 1,
            at=at,
            boot=1,
            store="S1",
            date="2026-03-02",
            body=encode_body(body),
            postings=tuple(postings),
        )
        raw = encode(event)
        self.raws.append(raw)
        self.heads.append(chain(self.heads[-1], raw))
        return event

    @property
    def sealed(self) -> int:
        return self.seals[-1][1] if self.seals else 0

    def seal(self, size: int) -> None:
        """Seal what is not; `size` bounds a segment, so that short histories have several."""
        while self.sealed < len(self.raws):
            first = self.sealed + 1
            last = min(len(self.raws), self.sealed + min(size, SEGMENT_EVENTS_MAX))
            covered = signed_bytes(
                self.identity, first=first, last=last, boot=1, head=self.heads[last]
            )
            self.seals.append((first, last, seal_of(self.key, covered)))

    def segments(self, first: int, limit: int) -> list[Segment]:
        """Return sealed segments from the one that holds event `first`."""
        wanted = [seal for seal in self.seals if seal[1] >= first][:limit]
        return [
            Segment(
                epoch=1,
                boot=1,
                first=begin,
                events=tuple(self.raws[begin - 1 : end]),
                signature=signature,
            )
            for begin, end, signature in wanted
        ]

    def head_at(self, seq: int) -> bytes | None:
        return self.heads[seq] if seq <= self.sealed else None


class Copy:
    """Somebody else's journal as it was received."""

    def __init__(self, origin: str) -> None:
        self.raws: list[bytes] = []
        self.heads = [birth_head(origin.encode())]

    @property
    def cursor(self) -> Cursor:
        return Cursor(have=len(self.raws), head=self.heads[-1])

    def head_at(self, seq: int) -> bytes | None:
        return self.heads[seq] if seq < len(self.heads) else None

    def extend(self, events: Iterable[bytes]) -> None:
        for raw in events:
            self.raws.append(raw)
            self.heads.append(chain(self.heads[-1], raw))

    def forget(self, have: int) -> None:
        del self.raws[have:]
        del self.heads[have + 1 :]


class Ledger:
    """Balances by account and (asset, lot), as the postings say."""

    def __init__(self) -> None:
        self.accounts: dict[str, dict[tuple[str, str], int]] = defaultdict(
            lambda: defaultdict(int)
        )
        self.lots: dict[str, Lot] = {}

    def move(self, postings: Iterable[Posting], lots: Iterable[Lot] = ()) -> None:
        for lot in lots:
            self.lots[lot.lot] = lot
        for leg in postings:
            self.accounts[leg.account][leg.asset, leg.lot] += leg.amount

    def holdings(self, account: str) -> list[Holding]:
        """Return what an account holds as the wallet's rules want it."""
        return [
            Holding(
                asset=Asset(asset),
                lot=lot,
                amount=amount,
                opened_at=self.lots[lot].opened_at,
                stores=self.lots[lot].stores,
            )
            for (asset, lot), amount in self.accounts[account].items()
            if amount > 0
        ]

    def known(self, legs: Iterable[Leg]) -> tuple[Lot, ...]:
        return tuple(self.lots[lot] for lot in sorted({leg.lot for leg in legs}))

    def negative(self) -> list[str]:
        """Name the members' places that hold less than nothing."""
        return [
            f"{account} {key}: {amount}"
            for account, amounts in self.accounts.items()
            if account.startswith("member/")
            for key, amount in amounts.items()
            if amount < 0
        ]


def plain(legs: Iterable[Leg]) -> tuple[tuple[str, str, int], ...]:
    return tuple((leg.asset.value, leg.lot, leg.amount) for leg in legs)


def legs_of(legs: Iterable[tuple[str, str, int]]) -> list[Leg]:
    return [Leg(Asset(asset), lot, amount) for asset, lot, amount in legs]


def document(key: str, pos: int, value: int) -> bytes:
    return msgspec.json.encode(
        {"topic": "item", "key": key, "pos": pos, "content": {"v": value}}
    )
