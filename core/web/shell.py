"""The page shell of both programs: look, language, guards and errors. No business words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import flask
from flask import Blueprint, Flask, request
from flask_babel import Babel

from core.errors import Refusal
from core.journal import Part
from core.money import yuan
from core.web import guard, told
from core.web.edge import House
from core.web.stream import Bulletin

DIST = Path(__file__).parent / "static" / "dist"
LANGUAGES = {"zh": "zh-CN", "en": "en"}
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
        REFUSALS={**guard.REFUSALS, **refusals},
    )
    app.extensions["house"] = house
    app.extensions["bulletin"] = Bulletin()
    Babel(app, locale_selector=language)
    app.jinja_env.globals.update(asset=asset)
    app.jinja_env.filters.update(yuan=yuan)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(_look)
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


def language() -> str:
    """Return zh or en: what the reader chose, else what the browser asks for, else Chinese."""
    chosen = request.cookies.get("lang", "")
    if chosen in LANGUAGES:
        return chosen
    return request.accept_languages.best_match(list(LANGUAGES), "zh") or "zh"


def theme() -> str:
    chosen = request.cookies.get("theme", "")
    return chosen if chosen in THEMES else THEMES[0]


def _look() -> dict[str, Any]:
    return {"lang": LANGUAGES[language()], "theme": theme()}


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


Renderer = Callable[..., str]
