"""What stands before every request."""

from __future__ import annotations

import pytest

from core.staff import PERMISSIONS
from core.web import Door, permission_of
from hub.access.tests.tablet import paired

PUBLIC = {"static", "access.pair_page", "access.pair", "api.health", "api.openapi"}


def test_every_route_declares_who_may_call_it(shop):
    known = {*PERMISSIONS, *(door.value for door in Door)}
    for endpoint, view in shop.app.view_functions.items():
        if endpoint != "static":
            assert permission_of(view) in known, endpoint


def test_the_list_of_public_routes_is_exactly_this(shop):
    public = {
        endpoint
        for endpoint, view in shop.app.view_functions.items()
        if permission_of(view) in {Door.PUBLIC, None}
    }
    assert public == PUBLIC


def test_a_post_without_the_forms_token_is_refused(shop):
    tablet = paired(shop)
    tablet.log_in()
    answer = tablet.post("/pos/park", token="0" * 64)
    assert answer.status_code == 403
    assert "页面开得太久" in answer.text


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}],
)
def test_a_post_from_another_site_is_refused(shop, headers):
    tablet = paired(shop)
    tablet.log_in()
    answer = tablet.http.post("/pos/park", headers=headers)
    assert answer.status_code == 403


def test_a_strange_host_name_is_answered_by_nothing(shop):
    tablet = paired(shop)
    for host in ("evil.example", "localhost.evil.example", "store1.localhost:80@evil"):
        assert tablet.get("/pair", headers={"Host": host}).status_code == 421


def test_pages_carry_a_strict_policy_and_are_not_stored(shop):
    answer = paired(shop).get("/login")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_right_that_is_missing_is_refused_with_its_name(shop):
    answer = shop.browser("technician").get("/")
    assert answer.status_code == 403
    assert "开单收银" in answer.text


def test_a_false_token_is_nobody(shop):
    client = shop.app.test_client()
    answer = client.get("/", headers={"Authorization": "Bearer 0000"})
    assert answer.status_code in {302, 401}
