"""The page shell of both programs: look, language, guards and errors. No business words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import flask
from flask import Blueprint, Flask, Response, request
from flask_babel import Babel

from core.errors import Refusal
from core.journal import Part
from core.money import yuan
from core.web import api, guard, told
from core.web.edge import House
from core.web.language import LANGUAGES, catalogue, language
from core.web.stream import Bulletin

DIST = Path(__file__).parent / "static" / "dist"
THEMES = ("light", "dark", "contrast")
BODY_BYTES_MAX = 4 * 1024 * 1024
STATIC_AGE_S = 31_536_000
PREFERENCE_AGE_S = 400 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class NavItem:
    """An entry of the rail, shown to who has the permission."""

    endpoint: str
    label: str
    icon: str
    permission: str
    order: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """One folder of a program, switched on by one line in its app.py."""

    name: str
    parts: tuple[Part, ...] = ()
    blueprints: tuple[Blueprint, ...] = ()
    nav: tuple[NavItem, ...] = ()


def make_app(
    house: House,
    capabilities: Iterable[Capability],
    *,
    hosts: tuple[str, ...],
    csrf_key: bytes,
    refusals: Mapping[str, Refusal],
) -> Flask:
    """Put the pages of capabilities behind the guards.

    `hosts` are the names that the program answers to; one that begins with a dot stands for
    every name below it.
    """
    app = Flask("core.web", static_folder=str(DIST), static_url_path="/s")
    app.config.update(
        MAX_CONTENT_LENGTH=BODY_BYTES_MAX,
        SEND_FILE_MAX_AGE_DEFAULT=STATIC_AGE_S,
        BABEL_DEFAULT_LOCALE="zh",
        HOSTS=hosts,
        CSRF_KEY=csrf_key,
        BABEL_TRANSLATION_DIRECTORIES=str(Path(__file__).parent / "translations"),
        REFUSALS={**guard.REFUSALS, **api.REFUSALS, **refusals},
    )
    app.extensions["house"] = house
    app.extensions["bulletin"] = Bulletin()
    Babel(app, locale_selector=catalogue)
    app.jinja_env.globals.update(asset=asset)
    app.jinja_env.filters.update(yuan=yuan)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(_look)
    app.after_request(_remember_look)
    told.install(app)
    chosen = tuple(capabilities)
    app.extensions["nav"] = sorted(
        (item for capability in chosen for item in capability.nav), key=lambda i: i.order
    )
    for capability in chosen:
        for blueprint in capability.blueprints:
            app.register_blueprint(blueprint)
    return app


def bulletin() -> Bulletin:
    board: Bulletin = flask.current_app.extensions["bulletin"]
    return board


def theme() -> str:
    """Return light, dark or contrast, as chosen on this device."""
    chosen = request.args.get("theme") or request.cookies.get("theme", "")
    return chosen if chosen in THEMES else THEMES[0]


def _look() -> dict[str, Any]:
    return {"lang": language(), "theme": theme()}


def _remember_look(response: Response) -> Response:
    """Keep a language or theme that was chosen by a link or a plain form."""
    for name, value, allowed in (
        ("lang", request.args.get("lang"), tuple(LANGUAGES)),
        ("theme", request.args.get("theme"), THEMES),
    ):
        if value in allowed:
            response.set_cookie(
                name, str(value), max_age=PREFERENCE_AGE_S, samesite="Strict", path="/"
            )
    return response


@cache
def _manifest() -> dict[str, str]:
    names: dict[str, str] = json.loads((DIST / "manifest.json").read_text("utf-8"))
    return names


def asset(name: str) -> str:
    """Return the address of a built asset; its name changes with its content."""
    return f"/s/{_manifest()[name]}"


def is_partial() -> bool:
    """Say whether htmx asks, so that a part of the page is the answer."""
    return request.headers.get("HX-Request") == "true"
