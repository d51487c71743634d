"""A card is lost: who it was is looked at once more, the number blocked, a new card given."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, url_for

from core.errors import Refused
from core.members import (
    card_row,
    member_of,
    replace_card,
    report_found,
    report_lost,
    standing_for,
)
from core.sqlite import Reader, Row
from core.web import (
    Form,
    fresh_read,
    go,
    permission,
    read,
    reading_act,
    show,
    typed_form,
    write,
)
from hub.counter import sql
from hub.counter.words import GENDER_NAMES
from hub.wallet import balance

pages = Blueprint("cards", __name__, template_folder="templates", url_prefix="/members")

FIELDS = {
    "card_malformed": "card",
    "card_is_phone": "card",
    "card_taken": "card",
    "card_of_staff": "card",
    "card_blocked": "card",
    "card_replaced": "card",
}


@pages.get("/<member>/cards/<card>/lost")
@permission("card.issue")
def look(member: str, card: str) -> Any:
    """Show whose card it is, so that nobody blocks another's."""
    with fresh_read() as db:
        row = member_of(db, member)
        return show(
            "members/lost.html",
            "members/_lost.html",
            member=row,
            card=_card_of(db, row, card),
            balance=balance(db, reading_act(db), row["id"]),
            spent=sql.spent(db, row["id"]),
            genders=GENDER_NAMES,
        )


@pages.post("/<member>/cards/<card>/lost")
@permission("card.issue")
def lose(member: str, card: str) -> Any:
    write(lambda tx, act: report_lost(tx, act, card=card))
    return go(url_for("members.profile", member=member, done="lost"))


@pages.post("/<member>/cards/<card>/found")
@permission("card.unblock")
def find(member: str, card: str) -> Any:
    write(lambda tx, act: report_found(tx, act, card=card))
    return go(url_for("members.profile", member=member, done="found"))


@pages.get("/<member>/cards/<card>/replace")
@permission("card.issue")
def replacement(member: str, card: str) -> Any:
    return _replace_page(member, card, Form())


@pages.post("/<member>/cards/<card>/replace")
@permission("card.issue")
def replace(member: str, card: str) -> Any:
    form = typed_form()
    with form.catching(**FIELDS):
        typed = form.text("card")
        form.required("card")
        if form.errors:
            return _replace_page(member, card, form, status=422)
        write(lambda tx, act: replace_card(tx, act, lost=card, card=typed))
        return go(url_for("members.profile", member=member, done="replaced"))
    return _replace_page(member, card, form, status=422)


def _replace_page(member: str, card: str, form: Form, *, status: int = 200) -> Any:
    with read() as db:
        row = member_of(db, member)
        return show(
            "members/replace.html",
            "members/_replace.html",
            status=status,
            member=row,
            card=_card_of(db, row, card),
            balance=balance(db, reading_act(db), row["id"]),
            form=form,
        )


def _card_of(db: Reader, member: Row, number: str) -> Row:
    """Return a member's own card. Refused: card_unknown."""
    card = card_row(db, number)
    if card is None or standing_for(db, card["member"]) != member["id"]:
        raise Refused("card_unknown", card=number[:40])
    return card
