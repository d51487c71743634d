"""The OpenAPI document of an API, read off its routes and what each view declares."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import msgspec
from flask import Flask
from werkzeug.routing import Rule

from core.errors import Refusal
from core.web.api import (
    KEY_HEADER,
    MALFORMED,
    REPLAY_HEADER,
    Asked,
    Endpoint,
    Failed,
    endpoint_of,
)
from core.web.markers import Door

OPENAPI = "3.1.0"
SCHEMA = "#/components/schemas/{name}"
_SHOWN_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_PATH_PART = re.compile(r"<(?:\w+:)?(\w+)>")

Described = dict[str, Any]


def describe(app: Flask, *, title: str, version: str) -> Described:
    """Return the document for every view that is an Endpoint."""
    found = list(_endpoints(app))
    shapes = {
        shape
        for _rule, endpoint in found
        for shape in (endpoint.answer, endpoint.body, Failed)
        if shape is not None
    }
    in_order = sorted(shapes, key=lambda shape: shape.__name__)
    _schemas, components = msgspec.json.schema_components(in_order, ref_template=SCHEMA)
    paths: defaultdict[str, Described] = defaultdict(dict)
    for rule, endpoint in found:
        view = app.view_functions[rule.endpoint]
        for method in sorted((rule.methods or set()).intersection(_SHOWN_METHODS)):
            path = _PATH_PART.sub(r"{\1}", rule.rule)
            paths[path][method.lower()] = _operation(app, rule, endpoint, view)
    return {
        "openapi": OPENAPI,
        "info": {"title": title, "version": version},
        "paths": dict(paths),
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _endpoints(app: Flask) -> Iterator[tuple[Rule, Endpoint]]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        endpoint = endpoint_of(app.view_functions[rule.endpoint])
        if endpoint is not None:
            yield rule, endpoint


def _operation(app: Flask, rule: Rule, endpoint: Endpoint, view: Any) -> Described:
    said, _, more = (view.__doc__ or "").partition("\n")
    operation: Described = {
        "operationId": view.__name__,
        "tags": [view.__module__.rpartition(".")[2]],
        "summary": said.strip(),
        "description": f"{' '.join(more.split())} Permission: {endpoint.permission}.".strip(),
        "parameters": list(_parameters(rule, endpoint)),
        "responses": _responses(app, endpoint),
    }
    if endpoint.body is not None:
        operation["requestBody"] = {"required": True, "content": _content(endpoint.body)}
    if endpoint.permission == Door.PUBLIC:
        operation["security"] = []
    return operation


def _parameters(rule: Rule, endpoint: Endpoint) -> Iterator[Described]:
    for name in _PATH_PART.findall(rule.rule):
        schema = {"type": "string"}
        yield {"in": "path", "name": name, "required": True, "schema": schema}
    if endpoint.query is not None:
        yield from _query_parameters(endpoint.query)
    if endpoint.keyed:
        yield {
            "in": "header",
            "name": KEY_HEADER,
            "required": True,
            "description": "Made by the caller before the first try: the same key again"
            " changes nothing and returns the first answer.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 80},
        }


def _query_parameters(query: type[Asked]) -> Iterator[Described]:
    shape = msgspec.json.schema(query, ref_template=SCHEMA)["$defs"][query.__name__]
    for name, schema in shape["properties"].items():
        required = name in shape.get("required", ())
        yield {"in": "query", "name": name, "required": required, "schema": schema}


def _responses(app: Flask, endpoint: Endpoint) -> Described:
    success: Described = {
        "description": HTTPStatus(endpoint.status).phrase,
        "content": _content(endpoint.answer),
    }
    if endpoint.keyed:
        success["headers"] = {
            REPLAY_HEADER: {
                "description": "true when this is the first answer again.",
                "schema": {"type": "string"},
            }
        }
    told: Described = {str(endpoint.status): success}
    for status, codes in sorted(_codes_by_status(app, endpoint).items()):
        told[str(status)] = {
            "description": f"{HTTPStatus(status).phrase}: {', '.join(codes)}",
            "content": _content(Failed),
        }
    return told


def _codes_by_status(app: Flask, endpoint: Endpoint) -> dict[int, list[str]]:
    refusals: dict[str, Refusal] = app.config["REFUSALS"]
    common = [code for code in _common_codes(endpoint) if code in refusals]
    codes = [*common, *endpoint.refusals]
    by_status: defaultdict[int, list[str]] = defaultdict(list)
    for code in dict.fromkeys(codes):
        by_status[refusals[code].status].append(code)
    if endpoint.body is not None:
        by_status[413].append("http_413")
        by_status[415].append("http_415")
    return by_status


def _common_codes(endpoint: Endpoint) -> Iterator[str]:
    if endpoint.permission != Door.PUBLIC:
        yield from ("not_paired", "not_logged_in", "token_unknown")
        yield from ("not_allowed", "wrong_origin", "page_too_old")
    if endpoint.body is not None or endpoint.query is not None:
        yield MALFORMED
    if endpoint.keyed:
        yield from ("key_missing", "key_reused")
    yield from ("no_store", "disk_full", "storage_failing")


def _content(shape: type[msgspec.Struct]) -> Described:
    schema = {"$ref": SCHEMA.format(name=shape.__name__)}
    return {"application/json": {"schema": schema}}
