"""What must be true of a person before they are taken in; each check stands alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date as calendar_date

from core.crypto import card_hash
from core.errors import Refused
from core.journal import Act
from core.members.aliases import standing_for
from core.members.finding import by_number, by_phone, member_of
from core.members.phone import is_mobile, normalise_phone
from core.organisation import NumberFormat, settings, store
from core.sqlite import Reader

NAME_CHARACTERS_MAX = 40
NOTE_CHARACTERS_MAX = 200
CARD_CHARACTERS_MAX = 64
MEMBER = "member"
PROSPECT = "prospect"
GENDERS = ("", "female", "male")
HEAD_OFFICE_SEGMENT = "-"
"""Stands where a store's code would, in numbers that head office gives; no code has one."""

_CARD = re.compile(r"[0-9A-Z-]{4,64}")
_NUMBER = re.compile(r"[0-9A-Z-]{1,20}")
_COMPACT = re.compile(r"(?P<year>\d{4})?(?P<month>\d{2})(?P<day>\d{2})")
_SPACED = re.compile(r"(?:(?P<year>\d{4})[-/.年])?(?P<month>\d{1,2})[-/.月](?P<day>\d{1,2})日?")


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
    """For an import: the list's kind and a keyed hash of the row."""
    home: str = ""
    """The branch they belong to, where that is not the one that registers them."""
    joined_on: str = ""
    """When they became a member, YYYY-MM-DD; empty is today."""
    extra: dict[str, str] = field(default_factory=dict)
    """What an old system knew and this one has no place for yet."""


def canonical_card(text: str) -> str:
    """Return a card number in the one form it is kept in. Refused: card_malformed."""
    number = re.sub(r"\s", "", text).upper()
    if not _CARD.fullmatch(number):
        raise Refused("card_malformed", card=text[:CARD_CHARACTERS_MAX])
    return number


def is_phone(text: str, *, own: str) -> bool:
    """Return whether a number or card is a mobile phone, or the person's `own` phone.

    Numbers and cards stand in events, which stay for ever; a phone has to be erasable.
    """
    if is_mobile(text):
        return True
    try:
        return bool(own) and normalise_phone(text) == normalise_phone(own)
    except ValueError:
        return False


def check_profile(
    db: Reader, act: Act, profile: Profile, *, member: str | None
) -> dict[str, str]:
    name = " ".join(profile.name.split())
    if not name:
        raise Refused("name_missing")
    if len(name) > NAME_CHARACTERS_MAX:
        raise Refused("name_too_long", limit=NAME_CHARACTERS_MAX)
    if profile.gender not in GENDERS:
        raise Refused("gender_unknown")
    return {
        "name": name,
        "phone": check_phone(db, profile.phone, member=member),
        "gender": profile.gender,
        "birthday": check_birthday(profile.birthday, today=act.date),
        "note": profile.note.strip()[:NOTE_CHARACTERS_MAX],
    }


def check_phone(db: Reader, typed: str, *, member: str | None) -> str:
    if not typed.strip():
        return ""
    try:
        phone = normalise_phone(typed)
    except ValueError as error:
        raise Refused("phone_malformed", phone=typed.strip()[:30]) from error
    holder = by_phone(db, phone)
    if holder is not None and not _same(db, holder["id"], member):
        raise Refused("phone_taken", phone=phone, name=holder["name"], member=holder["id"])
    return phone


def check_birthday(typed: str, *, today: str) -> str:
    """Return a birthday as YYYY-MM-DD, or MM-DD without the year.

    Read are 1990-5-1, 1990/5/1, 1990.5.1, 1990年5月1日, 19900501, 5-1, 5月1日 and 0501.
    Refused: birthday_malformed.
    """
    text = "".join(typed.split())
    if not text:
        return ""
    match = _COMPACT.fullmatch(text) or _SPACED.fullmatch(text)
    if match is None:
        raise Refused("birthday_malformed")
    # A birthday without its year is checked in a leap year, so 02-29 is allowed.
    year, month, day = (int(part or 2000) for part in match.group("year", "month", "day"))
    try:
        known = calendar_date(year, month, day).isoformat()
    except ValueError as error:
        raise Refused("birthday_malformed") from error
    if match["year"] is None:
        return known[5:]
    if not "1900" <= known <= today:
        raise Refused("birthday_malformed")
    return known


def check_category(db: Reader, category: str) -> str:
    known = settings(db).categories
    if not category:
        return known[0] if known else ""
    if category not in known:
        raise Refused("category_unknown", category=category)
    return category


def next_number(db: Reader, act: Act, *, shape: NumberFormat | None = None) -> tuple[str, int]:
    """Return the store's next free number and by how much its counter moves.

    Head office counts in a segment of its own, which no store's code can make. A box in
    another's place marks its numbers with its epoch: it does not know what that one gave out
    last without a line. `shape` asks what it would be with another format.
    """
    shape = shape or settings(db).number_format
    segment = store(db, act.store).code if act.store else HEAD_OFFICE_SEGMENT
    start = f"{shape.prefix}{segment}"
    mark = act.journal.identity.mark
    issued = db.value("SELECT issued FROM member_number WHERE store = :s", s=act.store) or 0
    moved = 1
    while by_number(db, f"{start}{issued + moved:0{shape.digits}}{mark}") is not None:
        moved += 1
    return f"{start}{issued + moved:0{shape.digits}}{mark}", moved


def check_number(db: Reader, number: str, *, phone: str, imported: bool) -> str:
    if is_phone(number, own=phone):
        raise Refused("number_is_phone")
    number = re.sub(r"\s", "", number).upper()
    if not imported and not _NUMBER.fullmatch(number):
        raise Refused("number_malformed", number=number[:20])
    shape = settings(db).number_format
    # Numbers of the automatic form are left to the counters: two stores that are cut off
    # would otherwise both give the same one, one by hand and one by counting.
    segment = rf"(?:[0-9A-Z]{{1,4}}|{HEAD_OFFICE_SEGMENT})"
    automatic = re.fullmatch(rf"{shape.prefix}{segment}\d{{{shape.digits}}}(?:-\d+)?", number)
    if automatic and not imported:
        raise Refused("number_reserved", number=number)
    if by_number(db, number) is not None:
        raise Refused("number_taken", number=number)
    return number


def faults(
    db: Reader, act: Act, application: Application, *, member: str | None = None
) -> list[Refused]:
    """Return everything that `register`, or for a known `member` `change`, would refuse."""
    profile = application.profile
    phone = profile.phone
    bare = Profile(name=profile.name, gender=profile.gender)
    checks: list[Callable[[], object]] = [
        lambda: check_profile(db, act, bare, member=member),
        lambda: check_phone(db, phone, member=member),
        lambda: check_birthday(profile.birthday, today=act.date),
        lambda: check_category(db, application.category),
    ]
    if application.number:
        checks.append(lambda: check_number(db, application.number, phone=phone, imported=False))
    if application.card:
        checks.append(lambda: check_card(db, application.card, member=member, phone=phone))
    return [refused for check in checks if (refused := _refusal(check)) is not None]


def check_card(db: Reader, card: str, *, member: str | None, phone: str = "") -> str:
    """Return a card's number if it may stand for this member, whose phone it must not be.

    Refused: card_malformed, card_is_phone, card_taken, card_blocked.
    """
    if is_phone(card, own=phone):
        raise Refused("card_is_phone")
    number = canonical_card(card)
    held = db.one("SELECT * FROM card WHERE number = :card", card=number)
    if held is not None and held["blocked"]:
        raise Refused("card_blocked", card=number)
    if held is not None and held["active"] and not _same(db, held["member"], member):
        raise Refused("card_taken", card=number, name=member_of(db, held["member"])["name"])
    return number


def check_no_staff_card(db: Reader, act: Act, card: str) -> None:
    """See that a number opens no employee's session: a card is never both.

    Refused: card_of_staff.
    """
    if act.card_key and db.value(
        "SELECT 1 FROM staff_card WHERE card_hash = :hash",
        hash=card_hash(card, key=act.card_key),
    ):
        raise Refused("card_of_staff")


def _same(db: Reader, one: str, other: str | None) -> bool:
    """Say whether two ids are one person, merged duplicates included."""
    return other is not None and standing_for(db, one) == standing_for(db, other)


def _refusal(check: Callable[[], object]) -> Refused | None:
    try:
        check()
    except Refused as refused:
        return refused
    return None
