"""The end of an epoch: from here on nothing of it is taken in by the line, for good.

Only marks, all of them in the shared database: what lay at the epoch's place, and what comes
late, is for `cloud.epochs` and the books.
"""

from __future__ import annotations

from enum import StrEnum

from core.sqlite import Reader, Writer


class Reason(StrEnum):
    """Why an epoch was closed."""

    LOST = "lost"
    BROKEN = "broken"
    STOLEN = "stolen"
    FORKED = "forked"
    """The box wrote two histories."""
    REPLACED = "replaced"
    RETIRED = "retired"


def mark_closed(  # noqa: PLR0913 - an epoch's name, where it ends, and why
    tx: Writer, *, hub: str, epoch: int, reason: Reason, seq: int, head: bytes, at: int
) -> bool:
    """Close an epoch behind event `seq`, and its certificates with it; False where it was.

    A box that turns out to be stolen after it was closed is known as stolen from then on, and
    its certificate is no longer good for anything; what was moved stays moved.
    """
    place = {"hub": hub, "epoch": epoch}
    fresh = tx.run(
        "UPDATE epoch SET closed_at = COALESCE(closed_at, :at), closed_seq = :seq,"
        " closed_head = :head, closed_reason = :reason, limbo = :limbo"
        " WHERE hub = :hub AND epoch = :epoch AND closed_reason = ''",
        at=at,
        seq=seq,
        head=head,
        reason=reason.value,
        limbo=int(reason is Reason.STOLEN),
        **place,
    )
    if not fresh:
        return reason is Reason.STOLEN and bool(
            tx.run(
                "UPDATE epoch SET closed_reason = :reason"
                " WHERE hub = :hub AND epoch = :epoch AND closed_reason <> :reason",
                reason=reason.value,
                **place,
            )
        )
    tx.run(
        "UPDATE hub SET state = 'revoked', online = 0 WHERE id = :hub"
        " AND NOT EXISTS (SELECT 1 FROM epoch e WHERE e.hub = :hub AND e.epoch > :epoch)",
        **place,
    )
    tx.run(
        "UPDATE certificate SET revoked_at = :at"
        " WHERE hub = :hub AND epoch <= :epoch AND revoked_at IS NULL",
        at=at,
        **place,
    )
    return True


def end_limbo(tx: Writer, *, hub: str, epoch: int) -> bool:
    """Let the books move what lay at a stolen box's place; False where nothing waited."""
    changed = tx.run(
        "UPDATE epoch SET limbo = 0 WHERE hub = :hub AND epoch = :epoch AND limbo = 1",
        hub=hub,
        epoch=epoch,
    )
    return bool(changed)


def closed_by_certificate(db: Reader, hub: str, serial: str) -> str | None:
    """Return why the epoch of a certificate was closed; None where it is good.

    One that is not known here, because head office was put back from before it was made, is
    taken for one of the newest epoch.
    """
    row = db.one(
        "SELECT c.revoked_at, e.closed_reason FROM certificate c"
        " LEFT JOIN epoch e ON e.hub = c.hub AND e.epoch = c.epoch"
        " WHERE c.serial = :serial AND c.hub = :hub",
        serial=serial,
        hub=hub,
    )
    if row is None:
        newest: str | None = db.value(
            "SELECT closed_reason FROM epoch WHERE hub = :hub ORDER BY epoch DESC LIMIT 1",
            hub=hub,
        )
        return newest or None
    if row["revoked_at"] is None and not row["closed_reason"]:
        return None
    return row["closed_reason"] or Reason.RETIRED.value
