"""A shop in a folder of its own, with everybody who works there and a browser for each."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from core.clock import ManualClock
from core.crypto import hash_pin
from core.feed import FeedDocument, load
from core.ids import seeded
from core.journal import Act
from core.sqlite import Reader, Writer
from core.till import Offered
from hub.access import make_token
from hub.app import make_hub_app, open_hub
from hub.box import Box, settle_in
from hub.checkout import pay_ticket, pay_topup
from hub.members import Application, Profile, register
from hub.tickets import add_line, open_ticket, read_ticket
from hub.till import open_till
from hub.wallet import TopUp

T = TypeVar("T")

MONDAY_MORNING = datetime(2026, 9, 21, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
PIN = "274913"
TILL = "前台"
PEOPLE = {
    "owner": ("o1", "00", "陈店主"),
    "manager": ("m1", "01", "刘洋"),
    "cashier": ("w1", "02", "王芳"),
    "technician": ("t1", "08", "张丽"),
}
CATALOGUE: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("company", "-", {"name": "清和养生", "phone": "020-88886666", "footer": "谢谢光临"}),
    ("store", "s1", {"name": "人民路店", "code": "A"}),
    ("category", "c1", {"name": "足疗", "colour": 2}),
    ("category", "c2", {"name": "茶饮", "colour": 5}),
    (
        "item",
        "i1",
        {
            "code": "101",
            "name": "足疗 60 分钟",
            "price": 12800,
            "member_price": 9900,
            "category": "c1",
        },
    ),
    (
        "item",
        "i2",
        {
            "code": "201",
            "name": "茉莉花茶",
            "price": 3800,
            "kind": "product",
            "unit": "壶",
            "category": "c2",
            "brand": "吴裕泰",
            "barcode": "6901234567892",
        },
    ),
    (
        "offer",
        "p1",
        {"name": "充1000送100", "price": 100000, "principal": 100000, "bonus": 10000},
    ),
    (
        "offer",
        "k1",
        {
            "name": "年卡",
            "kind": "card",
            "price": 298000,
            "principal": 298000,
            "bonus": 30000,
            "term_days": 365,
            "benefits": "生日当天足疗一次",
        },
    ),
)


class Shop:
    """An opened hub, the people who work there, and what they do outside of pages."""

    def __init__(self, folder: Path, tokens: dict[str, str] | None = None) -> None:
        self.clock = ManualClock(int(MONDAY_MORNING.timestamp() * 1000))
        self.box: Box = open_hub(folder, clock=self.clock, ids=seeded(7 if tokens else 8))
        self.tokens = tokens or self._settle_in()
        self.app = make_hub_app(self.box)
        self.app.config["PROPAGATE_EXCEPTIONS"] = False

    def _settle_in(self) -> dict[str, str]:
        pin = hash_pin(PIN, pepper=self.box.secrets.pin_pepper)
        people = [
            ("staff", key, {"number": number, "name": name, "role": role, "pin_hash": pin})
            for role, (key, number, name) in PEOPLE.items()
        ]
        documents = [
            FeedDocument(topic=topic, key=key, pos=pos, content=content)
            for pos, (topic, key, content) in enumerate([*CATALOGUE, *people], start=1)
        ]

        def bring(tx: Writer) -> dict[str, str]:
            load(tx, self.box.parts, documents)
            settle_in(tx, "s1")
            act = self.box.act(tx)
            return {
                role: make_token(tx, act, name=role, staff_id=staff[0], till=TILL)
                for role, staff in PEOPLE.items()
            }

        return self.box.door.write(bring)

    def do(self, verb: Callable[[Writer, Act], T], *, role: str = "manager") -> T:
        """Run a verb as somebody with this role."""
        actor = PEOPLE[role][0]
        return self.box.door.write(lambda tx: verb(tx, self.box.act(tx, actor=actor)))

    def ask(self, query: Callable[[Reader], T]) -> T:
        with self.box.door.read() as db:
            return query(db)

    def browser(self, role: str = "manager", *, lang: str = "zh-CN") -> FlaskClient:
        """Return a browser in which somebody with this role is at the till."""
        client = self.app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {self.tokens[role]}"
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = lang
        return client

    def member(self, name: str = "李慧敏", phone: str = "13812342046", **more: Any) -> str:
        profile = {key: more.pop(key) for key in ("gender", "birthday", "note") if key in more}
        application = Application(profile=Profile(name=name, phone=phone, **profile), **more)
        return self.do(lambda tx, act: register(tx, act, application))

    def open_shift(self, *, float_cents: int = 50_000) -> str:
        answer = self.do(
            lambda tx, act: open_till(
                tx, act, till=TILL, float_cents=float_cents, key=act.new_id()
            )
        )
        return str(answer["period"])

    def top_up(self, member: str, amount: int = 100_000) -> str:
        paid = (Offered(tender="cash", amount=amount),)
        wanted = TopUp(member=member, amount=amount, payments=paid)
        answer = self.do(
            lambda tx, act: pay_topup(tx, act, wanted, till=TILL, key=act.new_id())
        )
        return str(answer["topup"])

    def sale(
        self,
        *items: str,
        member: str | None = None,
        tender: str = "cash",
        reference: str = "",
    ) -> str:
        """Settle a bill, whole, by one tender; return its id."""

        def sell(tx: Writer, act: Act) -> str:
            ticket = act.new_id()
            open_ticket(tx, act, ticket=ticket, member=member)
            for item in items or ("i1",):
                add_line(tx, act, ticket=ticket, line=act.new_id(), item=item)
            found = read_ticket(tx, ticket)
            paid = Offered(tender=tender, amount=found.bill.total, reference=reference)
            pay_ticket(
                tx,
                act,
                ticket=ticket,
                version=found.version,
                till=TILL,
                payments=(paid,),
                key=act.new_id(),
            )
            return ticket

        return self.do(sell, role="cashier")

    def close(self) -> None:
        self.box.close()


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A shop's folder as it is before anything happens; each test has a copy."""
    folder = tmp_path_factory.mktemp("furnished")
    first = Shop(folder)
    first.close()
    return folder, first.tokens


@pytest.fixture
def shop(furnished: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[Shop]:
    folder, tokens = furnished
    shutil.copytree(folder, tmp_path / "hub")
    opened = Shop(tmp_path / "hub", tokens)
    yield opened
    opened.close()


def fault(answer: TestResponse, name: str) -> str:
    """Return what stands in red below a field; empty where nothing does."""
    match = re.search(rf'id="f-{name}-error".*?</svg>(.*?)</p>', answer.text, re.DOTALL)
    return html.unescape(match[1]) if match else ""


def faults_above(answer: TestResponse) -> list[str]:
    """Return what stands in red above a form."""
    box = re.search(r'class="form-errors".*?</div>', answer.text, re.DOTALL)
    return (
        [html.unescape(said) for said in re.findall(r"<li>(.*?)</li>", box[0])] if box else []
    )


def typed(answer: TestResponse, name: str) -> str:
    """Return what a form's field holds."""
    match = re.search(rf'<input[^>]*name="{name}"[^>]*?value="([^"]*)"', answer.text)
    return html.unescape(match[1]) if match else ""


def words(answer: TestResponse) -> str:
    """Return what a person reads on a page, in one line."""
    body = re.sub(r"<(script|style|template|svg).*?</\1>", " ", answer.text, flags=re.DOTALL)
    main = body[body.find("<main") :] if "<main" in body else body
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


def partly(client: FlaskClient, method: str, path: str, **more: Any) -> TestResponse:
    """Ask as htmx does."""
    return client.open(path, method=method, headers={"HX-Request": "true"}, **more)
