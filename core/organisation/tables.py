"""Where the merchant's own documents are read from: the feed table itself."""

from __future__ import annotations

import msgspec

from core.errors import N_, Refusal, Refused
from core.journal import Part
from core.organisation import true_times
from core.organisation.settings import Company, Settings, Store
from core.sqlite import Reader

THE_ONE = "-"
"""The key of documents of which a merchant has one."""


def company(db: Reader) -> Company:
    """Return the merchant's own details. Refused: no_company."""
    raw = _content(db, "company", THE_ONE)
    if raw is None:
        raise Refused("no_company")
    return msgspec.json.decode(raw, type=Company)


def store(db: Reader, store_id: str) -> Store:
    """Return a branch. Refused: no_store."""
    raw = _content(db, "store", store_id)
    if raw is None:
        raise Refused("no_store")
    return msgspec.json.decode(raw, type=Store)


def stores(db: Reader) -> dict[str, Store]:
    """Return every branch by its id."""
    rows = db.all(
        "SELECT key, content FROM feed_document WHERE topic = 'store'"
        " AND content IS NOT NULL ORDER BY key"
    )
    return {row["key"]: msgspec.json.decode(row["content"], type=Store) for row in rows}


def settings(db: Reader) -> Settings:
    """Return the merchant's rules; what a new shop starts with where none are set."""
    raw = _content(db, "settings", THE_ONE)
    return Settings() if raw is None else msgspec.json.decode(raw, type=Settings)


def _content(db: Reader, topic: str, key: str) -> bytes | None:
    raw: bytes | None = db.value(
        "SELECT content FROM feed_document WHERE topic = :topic AND key = :key",
        topic=topic,
        key=key,
    )
    return raw


PART = Part(
    name="organisation",
    migrations=true_times.MIGRATIONS,
    tables=true_times.TABLES,
    now={true_times.ClockAnchored: true_times.note_anchor},
    refusals={
        "no_company": Refusal(409, N_("还没有公司信息，请先装入店铺资料")),
        "no_store": Refusal(409, N_("没有这家门店")),
        "store_code_used": Refusal(
            409, N_("门店代号 %(now)s 已经用在单号和会员编号里，不能再改")
        ),
        "store_code_taken": Refusal(409, N_("代号 %(typed)s 是“%(name)s”的")),
    },
)
