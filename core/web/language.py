"""The reader's language, typed: what gettext and ngettext return is text."""

from __future__ import annotations

from typing import Any

import flask_babel
from flask import g, has_app_context, has_request_context, request

LANGUAGES = {"zh-CN": "zh", "en": "en"}
"""The `lang` of a page, and the catalogue that it reads."""
DEFAULT = "zh-CN"


def gettext(sentence: str, **facts: object) -> str:
    """Return a Chinese sentence in the reader's language, with its facts filled in.

    Outside a request, as in an import or a printer's process, it stays Chinese.
    """
    if not has_app_context():
        return sentence % facts if facts else sentence
    told = str(_translations().ugettext(sentence))
    return told % facts if facts else told


def _translations() -> Any:
    # Looked up once a request: a receipt asks for twenty words, and flask_babel looks for the
    # reader's language anew for each.
    known = g.get("translations")
    if known is None:
        known = g.translations = flask_babel.get_domain().get_translations()
    return known


def ngettext(singular: str, plural: str, num: int, **facts: object) -> str:
    """Return the form of a Chinese sentence for so many, as `gettext` does; `num` is a fact."""
    if not has_app_context():
        return (singular if num == 1 else plural) % {"num": num, **facts}
    return str(flask_babel.ngettext(singular, plural, num, **facts))


def language() -> str:
    """Return the page's language: what the reader chose, else the browser's, else Chinese."""
    if not has_request_context():
        return DEFAULT
    chosen = request.args.get("lang") or request.cookies.get("lang", "")
    if chosen in LANGUAGES:
        return chosen
    return request.accept_languages.best_match(list(LANGUAGES), DEFAULT) or DEFAULT


def catalogue() -> str:
    """Return the name of the catalogue for the reader's language."""
    return LANGUAGES[language()]
