import socket
from ipaddress import ip_address

import pytest

from hub.certificates import ensure, host_names, local_addresses


def test_loopback_is_among_the_machines_addresses():
    assert ip_address("127.0.0.1") in local_addresses()


def test_each_address_found_is_one_that_this_machine_can_listen_on():
    for address in local_addresses():
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.bind((str(address), 0))


def test_asking_twice_gives_the_same_answer_in_the_same_order():
    assert local_addresses() == local_addresses()
    assert len(set(local_addresses())) == len(local_addresses())


@pytest.mark.parametrize(
    ("called", "names"),
    [
        ("Hub-AB12", ("hub-ab12", "hub-ab12.local")),
        ("hub-ab12.lan", ("hub-ab12", "hub-ab12.local")),
        ("localhost", ()),
        ("my_hub", ()),
        ("店枢", ()),
        ("", ()),
    ],
)
def test_a_machine_is_named_as_its_neighbours_find_it(monkeypatch, called, names):
    monkeypatch.setattr(socket, "gethostname", lambda: called)
    assert host_names() == names


def test_this_machines_names_and_addresses_make_a_certificate(tmp_path):
    told = ensure(
        tmp_path, names=host_names(), addresses=local_addresses(), at=1_788_000_000_000
    )
    assert told.renewed
