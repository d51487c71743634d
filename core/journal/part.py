"""What a capability brings to the journal: tables, kinds of event, and their projection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from core.errors import Refusal
from core.journal.changes import Change
from core.journal.event import Body, Event, kind_name, kind_of
from core.sqlite import Migration, Writer


@dataclass(frozen=True, slots=True)
class Entry:
    """An event, its decoded body, and those of its documents that have not been erased."""

    event: Event
    body: Any
    documents: Mapping[str, dict[str, Any]]


Projector = Callable[[Entry], Iterable[Change]]
EventProjector = Callable[[Event], Iterable[Change]]
FeedHandler = Callable[[Writer, str, dict[str, Any] | None], None]
"""Brings a feed document (key, content; None when withdrawn) into the slice's own tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One capability's share of what hub and cloud agree on.

    `now` is projected with the event, in its transaction: what the next decision needs.
    `later` is projected in batches a moment after: history. `tables` names every table that
    projection fills, with the columns that order it, so that a rebuild can be compared.
    """

    name: str
    migrations: tuple[Migration, ...] = ()
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    postings_now: EventProjector | None = None
    """Moves value by the envelope alone, so that an event of an unknown kind counts too."""
    postings_later: EventProjector | None = None
    now: Mapping[type[Body], Projector] = field(default_factory=dict)
    later: Mapping[type[Body], Projector] = field(default_factory=dict)
    feeds: Mapping[str, FeedHandler] = field(default_factory=dict)
    refusals: Mapping[str, Refusal] = field(default_factory=dict)


class Parts:
    """All capabilities together: the one place that knows every kind of event."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self.all = tuple(parts)
        self.migrations = tuple(m for part in self.all for m in part.migrations)
        self.tables = {table: key for part in self.all for table, key in part.tables.items()}
        self.feeds = {
            kind: handler for part in self.all for kind, handler in part.feeds.items()
        }
        self.refusals = {code: r for part in self.all for code, r in part.refusals.items()}
        self._postings_now = [p.postings_now for p in self.all if p.postings_now]
        self._postings_later = [p.postings_later for p in self.all if p.postings_later]
        self._now = _by_kind(part.now for part in self.all)
        self._later = _by_kind(part.later for part in self.all)
        bodies = {body for part in self.all for body in (*part.now, *part.later)}
        self._decoders = {kind_name(body): msgspec.json.Decoder(body) for body in bodies}

    def known(self, kind: str) -> bool:
        return kind in self._decoders

    def entry(self, event: Event, documents: Mapping[str, dict[str, Any]]) -> Entry | None:
        """Decode an event's body; None for a kind that this version does not know."""
        decoder = self._decoders.get(kind_of(event))
        return None if decoder is None else Entry(event, decoder.decode(event.body), documents)

    def project_now(self, event: Event, entry: Entry | None) -> list[Change]:
        return [*_move(self._postings_now, event), *_project(self._now, entry)]

    def project_body(self, entry: Entry | None) -> list[Change]:
        """Return what a body changes at once, beside what its envelope moves."""
        return _project(self._now, entry)

    def project_body_later(self, entry: Entry | None) -> list[Change]:
        """Return what a body says of history, beside what its envelope does."""
        return _project(self._later, entry)

    def project_later(self, event: Event, entry: Entry | None) -> list[Change]:
        return [*_move(self._postings_later, event), *_project(self._later, entry)]


Projectors = dict[str, list[Projector]]


def _by_kind(maps: Iterable[Mapping[type[Body], Projector]]) -> Projectors:
    gathered: Projectors = {}
    for projectors in maps:
        for body, projector in projectors.items():
            gathered.setdefault(kind_name(body), []).append(projector)
    return gathered


def _move(projectors: list[EventProjector], event: Event) -> list[Change]:
    if not event.postings:
        return []
    return [change for project in projectors for change in project(event)]


def _project(projectors: Projectors, entry: Entry | None) -> list[Change]:
    if entry is None:
        return []
    kind = kind_name(type(entry.body))
    return [change for project in projectors.get(kind, ()) for change in project(entry)]
