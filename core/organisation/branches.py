"""The rule that branches keep among each other, at a store and at head office."""

from __future__ import annotations

from core.errors import Refused
from core.organisation.settings import Store
from core.organisation.tables import stores
from core.sqlite import Reader


def check_store(db: Reader, store_id: str, content: Store) -> None:
    """Check what a branch is about to be. Refused: store_code_used, store_code_taken.

    The code stands in numbers that were given out; another one later could give them again.
    """
    known = stores(db)
    before = known.get(store_id)
    if before is not None and before.code != content.code and is_code_used(db, store_id):
        raise Refused("store_code_used", now=before.code)
    for other_id, other in known.items():
        if other_id != store_id and other.code == content.code:
            raise Refused("store_code_taken", typed=content.code, name=other.name)


def is_code_used(db: Reader, store: str) -> bool:
    """Say whether a number with the branch's code was ever given out."""
    return (
        db.one(
            """SELECT 1 WHERE EXISTS (SELECT 1 FROM ticket_number WHERE store = :store)
                  OR EXISTS (SELECT 1 FROM topup_number WHERE store = :store)
                  OR EXISTS (SELECT 1 FROM member_number WHERE store = :store AND issued > 0)
                  OR EXISTS (SELECT 1 FROM till_period WHERE store = :store)""",
            store=store,
        )
        is not None
    )
