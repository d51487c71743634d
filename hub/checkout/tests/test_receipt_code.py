"""A joined shop's top-up receipt carries the fact itself, small enough for the paper."""

from __future__ import annotations

import segno

from core.journal import decode, kind_of
from core.wire import read_receipt_code
from hub.devices import QR, from_json

PAPERS = {"58 mm": 384, "80 mm": 576}
DOTS_LEAST = 3
"""Of a module on paper: 0.375 mm, which a phone reads."""


def codes(shop):
    """Return the QR codes on all receipts that were spooled."""
    rows = shop.ask(lambda db: db.all("SELECT job FROM print_job ORDER BY queued_at"))
    parts = [part for row in rows for part in from_json(row["job"]).parts]
    return [part.payload for part in parts if isinstance(part, QR)]


def test_a_joined_shops_top_up_is_on_its_receipt_signed(shop):
    shop.box.journal.sign = shop.box.secrets.log_key.sign
    shop.open_shift()
    shop.top_up(shop.member())
    (text,) = codes(shop)
    code = read_receipt_code(text)
    event = decode(code.event)
    with shop.box.door.read() as db:
        raw = db.value("SELECT raw FROM journal WHERE seq = :seq", seq=event.seq)
    assert code.event == raw
    assert kind_of(event) == "wallet.topped_up"
    assert shop.box.secrets.log_key.sign(code.signed) == code.signature
    modules = segno.make_qr(text, error="m", boost_error=False).symbol_size(border=4)[0]
    assert {paper: dots // modules for paper, dots in PAPERS.items()} == {
        "58 mm": 4,
        "80 mm": 7,
    }
    assert min(PAPERS.values()) // modules >= DOTS_LEAST


def test_a_shop_on_its_own_prints_none(shop):
    shop.open_shift()
    shop.top_up(shop.member())
    shop.sale("i1")
    assert codes(shop) == []
