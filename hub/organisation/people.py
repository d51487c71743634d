"""Pages: who works here."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for

from core.crypto import make_pin
from core.staff import ROLE_NAMES, StaffDocument, employee, everybody, roles_within
from core.web import Form, caller, go, minted_id, permission, read, typed_form, write
from core.web import gettext as _
from hub.box import here
from hub.organisation import staff
from hub.organisation.blueprint import pages

NEW = "new"
FIELDS = {
    "staff_number_taken": "number",
    "role_above": "role",
    "last_owner": "role",
    "staff_card_malformed": "card",
    "staff_card_taken": "card",
    "card_of_member": "card",
}
NUMBER_CHARACTERS_MAX = 8
NAME_CHARACTERS_MAX = 20


@pages.get("/staff")
@permission("staff.edit")
def staff_list() -> str:
    with read() as db:
        return render_template(
            "organisation/staff.html", people=everybody(db), roles=ROLE_NAMES
        )


@pages.get("/staff/new")
@permission("staff.edit")
def new_staff() -> Any:
    return _person_page(NEW, Form({"role": "cashier"}))


@pages.get("/staff/<person>")
@permission("staff.edit")
def person(person: str) -> Any:
    with read() as db:
        known = employee(db, person)
    return _person_page(
        person, Form({"number": known.number, "name": known.name, "role": known.role})
    )


@pages.post("/staff/<person>")
@permission("staff.edit")
def save_person(person: str) -> Any:
    form = typed_form()
    form.required("number", "name", "role")
    number = form.text("number")[:NUMBER_CHARACTERS_MAX]
    name = form.text("name")[:NAME_CHARACTERS_MAX]
    role = form.text("role")
    if role and role not in ROLE_NAMES:
        form.errors["role"] = _("请选择")
    if form.errors:
        return _person_page(person, form, status=422)
    staff_id = minted_id(form) if person == NEW else person
    content = StaffDocument(number=number, name=name, role=role)
    with form.catching(**FIELDS):
        if person == NEW:
            write(lambda tx, act: staff.take_on(tx, act, staff_id=staff_id, content=content))
            return _with_new_pin(staff_id)
        write(
            lambda tx, act: staff.change(
                tx, act, staff_id=person, number=number, name=name, role=role
            )
        )
        return go(url_for("organisation.person", person=person, done="saved"))
    return _person_page(person, form, status=422)


@pages.post("/staff/<person>/pin")
@permission("staff.edit")
def new_pin(person: str) -> Any:
    """Make a PIN and show it in this answer only: nowhere else does it stand in the clear."""
    return _with_new_pin(person)


@pages.post("/staff/<person>/card")
@permission("staff.edit")
def give_card(person: str) -> Any:
    form = typed_form()
    form.required("card")
    key = here().secrets.card_key
    if not form.errors:
        with form.catching(**FIELDS):
            write(
                lambda tx, act: staff.give_card(
                    tx, act, staff_id=person, card=form.text("card"), key=key
                )
            )
            return go(url_for("organisation.person", person=person, done="card"))
    return _known_page(person, form, status=422)


@pages.post("/staff/<person>/cards/remove")
@permission("staff.edit")
def take_cards(person: str) -> Any:
    write(lambda tx, act: staff.take_cards(tx, act, staff_id=person))
    return go(url_for("organisation.person", person=person, done="saved"))


@pages.post("/staff/<person>/active")
@permission("staff.edit")
def set_active(person: str) -> Any:
    form = Form()
    active = request.form.get("on") == "1"
    with form.catching():
        write(lambda tx, act: staff.set_active(tx, act, staff_id=person, active=active))
        return go(url_for("organisation.staff_list", done="saved"))
    return _known_page(person, form, status=409)


def _with_new_pin(person: str) -> Any:
    box = here()
    pin = make_pin(box.journal.ids.randomness)
    form = Form()
    with form.catching():
        write(
            lambda tx, act: staff.renew_pin(
                tx, act, staff_id=person, pin=pin, pepper=box.secrets.pin_pepper
            )
        )
        return _known_page(person, form, pin=pin)
    return _known_page(person, form, status=403)


def _known_page(person: str, form: Form, *, pin: str = "", status: int = 200) -> Any:
    with read() as db:
        known = employee(db, person)
    for name in ("number", "name", "role"):
        form.typed.setdefault(name, getattr(known, name))
    return _person_page(person, form, pin=pin, status=status)


def _person_page(person: str, form: Form, *, pin: str = "", status: int = 200) -> Any:
    with read() as db:
        known = None if person == NEW else employee(db, person)
        cards = next((row["cards"] for row in everybody(db) if row["id"] == person), 0)
        page = render_template(
            "organisation/person.html",
            known=known,
            person_id=minted_id(form) if person == NEW else person,
            cards=cards,
            form=form,
            pin=pin,
            roles=[(role, _(ROLE_NAMES[role])) for role in _offered(db, known)],
            is_self=known is not None and known.id == caller().staff,
        )
    return page, status


def _offered(db: Any, known: Any) -> list[str]:
    """Return the roles to choose from, with the one that somebody has already."""
    mine = roles_within(db, caller().role or "")
    return mine if known is None or known.role in mine else [known.role, *mine]
