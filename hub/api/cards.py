"""Cards by the API: looked up, reported lost, found again, replaced."""

from __future__ import annotations

from typing import Any

import msgspec

from core.errors import Refused
from core.journal import Act
from core.members import card_row, member_of, replace_card, report_found, report_lost
from core.sqlite import Reader, Writer
from core.web import Asked, Endpoint, read, write
from hub.api.blueprint import api
from hub.api.people import Card, card_facts
from hub.api.shapes import ShortText
from hub.attempts import Answer, once


class KnownCard(Card, frozen=True, kw_only=True):
    """A card with whose it is."""

    member: str
    member_name: str


class Replacement(Asked, frozen=True, kw_only=True):
    """The new medium; the same number makes a new generation of it."""

    card: ShortText


@api.get("/cards/<number>")
@Endpoint(permission="card.issue", answer=KnownCard, refusals=("card_unknown",))
def show_card(number: str) -> Answer:
    """Return what is known of a card, lost and dead ones too."""
    with read() as db:
        return _known(db, number)


@api.post("/cards/<number>/lost")
@Endpoint(
    permission="card.issue", answer=KnownCard, refusals=("card_unknown", "card_malformed")
)
def lose_card(number: str) -> Answer:
    """Block a card: refused here at once, and in every store that has a line."""
    write(lambda tx, act: report_lost(tx, act, card=number))
    with read() as db:
        return _known(db, number)


@api.post("/cards/<number>/found")
@Endpoint(
    permission="card.unblock",
    answer=KnownCard,
    refusals=("card_unknown", "card_malformed", "card_replaced"),
)
def find_card(number: str) -> Answer:
    """Take a card off the list of lost ones."""
    write(lambda tx, act: report_found(tx, act, card=number))
    with read() as db:
        return _known(db, number)


@api.post("/cards/<number>/replacements")
@Endpoint(
    permission="card.issue",
    body=Replacement,
    answer=KnownCard,
    status=201,
    keyed=True,
    refusals=(
        "card_unknown",
        "card_malformed",
        "card_replaced",
        "card_is_phone",
        "card_taken",
        "card_of_staff",
        "card_blocked",
    ),
)
def give_new_card(number: str, asked: Replacement, key: str) -> Answer:
    """Give a new medium in the place of a lost one; what its member has stays."""

    def give(tx: Writer, act: Act) -> Answer:
        def run() -> Answer:
            made = replace_card(tx, act, lost=number, card=asked.card)
            return {"card": made["number"]}

        content = [number, msgspec.to_builtins(asked)]
        return once(tx, act, key=key, verb="card.replace", content=content, run=run)

    done = write(give)
    with read() as db:
        return done | _known(db, done["card"])


def _known(db: Reader, number: str) -> dict[str, Any]:
    row = card_row(db, number.strip().upper())
    if row is None or not row["active"]:
        raise Refused("card_unknown", card=number[:40])
    member = member_of(db, row["member"])
    return {**card_facts(row), "member": member["id"], "member_name": member["name"]}
