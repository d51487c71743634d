"""At which device somebody works, so that the next one goes on where this one stopped.

A lost phone cannot hand anything over: what lay open on it is found by who sat there.
"""

from __future__ import annotations

from core.clock import HOUR_MS
from core.journal import Act
from core.sqlite import Reader, Row, Writer

SEAT_MS = 12 * HOUR_MS
"""Later the bill that lay open there waits with all others."""


def take_seat(tx: Writer, act: Act, *, staff_id: str, device: str) -> str | None:
    """Seat somebody at a device; return the one that they left without logging out there.

    A device that is still paired keeps a word for whoever opens it next: that, and where,
    somebody took their session away. A device that was taken out is named all the same.
    """
    before = tx.one("SELECT device, at FROM seat WHERE staff = :staff", staff=staff_id)
    left = before["device"] if before and act.at - before["at"] <= SEAT_MS else None
    tx.run("DELETE FROM seat WHERE staff = :staff OR device = :d", staff=staff_id, d=device)
    tx.run(
        "INSERT INTO seat (staff, device, at) VALUES (:staff, :device, :at)",
        staff=staff_id,
        device=device,
        at=act.at,
    )
    tx.run("DELETE FROM taken_over WHERE device = :device", device=device)
    if left is None or left == device:
        return None
    tx.run(
        """INSERT INTO taken_over (device, staff, by_device)
           SELECT id, :staff, :device FROM device WHERE id = :left
           ON CONFLICT (device)
             DO UPDATE SET staff = excluded.staff, by_device = excluded.by_device""",
        left=left,
        staff=staff_id,
        device=device,
    )
    return str(left)


def leave_seat(tx: Writer, *, staff_id: str) -> None:
    """Let somebody go home: what lies open at their device stays there."""
    tx.run("DELETE FROM seat WHERE staff = :staff", staff=staff_id)


def taken_over(db: Reader, device: str) -> Row | None:
    """Return who took their session from this device to another one, by their names."""
    return db.one(
        """SELECT s.name AS name, d.name AS device FROM taken_over t
             JOIN staff s ON s.id = t.staff JOIN device d ON d.id = t.by_device
            WHERE t.device = :device""",
        device=device,
    )
