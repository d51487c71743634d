"""Making somebody known, and letting a medium stand for them."""

from __future__ import annotations

from core.journal import Act, Document
from core.members.checks import (
    MEMBER,
    Application,
    check_card,
    check_category,
    check_no_staff_card,
    check_number,
    check_profile,
    next_number,
)
from core.members.events import CardIssued, MemberRegistered
from core.members.finding import member_of
from core.members.order import ahead_of
from core.sqlite import Writer
from core.staff import require


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
            home=application.home,
        ),
        documents=documents,
    )
    if application.card:
        issue_card(tx, act, member=member, card=application.card)
    return member


def issue_card(tx: Writer, act: Act, *, member: str, card: str) -> str:
    """Let a medium stand for a member; return its number in the form it is kept in.

    Value is never on the medium. Without an actor the box itself acts, as for an import.
    Refused: not_logged_in, not_allowed, no_member, card_malformed, card_is_phone, card_taken,
    card_blocked, card_of_staff.
    """
    # Who acts at head office is nobody's staff: the page asked for the right before.
    if act.store and act.actor is not None:
        require(tx, act.actor, "card.issue")
    row = member_of(tx, member)
    member, phone = row["id"], row["phone"]
    card = check_card(tx, card, member=member, phone=phone)
    check_no_staff_card(tx, act, card)
    held = tx.one("SELECT generation, active, stamps FROM card WHERE number = :card", card=card)
    if held is not None and held["active"]:
        return card
    generation = 1 if held is None else held["generation"] + 1
    over = ahead_of(act, held, ("member", "generation", "active", "since"))
    act.append(tx, CardIssued(member=member, card=card, generation=generation, over=over))
    return card
