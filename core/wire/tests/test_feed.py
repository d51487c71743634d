"""A feed batch is the merchant's word to the byte."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.crypto import log_key, verify_log
from core.wire import (
    BadBatch,
    Channel,
    batch_fits,
    encode,
    pack_batch,
    read,
    sign_batch,
    unpack_batch,
)
from core.wire.feed import BATCH_BYTES_MAX
from core.wire.squeezed import squeeze

DOCUMENTS = (
    b'{"topic":"item","key":"1","pos":8,"content":{ "price" : 100 }}',
    b'{"topic":"rule"}',
)


@pytest.fixture
def key(tmp_path: Path):
    return log_key(tmp_path / "merchant-key")


@pytest.fixture
def check(key):
    return lambda message, signature: verify_log(
        public=key.public, message=message, signature=signature
    )


@pytest.fixture
def batch(key):
    return sign_batch("shop0001", DOCUMENTS, key.sign, after=7, pos=9, more=True)


def test_a_batch_fits_on_both_ways_that_it_travels(batch, check):
    for travelled in (read(Channel.DOWN_FEED, encode(batch)), unpack_batch(pack_batch(batch))):
        assert travelled == batch
        assert batch_fits("shop0001", travelled, check)
        assert tuple(bytes(document) for document in travelled.documents) == DOCUMENTS


@pytest.mark.parametrize(
    "changed",
    [
        {"after": 6},
        {"pos": 10},
        {"more": False},
        {"documents": (msgspec.Raw(DOCUMENTS[0]),)},
        {"documents": (msgspec.Raw(DOCUMENTS[1]), msgspec.Raw(DOCUMENTS[0]))},
        {"documents": (msgspec.Raw(DOCUMENTS[0] + DOCUMENTS[1]), msgspec.Raw(b""))},
        {
            "documents": (
                msgspec.Raw(DOCUMENTS[0].replace(b"100", b"101")),
                msgspec.Raw(DOCUMENTS[1]),
            )
        },
        {"signature": bytes(64)},
        {"signature": b""},
    ],
)
def test_a_batch_that_somebody_changed_does_not_fit(batch, check, changed):
    assert not batch_fits("shop0001", replace(batch, **changed), check)


def test_another_merchants_batch_does_not_fit(batch, check):
    assert not batch_fits("shop0002", batch, check)


@pytest.mark.parametrize(("after", "pos"), [(-1, 3), (5, 4), (0, 1 << 63)])
def test_a_batch_between_impossible_positions_does_not_fit(batch, check, after, pos):
    assert not batch_fits("shop0001", replace(batch, after=after, pos=pos), check)


@given(st.binary(max_size=200))
def test_bytes_of_a_stranger_are_no_batch(raw):
    for attempt in (raw, squeeze(raw)):
        with pytest.raises(BadBatch):
            unpack_batch(attempt)


def test_a_batch_that_is_a_bomb_is_refused():
    with pytest.raises(BadBatch, match="bytes"):
        unpack_batch(squeeze(b"0" * (BATCH_BYTES_MAX + 1)))
