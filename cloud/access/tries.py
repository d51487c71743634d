"""Guesses run out: tries are counted before anything is compared, also for unknown e-mails.

Three counters: one e-mail from one address waits longer each time; one e-mail from anywhere
and one address for any e-mail are bounded, so neither many machines nor many names help.
"""

from __future__ import annotations

import hashlib

from core.clock import DAY_MS, MINUTE_MS
from core.errors import Refused
from core.sqlite import Writer

FREE_TRIES = 3
LONG_WAIT_AFTER = 5
LONG_WAIT_MS = 5 * MINUTE_MS
TRIES_A_DAY = 10
WINDOW_MS = 15 * MINUTE_MS
TRIES_A_WINDOW = 30


def count_try(tx: Writer, *, email: str, address: str, at: int) -> int:
    """Count a try; return how many this e-mail had from this address in a row.

    Refused: log_in_waits, log_in_locked.
    """
    tx.run("DELETE FROM account_try WHERE began_at < :at", at=at - DAY_MS)
    for who in (_name(email, ""), _name("", address)):
        failed = _bump(tx, who, at=at, window_ms=WINDOW_MS, most=TRIES_A_WINDOW)
        if failed > TRIES_A_WINDOW:
            raise Refused("log_in_waits", seconds=WINDOW_MS // 1000)
    return _count_pair(tx, _name(email, address), at=at)


def forget_tries(tx: Writer, *, email: str, address: str) -> None:
    """Begin anew after a log-in, which was no guess."""
    tx.run("DELETE FROM account_try WHERE who = :who", who=_name(email, address))
    for who in (_name(email, ""), _name("", address)):
        tx.run("UPDATE account_try SET failed = failed - 1 WHERE who = :who", who=who)


def _count_pair(tx: Writer, who: bytes, *, at: int) -> int:
    row = tx.one("SELECT failed, next_at FROM account_try WHERE who = :who", who=who)
    failed = 0 if row is None else row["failed"]
    if failed >= TRIES_A_DAY:
        raise Refused("log_in_locked")
    if row is not None and row["next_at"] > at:
        raise Refused("log_in_waits", seconds=-(-(row["next_at"] - at) // 1000))
    failed = _bump(tx, who, at=at, window_ms=DAY_MS, most=TRIES_A_DAY)
    tx.run(
        "UPDATE account_try SET next_at = :next WHERE who = :who",
        who=who,
        next=at + _wait_after(failed),
    )
    return failed


def _bump(tx: Writer, who: bytes, *, at: int, window_ms: int, most: int) -> int:
    """Add one within the window, and return how many there are; beyond `most` none is added."""
    row = tx.one("SELECT began_at, failed FROM account_try WHERE who = :who", who=who)
    goes_on = row is not None and at - row["began_at"] < window_ms
    failed = 1 + (row["failed"] if row is not None and goes_on else 0)
    if failed > most:
        return failed
    tx.run(
        """INSERT INTO account_try (who, began_at, failed, next_at)
           VALUES (:who, :began, :failed, 0)
           ON CONFLICT (who) DO UPDATE SET began_at = excluded.began_at,
             failed = excluded.failed""",
        who=who,
        began=row["began_at"] if row is not None and goes_on else at,
        failed=failed,
    )
    return failed


def _wait_after(failed: int) -> int:
    if failed < FREE_TRIES:
        return 0
    return LONG_WAIT_MS if failed >= LONG_WAIT_AFTER else 1000 * 2**failed


def _name(email: str, address: str) -> bytes:
    return hashlib.sha256(f"{email}\n{address}".encode()).digest()
