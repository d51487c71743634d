"""The three verbs that commute: facts become rows in whatever order stores' batches arrive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from core.journal.event import Event
from core.sqlite import Writer

Key = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Append:
    """An immutable row.

    With `again` several origins tell the same row, and the first to arrive writes it. Whoever
    sets it vouches that all of them tell it alike; only then does the order not matter.
    """

    table: str
    row: Mapping[str, object]
    again: bool = False


@dataclass(frozen=True, slots=True)
class Add:
    """Add amounts to counters, from zero where the row is new."""

    table: str
    key: Key
    amounts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Put:
    """Set fields; for each field the newest stamp wins, whatever came first."""

    table: str
    key: Key
    fields: Mapping[str, object]
    stamp: str


Change = Append | Add | Put


def stamp_of(event: Event) -> str:
    """Return an event's place in the order that settles who wrote a field last.

    Time first, so that the later edit wins between stores; within one origin its epoch and
    sequence decide, because time there may stand still but never goes backwards. No two events
    share a stamp. Sorts as text.
    """
    return f"{event.at:011x}.{event.epoch:04x}.{event.seq:08x}.{event.origin}"


def apply(tx: Writer, change: Change) -> None:
    """Carry one change out. The only piece that knows how a table is written."""
    match change:
        case Append(table, row, again):
            write = _insert_again if again else _insert
            tx.run(write(table, tuple(row)), **row)
        case Add(table, key, amounts):
            # Not an upsert: SQLite and PostgreSQL check CHECK (amount >= 0) on the row that
            # would be inserted, so a spend would fail although the sum stays above zero.
            if not tx.run(_add(table, tuple(key), tuple(amounts)), **key, **amounts):
                tx.run(_insert(table, (*key, *amounts)), **key, **amounts)
        case Put(table, key, fields, stamp):
            _put(tx, table, key, fields, stamp)


def _put(tx: Writer, table: str, key: Key, fields: Mapping[str, object], stamp: str) -> None:
    row = tx.one(_select_stamps(table, tuple(key)), **key)
    if row is None:
        stamps = _stamps(dict.fromkeys(fields, stamp))
        tx.run(_insert(table, (*key, *fields, "stamps")), **key, **fields, stamps=stamps)
        return
    held: dict[str, str] = msgspec.json.decode(row["stamps"])
    newer = {name: value for name, value in fields.items() if stamp > held.get(name, "")}
    if newer:
        stamps = _stamps(held | dict.fromkeys(newer, stamp))
        tx.run(_update(table, tuple(key), tuple(newer)), **key, **newer, stamps=stamps)


def _stamps(stamps: dict[str, str]) -> str:
    return msgspec.json.encode(stamps, order="deterministic").decode()


# Table and column names come from the slices' own code, never from outside.


@cache
def _insert(table: str, columns: tuple[str, ...]) -> str:
    values = ", ".join(f":{column}" for column in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})"  # noqa: S608


@cache
def _insert_again(table: str, columns: tuple[str, ...]) -> str:
    return f"{_insert(table, columns)} ON CONFLICT DO NOTHING"


@cache
def _add(table: str, key: tuple[str, ...], amounts: tuple[str, ...]) -> str:
    sums = ", ".join(f"{column} = {column} + :{column}" for column in amounts)
    return f"UPDATE {table} SET {sums} WHERE {_where(key)}"  # noqa: S608


@cache
def _update(table: str, key: tuple[str, ...], fields: tuple[str, ...]) -> str:
    sets = ", ".join(f"{column} = :{column}" for column in (*fields, "stamps"))
    return f"UPDATE {table} SET {sets} WHERE {_where(key)}"  # noqa: S608


@cache
def _select_stamps(table: str, key: tuple[str, ...]) -> str:
    return f"SELECT stamps FROM {table} WHERE {_where(key)}"  # noqa: S608


def _where(key: tuple[str, ...]) -> str:
    return " AND ".join(f"{column} = :{column}" for column in key)


def row_digest(row: Mapping[str, Any]) -> bytes:
    """Return a row as comparable bytes."""
    return msgspec.json.encode(dict(row), order="deterministic")
