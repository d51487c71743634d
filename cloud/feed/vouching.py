"""What of a member only head office may say, under its signature inside the document.

Who stands for whom and who pays for whom opens wallets. After head office was put back from a
backup, boxes tell it what it forgot: of these fields it takes its own word alone.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

import msgspec

from core.crypto import verify_log

VOUCHED = ("merged_into", "merge", "winners", "shares", "holder", "family_limit")
WORD = "word"
"""The field of a document that holds the signature, base64."""

Sign = Callable[[bytes], bytes]


def vouch(key: str, content: dict[str, Any], sign: Sign) -> dict[str, Any]:
    """Return a member's document with head office's word on these fields, where it has any."""
    said = _said(key, content)
    if said is None:
        return content
    return {**content, WORD: base64.b64encode(sign(said)).decode()}


def without_doubtful(key: str, content: dict[str, Any], *, public: str) -> dict[str, Any]:
    """Return a document without these fields, unless head office's word on them is with it."""
    said = _said(key, content)
    if said is None or verify_log(
        public=public, message=said, signature=_signature(content.get(WORD))
    ):
        return content
    return {
        **content,
        **{
            part: {name: one for name, one in content[part].items() if name not in VOUCHED}
            for part in ("fields", "stamps")
            if isinstance(content.get(part), dict)
        },
    }


def stands_alike(key: str, one: dict[str, Any] | None, other: dict[str, Any]) -> bool:
    """Say whether two documents of a member say the same in these fields."""
    return one is not None and _said(key, one) == _said(key, other)


def _said(key: str, content: dict[str, Any]) -> bytes | None:
    """Return what is signed: whose fields, what they say, and since when."""
    parts = [content.get(part) for part in ("fields", "stamps")]
    told = [
        {name: part[name] for name in VOUCHED if name in part} if isinstance(part, dict) else {}
        for part in parts
    ]
    if not any(told):
        return None
    return msgspec.json.encode(["H1 member", key, *told], order="deterministic")


def _signature(word: object) -> bytes:
    try:
        return base64.b64decode(word, validate=True) if isinstance(word, str) else b""
    except binascii.Error:
        return b""
