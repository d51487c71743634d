"""The fact that a place put what lies in it in another name, because of a merge."""

from __future__ import annotations

from collections.abc import Iterator

from core.journal import Add, Append, Body, Change, Entry
from core.wallet.events import Legs, Lot


class Moved(Body, frozen=True, kw_only=True, tag="wallet.moved"):
    """A place put what lies in it in another name: of a merge, or `back` after it was undone.

    `unmarked` is the part whose lots say nothing of an owner. With `share` it is what the place
    gives back of that, once for each undone merge, also where nothing of it is left.
    """

    member: str
    to: str
    place: str
    merge: str
    back: bool = False
    share: bool = False
    legs: Legs = ()
    lots: tuple[Lot, ...] = ()
    unmarked: Legs = ()


def count_unmarked(entry: Entry) -> Iterator[Change]:
    """Count what has no mark, by merge and place, and note where a share was given back."""
    body: Moved = entry.body
    where = {"merge": body.merge, "place": body.place}
    if body.share:
        yield Append("merge_given_back", where, again=True)
    elif not body.back:
        for asset, lot, amount in body.unmarked:
            yield Add("merge_moved", {**where, "asset": asset, "lot": lot}, {"amount": amount})


TABLES = (
    """CREATE TABLE merge_moved (
         merge TEXT NOT NULL, place TEXT NOT NULL, asset TEXT NOT NULL, lot TEXT NOT NULL,
         amount INTEGER NOT NULL, PRIMARY KEY (merge, place, asset, lot)
       ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE merge_given_back (
         merge TEXT NOT NULL, place TEXT NOT NULL, PRIMARY KEY (merge, place)
       ) STRICT, WITHOUT ROWID""",
)
