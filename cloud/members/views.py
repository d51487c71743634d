"""Members of all stores: found, seen whole, and where every fen of theirs lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, request, url_for

from cloud.access import account_name, branch_name, branches, here, platform
from cloud.members import sql
from cloud.members.under_way import MINUTES, USUAL_MINUTES, boxes, calls, transfers
from cloud.members.words import GENDER_NAMES, KIND_NAMES, OTHER_KIND
from cloud.platform import hubs_of
from core.members import (
    aliases_of,
    cards_of,
    holder_of,
    member_of,
    person,
    relatives_of,
    search,
)
from core.organisation import settings
from core.pages import tender_label, units_label
from core.sqlite import Reader, Row
from core.tickets import sale_lines, sale_payments, sales_of_member
from core.wallet import CLOUD, STORED_VALUE, TRANSIT, open_claims, points_ends
from core.web import fresh_read, permission, show
from core.web import gettext as _

pages = Blueprint("members", __name__, template_folder="templates")

BILLS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """A settled bill or a reversal, with its lines and how it was paid."""

    row: Row
    lines: list[Row]
    tenders: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """So much lies there."""

    name: str
    kind: str
    """store, cloud or transit."""
    principal: int
    bonus: int
    points: int

    @property
    def value(self) -> int:
        return self.principal + self.bonus


@pages.get("/members")
@permission("member.find")
def listed() -> Any:
    typed = request.args.get("q", "").strip()[:80]
    store = request.args.get("store", "")
    after = request.args.get("after", "")
    with fresh_read() as db:
        found = search(db, typed) if typed else sql.page(db, store=store, after=after)
        return show(
            "members/list.html",
            "members/_list.html",
            typed=typed,
            store=store,
            branches=branches(),
            members=found,
            held=sql.held_by(db, [row["id"] for row in found]),
            count=sql.count(db, store=store),
            more=len(found) == sql.PAGE_MEMBERS and not typed,
            twice=sql.duplicates_count(db),
            late=len(transfers(db, boxes(), now=_now(), minutes=USUAL_MINUTES)),
        )


@pages.get("/members/duplicates")
@permission("member.find")
def duplicates() -> Any:
    with fresh_read() as db:
        return show(
            "members/duplicates.html",
            "members/_duplicates.html",
            members=sql.duplicates(db),
        )


@pages.get("/members/under-way")
@permission("member.find")
def under_way() -> Any:
    """Show what has not arrived, and for how long it has been on its way."""
    asked = request.args.get("minutes", type=int)
    minutes = asked if asked in MINUTES else USUAL_MINUTES
    known = boxes()
    with fresh_read() as db:
        return show(
            "members/under_way.html",
            "members/_under_way.html",
            minutes=minutes,
            choices=MINUTES,
            transfers=transfers(db, known, now=_now(), minutes=minutes),
            calls=calls(db, known),
        )


@pages.get("/members/<member_id>")
@permission("member.find")
def profile(member_id: str) -> Any:
    standing_at, known = _hub_stores(), boxes()
    with fresh_read() as db:
        row = member_of(db, member_id)
        if row["id"] != member_id:  # A duplicate that was merged.
            return redirect(url_for("members.profile", member_id=row["id"]))
        holder = holder_of(db, member_id)
        places = [_place(found, standing_at) for found in sql.places(db, member_id)]
        claims = open_claims(db, member_id)
        return show(
            "members/profile.html",
            "members/_profile.html",
            member=row,
            places=places,
            transfers=transfers(db, known, now=_now(), member=member_id),
            principal=sum(place.principal for place in places),
            bonus=sum(place.bonus for place in places),
            points=sum(place.points for place in places),
            passes=sql.passes(db, member_id),
            units_label=units_label,
            points_ends=points_ends(db, member_id),
            owed=sum(one["owed"] for one in claims if one["asset"] in STORED_VALUE),
            spent=sql.spent(db, member_id),
            cards=cards_of(db, member_id),
            bills=_bills(db, member_id),
            movements=sql.movements(db, member_id),
            place_name=lambda place: _place_name(place, standing_at),
            person_name=lambda found: found["staff_name"] or account_name(found["actor"]),
            twins=sql.same_phone(db, row),
            merged=[person(db, one) for one in aliases_of(db, member_id)[1:]],
            holder=member_of(db, holder) if holder else None,
            relatives=relatives_of(db, member_id),
            genders=GENDER_NAMES,
            kinds=KIND_NAMES,
            other_kind=OTHER_KIND,
        )


def _bills(db: Reader, member: str) -> list[Bill]:
    rules = settings(db)
    return [
        Bill(
            row=row,
            lines=sale_lines(db, row["id"]),
            tenders=[tender_label(p["tender"], rules) for p in sale_payments(db, row["id"])],
        )
        for row in sales_of_member(db, member, limit=BILLS_MAX)
    ]


def _now() -> int:
    """Return head office's time in ms."""
    return platform().clock.read().at


def _hub_stores() -> dict[str, str]:
    """Return in which store each of the merchant's boxes stands."""
    with platform().door.read() as shared:
        return {hub.id: hub.store for hub in hubs_of(shared, here().id)}


def _place(row: Row, standing_at: dict[str, str]) -> Place:
    kind = row["place"] if row["place"] in {CLOUD, TRANSIT} else "store"
    return Place(
        name=_place_name(row["place"], standing_at),
        kind=kind,
        principal=row["principal"],
        bonus=row["bonus"],
        points=row["points"],
    )


def _place_name(place: str, standing_at: dict[str, str]) -> str:
    """Return what a place of value is called: a box by the store in which it stands."""
    if place == CLOUD:
        return _("总部")
    if place == TRANSIT:
        return _("在途")
    return branch_name(standing_at.get(place.partition(".")[0], place))
