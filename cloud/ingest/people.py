"""What head office does about people that stores tell of, at the end of a slice."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator

import msgspec

from cloud.members import merge_empty, part_again
from core.journal import Act, decode, kind_name
from core.members import MemberChanged, MemberRegistered
from core.sqlite import Writer
from core.wallet import CLOUD, move_merged
from core.wire import Segment

log = logging.getLogger(__name__)
_TELLING = tuple(f'"{kind_name(kind)}"'.encode() for kind in (MemberRegistered, MemberChanged))


class _About(msgspec.Struct):
    member: str = ""


_about = msgspec.json.Decoder(_About)


def settle_people(tx: Writer, act: Act, segments: Iterable[Segment]) -> None:
    """Merge duplicates that are beyond doubt; bring the pool's value to whom it belongs.

    Value of a merged duplicate that a store sent off before it heard arrives here in the old
    name, so the pool is looked at whoever was told of. Each is done whole or not at all, and
    what fails is in nobody's way.
    """
    told = dict.fromkeys(
        member for segment in segments for raw in segment.events for member in _told(raw)
    )
    # Of two that were told of together the first one stays.
    for member in reversed(told):
        _safely(tx, _merging(tx, act, member))
    if tx.value("SELECT 1 FROM member WHERE merge <> '' LIMIT 1"):
        _safely(tx, lambda: part_again(tx, act))
        _safely(tx, lambda: move_merged(tx, act, place=CLOUD))


def _merging(tx: Writer, act: Act, member: str) -> Callable[[], object]:
    return lambda: merge_empty(tx, act, member=member)


def _told(raw: bytes) -> Iterator[str]:
    if any(kind in raw for kind in _TELLING):
        try:
            yield _about.decode(decode(raw).body).member
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return  # It stands in quarantine, where somebody finds it.


def _safely(tx: Writer, verb: Callable[[], object]) -> None:
    tx.run("SAVEPOINT people")
    try:
        verb()
    except Exception:
        log.exception("people were not settled")
        tx.run("ROLLBACK TO people")
    finally:
        tx.run("RELEASE people")
