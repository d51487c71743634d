from __future__ import annotations

import socket
import threading
import time

import pytest
from click.testing import CliRunner

from hub.__main__ import hub
from hub.access.pairing import token_hash
from hub.devices import Kick, find_typeface
from hub.devices.printer import PAPER_80MM, encode
from hub.simulator import read_cast
from hub.simulator.app import NotLoopback, loopback
from hub.simulator.paper import State
from hub.simulator.tests.conftest import CARD, receipt

PROGRAM = {"Content-Type": "application/json"}


def print_on(paper, job):
    payload = encode(job, profile=PAPER_80MM, typeface=find_typeface())
    already = len(paper.papers())
    with socket.create_connection(("127.0.0.1", paper.port), timeout=5) as link:
        link.sendall(payload)
    return paper.wait_for_papers(already + 1)[-1]


def scans(shop):
    return shop.ask(
        lambda db: [(row["till"], row["value"]) for row in db.all("SELECT * FROM scan")]
    )


def test_the_first_page_leads_everywhere_and_says_who_may_log_in(client, cast, hub_url):
    page = client.get("/").text
    for told in ("王芳", "274913", cast.tokens["device"], f"{hub_url}/api/v1/openapi.json"):
        assert told in page
    for link in ("/open-till/1", "/open-till/2", "/paper", "/cards", f"{hub_url}/members"):
        assert f'href="{link}"' in page
    assert "读卡设备" not in page, "a device logs in by no PIN"


def test_each_click_makes_a_fresh_code_that_lets_this_browser_in_at_the_chosen_till(
    client, shop, hub_url
):
    links = [client.get("/open-till/2").location for _ in range(2)]
    assert links[0] != links[1]
    place, code = links[0].split("?code=")
    assert place == f"{hub_url}/pair"
    invited = shop.ask(
        lambda db: db.value("SELECT till FROM invite WHERE code_hash = :h", h=token_hash(code))
    )
    assert invited == "前台2"
    assert client.get("/open-till/3").status_code == 404


def test_another_site_cannot_make_codes_or_act_through_a_visitors_browser(client, token, paper):
    from_afar = {"Sec-Fetch-Site": "cross-site"}
    assert client.get("/open-till/1", headers=from_afar).status_code == 403
    form = {"csrf_token": token, "state": "off"}
    assert client.post("/printer/state", data=form, headers=from_afar).status_code == 403
    assert client.post("/printer/state", data={"state": "off"}).status_code == 403
    json = {"Origin": "https://evil.example"}
    assert client.post("/printer/state", json={"state": "off"}, headers=json).status_code == 403
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 421
    assert paper.state is State.ONLINE


def test_receipts_are_shown_as_pictures_the_newest_first(client, paper):
    print_on(paper, receipt("0001"))
    print_on(paper, receipt("0002"))
    page = client.get("/paper").text
    assert page.index("/paper/2.png") < page.index("/paper/1.png")
    assert 'data-stream="/stream"' in page
    picture = client.get("/paper/2.png")
    assert (picture.mimetype, picture.data[:4]) == ("image/png", b"\x89PNG")
    assert "单号 0002" in client.get("/paper/2.txt").text
    assert client.get("/paper/3.png").status_code == 404


@pytest.mark.parametrize("state", list(State))
def test_the_printer_is_switched_by_a_button(client, token, paper, state):
    answer = client.post("/printer/state", data={"csrf_token": token, "state": state})
    assert answer.status_code == 302
    assert paper.state is state
    assert f'value="{state}" aria-pressed="true"' in client.get("/paper").text


def test_a_state_that_no_printer_has_is_refused(client, token):
    answer = client.post("/printer/state", data={"csrf_token": token, "state": "on fire"})
    assert answer.status_code == 422


def test_the_drawer_opens_by_itself_and_is_closed_by_hand(client, token, paper):
    print_on(paper, Kick())
    give_up = time.monotonic() + 5
    while "开着" not in (shown := client.get("/paper").text):
        assert time.monotonic() < give_up, "the drawer is told after the paper is out"
        time.sleep(0.01)
    assert "开过 1 次" in shown
    assert "/paper/1.png" not in shown, "a kick is no paper"
    client.post("/drawer/close", data={"csrf_token": token})
    assert "关着" in client.get("/paper").text


def test_a_program_sees_and_does_what_a_person_would(client, paper):
    print_on(paper, receipt("0001"))
    told = client.get("/printer.json").json
    assert told["state"] == "online"
    assert told["address"] == f"tcp://127.0.0.1:{paper.port}"
    (printed,) = told["papers"]
    assert "单号 0001" in printed["text"]
    assert (
        client.post("/printer/state", json={"state": "paper_out"}).json["state"] == "paper_out"
    )
    assert client.post("/printer/state", json={"state": "wet"}).status_code == 422


def test_open_pages_are_told_when_a_paper_comes_out(app, paper):
    with app.test_client() as page:
        events = page.get("/stream", buffered=False).response
        assert next(events).startswith(b"event: hello")
        assert next(events) == b"event: refresh\ndata: paper\n\n"
        threading.Timer(0.1, print_on, (paper, receipt("0001"))).start()
        assert next(events) == b"event: refresh\ndata: paper\n\n"
        events.close()
    paper.wait_for_papers(1)


def test_cards_show_who_they_stand_for_and_what_is_on_them(client):
    page = client.get("/cards").text
    assert "李慧敏" in page
    assert f'value="{CARD}"' in page
    assert "8800000099" not in page, "this card stands for nobody"
    for value in ("8800000301", "9100000002", "6901234567892"):
        assert f'value="{value}"' in page


def test_a_click_on_a_card_reaches_the_chosen_till_through_the_hubs_api(client, token, shop):
    form = {"csrf_token": token, "value": CARD, "till": "前台2"}
    assert client.post("/scan", data=form).status_code == 302
    answer = client.post("/scan", data=form, headers={"HX-Request": "true"})
    assert f"{CARD} 已送到 前台2" in answer.text
    program = client.post("/scan", json={"value": "6901234567892", "till": "前台1"})
    assert (program.status_code, program.json["till"]) == (201, "前台1")
    assert sorted(scans(shop)) == [("前台1", "6901234567892"), ("前台2", CARD), ("前台2", CARD)]


def test_what_the_hub_refuses_is_told(client, token, shop):
    answer = client.post("/scan", data={"csrf_token": token, "value": "坏\u0001", "till": ""})
    assert answer.status_code == 502
    assert "这个读数读不懂" in answer.text
    assert scans(shop) == []


def test_a_hub_that_is_away_is_told(app, client, token):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    simulated = app.extensions["simulation"]
    object.__setattr__(simulated, "hub_url", f"http://store1.localhost:{port}")
    answer = client.post("/scan", data={"csrf_token": token, "value": CARD, "till": ""})
    assert answer.status_code == 502
    assert "主机没有回答" in answer.text


def test_without_a_cast_the_devices_work_and_cards_say_what_is_missing(app, client, tmp_path):
    (tmp_path / "cast.json").unlink()
    assert read_cast(tmp_path / "cast.json").logins == ()
    assert "没有登录信息" in client.get("/").text
    assert client.get("/paper").status_code == 200
    assert "没有会员卡" in client.get("/cards").text
    answer = client.post("/scan", json={"value": CARD})
    assert (answer.status_code, answer.json["code"]) == (409, "nothing_to_read_with")


def test_the_pages_speak_english_too(client):
    page = client.get("/?lang=en").text
    assert '<html lang="en"' in page


@pytest.mark.parametrize("bind", ["0.0.0.0:8090", "192.168.1.5:80", "[::]:80"])
def test_it_serves_only_this_machine(bind, shop):
    with pytest.raises(NotLoopback):
        loopback(bind)
    words = ["simulator", "--data", str(shop.box.folder), "--bind", bind]
    told = CliRunner().invoke(hub, words)
    assert told.exit_code == 2
    assert "for this machine only" in told.output


@pytest.mark.parametrize(
    ("bind", "place"),
    [
        ("127.0.0.1:8090", ("127.0.0.1", 8090)),
        ("localhost:80", ("127.0.0.1", 80)),
        ("[::1]:80", ("::1", 80)),
    ],
)
def test_names_of_this_machine_are_understood(bind, place):
    assert loopback(bind) == place
