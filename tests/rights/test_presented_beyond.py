"""The key of a lost box signs receipts for no more than the right that the box had left."""

from __future__ import annotations

import pytest

from cloud.epochs import close_epoch, present, read_shown
from cloud.ingest.books import carry
from core.errors import Refused
from core.journal import decode, kind_of
from core.wallet import MINT, Asset, Leg, ToppedUp, issue, right_of, withdraw
from core.wire import receipt_code
from tests.rights.shops import allow, sync


def forge(box, member, amount, *, taking):
    """Write a top-up past every check of ours, and return its code as a till prints it."""
    body = ToppedUp(
        topup=f"t{amount}-{taking}",
        number="A-C1",
        member=member,
        lot=f"l{amount}-{taking}",
        offer=None,
        offer_name="",
        price=amount,
        principal=amount,
        bonus=0,
        points=0,
        period="p1",
        payments=(),
    )
    postings = issue(member, box.place, [Leg(Asset.PRINCIPAL, body.lot, amount)])
    if taking:
        postings += withdraw(MINT, box.place, right_of(taking))
    box.append(body, postings=postings)
    return code(box)


def code(box):
    with box.door.read() as db:
        rows = db.all("SELECT raw FROM journal ORDER BY seq DESC")
    raw = next(r["raw"] for r in rows if kind_of(decode(r["raw"])) == "wallet.topped_up")
    return receipt_code(raw, box.key.sign)


def show(platform, merchant, text):
    with platform.door.read() as shared:
        shown = read_shown(shared, text, merchant=merchant.id)
    return merchant.door.write(lambda tx: present(tx, merchant.act(tx), shown))


def test_paper_counts_up_to_the_right_that_was_left_and_no_further(
    platform, merchant, desk, first
):
    allow(merchant, mint={"limit_cents": 100_000})
    member = first.register()
    sync(desk, first)
    # What head office has seen of it took its part.
    first.fill(member, 10_000)
    desk.sync(first)
    # From here on the line is cut and somebody else has the box's key.
    first.fill(member, 30_000)
    honest = code(first)
    first.door.write(
        lambda tx: tx.run("UPDATE holding SET amount = 900000000 WHERE member = 'mint'")
    )
    beyond = [
        forge(first, member, 500_000, taking=0),
        forge(first, member, 500_000, taking=500_000),
        forge(first, member, 500_000, taking=1),
    ]
    rest = forge(first, member, 70_000, taking=70_000)
    more = forge(first, member, 60_000, taking=60_000)
    close_epoch(platform, first.id, reason="lost")
    while carry(platform, merchant).more:
        pass
    for text in beyond:
        with pytest.raises(Refused, match="receipt_code_bad"):
            show(platform, merchant, text)
    assert show(platform, merchant, honest).price == 30_000
    with merchant.door.read() as db:
        left = db.value("SELECT amount FROM swept WHERE member = 'mint'")
    counted = 0
    for text in (rest, more):
        try:
            counted += show(platform, merchant, text).price
        except Refused as refused:
            assert refused.code == "receipt_code_bad"
    assert 0 < counted <= left - 30_000
