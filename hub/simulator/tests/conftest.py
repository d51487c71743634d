from __future__ import annotations

import threading

import pytest
from werkzeug.serving import make_server

from hub.access import make_token
from hub.app import make_hub_app
from hub.devices.tests.conftest import receipt
from hub.simulator import Branch, Cast, Login, Stage, write_cast
from hub.simulator.app import make_simulator_app
from hub.simulator.paper import PaperPrinter
from hub.simulator.virtual import Simulation
from hub.tests.shop import Shop

__all__ = ["receipt"]

CARD = "8800000001"


@pytest.fixture
def shop(tmp_path):
    opened = Shop(tmp_path / "hub")
    opened.member(card=CARD)
    yield opened
    opened.close()


@pytest.fixture
def hub_url(shop):
    """Serve the hub itself, on loopback; return where it is."""
    server = make_server("127.0.0.1", 0, make_hub_app(shop.box), threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://store1.localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def cast(shop, tmp_path):
    """Tell who plays; an owner's token reads cards."""
    token = shop.do(
        lambda tx, act: make_token(tx, act, name="reader", staff_id="o1", till="前台1")
    )
    logins = (
        Login(role="cashier", number="02", name="王芳", pin="274913", card="9100000002"),
        Login(role="device", number="12", name="读卡设备"),
    )
    cast = Cast(
        logins=logins,
        tokens={"device": token},
        tills=("前台1", "前台2"),
        member_cards=(CARD, "8800000099"),
        blank_cards=("8800000301",),
    )
    write_cast(tmp_path / "cast.json", cast)
    return cast


@pytest.fixture
def paper(tmp_path):
    with PaperPrinter(tmp_path / "roll") as printer:
        yield printer


@pytest.fixture
def app(shop, cast, paper, hub_url, tmp_path):
    return make_simulator_app(shop.box, simulation(shop, paper, hub_url, tmp_path))


def simulation(shop, paper, hub_url, folder, **more):
    """Return the devices of one store on a stage of its own."""
    branch = Branch(
        code="A",
        name="人民路店",
        data=str(shop.box.folder),
        cast=str(folder / "cast.json"),
        paper=str(folder / "roll"),
        printer_port=paper.port,
        hub_url=hub_url,
    )
    return Simulation(
        printer=paper,
        cast_path=folder / "cast.json",
        hub_url=hub_url,
        branch=branch,
        stage=Stage(branches=(branch,), **more),
    )


@pytest.fixture
def client(app):
    client = app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "zh-CN"
    return client


@pytest.fixture
def token(client):
    """Return the token that the pages give to their forms."""
    page = client.get("/cards").text
    return page.partition('name="csrf_token" value="')[2].partition('"')[0]
