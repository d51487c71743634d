"""Accounts and sessions, in the platform's database: whoever logs in has no merchant yet."""

from __future__ import annotations

from cloud.access.events import KINDS
from core.errors import N_, Refusal
from core.journal import Entry, Part
from core.sqlite import Migration

MIGRATIONS = (
    Migration(
        "access/1",
        (
            """CREATE TABLE account (
                 id TEXT PRIMARY KEY,
                 merchant TEXT NOT NULL,
                 email TEXT NOT NULL UNIQUE,
                 name TEXT NOT NULL,
                 role TEXT NOT NULL CHECK (role IN ('owner', 'manager', 'auditor')),
                 password_hash TEXT NOT NULL,
                 totp_secret TEXT NOT NULL,
                 totp_step INTEGER NOT NULL,
                 active INTEGER NOT NULL CHECK (active IN (0, 1)),
                 made_at INTEGER NOT NULL,
                 last_in_at INTEGER
               ) STRICT, WITHOUT ROWID""",
            "CREATE INDEX account_by_merchant ON account (merchant, email)",
            """CREATE TABLE account_invitation (
                 account TEXT PRIMARY KEY REFERENCES account (id),
                 token_hash BLOB NOT NULL UNIQUE,
                 totp_secret TEXT NOT NULL,
                 expires_at INTEGER NOT NULL
               ) STRICT, WITHOUT ROWID""",
            """CREATE TABLE account_session (
                 token_hash BLOB PRIMARY KEY,
                 account TEXT NOT NULL REFERENCES account (id),
                 opened_at INTEGER NOT NULL,
                 seen_at INTEGER NOT NULL
               ) STRICT, WITHOUT ROWID""",
            "CREATE INDEX account_session_by_account ON account_session (account)",
            """CREATE TABLE recovery_code (
                 account TEXT NOT NULL REFERENCES account (id),
                 code_hash BLOB NOT NULL,
                 used_at INTEGER,
                 PRIMARY KEY (account, code_hash)
               ) STRICT, WITHOUT ROWID""",
            """CREATE TABLE account_try (
                 who BLOB PRIMARY KEY,
                 began_at INTEGER NOT NULL,
                 failed INTEGER NOT NULL,
                 next_at INTEGER NOT NULL
               ) STRICT, WITHOUT ROWID""",
            "CREATE INDEX account_try_by_age ON account_try (began_at)",
        ),
    ),
)
"""For `platform.db`."""


def _nothing(_entry: Entry) -> tuple[()]:
    return ()


PART = Part(
    name="access",
    now=dict.fromkeys(KINDS, _nothing),
    refusals={
        "log_in_failed": Refusal(403, N_("邮箱、密码或验证码不对，请再试")),
        "log_in_waits": Refusal(429, N_("试得太多了，请 %(seconds)s 秒后再试")),
        "log_in_locked": Refusal(429, N_("今天试得太多了，请明天再试，或请店主重发登录链接")),
        "too_many_files": Refusal(429, N_("文件发得太多了，请 %(minutes)s 分钟后再试")),
        "password_short": Refusal(422, N_("密码至少 %(least)s 个字符")),
        "password_long": Refusal(422, N_("密码最多 %(most)s 个字符")),
        "password_plain": Refusal(422, N_("这个密码太容易猜到，请换一个")),
        "password_wrong": Refusal(422, N_("现在的密码不对")),
        "totp_wrong": Refusal(422, N_("验证码不对：请看手机上现在的六位数字")),
        "invitation_over": Refusal(410, N_("这个链接已经用过或过期了，请店主重发一个")),
        "email_malformed": Refusal(422, N_("邮箱“%(email)s”不对，请核对")),
        "email_taken": Refusal(409, N_("邮箱 %(email)s 已有账号")),
        "account_unknown": Refusal(404, N_("没有这个账号")),
        "role_unknown": Refusal(422, N_("没有这个角色")),
        "last_account": Refusal(409, N_("至少要留一位店主")),
    },
)
"""For every merchant's database: who came in and who tried is in the merchant's own journal."""
