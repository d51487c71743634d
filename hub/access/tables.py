"""Devices, sessions and tokens: local to this hub, never in the journal but for their facts."""

from __future__ import annotations

from core.errors import N_, Refusal
from core.journal import Part
from core.sqlite import Migration

PART = Part(
    name="access",
    migrations=(
        Migration(
            "access/1",
            (
                """CREATE TABLE device (
                     id TEXT PRIMARY KEY,
                     name TEXT NOT NULL,
                     till TEXT NOT NULL,
                     public_key TEXT NOT NULL,
                     cookie_hash TEXT NOT NULL UNIQUE,
                     paired_at INTEGER NOT NULL,
                     seen_at INTEGER NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE invite (
                     code_hash TEXT PRIMARY KEY,
                     till TEXT NOT NULL,
                     ends_at INTEGER NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE nonce (
                     device TEXT PRIMARY KEY REFERENCES device (id) ON DELETE CASCADE,
                     nonce TEXT NOT NULL,
                     ends_at INTEGER NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE session (
                     token_hash TEXT PRIMARY KEY,
                     device TEXT NOT NULL REFERENCES device (id) ON DELETE CASCADE,
                     staff TEXT NOT NULL,
                     opened_at INTEGER NOT NULL,
                     seen_at INTEGER NOT NULL,
                     locked INTEGER NOT NULL CHECK (locked IN (0, 1))
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE pin_try (
                     device TEXT NOT NULL REFERENCES device (id) ON DELETE CASCADE,
                     staff TEXT NOT NULL,
                     date TEXT NOT NULL,
                     failed INTEGER NOT NULL,
                     next_at INTEGER NOT NULL,
                     PRIMARY KEY (device, staff)
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE api_token (
                     token_hash TEXT PRIMARY KEY,
                     name TEXT NOT NULL,
                     staff TEXT NOT NULL,
                     till TEXT NOT NULL,
                     made_at INTEGER NOT NULL
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
        Migration(
            "access/2",
            (
                # No reference: a device that was lost and taken out is still where they sat.
                """CREATE TABLE seat (
                     staff TEXT PRIMARY KEY,
                     device TEXT NOT NULL UNIQUE,
                     at INTEGER NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE taken_over (
                     device TEXT PRIMARY KEY REFERENCES device (id) ON DELETE CASCADE,
                     staff TEXT NOT NULL,
                     by_device TEXT NOT NULL
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
    ),
    refusals={
        "code_wrong": Refusal(403, N_("配对码不对或已过期，请在设置里重新生成")),
        "device_key_malformed": Refusal(422, N_("这个浏览器给出的设备密钥读不懂")),
        "device_unknown": Refusal(404, N_("没有这台设备")),
        "login_failed": Refusal(403, N_("工号或 PIN 不对，请重试")),
        "card_needs_pin": Refusal(403, N_("%(name)s 请再输入 PIN")),
        "login_waits": Refusal(429, N_("错了太多次，请等 %(seconds)s 秒再试")),
        "login_locked": Refusal(429, N_("今天在这台设备上错了太多次，请找店长或换一台设备")),
        "device_unproven": Refusal(403, N_("这台设备的身份没有核实，请重新打开登录页")),
        "token_unknown": Refusal(401, N_("接口令牌不对，或已经收回")),
    },
)
