"""Media that stand for members: met at a till, reported lost, found, replaced.

A medium may say its generation behind a slash (`80001234/2`). A higher one than is known here
kills the lower ones at once, also with the line cut: who carries it was given it later.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.errors import Refused
from core.journal import Act
from core.members.aliases import standing_for
from core.members.checks import canonical_card, check_card, check_no_staff_card
from core.members.events import CardBlocked, CardIssued, CardSeen, CardUnblocked
from core.members.finding import member_of
from core.members.order import ahead_of
from core.sqlite import Reader, Row, Writer
from core.staff import require

GENERATION_MAX = 999
_SAID = re.compile(r"(?P<number>.+)/(?P<generation>[1-9][0-9]{0,2})")
_FIELDS = ("member", "generation", "active", "since", "blocked", "replaced_by", "least")


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """What a medium says of itself; generation 0 where it says none."""

    number: str
    generation: int = 0


def read_medium(text: str) -> Medium:
    """Read what was swiped or typed. Refused: card_malformed."""
    said = _SAID.fullmatch("".join(text.split()))
    if said is None:
        return Medium(number=canonical_card(text))
    number = canonical_card(said["number"])
    return Medium(number=number, generation=int(said["generation"]))


def card_row(db: Reader, number: str) -> Row | None:
    """Return what is known of a card, lost and dead ones included."""
    return db.one("SELECT * FROM card WHERE number = :number", number=number)


def active_card(db: Reader, text: str) -> Row:
    """Return a card by which its member may pay.

    Refused: card_malformed, card_unknown, card_blocked, card_replaced.
    """
    medium = read_medium(text)
    row = card_row(db, medium.number)
    if row is None or not row["active"]:
        raise Refused("card_unknown", card=medium.number)
    if medium.generation > row["generation"]:
        return row
    if row["replaced_by"] or (medium.generation or 0) < row["least"]:
        raise Refused("card_replaced", card=medium.number)
    if row["blocked"]:
        raise Refused("card_blocked", card=medium.number)
    return row


def meet_card(tx: Writer, act: Act, *, text: str) -> Row:
    """Take a swiped medium in; return its card. One of a new generation is made known.

    Refused: what `active_card` refuses.
    """
    row, medium = active_card(tx, text), read_medium(text)
    if medium.generation > row["generation"]:
        seen = CardSeen(
            member=row["member"],
            card=row["number"],
            generation=medium.generation,
            over=ahead_of(act, row, _FIELDS),
        )
        act.append(tx, seen)
        row = active_card(tx, text)
    return row


def report_lost(tx: Writer, act: Act, *, card: str) -> None:
    """Block a card, here at once and wherever the line is up; again does nothing.

    Refused: not_logged_in, not_allowed, card_malformed, card_unknown.
    """
    _require(tx, act, "card.issue")
    row = _known(tx, card)
    if not row["blocked"]:
        lost = CardBlocked(
            member=row["member"], card=row["number"], over=ahead_of(act, row, _FIELDS)
        )
        act.append(tx, lost)


def report_found(tx: Writer, act: Act, *, card: str) -> None:
    """Take a card off the list again, for those who may; one that is not on it stays as it is.

    Refused: not_logged_in, not_allowed, card_malformed, card_unknown, card_replaced.
    """
    _require(tx, act, "card.unblock")
    row = _known(tx, card)
    if row["replaced_by"]:
        raise Refused("card_replaced", card=row["number"])
    if row["blocked"]:
        found = CardUnblocked(
            member=row["member"], card=row["number"], over=ahead_of(act, row, _FIELDS)
        )
        act.append(tx, found)


def replace_card(tx: Writer, act: Act, *, lost: str, card: str) -> Row:
    """Give a new medium in the place of a lost one; what its member has stays as it is.

    With the same number the medium has to say its generation, which is higher by one. Returns
    the new card. Refused: not_logged_in, not_allowed, card_unknown, card_replaced, and of the
    new one card_malformed, card_is_phone, card_taken, card_blocked, card_of_staff.
    """
    _require(tx, act, "card.issue")
    old = _known(tx, lost)
    if old["replaced_by"]:
        raise Refused("card_replaced", card=old["number"])
    member = standing_for(tx, old["member"])
    number = canonical_card(card)
    held: Row | None = old
    if number != old["number"]:
        number = check_card(tx, card, member=member, phone=member_of(tx, member)["phone"])
        check_no_staff_card(tx, act, number)
        held = card_row(tx, number)
        if held is not None and held["active"]:
            raise Refused("card_taken", card=number, name=member_of(tx, member)["name"])
    generation = max(old["generation"], held["generation"] if held else 0) + 1
    issued = CardIssued(
        member=member,
        card=number,
        generation=min(generation, GENERATION_MAX),
        over=max(ahead_of(act, old, _FIELDS), ahead_of(act, held, _FIELDS)),
        replaces=old["number"],
    )
    act.append(tx, issued)
    made = card_row(tx, number)
    assert made is not None
    return made


def written_on(card: Row) -> str:
    """Return what a medium of this card says: its number, and its generation if it must."""
    number: str = card["number"]
    return f"{number}/{card['generation']}" if card["least"] else number


def _known(db: Reader, card: str) -> Row:
    medium = read_medium(card)
    row = card_row(db, medium.number)
    if row is None or not row["active"]:
        raise Refused("card_unknown", card=medium.number)
    return row


def _require(tx: Writer, act: Act, permission: str) -> None:
    # Who acts at head office is nobody's staff: the page asked for the right before.
    if act.store and act.actor is not None:
        require(tx, act.actor, permission)
