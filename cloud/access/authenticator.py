"""The second factor: six digits that change every half minute, and codes for a lost phone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

import pyotp
import segno

from core.crypto import make_code, normalise_code
from core.ids import Randomness

STEP_MS = 30_000
STEPS_EITHER_WAY = 1
"""A phone's clock may be half a minute off, and a code is typed as it ends."""
SECRET_BYTES = 20
RECOVERY_CODES = 8
RECOVERY_CHARACTERS = 10
ISSUER = "店枢 Dianshu"

_DIGITS = re.compile(r"[0-9]{6}")


def new_secret(random_bytes: Randomness) -> str:
    """Return a secret for an authenticator app, base32."""
    return base64.b32encode(random_bytes(SECRET_BYTES)).decode()


def address_of(secret: str, *, email: str) -> str:
    """Return what the QR code says to the app."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def picture_of(text: str) -> str:
    """Return a QR code as the address of a picture."""
    drawn: str = segno.make(text, micro=False).svg_data_uri(scale=5)
    return drawn


def step_of(secret: str, typed: str, *, at: int, after: int) -> int | None:
    """Return the step whose code was typed, if it is now, just past or next; else None.

    Only steps behind `after` count: a code that was used lets nobody in again.
    """
    digits = "".join(typed.split())
    if not _DIGITS.fullmatch(digits):
        return None
    totp, now = pyotp.TOTP(secret), at // STEP_MS
    for step in range(now - STEPS_EITHER_WAY, now + STEPS_EITHER_WAY + 1):
        right = totp.generate_otp(step)
        if hmac.compare_digest(right, digits) and step > after:
            return step
    return None


def make_recovery_codes(random_bytes: Randomness) -> list[str]:
    """Draw the codes that each let in once, without the phone: XXXXX-XXXXX."""
    drawn = [make_code(RECOVERY_CHARACTERS, random_bytes) for _ in range(RECOVERY_CODES)]
    return [f"{code[:5]}-{code[5:]}" for code in drawn]


def recovery_hash(typed: str, *, pepper: bytes) -> bytes | None:
    """Return what is kept of a recovery code; None where it cannot be one."""
    try:
        code = normalise_code(typed)
    except ValueError:
        return None
    if len(code) != RECOVERY_CHARACTERS:
        return None
    return hmac.new(pepper, b"recovery/" + code.encode(), hashlib.sha256).digest()
