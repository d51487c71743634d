"""Coming in and going out, one's own account, and who else may come in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from cloud.access import accounts, authenticator, live, login, people, sessions
from cloud.access.callers import (
    SESSION,
    drop_cookie,
    safe_next,
    session,
    session_token,
    set_cookie,
)
from cloud.access.house import here, platform
from core.errors import Refused
from core.web import (
    Form,
    caller,
    go,
    permission,
    public,
    sentence,
    show,
    staff_only,
    typed_form,
)
from core.web import gettext as _

pages = Blueprint("access", __name__, template_folder="templates")

FIELDS = {
    "password_short": "password",
    "password_long": "password",
    "password_plain": "password",
    "password_wrong": "old",
    "totp_wrong": "code",
    "email_malformed": "email",
    "email_taken": "email",
    "role_unknown": "role",
}
"""At which field of a form a refusal stands."""
PROOF = {"password_wrong": "proof"}


@pages.get("/login")
@public
def log_in_page() -> AnyResponse | str:
    if caller().staff is not None:
        return redirect(safe_next(request.args.get("next", "")))
    return _log_in_page(request.args.get("next", ""))


@pages.post("/login")
@public
def log_in() -> Any:
    asked = request.form
    attempt = login.Attempt(
        email=asked.get("email", ""),
        password=asked.get("password", ""),
        code=asked.get("code", ""),
        address=request.remote_addr or "",
    )
    try:
        let_in = login.log_in(platform(), attempt)
    except Refused as refused:
        page = _log_in_page(asked.get("next", ""), sentence(refused), attempt.email)
        return page, 429 if refused.code != "log_in_failed" else 403
    answer = redirect(safe_next(asked.get("next", "")), 303)
    set_cookie(answer, SESSION, let_in.token)
    return answer


@pages.post("/logout")
@staff_only
def log_out() -> AnyResponse:
    login.log_out(platform(), session=session(), token=session_token())
    answer = redirect(url_for("access.log_in_page"), 303)
    drop_cookie(answer, SESSION)
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


@pages.get("/welcome/<token>")
@public
def welcome_page(token: str) -> Any:
    return _welcome_page(token, Form())


@pages.post("/welcome/<token>")
@public
def welcome(token: str) -> Any:
    form = typed_form()
    _check_twice(form)
    if not form.errors:
        with form.catching(**FIELDS):
            let_in = login.settle_in(
                platform(),
                token=token,
                password=request.form.get("password", ""),
                code=form.text("code"),
                address=request.remote_addr or "",
            )
            answer = Response(
                render_template("access/codes.html", codes=let_in.codes, first=True)
            )
            set_cookie(answer, SESSION, let_in.token)
            return answer
    return _welcome_page(token, form)


@pages.get("/account")
@staff_only
def account() -> Any:
    return _account_page(Form())


@pages.post("/account/elsewhere")
@staff_only
def log_out_elsewhere() -> Any:
    login.log_out_elsewhere(platform(), session=session(), token=session_token())
    return go(url_for("access.account", done="elsewhere"))


@pages.post("/account/password")
@staff_only
def change_password() -> Any:
    form = typed_form()
    _check_twice(form)
    if not form.errors:
        with form.catching(**FIELDS):
            login.change_password(
                platform(),
                session=session(),
                token=session_token(),
                old=request.form.get("old", ""),
                new=request.form.get("password", ""),
            )
            return go(url_for("access.account", done="password"))
    return _account_page(form, status=422)


@pages.post("/account/codes")
@staff_only
def renew_codes() -> Any:
    form = typed_form()
    with form.catching(**PROOF):
        codes = login.renew_codes(
            platform(), session=session(), password=request.form.get("proof", "")
        )
        return render_template("access/codes.html", codes=codes, first=False)
    return _account_page(form, status=422)


@pages.get("/accounts")
@permission("account.edit")
def listed() -> Any:
    return _accounts_page(Form())


@pages.post("/accounts")
@permission("account.edit")
def add() -> Any:
    form = typed_form()
    form.required("email", "name")
    if not form.errors:
        with form.catching(**FIELDS):
            invitation = people.add_account(
                platform(),
                merchant=here().id,
                email=form.text("email"),
                name=form.text("name"),
                role=form.text("role"),
                actor=session().account,
            )
            return _accounts_page(Form(), invitation=invitation)
    return _accounts_page(form, status=422)


@pages.post("/accounts/<account_id>/invite")
@permission("account.edit")
def invite(account_id: str) -> Any:
    invitation = people.invite_again(
        platform(), merchant=here().id, account=account_id, actor=session().account
    )
    return _accounts_page(Form(), invitation=invitation)


@pages.post("/accounts/<account_id>/close")
@permission("account.edit")
def close(account_id: str) -> Any:
    people.close_account(
        platform(), merchant=here().id, account=account_id, actor=session().account
    )
    return go(url_for("access.listed", done="closed"))


@pages.post("/accounts/<account_id>/out")
@permission("account.edit")
def log_somebody_out(account_id: str) -> Any:
    people.log_somebody_out(
        platform(), merchant=here().id, account=account_id, actor=session().account
    )
    return go(url_for("access.listed", done="out"))


@pages.get("/stream")
@staff_only
def stream() -> Response:
    return live.stream()


def _check_twice(form: Form) -> None:
    """Find fault with a password that was not typed the same way twice."""
    form.required("password")
    if form.typed.get("password") != form.typed.get("again"):
        form.errors.setdefault("again", _("两次输入的密码不一样"))


def _log_in_page(back: str, problem: str = "", email: str = "") -> str:
    return render_template(
        "access/login.html", problem=problem, email=email, next=safe_next(back)
    )


def _welcome_page(token: str, form: Form) -> Any:
    with platform().door.read() as db:
        known, secret = accounts.invited(db, token, at=platform().clock.read().at)
    address = authenticator.address_of(secret, email=known.email)
    page = render_template(
        "access/welcome.html",
        token=token,
        form=form,
        person=known,
        secret=" ".join(secret[place : place + 4] for place in range(0, len(secret), 4)),
        address=address,
        picture=authenticator.picture_of(address),
    )
    return page, 422 if form.errors else 200


def _account_page(form: Form, *, status: int = 200) -> Any:
    with platform().door.read() as db:
        left = login.codes_left(db, session().account)
        elsewhere = sessions.others(
            db,
            account=session().account,
            but=session_token(),
            at=platform().clock.read().at,
        )
    return show(
        "access/account.html",
        "access/account.html",
        status=status,
        form=form,
        person=session(),
        roles=accounts.ROLES,
        left=left,
        elsewhere=elsewhere,
    )


def _accounts_page(
    form: Form, *, status: int = 200, invitation: accounts.Invitation | None = None
) -> Any:
    with platform().door.read() as db:
        known = accounts.accounts_of(db, here().id)
    link = (
        url_for("access.welcome_page", token=invitation.token, _external=True)
        if invitation
        else ""
    )
    page = render_template(
        "access/accounts.html",
        form=form,
        accounts=known,
        roles=accounts.ROLES,
        link=link,
        invited=next((a for a in known if invitation and a["id"] == invitation.account), None),
        me=session().account,
    )
    return page, status
