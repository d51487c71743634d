"""What the counter does with members: register, edit, issue a card."""

from __future__ import annotations

from core.journal import Act, Document
from core.members import CardIssued, CardReturned, MemberChanged, MemberRegistered
from core.sqlite import Writer
from core.staff import require
from hub.members import sql
from hub.members.checks import (
    MEMBER,
    PROSPECT,
    Application,
    Profile,
    canonical_card,
    check_card,
    check_category,
    check_number,
    check_profile,
    next_number,
)


def register(tx: Writer, act: Act, application: Application) -> str:
    """Make somebody known and return the new member's id.

    A prospect (散客) gets no number.
    Refused: name_missing, name_too_long, phone_malformed, phone_taken, gender_unknown,
    birthday_malformed, category_unknown, number_malformed, number_is_phone, number_taken,
    number_reserved, and with a card what `issue_card` refuses.
    """
    checked = check_profile(tx, act, application.profile, member=None)
    category = check_category(tx, application.category)
    issued = 0
    given: str | None = None
    if application.number:
        given = check_number(
            tx,
            application.number,
            phone=checked["phone"],
            imported=bool(application.source),
        )
    elif application.standing == MEMBER:
        given, issued = next_number(tx, act)
    member = act.new_id()
    documents = [Document(name="profile", content=checked)]
    if application.extra:
        documents.append(Document(name="extra", content=application.extra))
    act.append(
        tx,
        MemberRegistered(
            member=member,
            standing=application.standing,
            number=given,
            issued=issued,
            category=category,
            source=application.source,
            joined_on=application.joined_on or act.date,
        ),
        documents=documents,
    )
    if application.card:
        issue_card(tx, act, member=member, card=application.card)
    return member


def change(tx: Writer, act: Act, *, member: str, profile: Profile, category: str = "") -> None:
    """Edit a member's details; what is unchanged makes no event.

    Refused: no_member and what `register` refuses of a profile.
    """
    row = sql.member(tx, member)
    checked = check_profile(tx, act, profile, member=member)
    category = check_category(tx, category)
    edited = tuple(name for name, value in checked.items() if row[name] != value)
    moved = category if category != row["category"] else None
    if edited or moved is not None:
        act.append(
            tx,
            MemberChanged(member=member, fields=edited, category=moved),
            documents=[Document(name="profile", content=checked | {"number": row["number"]})],
        )


def enrol(tx: Writer, act: Act, *, member: str, card: str = "") -> None:
    """Turn a prospect into a member with a number; what they bought before stays theirs.

    Refused: no_member, and with a card what `issue_card` refuses.
    """
    row = sql.member(tx, member)
    if row["standing"] == PROSPECT:
        number, issued = next_number(tx, act)
        profile = sql.profile(row) | {"number": number}
        act.append(
            tx,
            MemberChanged(member=member, standing=MEMBER, number=number, issued=issued),
            documents=[Document(name="profile", content=profile)],
        )
    if card:
        issue_card(tx, act, member=member, card=card)


def issue_card(tx: Writer, act: Act, *, member: str, card: str) -> str:
    """Let a medium stand for a member; return its number in the form it is kept in.

    Value is never on the medium. Without an actor the box itself acts, as for an import.
    Refused: not_logged_in, not_allowed, no_member, card_malformed, card_is_phone, card_taken.
    """
    if act.actor is not None:
        require(tx, act.actor, "card.issue")
    phone = sql.member(tx, member)["phone"]
    card = check_card(tx, card, member=member, phone=phone)
    held = tx.one("SELECT generation, active FROM card WHERE number = :card", card=card)
    if held is not None and held["active"]:
        return card
    generation = 1 if held is None else held["generation"] + 1
    act.append(tx, CardIssued(member=member, card=card, generation=generation))
    return card


def return_card(tx: Writer, act: Act, *, card: str) -> None:
    """Take a medium back. Refused: card_unknown."""
    row = sql.card(tx, canonical_card(card))
    act.append(tx, CardReturned(member=row["member"], card=row["number"]))
