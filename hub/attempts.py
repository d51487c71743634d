"""Nothing happens twice: a command's key, its content and its first answer, in one row.

The key is minted before the first try, by the hub into a form or by the client of the API. The
row is written in the transaction of the effect itself; so either both are there or neither.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from core.errors import N_, Refusal, Refused
from core.journal import Act, Part
from core.sqlite import Migration, Writer

KEY_CHARACTERS_MAX = 80

Answer = dict[str, Any]


def once(
    tx: Writer, act: Act, *, key: str, verb: str, content: object, run: Callable[[], Answer]
) -> Answer:
    """Run a command, or return the answer that it gave the first time.

    `content` is everything that the command depends on. Refused: key_missing, key_reused when
    the same key comes with other content.
    """
    if not 0 < len(key) <= KEY_CHARACTERS_MAX:
        raise Refused("key_missing")
    content_hash = hashlib.sha256(
        msgspec.json.encode([verb, content], order="deterministic")
    ).digest()
    done = tx.one("SELECT content_hash, answer FROM attempt WHERE key = :key", key=key)
    if done is not None:
        if done["content_hash"] != content_hash:
            raise Refused("key_reused")
        replayed: Answer = msgspec.json.decode(done["answer"])
        return replayed | {"replayed": True}
    answer = run()
    tx.run(
        "INSERT INTO attempt (key, content_hash, answer, at)"
        " VALUES (:key, :hash, :answer, :at)",
        key=key,
        hash=content_hash,
        answer=msgspec.json.encode(answer),
        at=act.at,
    )
    return answer


PART = Part(
    name="attempts",
    migrations=(
        Migration(
            "attempts/1",
            (
                """CREATE TABLE attempt (
                     key TEXT PRIMARY KEY,
                     content_hash BLOB NOT NULL,
                     answer BLOB NOT NULL,
                     at INTEGER NOT NULL
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
    ),
    refusals={
        "key_missing": Refusal(400, N_("请求缺少 Idempotency-Key")),
        "key_reused": Refusal(422, N_("这个 Idempotency-Key 已用于另一个请求")),
    },
)
