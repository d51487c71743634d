import base64
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from core.crypto import parse_device_key, verify_device_signature

# Made by a JavaScript engine's own crypto.subtle, not by the library that verifies it here.
BROWSER_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEKF8lRi2nqkOx81W7l7maiNqkXusW7ieQMYwOTx3XjGhShPdJeDoq"
    "r6fsHD0vh1di1MlaXzsdktBKa1E_c5XNTg"
)
BROWSER_MESSAGE = "nonce 7f3a · 店枢 · hub h-01"
BROWSER_SIGNATURE = (
    "vPQLbOdTpGw4WBsJmvjNM8Q92OAxlFCMsbip4pNyWrKiJ6K7c08RMY1F_9uKmT8uVb0d-IieH8m4rSeKj7gb_w"
)
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def text_of(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def bytes_of(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def spki(key, form=serialization.PublicFormat.SubjectPublicKeyInfo):
    return text_of(key.public_key().public_bytes(serialization.Encoding.DER, form))


def accepted(*, key=BROWSER_KEY, message=BROWSER_MESSAGE, signature=BROWSER_SIGNATURE):
    return verify_device_signature(public_key=key, message=message, signature=signature)


def test_what_a_browser_signed_is_accepted():
    assert accepted()


def test_another_message_is_not():
    assert not accepted(message=BROWSER_MESSAGE + " ")
    assert not accepted(message="")


def test_another_devices_key_is_not():
    assert not accepted(key=spki(ec.generate_private_key(ec.SECP256R1())))


@given(place=st.integers(0, 63), bit=st.integers(0, 7))
def test_no_flipped_bit_of_a_signature_is_accepted(place, bit):
    raw = bytearray(bytes_of(BROWSER_SIGNATURE))
    raw[place] ^= 1 << bit
    assert not accepted(signature=text_of(bytes(raw)))


@given(place=st.integers(0, 90), value=st.integers(0, 255))
def test_a_changed_key_is_another_key_or_none(place, value):
    raw = bytearray(bytes_of(BROWSER_KEY))
    raw[place] = value
    assert accepted(key=text_of(bytes(raw))) is (bytes(raw) == bytes_of(BROWSER_KEY))


@pytest.mark.parametrize(
    ("r", "s"), [(0, 0), (0, 1), (1, 0), (ORDER, 1), (1, ORDER), (2**256 - 1, 2**256 - 1)]
)
def test_numbers_outside_the_group_are_no_signature(r, s):
    assert not accepted(signature=text_of(r.to_bytes(32) + s.to_bytes(32)))


def test_a_signature_has_one_spelling_and_one_length():
    raw = bytes_of(BROWSER_SIGNATURE)
    spellings = [
        BROWSER_SIGNATURE + "==",
        BROWSER_SIGNATURE.replace("-", "+").replace("_", "/"),
        BROWSER_SIGNATURE[:-1] + "x",
        " " + BROWSER_SIGNATURE,
        BROWSER_SIGNATURE + "\n",
        text_of(raw[:-1]),
        text_of(raw + b"\0"),
        "",
    ]
    for spelling in spellings:
        assert not accepted(signature=spelling), spelling


def test_the_der_form_that_other_libraries_write_is_not_a_browsers():
    key = ec.generate_private_key(ec.SECP256R1())
    signature = key.sign(b"hello", ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(signature)
    raw = text_of(r.to_bytes(32) + s.to_bytes(32))
    assert accepted(key=spki(key), message="hello", signature=raw)
    assert not accepted(key=spki(key), message="hello", signature=text_of(signature))


def other_keys():
    point = serialization.PublicFormat.CompressedPoint
    x962 = serialization.Encoding.X962
    compressed = (
        ec.EllipticCurvePublicKey.from_encoded_point(
            ec.SECP256R1(),
            parse_device_key(BROWSER_KEY).public_bytes(x962, point),
        )
        .public_bytes(x962, point)
        .hex()
    )
    # The same key as BROWSER_KEY, its point in the short form: a second name for one device.
    short_form = "3039301306072a8648ce3d020106082a8648ce3d030107032200" + compressed
    return {
        "another curve": spki(ec.generate_private_key(ec.SECP384R1())),
        "another kind": spki(ed25519.Ed25519PrivateKey.generate()),
        "rsa": spki(rsa.generate_private_key(65537, 1024)),
        "compressed": text_of(bytes.fromhex(short_form)),
        "trailing byte": text_of(bytes_of(BROWSER_KEY) + b"\0"),
        "point at infinity": text_of(
            bytes.fromhex("3019301306072a8648ce3d020106082a8648ce3d03010703020000")
        ),
        "padded": BROWSER_KEY + "==",
        "empty": "",
        "chinese": "平板",
        "long": "A" * 100_000,
    }


@pytest.mark.parametrize(("name", "key"), other_keys().items(), ids=list(other_keys()))
def test_only_a_p256_key_as_browsers_write_it_is_paired(name, key):
    with pytest.raises(ValueError, match=r".+"):
        parse_device_key(key)
    assert not accepted(key=key)


def test_a_browsers_key_is_paired():
    assert parse_device_key(BROWSER_KEY).curve.name == "secp256r1"


def test_an_endless_message_is_not_even_hashed():
    assert not accepted(message="x" * 4097)


def test_a_message_that_is_no_text_is_refused():
    assert not accepted(message="\ud800")


der_like = st.binary(max_size=130).map(lambda tail: bytes_of(BROWSER_KEY)[:26] + tail)


@settings(max_examples=300)
@given(
    key=st.text(max_size=200) | st.binary(max_size=130).map(text_of) | der_like.map(text_of),
    message=st.text(max_size=50),
    signature=st.text(max_size=120) | st.binary(min_size=60, max_size=70).map(text_of),
)
def test_hostile_input_is_answered_with_no(key, message, signature):
    assert accepted(key=key, message=message, signature=signature) is False
    assert accepted(message=message, signature=signature) is False
    with suppress(ValueError):
        parse_device_key(key)
