"""Two stores, their lines and their head office on one page, and each store's own pages."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import replace

import pyotp
import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from hub.simulator import Branch, HeadOffice, LineState, Stage, read_stage, write_stage
from hub.simulator.app import connect, make_simulator_app
from hub.simulator.line import Line, Route
from hub.simulator.lines import Wire, waited, watch
from hub.simulator.stage import branch_prefix
from hub.simulator.tests.conftest import simulation

OFFICE = HeadOffice(
    address="http://office.localhost:5",
    email="chen@qinghe.example",
    password="bamboo-lotus-river-plum",
    totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
)
WAIT_S = 10


@pytest.fixture
def stage(shop, cast, paper, hub_url, tmp_path):
    """Two branches; the second is played by the same hub, which is enough for its pages."""
    first = simulation(shop, paper, hub_url, tmp_path).branch
    second = Branch(
        code="B",
        name="解放路店",
        data=first.data,
        cast=first.cast,
        paper=first.paper,
        printer_port=first.printer_port,
        hub_url="http://store2.localhost:9",
    )
    return Stage(branches=(first, second), head_office=OFFICE)


@pytest.fixture
def lines(stage, shop):
    """Hold both stores' lines."""
    with Line((Route(port=0, to=9),)) as one, Line((Route(port=0, to=9),)) as two:
        first, second = stage.branches
        yield (
            Wire(branch=first, box=shop.box, line=one),
            Wire(branch=second, box=shop.box, line=two),
        )


@pytest.fixture
def apps(stage, shop, paper, hub_url, tmp_path, lines):
    made = [
        make_simulator_app(
            shop.box,
            replace(simulation(shop, paper, hub_url, tmp_path), branch=branch, stage=stage),
        )
        for branch in stage.branches
    ]
    connect(made[0], lines)
    return made


@pytest.fixture
def client(apps):
    served = DispatcherMiddleware(apps[0].wsgi_app, {"/b": apps[1].wsgi_app})
    return Client(served)


def told(client, store):
    return client.get(f"/line/{store}").json


def test_the_first_page_shows_both_stores_their_lines_and_how_to_enter_head_office(client):
    page = client.get("/", headers={"Accept-Language": "zh-CN"}).text
    for link in ("/open-till/1", "/b/open-till/1", "/paper", "/b/paper", "/b/cards"):
        assert f'href="{link}"' in page
    for word in ("人民路店 的线路", "解放路店 的线路", "拔线", "待上传", "总部未连接"):
        assert word in page
    for secret in (OFFICE.address, OFFICE.email, OFFICE.password, OFFICE.totp_secret):
        assert secret in page
    assert page.count('data-line="up"') == 2


def test_the_code_on_the_page_is_the_one_that_an_authenticator_shows(client, shop):
    now = shop.box.journal.clock.read().at // 1_000
    authenticator = pyotp.TOTP(OFFICE.totp_secret)
    shown = client.get("/code").text
    assert any(authenticator.at(now + later) in shown for later in (0, 30))


def test_a_program_pulls_one_stores_line_and_the_others_stays(client, lines):
    assert told(client, "A")["state"] == "up"
    answer = client.post("/line/B", json={"state": "cut"})
    assert (answer.json["store"], answer.json["state"]) == ("B", "cut")
    assert [wire.line.state for wire in lines] == [LineState.UP, LineState.CUT]
    assert told(client, "b")["state"] == "cut"
    assert client.post("/line/B", json={"state": "up"}).json["state"] == "up"


def test_a_pulled_line_really_refuses(client, lines):
    client.post("/line/A", json={"state": "cut"})
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", lines[0].line.ports[0]), timeout=WAIT_S)
    # Nobody is at the far end, which the other line tells in its own way.
    with contextlib.suppress(ConnectionResetError):
        socket.create_connection(("127.0.0.1", lines[1].line.ports[0]), timeout=WAIT_S).close()


def test_a_hand_pulls_it_by_the_button_and_sees_the_other_one(client, lines):
    token = told(client, "A")["csrf_token"]
    form = {"csrf_token": token, "state": "cut"}
    part = client.post("/line/A", data=form, headers={"HX-Request": "true"}).text
    assert 'id="lines"' in part
    assert "<html" not in part
    assert "接线" in part
    assert lines[0].line.state is LineState.CUT
    assert client.post("/line/A", data=form | {"state": "up"}).status_code == 302
    assert lines[0].line.state is LineState.UP


def test_another_site_pulls_no_line(client, lines):
    assert client.post("/line/A", data={"state": "cut"}).status_code == 403
    from_afar = {"Origin": "https://evil.example"}
    answer = client.post("/line/A", json={"state": "cut"}, headers=from_afar)
    assert answer.status_code == 403
    assert lines[0].line.state is LineState.UP


def test_a_state_or_a_store_that_is_none_is_refused(client):
    assert client.post("/line/A", json={"state": "on fire"}).status_code == 422
    assert client.get("/line/C").status_code == 404


def test_a_store_that_was_never_joined_owes_nothing_and_says_so(client):
    shown = told(client, "A")
    assert (shown["connected"], shown["outbox"], shown["lag_ms"]) == (False, 0, 0)
    assert shown["states"] == ["up", "cut", "silent"]


def test_open_pages_are_told_when_a_line_is_pulled(apps, lines):
    board = apps[0].extensions["bulletin"]
    with apps[0].test_client() as page:
        events = page.get("/stream", buffered=False).response
        assert next(events).startswith(b"event: hello")
        assert next(events) == b"event: refresh\ndata: paper\n\n"
        lines[1].switch("silent")
        board.announce()
        assert next(events) == b"event: refresh\ndata: lines\n\n"
        events.close()


def test_a_watcher_announces_what_nobody_clicked(lines):
    heard, ended = threading.Event(), threading.Event()
    watching = threading.Thread(target=watch, args=(lines, heard.set, ended))
    watching.start()
    try:
        lines[0].line.switch(LineState.CUT)
        # The watcher may have begun to look only after the first hand was at the switch.
        heard.wait(3)
        lines[0].line.switch(LineState.UP)
        assert heard.wait(WAIT_S)
    finally:
        ended.set()
        watching.join()


def test_the_second_stores_pages_lie_below_its_code_and_lead_back(client, stage):
    assert branch_prefix(stage, "A") == ""
    assert branch_prefix(stage, "B") == "/b"
    cards = client.get("/b/cards", headers={"Accept-Language": "zh-CN"}).text
    assert "解放路店" in cards
    assert 'action="/b/scan"' in cards
    assert 'href="/b/paper"' in cards
    assert client.get("/b/").location == "/"


@pytest.mark.parametrize(
    ("lag_ms", "words"),
    [
        (0, "0 秒"),
        (119_999, "119 秒"),
        (120_000, "2 分钟"),
        (7_200_000, "2 小时"),
        (172_800_000, "2 天"),
    ],
)
def test_how_long_a_record_waits_is_said_in_the_largest_unit_that_tells(apps, lag_ms, words):
    with apps[0].test_request_context(headers={"Accept-Language": "zh-CN"}):
        assert waited(lag_ms) == words


def test_what_stands_on_the_stage_is_for_its_owner_only(stage, tmp_path):
    path = tmp_path / "stage.json"
    write_stage(path, stage)
    assert path.stat().st_mode & 0o077 == 0
    assert read_stage(path) == stage
