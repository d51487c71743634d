"""Pages: who works in the stores."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for

from cloud.access import here
from cloud.edits import arrivals_shown
from cloud.staff import service
from core.crypto import hash_pin, make_pin
from core.sqlite import Reader
from core.staff import ROLE_NAMES, Staff, StaffDocument, employee, everybody, roles_within
from core.web import Form, caller, go, minted_id, permission, read, typed_form, write
from core.web import gettext as _

pages = Blueprint("staff", __name__, template_folder="templates", url_prefix="/staff")

NEW = "new"
FIELDS = {"staff_number_taken": "number", "role_above": "role", "last_owner": "role"}
NUMBER_CHARACTERS_MAX = 8
NAME_CHARACTERS_MAX = 20


@pages.get("")
@permission("staff.edit")
def listed() -> str:
    with read() as db:
        return render_template("people/staff.html", people=everybody(db), roles=ROLE_NAMES)


@pages.get("/new")
@permission("staff.edit")
def new_person() -> Any:
    return _person_page(NEW, Form({"role": "cashier"}))


@pages.get("/<person>")
@permission("staff.edit")
def person(person: str) -> Any:
    return _known_page(person, Form())


@pages.post("/<person>")
@permission("staff.edit")
def save_person(person: str) -> Any:
    form = typed_form()
    form.required("number", "name", "role")
    number, name, role = (form.text(field) for field in ("number", "name", "role"))
    _bounded(form, number=NUMBER_CHARACTERS_MAX, name=NAME_CHARACTERS_MAX)
    if role and role not in ROLE_NAMES:
        form.errors["role"] = _("请选择")
    if form.errors:
        return _person_page(person, form, status=422)
    if person == NEW:
        return _take_on(form, StaffDocument(number=number, name=name, role=role))
    by = caller().role or ""
    with form.catching(**FIELDS):
        write(
            lambda tx, act: service.change(
                tx, act, by, staff_id=person, number=number, name=name, role=role
            )
        )
        return go(url_for("staff.person", person=person, done="saved"))
    return _person_page(person, form, status=422)


@pages.post("/<person>/pin")
@permission("staff.edit")
def new_pin(person: str) -> Any:
    """Make a PIN and show it in this answer only: nowhere else does it stand in the clear."""
    pin, hashed = _fresh_pin()
    by = caller().role or ""
    form = Form()
    with form.catching():
        write(lambda tx, act: service.renew_pin(tx, act, by, staff_id=person, pin_hash=hashed))
        return _known_page(person, form, pin=pin)
    return _known_page(person, form, status=403)


@pages.post("/<person>/active")
@permission("staff.edit")
def set_active(person: str) -> Any:
    active = request.form.get("on") == "1"
    by = caller().role or ""
    form = Form()
    with form.catching():
        write(lambda tx, act: service.set_active(tx, act, by, staff_id=person, active=active))
        return go(url_for("staff.person", person=person, done="saved"))
    return _known_page(person, form, status=409)


def _take_on(form: Form, content: StaffDocument) -> Any:
    staff_id, by = minted_id(form), caller().role or ""
    pin, hashed = _fresh_pin()
    with_pin = StaffDocument(
        number=content.number, name=content.name, role=content.role, pin_hash=hashed
    )
    with form.catching(**FIELDS):
        write(lambda tx, act: service.take_on(tx, act, by, staff_id=staff_id, content=with_pin))
        return _known_page(staff_id, Form(), pin=pin)
    return _person_page(NEW, form, status=422)


def _fresh_pin() -> tuple[str, str]:
    """Return a PIN and its hash, made before the writer is asked: hashing takes its time."""
    merchant = here()
    pin = make_pin(merchant.journal.ids.randomness)
    return pin, hash_pin(pin, pepper=merchant.pin_pepper)


def _bounded(form: Form, **limits: int) -> None:
    for name, limit in limits.items():
        if len(form.text(name)) > limit:
            form.errors.setdefault(name, _("最多 %(limit)s 个字", limit=limit))


def _known_page(person: str, form: Form, *, pin: str = "", status: int = 200) -> Any:
    with read() as db:
        known = employee(db, person)
    for name in ("number", "name", "role"):
        form.typed.setdefault(name, getattr(known, name))
    return _person_page(person, form, pin=pin, status=status)


def _person_page(person: str, form: Form, *, pin: str = "", status: int = 200) -> Any:
    with read() as db:
        known = None if person == NEW else employee(db, person)
        page = render_template(
            "people/person.html",
            known=known,
            person_id=minted_id(form) if person == NEW else person,
            form=form,
            pin=pin,
            roles=[(role, _(ROLE_NAMES[role])) for role in _offered(db, known)],
            arrived=None if person == NEW else arrivals_shown(db, "staff", person),
        )
    return page, status


def _offered(db: Reader, known: Staff | None) -> list[str]:
    """Return the roles to choose from, with the one that somebody has already."""
    mine = roles_within(db, caller().role or "")
    return mine if known is None or known.role in mine else [known.role, *mine]
