"""A head office in a folder: two merchants, stores whose boxes have done things, and browsers."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pyotp
from flask.testing import FlaskClient

from cloud.access import add_account, make_ready
from cloud.app import make_cloud_app, open_cloud
from cloud.feed import bring
from cloud.platform import create_merchant, enrol, new_code, parse_broker, set_places
from cloud.platform.tests.office import Hub
from core.clock import ManualClock
from core.feed import publish
from core.ids import seeded
from core.journal import Act, Birth, Document
from core.members import CardIssued, MemberRegistered
from core.organisation import stores
from core.tickets import SoldLine, TicketOpened, TicketSettled
from core.wallet import (
    CLOUD,
    Asset,
    Leg,
    Payment,
    ToppedUp,
    holdings,
    issue,
    plan_spend,
    send_grant,
    send_release,
    spend,
    take_in,
)

MORNING = datetime(2026, 9, 21, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
PASSWORD = "seven green kettles sing"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
BRANCHES = {
    "qinghe": (("s1", "人民路店", "A"), ("s2", "江边店", "B")),
    "biejia": (("t1", "东门店", "A"), ("t2", "西门店", "B")),
}
NAMES = {"qinghe": "清和养生", "biejia": "别家足道"}


@dataclass
class Box:
    """One store's box, whose events stand at head office as if they had come up."""

    office: Office
    host: str
    store: str
    hub: str
    birth: bytes
    numbers: dict[str, int] = field(default_factory=dict)

    @property
    def merchant(self):
        return self.office.merchants[self.host]

    def act(self, tx, actor=""):
        journal = self.merchant.journal_over(self.birth)
        reading = self.office.clock.read()
        return Act(
            journal=journal,
            reading=reading,
            store=self.store,
            date=stores(tx)[self.store].day.date(reading.at),
            actor=actor or f"w-{self.host}",
            device="d1",
        )

    def do(self, verb):
        return self.merchant.door.write(lambda tx: verb(tx, self.act(tx)))

    def number(self, kind):
        self.numbers[kind] = self.numbers.get(kind, 0) + 1
        return f"{self.store.upper()}-{kind}{self.numbers[kind]:04}"

    def member(self, name="李慧敏", phone="13812342046", card=""):
        def register(tx, act):
            member = act.new_id()
            number = self.number("M")
            profile = {"name": name, "phone": phone, "number": number}
            act.append(
                tx,
                MemberRegistered(
                    member=member, standing="member", number=number, category="普通会员"
                ),
                documents=(Document(name="profile", content=profile),),
            )
            if card:
                act.append(tx, CardIssued(member=member, card=card, generation=1))
            return member

        return self.do(register)

    def top_up(self, member, principal=100_000, bonus=10_000):
        def pay_in(tx, act):
            lot = act.new_id()
            legs = [Leg(Asset.PRINCIPAL, lot, principal), Leg(Asset.BONUS, lot, bonus)]
            body = ToppedUp(
                topup=act.new_id(),
                number=self.number("T"),
                member=member,
                lot=lot,
                offer=None,
                offer_name="充1000送100",
                price=principal,
                principal=principal,
                bonus=bonus,
                points=0,
                period="p",
                payments=(Payment(tender="cash", amount=principal),),
            )
            act.append(tx, body, postings=issue(member, self.hub, legs))

        self.do(pay_in)

    def sell(self, amount=12_800, member=None, tender="cash", name="足疗 60 分钟"):
        """Settle a bill of one line; return its id."""

        def pay(tx, act):
            ticket, number = act.new_id(), self.number("")
            act.append(tx, TicketOpened(ticket=ticket, number=number, member=member))
            legs = self._legs(tx, act, member, amount) if tender != "cash" else []
            line = SoldLine(
                line=act.new_id(),
                item="i1",
                code="101",
                name=name,
                kind="service",
                unit="次",
                quantity=1,
                list_price=amount,
                price=amount,
                amount=amount,
                rule="list",
            )
            body = TicketSettled(
                ticket=ticket,
                number=number,
                version=2,
                member=member,
                period="p",
                lines=(line,),
                list_total=amount,
                total=amount,
                payments=(
                    Payment(
                        tender=tender,
                        amount=amount,
                        legs=tuple((leg.asset, leg.lot, leg.amount) for leg in legs),
                    ),
                ),
            )
            act.append(tx, body, postings=spend(member, self.hub, legs) if legs else ())
            return ticket

        return self.do(pay)

    def _legs(self, tx, act, member, amount):
        held = holdings(tx, member, self.hub)
        return plan_spend(held, amount, store=self.store, date=act.date)

    def send_to(self, other, member, *, arrives=True):
        """Let a member's value follow them to another store, by way of head office."""
        transfer = self.do(
            lambda tx, act: send_release(tx, act, transfer=act.new_id(), member=member)
        )
        sent = self.merchant.parts.entry(transfer, {}).body

        def over(tx):
            office = self.merchant.act(tx)
            take_in(tx, office, sent, place=CLOUD)
            legs = [Leg(h.asset, h.lot, h.amount) for h in holdings(tx, member, CLOUD)]
            granted = send_grant(
                tx,
                office,
                transfer=office.new_id(),
                member=member,
                hub=other.hub,
                hub_epoch=1,
                legs=legs,
            )
            body = self.merchant.parts.entry(granted, {}).body
            if arrives:
                take_in(tx, other.act(tx), body, place=other.hub)

        self.merchant.door.write(over)


class Office:
    """An opened head office with two merchants of two stores each."""

    def __init__(self, folder, furnished=None, *, at=None):
        """Open `folder`; what another office `furnished` there is taken over as it is."""
        self.clock = ManualClock(at or int(MORNING.timestamp() * 1000))
        ids = seeded(12 if furnished else 11)
        self.platform = open_cloud(folder, clock=self.clock, ids=ids)
        self.merchants = {}
        self.boxes = {}
        if furnished:
            for host, known in furnished.items():
                self.merchants[host] = self.platform.merchant(known["merchant"])
                self.boxes[host] = [
                    Box(self, host, box.store, box.hub, box.birth) for box in known["boxes"]
                ]
        else:
            self._furnish()
        self.merchant, self.other = self.merchants["qinghe"], self.merchants["biejia"]
        self.app = make_cloud_app(self.platform)
        self.app.config["PROPAGATE_EXCEPTIONS"] = False

    def furnished(self):
        """Return what another office over a copy of this folder has to know."""
        return {
            host: {"merchant": house.id, "boxes": self.boxes[host]}
            for host, house in self.merchants.items()
        }

    def _furnish(self):
        self.platform.door.write(
            lambda tx: set_places(
                tx, broker=parse_broker("127.0.0.1:18883"), gate="https://127.0.0.1:18443"
            )
        )
        for seed, host in ((20, "qinghe"), (40, "biejia")):
            merchant = self.merchants[host] = create_merchant(self.platform, NAMES[host])
            merchant.door.write(lambda tx, host=host: self._publish(tx, host))
            for role in ("owner", "manager", "auditor"):
                self.account(merchant, f"{role}@{host}.example", role)
            self.boxes[host] = [
                self._join(host, store, seed + place)
                for place, (store, _name, _code) in enumerate(BRANCHES[host])
            ]

    def _publish(self, tx, host):
        act = self.merchants[host].act(tx)
        publish(tx, act, topic="company", key="-", content={"name": NAMES[host]})
        for key, store, code in BRANCHES[host]:
            content = {"name": store, "code": code}
            publish(tx, act, topic="store", key=key, content=content)
        person = {"number": "02", "name": "王芳", "role": "cashier"}
        publish(tx, act, topic="staff", key=f"w-{host}", content=person)
        item = {"code": "101", "name": "足疗 60 分钟", "price": 12_800, "category": f"c-{host}"}
        publish(tx, act, topic="category", key=f"c-{host}", content={"name": "足疗"})
        publish(tx, act, topic="item", key=f"i-{host}", content=item)
        offer = {"name": "充1000送100", "price": 100_000, "principal": 100_000, "bonus": 10_000}
        publish(tx, act, topic="offer", key=f"p-{host}", content=offer)

    def account(self, merchant, email, role, name="陈店主"):
        made = add_account(
            self.platform, merchant=merchant.id, email=email, name=name, role=role
        )
        make_ready(self.platform, account=made.account, password=PASSWORD, secret=SECRET)
        return made.account

    def _join(self, host, store, seed):
        merchant = self.merchants[host]
        hub = Hub(name=f"{seed:016x}", seed=seed)
        code = new_code(self.platform, merchant=merchant.id, store=store)
        enrol(self.platform, hub.request(code), bring=bring)
        merchant.door.write(merchant.journal_over(hub.birth).begin)
        told = msgspec.json.decode(hub.birth, type=Birth)
        return Box(self, host, store, told.hub, hub.birth)

    @property
    def a(self):
        return self.boxes["qinghe"][0]

    @property
    def b(self):
        return self.boxes["qinghe"][1]

    def hears(self, box, **fields):
        """Let a box be as it last said: online=1, reported_seq=…"""
        sets = ", ".join(f"{name} = :{name}" for name in fields)
        self.platform.door.write(
            lambda tx: tx.run(f"UPDATE hub SET {sets} WHERE id = :hub", hub=box.hub, **fields)
        )

    def code(self):
        """Return what the phone shows now; time goes on, so that each is another."""
        self.clock.advance(30_000)
        return pyotp.TOTP(SECRET).at(self.clock.at / 1000)

    def stranger(self, lang="zh-CN"):
        client = self.app.test_client()
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = lang
        return Browser(client)

    def browser(self, role="owner", host="qinghe", lang="zh-CN"):
        """Return a browser in which somebody with this role is logged in."""
        browser = self.stranger(lang)
        answer = browser.log_in(f"{role}@{host}.example", PASSWORD, self.code())
        assert answer.status_code == 303, words(answer)
        return browser

    def kinds(self, merchant=None):
        """Return the kinds of event in a merchant's own stream."""
        house = merchant or self.merchant
        with house.door.read() as db:
            raws = db.all(
                "SELECT raw FROM journal WHERE origin = :id ORDER BY seq", id=house.id
            )
        return [msgspec.json.decode(row["raw"])["body"]["kind"] for row in raws]

    def close(self):
        self.platform.close()


@dataclass
class Browser:
    """What a person has: it keeps cookies and sends each form with its page's token."""

    client: FlaskClient

    def get(self, path, **more):
        return self.client.get(path, headers={"Accept": "text/html"}, **more)

    def part(self, path):
        return self.client.get(path, headers={"HX-Request": "true"})

    def post(self, path, page="/account", **data):
        token = form_token(self.client.get(page))
        return self.client.post(path, data={"csrf_token": token, **data})

    def log_in(self, email, password, code):
        return self.post("/login", page="/login", email=email, password=password, code=code)


def form_token(answer):
    found = re.search(r'name="csrf_token" value="([^"]+)"', answer.text)
    return found[1] if found else ""


def words(answer):
    """Return what a person reads on a page, in one line."""
    body = re.sub(r"<(script|style|template|svg).*?</\1>", " ", answer.text, flags=re.DOTALL)
    main = body[body.find("<main") :] if "<main" in body else body
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())
