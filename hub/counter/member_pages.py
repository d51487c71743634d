"""Members' pages: found while typing, registered after a second look, edited, seen whole."""

from __future__ import annotations

from datetime import date as calendar_date
from datetime import timedelta
from functools import partial
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from core.errors import Refused
from core.journal import Act
from core.members import card_row
from core.organisation import settings
from core.pages import good_for, units_label
from core.sqlite import Reader, Row, Writer
from core.web import (
    Form,
    fresh_id,
    fresh_read,
    go,
    is_partial,
    permission,
    read,
    reading_act,
    show,
    typed_form,
    write,
)
from hub import members
from hub.attempts import once
from hub.box import here
from hub.counter.profile import ALL_SHOWN_MAX, SHOWN_MAX, look_at, look_at_held
from hub.counter.words import CHANGE_NAMES, GENDER_NAMES, KIND_NAMES, STANDING_NAMES
from hub.members import MEMBER, PROSPECT, Application, Profile
from hub.shown import may
from hub.sync import is_connected
from hub.wallet import ASKED_FOR, balance, follow

pages = Blueprint("members", __name__, template_folder="templates", url_prefix="/members")

PAGE_ROWS = 50
FOUND_MAX = 100
BIRTHDAY_DAYS = 7
MOBILE_DIGITS = 11
FIELDS = {
    "name_missing": "name",
    "name_too_long": "name",
    "phone_malformed": "phone",
    "phone_taken": "phone",
    "gender_unknown": "gender",
    "birthday_malformed": "birthday",
    "category_unknown": "category",
    "number_malformed": "number",
    "number_is_phone": "number",
    "number_reserved": "number",
    "number_taken": "number",
    "card_malformed": "card",
    "card_is_phone": "card",
    "card_taken": "card",
    "card_of_staff": "card",
    "card_blocked": "card",
}


@pages.get("")
@permission("member.find")
def listed() -> Any:
    asked = request.args
    typed = asked.get("q", "").strip()
    wanted = {name: asked.get(name, "") for name in ("category", "standing")}
    lost = None
    with read() as db:
        act = reading_act(db)
        if typed:
            rows = _matching(members.search(db, typed, limit=FOUND_MAX), wanted)
            if asked.get("scan") and len(rows) == 1:
                return redirect(url_for("members.profile", member=rows[0]["id"]))
            total, more = len(rows), ""
            lost = _lost(db, typed)
        else:
            rows = members.page(db, **wanted, after=asked.get("after", ""), limit=PAGE_ROWS + 1)
            more = rows[PAGE_ROWS - 1]["id"] if len(rows) > PAGE_ROWS else ""
            rows, total = rows[:PAGE_ROWS], members.count(db, **wanted)
        return show(
            "members/list.html",
            "members/_list.html",
            rows=[(row, balance(db, act, row["id"])) for row in rows],
            typed=typed,
            lost=lost,
            wanted=wanted,
            total=total,
            found_max=FOUND_MAX,
            more=more,
            categories=settings(db).categories,
            standings=STANDING_NAMES,
            birthdays=len(members.birthdays(db, _days(act.date))),
        )


@pages.get("/birthdays")
@permission("member.find")
def birthdays() -> str:
    with read() as db:
        act = reading_act(db)
        rows = members.birthdays(db, _days(act.date))
        return render_template("members/birthdays.html", rows=rows, today=act.date)


@pages.get("/new")
@permission("member.create")
def new() -> Any:
    typed = request.args.get("typed", "").strip()
    is_phone = typed.replace(" ", "").lstrip("+").isdigit()
    form = Form(
        {
            "standing": request.args.get("standing", MEMBER),
            "phone" if is_phone else "name": typed,
        }
    )
    return _new_page(form)


@pages.post("/new")
@permission("member.create")
def create() -> Any:
    """Find every fault, show the whole once more, and only then save."""
    form = typed_form()
    application = _typed_application(form)
    if form.text("step") == "confirmed":
        # Before the checks: a repeat of what was saved is answered as it was the first time.
        with form.catching(**FIELDS):
            made = write(lambda tx, act: _register(tx, act, application, key=form.text("key")))
            return go(url_for("members.profile", member=made, done="registered"))
    with read() as db:
        for refused in members.faults(db, reading_act(db), application):
            form.blame(refused, FIELDS)
    if form.errors or form.text("step") == "back":
        return _new_page(form, status=422 if form.errors else 200)
    return _confirm_page(form, application)


@pages.get("/phone")
@permission("member.create")
def check_phone() -> str:
    """Say of a phone, while it is typed, whether it can be saved and whose it is."""
    typed, member = request.args.get("phone", ""), request.args.get("member") or None
    with read() as db:
        return render_template("members/_phone.html", **_phone_note(db, typed, member))


@pages.get("/card")
@permission("card.issue")
def check_card() -> str:
    """Put a scanned card into the form and say at once whether it is free."""
    member = request.args.get("member") or None
    form = Form({"card": request.args.get("code", "")})
    with read() as db, form.catching(**FIELDS):
        number = members.check_card(db, form.text("card"), member=member)
        form = Form({"card": number})
    return render_template("members/_card_field.html", form=form)


@pages.get("/<member>")
@permission("member.find")
def profile(member: str) -> Any:
    limit = ALL_SHOWN_MAX if request.args.get("all") else SHOWN_MAX
    with fresh_read() as db:
        seen = look_at(db, reading_act(db), member, connected=_connected, limit=limit)
        if seen.member["id"] != member:  # A duplicate that was merged.
            return redirect(url_for("members.profile", member=seen.member["id"]))
        return render_template(
            "members/profile.html",
            seen=seen,
            genders=GENDER_NAMES,
            kinds=KIND_NAMES,
            change_names=CHANGE_NAMES,
            today=reading_act(db).date,
            shown_max=SHOWN_MAX,
            units_label=units_label,
            good_for=partial(good_for, db),
        )


@pages.get("/<member>/held")
@permission("member.find")
def held(member: str) -> str:
    return _held_part(member)


@pages.post("/<member>/bring")
@permission("sale.create")
def bring(member: str) -> Any:
    """Ask for what this member has elsewhere."""
    write(lambda tx, act: follow(tx, act, member=member, why=ASKED_FOR))
    if is_partial():
        return _held_part(member)
    return redirect(url_for("members.profile", member=member))


@pages.get("/<member>/edit")
@permission("member.edit")
def edit(member: str) -> Any:
    with read() as db:
        row = members.member_of(db, member)
        form = Form({name: row[name] for name in ("name", "gender", "birthday", "note")})
        form.typed["category"] = row["category"]
        form.typed["phone"] = row["phone"] if may("member.view_phone_full") else ""
    return _edit_page(member, form)


@pages.post("/<member>/edit")
@permission("member.edit")
def save(member: str) -> Any:
    form = typed_form()
    with read() as db:
        row = members.member_of(db, member)
        application = _typed_application(form)
        changed = _kept_phone(application.profile, row, form)
        wanted = Application(profile=changed, category=application.category)
        for refused in members.faults(db, reading_act(db), wanted, member=member):
            form.blame(refused, FIELDS)
    if not form.errors:
        with form.catching(**FIELDS):
            write(
                lambda tx, act: members.change(
                    tx, act, member=member, profile=changed, category=application.category
                )
            )
            return go(url_for("members.profile", member=member, done="saved"))
    return _edit_page(member, form, status=422)


@pages.get("/<member>/enrol")
@permission("member.create")
def enrol(member: str) -> Any:
    return _enrol_page(member, Form())


@pages.post("/<member>/enrol")
@permission("member.create")
def make_member(member: str) -> Any:
    form = typed_form()
    with form.catching(**FIELDS):
        card = form.text("card")
        write(lambda tx, act: members.enrol(tx, act, member=member, card=card))
        return go(url_for("members.profile", member=member, done="enrolled"))
    return _enrol_page(member, form, status=422)


@pages.get("/<member>/cards")
@permission("card.issue")
def new_card(member: str) -> Any:
    """Ask for the card on a page of its own: a swipe on the profile looks somebody up."""
    return _card_page(member, Form())


@pages.post("/<member>/cards")
@permission("card.issue")
def issue_card(member: str) -> Any:
    form = typed_form()
    with form.catching(**FIELDS):
        card = form.text("card")
        write(lambda tx, act: members.issue_card(tx, act, member=member, card=card))
        return go(url_for("members.profile", member=member, done="card"))
    return _card_page(member, form, status=422)


@pages.post("/<member>/cards/return")
@permission("card.issue")
def return_card(member: str) -> Any:
    card = request.form.get("card", "")
    write(lambda tx, act: members.return_card(tx, act, card=card))
    return go(url_for("members.profile", member=member, done="returned"))


def _connected() -> bool:
    return is_connected(here())


def _held_part(member: str) -> str:
    with read() as db:
        seen = look_at_held(db, reading_act(db), member, connected=_connected)
        return render_template(
            "members/_held.html",
            seen=seen,
            units_label=units_label,
            good_for=partial(good_for, db),
        )


def _register(tx: Writer, act: Act, application: Application, *, key: str) -> str:
    answer = once(
        tx,
        act,
        key=key,
        verb="member.register",
        content=[application],
        run=lambda: {"member": members.register(tx, act, application)},
    )
    made: str = answer["member"]
    return made


def _typed_application(form: Form) -> Application:
    standing = PROSPECT if form.text("standing") == PROSPECT else MEMBER
    return Application(
        profile=Profile(
            name=form.text("name"),
            phone=form.text("phone"),
            gender=form.text("gender"),
            birthday=form.text("birthday"),
            note=form.text("note"),
        ),
        category=form.text("category"),
        number=form.text("number") if standing == MEMBER else "",
        card=form.text("card") if standing == MEMBER else "",
        standing=standing,
    )


def _kept_phone(typed: Profile, row: Row, form: Form) -> Profile:
    """Keep the phone of somebody whose phone this caller sees only in part."""
    if typed.phone or may("member.view_phone_full") or form.is_on("no_phone"):
        return typed
    return Profile(
        name=typed.name,
        phone=row["phone"],
        gender=typed.gender,
        birthday=typed.birthday,
        note=typed.note,
    )


def _new_page(form: Form, *, status: int = 200) -> Any:
    with read() as db:
        return show(
            "members/new.html",
            "members/_new.html",
            status=status,
            form=form,
            key=form.text("key") or fresh_id(),
            categories=settings(db).categories,
            genders=GENDER_NAMES,
            **_phone_note(db, form.text("phone"), None),
        )


def _confirm_page(form: Form, application: Application) -> Any:
    typed = application.profile
    with read() as db:
        act = reading_act(db)
        number = application.number or members.next_number(db, act)[0]
        return show(
            "members/confirm.html",
            "members/_confirm.html",
            form=form,
            asked=application,
            number=number,
            phone=members.check_phone(db, typed.phone, member=None),
            birthday=members.check_birthday(typed.birthday, today=act.date),
            category=application.category or next(iter(settings(db).categories), ""),
            genders=GENDER_NAMES,
        )


def _edit_page(member: str, form: Form, *, status: int = 200) -> Any:
    with read() as db:
        return show(
            "members/edit.html",
            "members/_edit.html",
            status=status,
            member=members.member_of(db, member),
            form=form,
            categories=settings(db).categories,
            genders=GENDER_NAMES,
            **_phone_note(db, form.text("phone"), member),
        )


def _enrol_page(member: str, form: Form, *, status: int = 200) -> Any:
    with read() as db:
        return show(
            "members/enrol.html",
            "members/_enrol.html",
            status=status,
            member=members.member_of(db, member),
            number=members.next_number(db, reading_act(db))[0],
            form=form,
        )


def _card_page(member: str, form: Form, *, status: int = 200) -> Any:
    with read() as db:
        return show(
            "members/card.html",
            "members/_card.html",
            status=status,
            member=members.member_of(db, member),
            form=form,
        )


def _phone_note(db: Reader, typed: str, member: str | None) -> dict[str, object]:
    """Return what is said below a phone: nothing, so many digits short, wrong, taken, free."""
    digits = typed.strip()
    short = MOBILE_DIGITS - len(digits)
    if not digits:
        return {"phone_state": "", "phone_of": None, "phone_short": 0}
    if digits.isdigit() and digits[0] == "1" and short > 0:
        return {"phone_state": "short", "phone_of": None, "phone_short": short}
    try:
        members.check_phone(db, digits, member=member)
    except Refused as refused:
        taken = refused.facts.get("member")
        holder = members.member_of(db, str(taken)) if taken else None
        state = "taken" if holder else "wrong"
        return {"phone_state": state, "phone_of": holder, "phone_short": 0}
    return {"phone_state": "free", "phone_of": None, "phone_short": 0}


def _matching(rows: list[Row], wanted: dict[str, str]) -> list[Row]:
    return [
        row
        for row in rows
        if all(not value or row[name] == value for name, value in wanted.items())
    ]


def _lost(db: Reader, typed: str) -> dict[str, Any] | None:
    """Return a lost or dead card that was swiped or typed, with whose it was."""
    try:
        members.card(db, typed)
    except Refused as refused:
        card = card_row(db, str(refused.facts.get("card", "")))
        if refused.code != "card_unknown" and card is not None:
            return {"card": card, "member": members.member_of(db, card["member"])}
    return None


def _days(today: str) -> list[str]:
    """Return the next days as MM-DD; who was born on 29 February is kept on the 28th."""
    first = calendar_date.fromisoformat(today)
    days = [first + timedelta(days=n) for n in range(BIRTHDAY_DAYS)]
    listed = [day.isoformat()[5:] for day in days]
    leap = any(day.month == 2 and day.day == 29 for day in days)
    if "02-28" in listed and not leap and days[0].year % 4:
        listed.insert(listed.index("02-28") + 1, "02-29")
    return listed
