"""The pages as a browser reaches them: forms go to a started hub, answers are read as people do."""

from __future__ import annotations

import contextlib
import http.client
import re
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest

from hub.tests.shop import fault, words
from tests.started import MASSAGE, TEA, Hub, assert_sound, new_key, reading, seed, start

CALL_S = 20.0


@dataclass(frozen=True)
class Page:
    """What came back; it reads like a test client's answer."""

    status_code: int
    text: str
    location: str


@dataclass(frozen=True)
class Browser:
    """Somebody with a token at a till of the started hub."""

    hub: Hub
    token: str
    lang: str = "zh-CN"

    def get(self, path: str, **query: object) -> Page:
        return self._ask("GET", f"{path}?{urlencode(query, doseq=True)}" if query else path)

    def post(self, path: str, **sent: object) -> Page:
        return self._ask("POST", path, urlencode(sent, doseq=True))

    def follow(self, page: Page) -> Page:
        assert page.status_code == 303, words(page)
        return self.get(page.location)

    def _ask(self, method: str, path: str, body: str | None = None) -> Page:
        headers = {"Authorization": f"Bearer {self.token}", "Accept-Language": self.lang}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection(self.hub.host, self.hub.port, timeout=CALL_S)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        return Page(answer.status, text, answer.getheader("Location") or "")


@dataclass(frozen=True)
class Counter:
    """One shop's started hub and everybody at one till of it."""

    hub: Hub
    tokens: dict[tuple[str, str], str]

    def browser(
        self, role: str = "owner", *, till: str = "till-0", lang: str = "zh-CN"
    ) -> Browser:
        return Browser(self.hub, self.tokens[role, till], lang)

    def api(self, method: str, path: str, body: object = None, *, till: str = "till-0") -> dict:
        caller = self.hub.caller(self.tokens["owner", till])
        reply = caller.call(method, path, body, key=new_key() if body is not None else None)
        assert reply.status < 300, reply
        return reply.body

    def member(self, browser: Browser, **sent: object) -> str:
        told = {"standing": "member", "step": "confirmed", "key": new_key()} | sent
        made = browser.post("/members/new", **told)
        assert made.status_code == 303, words(made)
        return made.location.split("/")[-1].split("?")[0]

    def sale(
        self, *items: str, member: str | None = None, tender: str = "cash", till: str
    ) -> dict:
        lines = [{"item": item} for item in items]
        bill = self.api("POST", "/tickets", {"member": member, "lines": lines}, till=till)
        paid = [{"tender": tender, "amount_cents": bill["total_cents"]}]
        asked = {"version": bill["version"], "payments": paid}
        return self.api("POST", f"/tickets/{bill['id']}/settle", asked, till=till)


@pytest.fixture
def counter(tmp_path):
    """A hub of its own for each test: settings hold for everybody."""
    shop = seed(tmp_path)
    with start(shop.folder) as hub:
        yield Counter(hub, shop.tokens)
    assert_sound(shop.folder)


@pytest.mark.feature("MEM-01", "MEM-02", "MEM-04", "MEM-06", "MEM-07", "MEM-10")
def test_a_member_registered_at_one_till_is_found_at_another(counter):
    desk, other = counter.browser("cashier"), counter.browser("cashier", till="till-1")
    told = {"standing": "member", "name": "李慧敏", "phone": "1381234204", "key": new_key()}
    short = desk.post("/members/new", **told)
    assert short.status_code == 422
    assert "手机号“1381234204”不对" in short.text or "还差 1 位" in words(short)
    look = desk.post(
        "/members/new", **(told | {"phone": "13812342046", "birthday": "1990-5-1"})
    )
    assert "请和顾客核对" in words(look)
    assert "没有找到会员" in words(other.get("/members", q="李慧敏"))
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', look.text))
    profile = desk.follow(desk.post("/members/new", **(hidden | {"step": "confirmed"})))
    assert "普通会员 · MA000001" in words(profile)
    assert "1990-05-01" in words(profile)
    for asked in ("李慧敏", "lhm", "2046", "MA000001"):
        assert "李慧敏" in words(other.get("/members", q=asked))
    used = desk.get("/members/phone", phone="13812342046")
    assert re.search(r'href="/members/[0-9a-f-]{36}"', used.text)


@pytest.mark.feature("MEM-05", "MEM-13")
def test_a_walk_in_becomes_a_member_with_every_bill(counter):
    desk = counter.browser("cashier")
    desk.post("/shift/open", float="50000", key=new_key())
    member = counter.member(desk, standing="prospect", name="路过")
    counter.sale(MASSAGE, TEA, member=member, till="till-0")
    profile = desk.follow(desk.post(f"/members/{member}/enrol", card="04A1B2C3"))
    assert "普通会员 · MA000001" in words(profile)
    assert "足疗 60 分钟、茉莉花茶 owner 人民路店 现金 ¥137.00" in words(profile)


@pytest.mark.feature("MEM-03")
def test_the_next_member_follows_the_new_format(counter):
    owner = counter.browser()
    assert "VIPA0001" in words(owner.get("/settings/numbers/preview", prefix="VIP", digits="4"))
    owner.post("/settings/numbers", prefix="VIP", digits="4")
    member = counter.member(counter.browser("cashier"), name="王建国")
    assert "VIPA0001" in words(owner.get(f"/members/{member}"))


@pytest.mark.feature("CRD-01", "CRD-05", "CRD-10", "CRD-14")
def test_a_new_package_is_sold_spent_and_every_movement_shows(counter):
    owner, desk = counter.browser(), counter.browser("cashier")
    desk.post("/shift/open", float="50000", key=new_key())
    owner.post(
        "/catalog/offers/new",
        kind="topup",
        name="充2000送300",
        price="2000",
        principal="2000",
        bonus="300",
        on_sale="1",
    )
    member = counter.member(desk, name="李慧敏")
    shown = desk.get(f"/members/{member}/topup")
    offer = re.search(
        r'offer=([0-9a-f-]{36})"[^>]*>\s*<span class="name">充2000送300', shown.text
    )
    paid = desk.post(
        f"/members/{member}/topup",
        offer=offer[1],
        tender="cash",
        received="200000",
        step="take",
        key=new_key(),
    )
    assert "本金 ¥2,000.00 赠金 ¥300.00" in words(desk.follow(paid))
    counter.sale(TEA, member=member, tender="stored_value", till="till-0")
    no_reason = owner.post(
        f"/members/{member}/adjust", asset="bonus", way="down", amount="10", key=new_key()
    )
    assert fault(no_reason, "reason") == "请写明原因"
    owner.post(
        f"/members/{member}/adjust",
        asset="bonus",
        way="down",
        amount="10",
        reason="录错",
        key=new_key(),
    )
    profile = words(owner.get(f"/members/{member}"))
    assert "本店可用 ¥2,252.00 总额 ¥2,252.00 本金 ¥1,962.00 赠金 ¥290.00" in profile
    assert "充值 · 充2000送300 +¥2,000.00 +¥300.00" in profile
    assert "消费 · A-" in profile
    assert "调整 · 录错 — −¥10.00" in profile


@pytest.mark.feature("CAT-01", "CAT-02", "CAT-03", "CAT-05", "CAT-07", "CAT-09", "CAT-10")
def test_an_items_price_type_unit_and_stock_hold_from_the_next_tap(counter):
    owner, desk = counter.browser(), counter.browser("cashier")
    desk.post("/shift/open", float="50000", key=new_key())
    for code, name, kind, unit, price in (
        ("901", "客房过夜", "other", "晚", "268"),
        ("902", "艾条", "product", "盒", "45.5"),
    ):
        owner.post(
            "/catalog/items/new",
            code=code,
            name=name,
            kind=kind,
            unit=unit,
            price=price,
            points_times="1",
            on_sale="1",
        )
    listed = owner.get("/catalog", kind="product", q="902")
    stick = re.search(r'href="/catalog/items/([0-9a-f-]{36})"', listed.text)[1]
    owner.post(f"/catalog/items/{stick}/stock", move="received", quantity="10")
    room = re.search(r"/catalog/items/([0-9a-f-]{36})", owner.get("/catalog", q="901").text)[1]
    bill = counter.sale(MASSAGE, room, stick, stick, till="till-0")
    page = words(desk.get(f"/sales/{bill['ticket']}"))
    assert "901 客房过夜 1 晚 ¥268.00" in page
    assert "902 艾条 2 盒 ¥45.50 ¥45.50 门市价 — ¥91.00" in page
    assert "库存 8 盒" in words(owner.get(f"/catalog/items/{stick}"))


@pytest.mark.feature("SHF-01", "SHF-02", "EXP-10")
def test_a_shift_is_opened_counted_blind_and_closed_with_its_report(counter):
    desk, owner = counter.browser("cashier"), counter.browser()
    asked = {"lines": [{"item": TEA}], "member": None}
    bill = counter.api("POST", "/tickets", asked)
    refused = counter.hub.caller(counter.tokens["owner", "till-0"]).post(
        f"/tickets/{bill['id']}/settle",
        {
            "version": bill["version"],
            "payments": [{"tender": "cash", "amount_cents": bill["total_cents"]}],
        },
    )
    assert refused.code == "no_period"
    desk.post("/shift/open", float="50000", key=new_key())
    counter.sale(TEA, till="till-0")
    desk.post("/shift/cash", way="out", amount="2000", reason="采购", key=new_key())
    assert "应有现金" not in words(desk.get("/shift"))
    assert "应有现金 ¥518.00" in words(owner.get("/shift"))
    closed = desk.post(
        "/shift/close", counted="51700", note="少一元", step="confirmed", key=new_key()
    )
    report = words(desk.follow(closed))
    assert "应有现金 ¥518.00" in report
    assert "长短款 −¥1.00 短款" in report
    assert "未结的单 1" in report
    assert "这一班还没有收支" in words(
        desk.follow(desk.post("/shift/open", float="50000", key=new_key()))
    )


@pytest.mark.feature("SYS-01", "POS-19")
def test_a_switch_takes_effect_without_a_restart_and_is_logged(counter):
    owner = counter.browser()
    owner.post("/shift/open", float="50000", key=new_key())
    assert counter.sale(TEA, till="till-0")["print_job"]
    workers = counter.hub.workers()
    owner.post("/settings/receipts", topup_max="5000", idle_lock_s="120", show_change="1")
    assert counter.sale(TEA, till="till-0")["print_job"] is None
    assert counter.hub.workers() == workers
    counter.hub.stop()
    with reading(counter.hub.folder) as db:
        edits = db.all("SELECT raw FROM journal WHERE raw LIKE '%feed.published%'")
    assert [b'"actor":"owner"' in row["raw"] for row in edits] == [True]


@pytest.mark.feature("PTS-02", "PTS-03")
def test_the_points_that_were_tried_are_the_points_that_are_given(counter):
    owner, desk = counter.browser(), counter.browser("cashier")
    desk.post("/shift/open", float="50000", key=new_key())
    rule = {"per": "1", "points": "2", "earns": "balance"}
    tried = words(owner.get("/settings/points/try", **rule, **{"try": "38"}))
    assert "现金消费 76 分 余额消费 76 分 充值 0 分" in tried
    owner.post("/settings/points", **rule)
    member = counter.member(desk, name="李慧敏")
    desk.post(
        f"/members/{member}/topup",
        offer="free",
        amount="10000",
        tender="cash",
        received="10000",
        step="take",
        key=new_key(),
    )
    assert "积分 0" in words(owner.get(f"/members/{member}"))
    counter.sale(TEA, member=member, tender="stored_value", till="till-0")
    assert "积分 76" in words(owner.get(f"/members/{member}"))


@pytest.mark.feature("POS-10", "STO-09")
def test_a_new_tender_is_taken_and_reported_and_the_bill_carries_the_branch(counter):
    owner, desk = counter.browser(), counter.browser("cashier")
    desk.post("/shift/open", float="50000", key=new_key())
    owner.post("/settings/tenders/new", name="微信")
    bill = counter.sale(TEA, tender="weixin", till="till-0")
    assert "销售 微信 1 ¥38.00" in words(desk.get("/shift"))
    page = words(desk.get(f"/sales/{bill['ticket']}"))
    assert "微信 ¥38.00" in page
    assert "门店 人民路店" in page
    english = words(counter.browser(lang="en").get(f"/sales/{bill['ticket']}"))
    assert "Store 人民路店" in english


@pytest.mark.feature("STF-01")
def test_an_employee_has_a_file_a_card_and_a_login(counter):
    owner = counter.browser()
    made = owner.post("/settings/staff/new", number="21", name="何静", role="cashier")
    assert re.search(r"data-pin-shown>\d{6}<", made.text)
    person = re.search(r"/settings/staff/([0-9a-f-]{36})/card", made.text)[1]
    owner.post(f"/settings/staff/{person}/card", card="04A1B2C3D4")
    assert "21 何静 收银员 已设 1 张 在职" in words(owner.get("/settings/staff"))
