from __future__ import annotations

import socket

from hub.demo.addresses import Ports, choose_ports, urls
from hub.simulator import Cast, Login


def test_the_ports_of_the_last_time_are_taken_again(tmp_path):
    path = tmp_path / "ports.json"
    first = choose_ports(path)
    assert len({first.hub, first.simulator, first.printer}) == 3
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
        assert len({chosen.hub, chosen.simulator, chosen.printer}) == 3


def test_the_list_for_programs_names_one_login_a_role_the_first(tmp_path):
    ports = Ports(hub=1, simulator=2, printer=3)
    cast = Cast(
        logins=(
            Login(role="cashier", number="03", name="王芳", pin="274913", card="9"),
            Login(role="cashier", number="04", name="李娜", pin="274914", card="8"),
            Login(role="device", number="12", name="读卡设备"),
        ),
        tokens={"device": "t"},
        tills=("前台1",),
    )
    told = urls(ports, cast, tmp_path)
    assert told["logins"] == {
        "cashier": {"number": "03", "name": "王芳", "pin": "274913", "card": "9"}
    }
    assert told["tokens"] == {"device": "t"}
    assert told["pairing"] == {"前台1": "http://127.0.0.1:2/open-till/1"}
    assert told["devices"]["printer"]["address"] == "tcp://127.0.0.1:3"
    assert len(told["devices"]["barcodes"]) == 16
