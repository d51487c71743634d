"""What the counter does with members: register, edit, issue a card."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date as calendar_date

from core.errors import Refused
from core.journal import Act, Document
from core.members import (
    CardIssued,
    CardReturned,
    MemberChanged,
    MemberRegistered,
    normalise_phone,
)
from core.organisation import NumberFormat, settings, store
from core.sqlite import Row, Writer
from hub.members import sql

NAME_CHARACTERS_MAX = 40
NOTE_CHARACTERS_MAX = 200
CARD_CHARACTERS_MAX = 64
MEMBER = "member"
PROSPECT = "prospect"
GENDERS = ("", "female", "male")

_CARD = re.compile(r"[0-9A-Z-]{4,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is known of a person, as typed; every field but the name may be empty."""

    name: str
    phone: str = ""
    gender: str = ""
    birthday: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Somebody to be registered. Without a number the store gives its next one."""

    profile: Profile
    category: str = ""
    number: str = ""
    card: str = ""
    standing: str = MEMBER
    source: str = ""
    """For an import: the file's kind and the row's key in it."""
    joined_on: str = ""
    """When they became a member, YYYY-MM-DD; empty is today."""
    extra: dict[str, str] = field(default_factory=dict)
    """What an old system knew and this one has no place for yet."""


def register(tx: Writer, act: Act, application: Application) -> str:
    """Make somebody known and return the new member's id.

    A prospect (散客) gets no number.
    Refused: name_missing, name_too_long, phone_malformed, phone_taken, gender_unknown,
    birthday_malformed, category_unknown, number_taken, number_reserved, card_malformed,
    card_taken.
    """
    checked = _checked(tx, application.profile, member=None)
    category = _category(tx, application.category)
    issued = 0
    given: str | None = None
    if application.number:
        given = _given_number(tx, application.number, imported=bool(application.source))
    elif application.standing == MEMBER:
        given, issued = _next_number(tx, act)
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
    checked = _checked(tx, profile, member=member)
    category = _category(tx, category)
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

    Refused: no_member, card_malformed, card_taken.
    """
    row = sql.member(tx, member)
    if row["standing"] == PROSPECT:
        number, issued = _next_number(tx, act)
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

    Refused: no_member, card_malformed, card_taken. Value is never on the medium.
    """
    sql.member(tx, member)
    card = canonical_card(card)
    held = tx.one("SELECT member, generation, active FROM card WHERE number = :card", card=card)
    if held is not None and held["active"]:
        if held["member"] == member:
            return card
        raise Refused("card_taken", card=card, name=sql.member(tx, held["member"])["name"])
    generation = 1 if held is None else held["generation"] + 1
    act.append(tx, CardIssued(member=member, card=card, generation=generation))
    return card


def return_card(tx: Writer, act: Act, *, card: str) -> None:
    """Take a medium back. Refused: card_unknown."""
    row = sql.card(tx, canonical_card(card))
    act.append(tx, CardReturned(member=row["member"], card=row["number"]))


def canonical_card(text: str) -> str:
    """Return a card number in the one form it is kept in. Refused: card_malformed."""
    number = re.sub(r"\s", "", text).upper()
    if not _CARD.fullmatch(number):
        raise Refused("card_malformed", card=text[:CARD_CHARACTERS_MAX])
    return number


def _checked(tx: Writer, profile: Profile, *, member: str | None) -> dict[str, str]:
    name = " ".join(profile.name.split())
    if not name:
        raise Refused("name_missing")
    if len(name) > NAME_CHARACTERS_MAX:
        raise Refused("name_too_long", limit=NAME_CHARACTERS_MAX)
    if profile.gender not in GENDERS:
        raise Refused("gender_unknown")
    return {
        "name": name,
        "phone": _phone(tx, profile.phone, member=member),
        "gender": profile.gender,
        "birthday": _birthday(profile.birthday),
        "note": profile.note.strip()[:NOTE_CHARACTERS_MAX],
    }


def _phone(tx: Writer, typed: str, *, member: str | None) -> str:
    if not typed.strip():
        return ""
    try:
        phone = normalise_phone(typed)
    except ValueError as error:
        raise Refused("phone_malformed", phone=typed.strip()[:30]) from error
    holder = sql.by_phone(tx, phone)
    if holder is not None and holder["id"] != member:
        raise Refused("phone_taken", phone=phone, name=holder["name"], member=holder["id"])
    return phone


def _birthday(typed: str) -> str:
    text = typed.strip()
    if not text:
        return ""
    try:
        # A birthday without its year is checked in a leap year, so 02-29 is allowed.
        calendar_date.fromisoformat(text if len(text) > 5 else f"2000-{text}")
    except ValueError as error:
        raise Refused("birthday_malformed") from error
    return text


def _category(tx: Writer, category: str) -> str:
    known = settings(tx).categories
    if not category:
        return known[0] if known else ""
    if category not in known:
        raise Refused("category_unknown", category=category)
    return category


def _next_number(tx: Writer, act: Act) -> tuple[str, int]:
    """Return the store's next free number and by how much its counter moves."""
    shape = settings(tx).number_format
    start = _number_prefix(shape, store(tx, act.store).code)
    issued = tx.value("SELECT issued FROM member_number WHERE store = :s", s=act.store) or 0
    moved = 1
    while sql.by_number(tx, f"{start}{issued + moved:0{shape.digits}}") is not None:
        moved += 1
    return f"{start}{issued + moved:0{shape.digits}}", moved


def _given_number(tx: Writer, number: str, *, imported: bool) -> str:
    number = re.sub(r"\s", "", number).upper()
    shape = settings(tx).number_format
    # Numbers of the automatic form are left to the counters: two stores that are cut off
    # would otherwise both give the same one, one by hand and one by counting.
    automatic = re.fullmatch(rf"{shape.prefix}[0-9A-Z]{{1,4}}\d{{{shape.digits}}}", number)
    if automatic and not imported:
        raise Refused("number_reserved", number=number)
    if sql.by_number(tx, number) is not None:
        raise Refused("number_taken", number=number)
    return number


def _number_prefix(shape: NumberFormat, code: str) -> str:
    return f"{shape.prefix}{code}"


def found(row: Row) -> dict[str, object]:
    """Return what a list shows of a member."""
    return {name: row[name] for name in ("id", "number", "name", "phone", "standing")}
