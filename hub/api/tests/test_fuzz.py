"""Whatever is sent, the answer is one that the OpenAPI document names, and never a failure.

Bodies grow from the document's own schemas and are then broken; the seed is in each test's
name, so that what fails once fails again.
"""

from __future__ import annotations

import http.client
import json
import random
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from hub.api.tests.counter import Counter, cash
from tests.started import MASSAGE, PACKAGE, TEA, Hub, new_key

SEEDS = range(6)
TRIES_AN_OPERATION = 10
LIMIT_OF_REPEATS = 3

NASTY_TEXT = (
    "",
    " ",
    "\x00",
    "\u202e反",
    "😀" * 10,
    "'; DROP TABLE member; --",
    "%s%(name)s%",
    "{{7*7}}",
    "..",
    "NaN",
    "٣",
    "ﬀ",
    "a" * 200,
    "a" * 5_000,
    "\ud800",
    '"*" OR NEAR(',
    "-1",
    "＋８６　１３８",
)
NASTY_NUMBERS = (0, 1, -1, 2**31, 2**63, -(2**63) - 1, 10**40, 1.5, -0.0, 1e308, True)
NASTY = (None, [], {}, [[]], {"a": {}}, *NASTY_TEXT, *NASTY_NUMBERS)

Make = Callable[[dict[str, Any]], Any]


class Grower:
    """Makes values for schemas: mostly ones that fit, with ids that exist among them."""

    def __init__(self, seed: int, schemas: dict[str, Any], known: dict[str, list[str]]) -> None:
        self.random = random.Random(seed)
        self._schemas = schemas
        self._known = known

    def value(self, schema: dict[str, Any], name: str = "") -> Any:
        if self.random.random() < 0.08:
            return self.random.choice(NASTY)
        if "$ref" in schema:
            return self.value(self._schemas[schema["$ref"].rpartition("/")[2]], name)
        if "anyOf" in schema:
            return self.value(self.random.choice(schema["anyOf"]), name)
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        make: dict[str, Make] = {
            "object": self._object,
            "array": self._array,
            "integer": self._integer,
            "string": lambda _schema: self.text(name),
            "null": lambda _schema: None,
            "boolean": lambda _schema: self.random.choice((True, False)),
        }
        return make[schema["type"]](schema)

    def text(self, name: str) -> str:
        """Return text for a field or path part: mostly what exists under that name."""
        chance = self.random.random()
        if chance < 0.75 and name in self._known:
            return self.random.choice(self._known[name])
        anything = [text for texts in self._known.values() for text in texts]
        return self.random.choice(anything if chance < 0.85 else NASTY_TEXT)

    def _object(self, schema: dict[str, Any]) -> Any:
        required = schema.get("required", ())
        grown = {
            name: self.value(shape, name)
            for name, shape in schema.get("properties", {}).items()
            if (name in required and self.random.random() < 0.95) or self.random.random() < 0.5
        }
        if self.random.random() < 0.05:
            grown["unheard_of"] = 1
        return grown

    def _array(self, schema: dict[str, Any]) -> Any:
        return [self.value(schema["items"]) for _ in range(self.random.choice((0, 1, 1, 2, 9)))]

    def _integer(self, schema: dict[str, Any]) -> Any:
        low, high = schema.get("minimum", 0), schema.get("maximum", 100)
        usual = (low, high, 1, 2, 3_800, 9_900, 12_800, 100_000, low - 1, high + 1)
        return self.random.choice((*usual, self.random.randint(low, high)))


@pytest.fixture(scope="module")
def document(hub: Hub) -> dict[str, Any]:
    told: dict[str, Any] = hub.caller(None).get("/openapi.json").body
    return told


@pytest.fixture
def known(counter: Counter) -> dict[str, list[str]]:
    """What exists, by the names of fields and path parts, so that fuzz gets past the door."""
    member = counter.rich_member()
    paid, walk_in, open_ = (
        counter.bill(member, TEA),
        counter.bill(None, MASSAGE),
        counter.bill(member),
    )
    asked = {"version": paid["version"], "payments": [cash(3_800)]}
    job = counter.owner.done("POST", f"/tickets/{paid['id']}/settle", asked)["print_job"]
    topup = {"member": member, "amount_cents": 100, "payments": [cash(100)]}
    return {
        "member": [member],
        "member_id": [member],
        "ticket_id": [paid["id"], walk_in["id"], open_["id"]],
        "line_id": [line["id"] for bill in (walk_in, open_) for line in bill["lines"]],
        "item": [MASSAGE, TEA],
        "item_id": [MASSAGE, TEA],
        "offer": [PACKAGE],
        "staff": ["technician", "cashier"],
        "tender": ["cash", "bank_card", "stored_value"],
        "period_id": [counter.owner.done("GET", "/shifts/current")["period"]],
        "job_id": [job],
        "topup_id": [counter.owner.done("POST", "/topups", topup)["topup"]],
        "reason": ["点错"],
        "name": ["李慧敏"],
        "q": ["李", "201"],
        "card": ["88001234"],
    }


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in sorted(document["paths"].items()):
        for method, operation in sorted(methods.items()):
            yield method.upper(), path.removeprefix("/api/v1"), operation


@pytest.mark.parametrize("seed", SEEDS)
def test_no_body_path_or_query_makes_the_hub_fail(document, counter, known, seed):
    grower = Grower(seed, document["components"]["schemas"], known)
    reached = set()
    for _ in range(TRIES_AN_OPERATION):
        counter.owner.post("/shifts", {"float_cents": 0})  # Fuzz may have closed it.
        for method, path, operation in operations(document):
            reply = send(grower, counter, method, path, operation)
            reached.add((operation["operationId"], reply.status))
            assert said(reply, operation), (method, path, reply)
    succeeded = {name for name, status in reached if status < 300}
    # Fuzz that only meets the first check proves little.
    assert len(succeeded) > len(list(operations(document))) // 2, sorted(succeeded)


def send(grower: Grower, counter: Counter, method: str, path: str, operation: dict[str, Any]):
    query = []
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            name = parameter["name"]
            filled = quote(_printable(grower.text(name)), safe="") or "-"
            path = path.replace(f"{{{name}}}", filled)
        elif parameter["in"] == "query" and grower.random.random() < 0.8:
            value = _printable(str(grower.value(parameter["schema"], parameter["name"])))
            query.append(f"{parameter['name']}={quote(value, safe='')}")
    if query:
        path = f"{path}?{'&'.join(query)}"
    body = None
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        body = _encoded(grower, schema)
    return _sent(counter, method, path, body)


def _sent(counter: Counter, method: str, path: str, body: bytes | None):
    headers = {} if body is None else {"Content-Type": "application/json"}
    for repeat in range(LIMIT_OF_REPEATS):
        try:
            return counter.owner.raw(method, path, body, headers=headers, key=new_key())
        except http.client.RemoteDisconnected:
            assert repeat < LIMIT_OF_REPEATS - 1
    raise AssertionError("unreachable")


def _printable(text: str) -> str:
    """Return text that a URL can carry; a lone surrogate is none."""
    return text.encode("utf-8", "replace").decode()[:300]


def _encoded(grower: Grower, schema: dict[str, Any]) -> bytes:
    text = json.dumps(grower.value(schema)).encode()
    if grower.random.random() < 0.05:
        place = grower.random.randrange(len(text) + 1)
        text = text[:place] + grower.random.randbytes(3) + text[place:]
    return text


def said(reply, operation: dict[str, Any]) -> bool:
    """Say whether the document names this status, and the refusal's code under it."""
    if reply.status >= 500:
        return False
    # A path part that is empty or holds a slash is another address.
    if reply.code in {"http_404", "http_405"}:
        return True
    told = operation["responses"].get(str(reply.status))
    return told is not None and (reply.status < 300 or reply.code in told["description"])
