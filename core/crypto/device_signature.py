"""What a paired tablet proves: that it holds the key which it showed when it was paired.

The browser makes a P-256 key that cannot be taken out of it, and signs a nonce at the start
of each session, so that a copied cookie alone opens nothing.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from core.crypto import base64url

COORDINATE_BYTES = 32
SIGNATURE_BYTES = 2 * COORDINATE_BYTES
PUBLIC_KEY_BYTES_MAX = 120
MESSAGE_CHARACTERS_MAX = 4096


def parse_device_key(public_key: str) -> ec.EllipticCurvePublicKey:
    """Read a key as a browser exports it (SPKI, base64url); for the moment of pairing.

    Raises ValueError for all but a P-256 key in the one encoding that browsers write, so that
    a device cannot be paired twice under two spellings of its key.
    """
    encoded = base64url.decode(public_key, size_max=PUBLIC_KEY_BYTES_MAX)
    try:
        key = serialization.load_der_public_key(encoded)
    except UnsupportedAlgorithm as unknown:
        raise ValueError("not a P-256 key") from unknown
    match key:
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            again = key.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        case _:
            raise ValueError("not a P-256 key")
    if again != encoded:
        raise ValueError("not a P-256 key as browsers write it")
    return key


def verify_device_signature(*, public_key: str, message: str, signature: str) -> bool:
    """Say whether the device signed the message (ECDSA P-256, SHA-256).

    `signature` is base64url of the 64 bytes that WebCrypto gives: r and s, big-endian. All
    three may come from an attacker; whatever is not a valid proof is False. A valid
    signature can be turned into a second valid one, so it must never serve as an id.
    """
    if len(message) > MESSAGE_CHARACTERS_MAX:
        return False
    try:
        key = parse_device_key(public_key)
        raw = base64url.decode(signature, size_max=SIGNATURE_BYTES)
        signed = message.encode("utf-8")
    except ValueError:
        return False
    if len(raw) != SIGNATURE_BYTES:
        return False
    r = int.from_bytes(raw[:COORDINATE_BYTES])
    s = int.from_bytes(raw[COORDINATE_BYTES:])
    try:
        key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
