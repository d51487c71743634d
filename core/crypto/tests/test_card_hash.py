import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.crypto import card_hash

KEY = b"\x0f" * 32


@pytest.mark.parametrize(
    ("uid", "key", "digest"),
    [
        # From another program: printf card:… | openssl dgst -sha256 -mac HMAC
        (
            "04A1B2C3D4E5F6",
            bytes(32),
            "94b219263db3bc97c742787a1b82fbf897e384e7493112d34ae5693ec5dc7a8c",
        ),
        (
            "0012345678",
            KEY,
            "95161927577f2fdf1ff28c53fa6168fac634a4d4ef81261bac53d48f715529bb",
        ),
    ],
)
def test_a_card_hash_is_hmac_sha_256(uid, key, digest):
    assert card_hash(uid, key=key) == digest


def test_readers_that_differ_in_case_see_one_card():
    assert card_hash("04a1b2c3", key=KEY) == card_hash("04A1B2C3", key=KEY)


def test_leading_zeros_belong_to_the_number():
    assert card_hash("0012345678", key=KEY) != card_hash("12345678", key=KEY)


def test_another_merchant_cannot_recognise_the_card():
    assert card_hash("0012345678", key=KEY) != card_hash("0012345678", key=bytes(32))


@pytest.mark.parametrize(
    "uid", ["", " ", "12 34", "12\n", "１２３４", "1" * 129, "\x1b[2J", "卡"]
)
def test_what_no_reader_sends_is_refused(uid):
    with pytest.raises(ValueError, match="card number"):
        card_hash(uid, key=KEY)


def test_a_short_key_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        card_hash("0012345678", key=b"short")


@given(st.text(max_size=140))
def test_any_text_is_hashed_or_refused(uid):
    try:
        digest = card_hash(uid, key=KEY)
    except ValueError:
        return
    assert len(bytes.fromhex(digest)) == 32
