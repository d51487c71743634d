"""Keys, PINs, device signatures, codes and card hashes. Pure but for files of secrets.

Random bytes are an argument wherever a result depends on them, so that a simulation repeats;
left out, they come from the operating system.
"""

from __future__ import annotations

from core.crypto.card_hash import card_hash
from core.crypto.codes import make_code, normalise_code
from core.crypto.device_signature import parse_device_key, verify_device_signature
from core.crypto.keys import (
    CREDENTIALS,
    LogKey,
    card_key,
    database_key,
    log_key,
    pin_pepper,
    secret_file,
    signing_key,
    verify_log,
)
from core.crypto.papers import begin_paper, instant, new_key
from core.crypto.pins import dummy_verify, hash_pin, is_trivial, make_pin, verify_pin
from core.crypto.private_file import create_private, flush_folder, read_private, replace_private

__all__ = [
    "CREDENTIALS",
    "LogKey",
    "begin_paper",
    "card_hash",
    "card_key",
    "create_private",
    "database_key",
    "dummy_verify",
    "flush_folder",
    "hash_pin",
    "instant",
    "is_trivial",
    "log_key",
    "make_code",
    "make_pin",
    "new_key",
    "normalise_code",
    "parse_device_key",
    "pin_pepper",
    "read_private",
    "replace_private",
    "secret_file",
    "signing_key",
    "verify_device_signature",
    "verify_log",
    "verify_pin",
]
