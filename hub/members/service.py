"""What the counter does with members that it knows: edit, enrol, take a card back."""

from __future__ import annotations

from core.errors import Refused
from core.journal import Act, Document
from core.members import (
    MEMBER,
    PROSPECT,
    CardReturned,
    MemberChanged,
    Profile,
    ahead_of,
    canonical_card,
    card_row,
    check_category,
    check_profile,
    issue_card,
    member_of,
    next_number,
    profile_of,
)
from core.sqlite import Writer


def change(tx: Writer, act: Act, *, member: str, profile: Profile, category: str = "") -> None:
    """Edit a member's details; what is unchanged makes no event.

    Refused: no_member and what `register` refuses of a profile.
    """
    row = member_of(tx, member)
    member = row["id"]
    checked = check_profile(tx, act, profile, member=member)
    category = check_category(tx, category)
    edited = tuple(name for name, value in checked.items() if row[name] != value)
    moved = category if category != row["category"] else None
    if edited or moved is not None:
        act.append(
            tx,
            MemberChanged(
                member=member,
                fields=edited,
                category=moved,
                over=ahead_of(act, row, (*edited, "category")),
            ),
            documents=[Document(name="profile", content=checked | {"number": row["number"]})],
        )


def enrol(tx: Writer, act: Act, *, member: str, card: str = "") -> None:
    """Turn a prospect into a member with a number; what they bought before stays theirs.

    Refused: no_member, and with a card what `issue_card` refuses.
    """
    row = member_of(tx, member)
    member = row["id"]
    if row["standing"] == PROSPECT:
        number, issued = next_number(tx, act)
        profile = profile_of(row) | {"number": number}
        act.append(
            tx,
            MemberChanged(
                member=member,
                standing=MEMBER,
                number=number,
                issued=issued,
                over=ahead_of(act, row, ("standing", "number")),
            ),
            documents=[Document(name="profile", content=profile)],
        )
    if card:
        issue_card(tx, act, member=member, card=card)


def return_card(tx: Writer, act: Act, *, card: str) -> None:
    """Take a medium back, also one that was reported lost. Refused: card_unknown."""
    number = canonical_card(card)
    row = card_row(tx, number)
    if row is None or not row["active"]:
        raise Refused("card_unknown", card=number)
    over = ahead_of(act, row, ("active",))
    act.append(tx, CardReturned(member=row["member"], card=row["number"], over=over))
