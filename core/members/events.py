"""Facts about people. Names, phones and birthdays lie beside, in the `profile` document."""

from __future__ import annotations

from core.journal import Body


class MemberRegistered(Body, frozen=True, kw_only=True, tag="member.registered"):
    """Somebody became known: `standing` is member, or prospect without number and card."""

    member: str
    standing: str
    number: str | None = None
    issued: int = 0
    """By how much the store's counter of numbers moved; 0 for a number that was given."""
    category: str = ""
    source: str = ""
    """Empty, or the kind of the list and a keyed hash of the row, so that a row counts once."""
    joined_on: str = ""
    """Since when they are a member, YYYY-MM-DD."""
    home: str = ""
    """The branch they belong to; empty is the one that registered them."""


class MemberChanged(Body, frozen=True, kw_only=True, tag="member.changed"):
    """Details were edited; `fields` names what the profile document holds anew."""

    member: str
    fields: tuple[str, ...] = ()
    category: str | None = None
    standing: str | None = None
    number: str | None = None
    issued: int = 0
    over: str = ""
    """The stamp that the editor saw, where it lies ahead of the editor's own clock."""


class CardIssued(Body, frozen=True, kw_only=True, tag="card.issued"):
    """A medium now stands for a member. Value never sits on it."""

    member: str
    card: str
    generation: int
    over: str = ""


class CardReturned(Body, frozen=True, kw_only=True, tag="card.returned"):
    """A medium no longer stands for anybody."""

    member: str
    card: str
    over: str = ""
