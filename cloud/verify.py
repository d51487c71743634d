"""Head office's books, one for each merchant, for `dianshu verify`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cloud.app import open_cloud
from cloud.platform import Merchant, Platform, secret_of
from core.sqlite import Reader
from core.verifying import Book

NOT_TAKEN_IN = "收下了还没入账 kept and not yet taken in"


@contextmanager
def books(data: Path) -> Iterator[list[Book]]:
    """Open the books of all merchants in head office's folder."""
    platform = open_cloud(data)
    try:
        yield [book_of(platform, merchant_id) for merchant_id in platform.merchant_ids()]
    finally:
        platform.close()


def book_of(platform: Platform, merchant_id: str) -> Book:
    """Return one merchant's book."""
    merchant = platform.merchant(merchant_id)
    with platform.door.read() as db:
        key = secret_of(db, merchant_id, "database-key")
    return Book(
        name=merchant_id,
        door=merchant.door,
        parts=merchant.parts,
        key=key,
        folder=platform.folder,
        further=lambda db: _further(platform, merchant, db),
    )


def _further(platform: Platform, merchant: Merchant, db: Reader) -> Iterable[str]:
    yield from _overdrawn(db)
    yield from _not_as_kept(platform, merchant, db)


def _overdrawn(db: Reader) -> Iterable[str]:
    """Find value below zero: no order of arrival leaves any once all is taken in."""
    for row in db.all(
        """SELECT place, member, asset, SUM(amount) AS amount FROM holding
            GROUP BY place, member, asset, lot HAVING SUM(amount) < 0
           UNION ALL
           SELECT 'transit/' || transfer, member, asset, SUM(amount) FROM transit
            GROUP BY transfer, member, asset, lot HAVING SUM(amount) < 0"""
    ):
        yield (
            f"余额 balance: {row['member']} {row['asset']} {row['amount']} @ {row['place']}"
            " 低于零 below zero"
        )


def _not_as_kept(platform: Platform, merchant: Merchant, db: Reader) -> Iterable[str]:
    """Find streams whose end in the merchant's journal is not the one that was kept."""
    with platform.door.read() as shared:
        kept = shared.all(
            "SELECT origin, epoch, seq, head FROM stream_cursor WHERE merchant = :merchant"
            " ORDER BY origin, epoch",
            merchant=merchant.id,
        )
    for row in kept:
        head = db.value(
            "SELECT head FROM journal WHERE origin = :origin AND epoch = :epoch AND seq = :seq",
            origin=row["origin"],
            epoch=row["epoch"],
            seq=row["seq"],
        )
        where = f"{row['origin']}/{row['epoch']}/{row['seq']}"
        if head is None:
            yield f"事件 event {where}: {NOT_TAKEN_IN}"
        elif bytes(head) != bytes(row["head"]):
            yield f"事件 event {where}: 与收下的不同 is not the one that was kept"
