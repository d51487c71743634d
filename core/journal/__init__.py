"""The journal: facts in order, chained, and the tables that follow from them.

An event is appended in the same transaction as its immediate effect (`Act.append`), is never
edited, and carries a hash of the one before. Tables are a pure function of the events
(`Part.now`, `Part.later`), by three verbs that commute, so any order of arrival gives the same
rows and `rebuild` gives them again.
"""

from core.journal.append import (
    Act,
    Guard,
    Head,
    Identity,
    Journal,
    assert_balanced,
    documents_of,
    place_of,
)
from core.journal.birth import Birth, signed_by_birth
from core.journal.changes import Add, Append, Change, Put, apply, stamp_of
from core.journal.event import (
    Body,
    Document,
    Event,
    Posting,
    birth_head,
    chain,
    decode,
    decode_as,
    digest,
    encode,
    kind_name,
    kind_of,
)
from core.journal.making_up import (
    aside_row,
    event_at,
    forgive,
    is_history,
    make_up,
    make_up_all,
)
from core.journal.part import Entry, FeedHandler, Part, Parts
from core.journal.project import (
    ANSWER,
    WHOLE,
    Place,
    apply_later,
    drain,
    drain_all,
    is_aside,
    is_behind,
    receive_now,
    set_aside,
)
from core.journal.rebuild import rebuild
from core.journal.schema import MIGRATIONS
from core.journal.segments import SEGMENT_EVENTS_MAX, join_seals, seal, signed_bytes
from core.journal.verify import Finding, verify

__all__ = [
    "ANSWER",
    "MIGRATIONS",
    "SEGMENT_EVENTS_MAX",
    "WHOLE",
    "Act",
    "Add",
    "Append",
    "Birth",
    "Body",
    "Change",
    "Document",
    "Entry",
    "Event",
    "FeedHandler",
    "Finding",
    "Guard",
    "Head",
    "Identity",
    "Journal",
    "Part",
    "Parts",
    "Place",
    "Posting",
    "Put",
    "apply",
    "apply_later",
    "aside_row",
    "assert_balanced",
    "birth_head",
    "chain",
    "decode",
    "decode_as",
    "digest",
    "documents_of",
    "drain",
    "drain_all",
    "encode",
    "event_at",
    "forgive",
    "is_aside",
    "is_behind",
    "is_history",
    "join_seals",
    "kind_name",
    "kind_of",
    "make_up",
    "make_up_all",
    "place_of",
    "rebuild",
    "receive_now",
    "seal",
    "set_aside",
    "signed_by_birth",
    "signed_bytes",
    "stamp_of",
    "verify",
]
