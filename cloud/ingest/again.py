"""Trying once more what stood aside, because somebody at head office asked for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cloud.aside import Request, forget_request
from cloud.ingest.envelope import read_envelope
from cloud.ingest.lateness import Lateness
from cloud.ingest.reacting import Reaction
from cloud.ingest.sources import Source
from cloud.ingest.unpacking import Taking, Unpacked
from core.journal import (
    WHOLE,
    Place,
    apply_later,
    aside_row,
    documents_of,
    event_at,
    forgive,
    is_history,
    make_up,
    set_aside,
)
from core.sqlite import Writer

LatenessOf = Callable[[Source, int], Lateness | None]
"""How an event of a history is taken in where its epoch had ended before it."""


def take_again(
    reaction: Reaction,
    wanted: Sequence[Request],
    sources: Sequence[Source],
    *,
    lateness_of: LatenessOf,
) -> Unpacked:
    """Try each record that somebody asked for; what still cannot be stays aside."""
    done = Unpacked()
    known = {(source.origin, source.epoch.epoch): source for source in sources}
    for request in wanted:
        origin, epoch, seq = request.place
        source = known.get((origin, epoch))
        taking = None
        if source is not None:
            taking = Taking(
                tx=reaction.tx,
                parts=reaction.merchant.parts,
                source=source,
                react=reaction.to(source),
                lateness=lateness_of(source, seq),
                done=done,
            )
        fault = _again(reaction, taking, request.place)
        if fault:
            _note(reaction.tx, request.place, fault)
        forget_request(reaction.tx, request)
    return done


def _again(reaction: Reaction, taking: Taking | None, place: Place) -> str:
    tx, parts = reaction.tx, reaction.merchant.parts
    row = aside_row(tx, place)
    if row is None:
        return ""
    if not row["whole"] or taking is None:
        return make_up(tx, parts, place)
    source = taking.source
    raw = tx.value(
        "SELECT raw FROM journal WHERE origin = :origin AND epoch = :epoch AND seq = :seq",
        origin=place[0],
        epoch=place[1],
        seq=place[2],
    )
    event, fault = read_envelope(
        raw, origin=source.hub.id, epoch=source.epoch.epoch, seq=place[2]
    )
    if event is None:
        return fault
    forgive(tx, place)
    fault = taking.weigh(event, documents_of(tx, event))
    if fault:
        set_aside(tx, place, reason=fault, share=WHOLE)
    elif aside_row(tx, place) is None and is_history(tx, place):
        _write_history(tx, reaction, place)
    return fault


def _write_history(tx: Writer, reaction: Reaction, place: Place) -> None:
    """Write the history of an event that the cursor has passed."""
    parts, event = reaction.merchant.parts, event_at(tx, place)
    try:
        apply_later(tx, parts, event, parts.entry(event, documents_of(tx, event)))
    except Exception as error:  # noqa: BLE001 - it stands in the tray again, with this reason
        set_aside(tx, place, reason=f"{type(error).__name__}: {error}")


def _note(tx: Writer, place: Place, fault: str) -> None:
    tx.run(
        "UPDATE quarantine SET reason = :fault"
        " WHERE origin = :origin AND epoch = :epoch AND seq = :seq",
        fault=fault,
        origin=place[0],
        epoch=place[1],
        seq=place[2],
    )
