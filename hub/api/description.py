"""Whether the hub works, and what the API offers."""

from __future__ import annotations

import msgspec
from flask import Response, current_app, jsonify

from core.web import Endpoint, describe, public
from hub.api.blueprint import api
from hub.box import here

TITLE = "店枢 Dianshu"
VERSION = "1.0.0"


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The hub can take money: its writer has just passed an empty transaction."""

    ok: bool


@api.get("/health")
@Endpoint(permission="public", answer=Health)
def health() -> Health:
    """Say whether the hub can take money."""
    here().door.write(lambda _tx: None)
    return Health(ok=True)


@api.get("/openapi.json")
@public
def openapi() -> Response:
    return jsonify(describe(current_app, title=TITLE, version=VERSION))
