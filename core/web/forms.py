"""Forms as people fill them in: what was typed stays, and each fault stands at its field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
from flask import Response, redirect, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from core.errors import Refused
from core.money import AMOUNT_MAX, parse_yuan
from core.web.edge import house
from core.web.language import gettext as _
from core.web.shell import is_partial
from core.web.told import sentence

T = TypeVar("T", bound=msgspec.Struct)

TYPED_CHARACTERS_MAX = 1_000
WHOLE_DIGITS_MAX = 9
WHOLE_FORM = ""
"""The name under which a fault stands that is no single field's."""

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BOUND = re.compile(r"(?P<length>of length )?(?P<sign>[<>]=) (?P<bound>-?\d+)$")


class Form:
    """What was typed into a form, and what is wrong with it, field by field."""

    def __init__(self, typed: MultiDict[str, str] | Mapping[str, str] | None = None) -> None:
        self.typed: MultiDict[str, str] = MultiDict(typed or {})
        self.errors: dict[str, str] = {}

    def text(self, name: str) -> str:
        """Return what was typed, without blanks around it."""
        return self.typed.get(name, "").strip()[:TYPED_CHARACTERS_MAX]

    def many(self, name: str) -> tuple[str, ...]:
        """Return every value of a field that may be chosen several times."""
        return tuple(value.strip() for value in self.typed.getlist(name) if value.strip())

    def is_on(self, name: str) -> bool:
        return bool(self.text(name))

    def whole(self, name: str, *, default: int = 0) -> int:
        """Return a whole number; where it is none, that is a fault of the field."""
        typed = self.text(name)
        if not typed:
            return default
        if not re.fullmatch(rf"-?[0-9]{{1,{WHOLE_DIGITS_MAX}}}", typed):
            self.errors.setdefault(name, _("请填写整数"))
            return default
        return int(typed)

    def fen(self, name: str) -> int | None:
        """Return an amount that was typed in yuan, in fen; None where nothing was typed."""
        typed = self.text(name)
        if not typed:
            return None
        try:
            amount = parse_yuan(typed)
        except ValueError:
            self.errors.setdefault(name, _("金额“%(amount)s”不对，请重输", amount=typed[:20]))
            return None
        if abs(amount) > AMOUNT_MAX:
            self.errors.setdefault(name, _("金额太大"))
        return amount

    def required(self, *names: str) -> None:
        """Find fault with fields that were left empty."""
        for name in names:
            if not self.text(name):
                self.errors.setdefault(name, _("请填写"))

    def blame(self, refused: Refused, fields: Mapping[str, str] | None = None) -> None:
        """Tell a refusal at the field that its code is about."""
        name = (fields or {}).get(refused.code, WHOLE_FORM)
        self.errors.setdefault(name, sentence(refused))

    @contextmanager
    def catching(self, **fields: str) -> Iterator[None]:
        """Turn refusals of what stands inside into faults: code=field, others the form's.

        Who is not logged in or not paired is sent there by the shell as everywhere.
        """
        try:
            yield
        except Refused as refused:
            if refused.code in {"not_logged_in", "not_paired"}:
                raise
            self.blame(refused, fields)

    def struct(self, shape: type[T], content: Mapping[str, Any]) -> T | None:
        """Make a document of the fields' values; each value that it refuses is a fault."""
        for known in msgspec.structs.fields(shape):
            if known.encode_name in content:
                try:
                    msgspec.convert(content[known.encode_name], known.type)
                except msgspec.ValidationError as error:
                    self.errors.setdefault(known.encode_name, constraint_sentence(str(error)))
        return None if self.errors else msgspec.convert(dict(content), shape)


def constraint_sentence(message: str) -> str:
    """Tell what a document's constraint wants, in the reader's language."""
    if "got `null`" in message:
        return _("请填写")
    if "matching regex" in message or "Invalid enum value" in message:
        return _("格式不对")
    match = _BOUND.search(message.partition(" - at ")[0])
    if match is None:
        return _("格式不对")
    bound = int(match["bound"])
    if match["length"]:
        if match["sign"] == "<=":
            return _("最多 %(limit)s 个字", limit=bound)
        return _("请填写") if bound == 1 else _("至少 %(limit)s 个字", limit=bound)
    if match["sign"] == "<=":
        return _("不能大于 %(limit)s", limit=bound)
    return _("不能小于 %(limit)s", limit=bound)


def typed_yuan(fen: int | None) -> str:
    """Write fen as a person would type it: 12800 -> 128, 12850 -> 128.50, None -> nothing."""
    if fen is None:
        return ""
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole}{f'.{rest:02d}' if rest else ''}"


def show(page: str, part: str, *, status: int = 200, **facts: object) -> tuple[str, int]:
    """Render a page, or only its part where htmx asks."""
    return render_template(part if is_partial() else page, **facts), status


def go(url: str) -> AnyResponse:
    """Send the reader on: plainly, or by the header that htmx follows."""
    if not is_partial():
        return redirect(url, 303)
    answer = Response(status=204)
    answer.headers["HX-Redirect"] = url
    return answer


def fresh_id() -> str:
    """Return an id for something new, minted before the first try to make it."""
    journal = house().journal
    return journal.ids.new(journal.clock.read().at)


def minted_id(form: Form) -> str:
    """Return the id that the form was given for something new; else a fresh one."""
    minted = form.text("id")
    return minted if _ID.fullmatch(minted) else fresh_id()


def typed_form() -> Form:
    """Return the form that the current request sends."""
    return Form(request.form)
