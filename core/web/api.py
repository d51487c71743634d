"""The JSON API's one wrapper: what a view takes and answers, who may call it, what it refuses.

A view stays a plain function over msgspec structs. What it declares is what is checked, both
ways, and what the OpenAPI document says.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from flask import Response, abort, request

from core.errors import N_, Refusal, Refused
from core.web.markers import permission

KEY_HEADER = "Idempotency-Key"
REPLAY_HEADER = "Idempotent-Replay"
MALFORMED = "malformed"

REFUSALS = {"malformed": Refusal(400, N_("请求内容不对：%(problem)s"))}

_PLACE = re.compile(r" - at `(\$[^`]*)`$")


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a request carries. A field that is misspelt is refused, not left out."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why something was not done; `facts` are what the sentence says, money in fen."""

    code: str
    message: str
    facts: dict[str, Any]


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """Every answer whose status is 400 or more."""

    error: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Declares one view of the API: `@api.post("/topups")`, then `@Endpoint(...)`.

    The view gets its path's parts by name, what it asked for as `asked`, and, if it is
    `keyed`, the caller's idempotency key as `key`. It returns what fits `answer`, as a struct
    or plain facts; facts with `replayed` set are told as a replay.
    """

    permission: str
    answer: type[msgspec.Struct]
    body: type[Asked] | None = None
    query: type[Asked] | None = None
    status: int = 200
    keyed: bool = False
    refusals: tuple[str, ...] = ()
    """Codes beside those that every caller may meet."""

    def __call__(self, view: Callable[..., Any]) -> Callable[..., Response]:
        @functools.wraps(view)
        def call(**path: str) -> Response:
            return self._told(view(**path, **self._taken()))

        call.endpoint = self  # type: ignore[attr-defined]
        return permission(self.permission)(call)

    def _taken(self) -> dict[str, Any]:
        """Read the request. Refused: malformed."""
        taken: dict[str, Any] = {}
        try:
            if self.body is not None:
                if not request.is_json:
                    abort(415)
                taken["asked"] = msgspec.json.decode(request.get_data(), type=self.body)
            elif self.query is not None:
                given = request.args.to_dict()
                taken["asked"] = msgspec.convert(given, self.query, strict=False)
        except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
            raise _malformed(error) from error
        if self.keyed:
            taken["key"] = request.headers.get(KEY_HEADER, "")
        return taken

    def _told(self, outcome: Any) -> Response:
        replayed = isinstance(outcome, dict) and outcome.get("replayed", False)
        # A declared shape is kept also where an answer was written down by an older version.
        shaped = msgspec.convert(outcome, self.answer, from_attributes=True)
        response = Response(
            msgspec.json.encode(shaped), status=self.status, mimetype="application/json"
        )
        if replayed:
            response.headers[REPLAY_HEADER] = "true"
        return response


def endpoint_of(view: object) -> Endpoint | None:
    """Return what a view of the API declared, or None."""
    found: Endpoint | None = getattr(view, "endpoint", None)
    return found


def _malformed(error: Exception) -> Refused:
    told = str(error) or type(error).__name__
    place = _PLACE.search(told)
    return Refused(
        "malformed",
        problem=told[: place.start()] if place else told,
        field=place[1] if place else "",
    )
