from __future__ import annotations

import socket

import pytest

from hub.demo.addresses import Ports, choose_ports, sites, urls
from hub.simulator import Cast, HeadOffice, Login, Stage, write_cast

NUMBERED = Ports(**{name: port for port, name in enumerate(Ports.__struct_fields__, start=1)})
OFFICE = HeadOffice(address="http://o", email="e", password="p", totp_secret="s")


def different(ports):
    return len({getattr(ports, name) for name in Ports.__struct_fields__}) == 12


def listed(folder, *, count, office=None):
    """Return the list for programs of so many stores."""
    found = sites(folder, NUMBERED, count=count)
    stage = Stage(
        branches=tuple(site.branch(NUMBERED if office else None) for site in found),
        head_office=office,
    )
    return urls(NUMBERED, found, stage)


@pytest.fixture
def told(tmp_path):
    """Tell who works in both stores."""
    for name, token in (("cast.json", "t1"), ("cast2.json", "t2")):
        cast = Cast(
            logins=(
                Login(role="cashier", number="03", name="王芳", pin="274913", card="9"),
                Login(role="cashier", number="04", name="李娜", pin="274914", card="8"),
                Login(role="device", number="12", name="读卡设备"),
            ),
            tokens={"device": token},
            tills=("前台1",),
        )
        write_cast(tmp_path / name, cast)
    return tmp_path


def test_the_ports_of_the_last_time_are_taken_again(tmp_path):
    path = tmp_path / "ports.json"
    first = choose_ports(path)
    assert different(first)
    assert choose_ports(path) == first


def test_a_port_that_is_taken_meanwhile_is_replaced_and_the_others_stay(tmp_path):
    path = tmp_path / "ports.json"
    first = choose_ports(path)
    with socket.create_server(("127.0.0.1", first.simulator)):
        second = choose_ports(path)
    assert second.simulator != first.simulator
    assert (second.hub, second.printer) == (first.hub, first.printer)
    assert choose_ports(path) == second


def test_a_damaged_list_of_ports_is_made_anew(tmp_path):
    path = tmp_path / "ports.json"
    for damaged in (
        b"{",
        b'{"hub": 99999999, "simulator": 0}',
        b'{"hub": 9100, "printer": 9100}',
    ):
        path.write_bytes(damaged)
        path.chmod(0o600)
        chosen = choose_ports(path)
        assert different(chosen)


def test_the_list_for_programs_names_one_login_a_role_the_first(told):
    shown = listed(told, count=1)
    assert shown["logins"] == {
        "cashier": {"number": "03", "name": "王芳", "pin": "274913", "card": "9"}
    }
    assert shown["tokens"] == {"device": "t1"}
    assert shown["pairing"] == {"前台1": "http://127.0.0.1:2/open-till/1"}
    assert shown["devices"]["printer"]["address"] == "tcp://127.0.0.1:3"
    assert len(shown["devices"]["barcodes"]) == 16
    assert shown["head_office"] is None
    assert shown["hosts"]["store1.localhost"] == "127.0.0.1"


def test_the_second_store_is_told_as_the_first_is_below_its_own_path(told):
    first, second = listed(told, count=2, office=OFFICE)["stores"]
    assert set(first) == set(second)
    assert set(first["addresses"]) == set(second["addresses"])
    assert second["store"] == {"name": "清和养生·解放路店", "code": "B"}
    assert second["tokens"] == {"device": "t2"}
    assert second["pairing"] == {"前台1": "http://127.0.0.1:2/b/open-till/1"}
    assert second["devices"]["scan"] == "http://127.0.0.1:2/b/scan"
    assert second["addresses"]["till"] == f"http://store2.localhost:{NUMBERED.hub2}/"
    assert second["line"] == "http://127.0.0.1:2/line/B"
    assert second["data"] == str(told / "hub2")


def test_the_first_store_stands_at_the_top_too(told):
    shown = listed(told, count=2, office=OFFICE)
    for name in ("addresses", "store", "logins", "tokens", "devices", "data", "line"):
        assert shown[name] == shown["stores"][0][name]
    assert shown["head_office"] == {
        "address": "http://o",
        "email": "e",
        "password": "p",
        "totp_secret": "s",
    }


def test_a_store_reaches_head_office_by_its_own_line_only(tmp_path):
    first, second = sites(tmp_path, NUMBERED, count=2)
    ways = [
        [(route.port, route.to) for route in site.branch(NUMBERED).routes]
        for site in (first, second)
    ]
    assert ways == [
        [(NUMBERED.line_broker, NUMBERED.broker), (NUMBERED.line_gate, NUMBERED.gate)],
        [(NUMBERED.line_broker2, NUMBERED.broker), (NUMBERED.line_gate2, NUMBERED.gate)],
    ]
    assert first.branch(None).routes == ()
