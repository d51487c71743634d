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
    replaces: str = ""
    """The lost card in whose place this one is given; itself, where the number is kept."""


class CardSeen(Body, frozen=True, kw_only=True, tag="card.seen"):
    """A medium said that it is of a higher generation than was known; lower ones are dead."""

    member: str
    card: str
    generation: int
    over: str = ""


class CardBlocked(Body, frozen=True, kw_only=True, tag="card.blocked"):
    """A medium was reported lost: until it is found or replaced nobody pays with it."""

    member: str
    card: str
    over: str = ""


class CardUnblocked(Body, frozen=True, kw_only=True, tag="card.unblocked"):
    """A medium that was reported lost was found."""

    member: str
    card: str
    over: str = ""


class CardReturned(Body, frozen=True, kw_only=True, tag="card.returned"):
    """A medium no longer stands for anybody."""

    member: str
    card: str
    over: str = ""


class MemberMerged(Body, frozen=True, kw_only=True, tag="member.merged"):
    """Two ids are one person: `member` is the one that is given up, `winner` stands for it.

    `winners` are all that ever stood for it, so that a box that slept finds what is whose.
    """

    member: str
    winner: str
    merge: str
    winners: tuple[str, ...] = ()


class MemberUnmerged(Body, frozen=True, kw_only=True, tag="member.unmerged"):
    """They were two people after all. What is marked as whose goes back by itself.

    `shares` says what each place gives back of value that is not marked, as (place, asset,
    lot, amount): what had come over and is not spent, as far as head office knows.
    """

    member: str
    winner: str
    merge: str
    shares: tuple[tuple[str, str, str, int], ...] = ()


class FamilyJoined(Body, frozen=True, kw_only=True, tag="member.joined_family"):
    """A relative may pay from the holder's account; `limit` in fen a month, 0 is without."""

    member: str
    holder: str
    limit: int = 0
    over: str = ""


class FamilyLeft(Body, frozen=True, kw_only=True, tag="member.left_family"):
    """Somebody no longer pays from another's account."""

    member: str
    holder: str
    over: str = ""
