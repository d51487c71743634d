"""The OpenAPI document says what the API does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from core.staff import PERMISSIONS
from core.web import Door, endpoint_of, permission_of
from hub.app import make_hub_app, open_hub


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    box = open_hub(tmp_path_factory.mktemp("described"))
    yield make_hub_app(box)
    box.close()


@pytest.fixture(scope="module")
def document(hub) -> dict[str, Any]:
    told: dict[str, Any] = hub.caller(None).get("/openapi.json").body
    return told


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_route_of_the_api_is_described_and_no_other(app, document):
    routes = {
        re.sub(r"<(\w+)>", r"{\1}", rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and rule.rule != "/api/v1/openapi.json"
    }
    assert document["paths"].keys() == routes
    assert document["openapi"] == "3.1.0"


def test_every_reference_leads_to_a_schema_and_every_schema_is_led_to(document):
    named = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) == named


def test_an_operation_has_a_name_of_its_own_a_summary_and_its_refusals(document):
    listed = list(operations(document))
    names = [operation["operationId"] for operation in listed]
    assert len(names) == len(set(names))
    assert all(operation["summary"] for operation in listed)
    guarded = [operation for operation in listed if operation.get("security") != []]
    assert all({"401", "403"} <= operation["responses"].keys() for operation in guarded)


def test_every_path_part_is_a_parameter(document):
    for path, methods in document["paths"].items():
        for operation in methods.values():
            parts = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert parts == set(re.findall(r"\{(\w+)\}", path)), path


def test_what_books_or_creates_takes_a_key(document):
    keyed = {
        operation["operationId"]
        for operation in operations(document)
        if any(p["name"] == "Idempotency-Key" for p in operation["parameters"])
    }
    assert keyed == {
        "adjust_wallet",
        "close_shift",
        "give_new_card",
        "give_pass",
        "create_line",
        "create_member",
        "create_ticket",
        "move_cash",
        "open_drawer",
        "open_shift",
        "reverse_settled_ticket",
        "reverse_some_lines",
        "settle_ticket",
        "top_up",
    }


def test_every_view_names_a_permission_and_refusals_that_exist(app):
    for name, view in app.view_functions.items():
        endpoint = endpoint_of(view)
        if endpoint is not None:
            assert permission_of(view) == endpoint.permission
            assert endpoint.permission in {*PERMISSIONS, Door.PUBLIC}, name
            assert set(endpoint.refusals) <= app.config["REFUSALS"].keys(), name


def test_money_has_its_unit_in_its_name(document):
    """An integer whose description says fen ends in _cents, or names no unit at all."""
    for name, schema in document["components"]["schemas"].items():
        for field, shape in schema.get("properties", {}).items():
            said = str(shape.get("description", ""))
            if "fen" in said:
                assert field.endswith("_cents"), f"{name}.{field}"
