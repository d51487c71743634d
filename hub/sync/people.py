"""What this box does by itself once it hears who is whom: value goes to whom it belongs."""

from __future__ import annotations

import logging
from collections.abc import Callable

from core.journal import Act
from core.sqlite import Writer
from core.wallet import move_merged

log = logging.getLogger(__name__)


def settle_people(tx: Writer, act: Callable[[Writer], Act]) -> None:
    """Move what merged duplicates hold here, and give back what an undone merge had taken.

    Whole or not at all, and never in the way of what came down: it is tried again with the
    next thing that comes.
    """
    if tx.value("SELECT 1 FROM member WHERE merge <> '' LIMIT 1") is None:
        return
    tx.run("SAVEPOINT people")
    try:
        taken = act(tx)
        move_merged(tx, taken, place=taken.journal.identity.place)
    except Exception:
        log.exception("value could not go to whom it belongs")
        tx.run("ROLLBACK TO people")
    finally:
        tx.run("RELEASE people")
