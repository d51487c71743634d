"""Members are found while typing, registered after a second look, edited, and seen whole."""

from __future__ import annotations

import re

import pytest

from core.clock import DAY_MS
from hub.members import by_phone, member_of
from hub.tests.shop import fault, faults_above, partly, typed, words

GOOD = {
    "standing": "member",
    "name": "李慧敏",
    "phone": "138 1234 2046",
    "gender": "female",
    "birthday": "1990年5月1日",
    "category": "普通会员",
    "number": "",
    "card": "04a1b2c3",
    "note": "喜欢靠窗",
    "key": "register-1",
}
BAD = [
    ({"name": " "}, "name", "请填写姓名", "Enter a name"),
    ({"name": "长" * 41}, "name", "姓名最多 40 个字", "at most 40 characters"),
    ({"birthday": "1990-02-30"}, "birthday", "生日请写成 1990-05-01", "Write the birthday as"),
    ({"birthday": "2027-01-01"}, "birthday", "不晚于今天", "not later than today"),
    ({"category": "贵族"}, "category", "没有“贵族”这个会员类别", "no member category"),
    ({"number": "MA000001"}, "number", "属于自动编号的号段", "of the automatic kind"),
    ({"number": "a b!"}, "number", "只用数字、字母和横线", "digits, letters and hyphens"),
    ({"card": "1"}, "card", "卡号“1”读不出来", "cannot be read"),
]


def register(browser, **changed):
    return browser.post("/members/new", data=GOOD | {"step": "confirmed"} | changed)


@pytest.mark.parametrize(("wrong", "field", "chinese", "english"), BAD)
def test_a_wrong_field_is_told_beside_it_and_the_rest_is_kept(
    shop, wrong, field, chinese, english
):
    for lang, said in (("zh-CN", chinese), ("en", english)):
        sent = GOOD | wrong
        answer = shop.browser("cashier", lang=lang).post("/members/new", data=sent)
        assert answer.status_code == 422
        assert said in fault(answer, field)
        assert typed(answer, "phone") == sent["phone"]
        assert typed(answer, "card") == sent["card"]
    assert shop.ask(lambda db: db.value("SELECT count(*) FROM member")) == 0


def test_nothing_is_saved_before_the_second_look(shop):
    browser = shop.browser("cashier")
    look = browser.post("/members/new", data=GOOD)
    assert look.status_code == 200
    for entered in ("李慧敏", "13812342046", "女", "1990-05-01", "喜欢靠窗", "MA000001"):
        assert entered in words(look)
    assert shop.ask(lambda db: db.value("SELECT count(*) FROM member")) == 0
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', look.text))
    back = browser.post("/members/new", data=hidden | {"step": "back"})
    assert typed(back, "name") == "李慧敏"
    saved = browser.post("/members/new", data=hidden | {"step": "confirmed"})
    assert saved.status_code == 303
    profile = words(browser.get(saved.location))
    assert "登记好了" in profile
    assert "普通会员 · MA000001" in profile


def test_confirming_twice_registers_once(shop):
    browser = shop.browser("cashier")
    first, second = register(browser), register(browser)
    assert first.location == second.location
    assert shop.ask(lambda db: db.value("SELECT count(*) FROM member")) == 1


def test_the_same_key_with_another_person_is_refused(shop):
    browser = shop.browser("cashier")
    register(browser)
    other = register(browser, name="王建国", phone="13912347712", card="")
    assert other.status_code == 422
    assert faults_above(other) == ["这个 Idempotency-Key 已用于另一个请求"]


def test_what_became_wrong_while_it_was_looked_at_is_told_and_kept(shop):
    browser = shop.browser("cashier")
    browser.post("/members/new", data=GOOD)
    shop.member("王建国", "13812342046")
    late = register(browser)
    assert late.status_code == 422
    assert "已登记给 王建国" in words(late)
    assert typed(late, "name") == "李慧敏"


@pytest.mark.parametrize(
    ("typing", "said"),
    [
        ("", ""),
        ("138123420", "还差 2 位"),
        ("13812342046", "可以使用"),
        ("138-1234-2046", "可以使用"),
        ("23812342046", "这不像手机号或座机号"),
        ("hello", "这不像手机号或座机号"),
        ("020-88886666", "可以使用"),
    ],
)
def test_a_phone_is_checked_while_it_is_typed(shop, typing, said):
    answer = partly(
        shop.browser("cashier"), "GET", "/members/phone", query_string={"phone": typing}
    )
    assert said in words(answer)
    assert "<html" not in answer.text


def test_a_used_phone_leads_to_who_has_it(shop):
    member = shop.member()
    browser = shop.browser("cashier")
    live = browser.get("/members/phone?phone=+86 138 1234 2046")
    assert "已登记给 李慧敏" in words(live)
    assert f'href="/members/{member}"' in live.text
    sent = browser.post("/members/new", data=GOOD | {"name": "王芳"})
    assert sent.status_code == 422
    assert f'href="/members/{member}"' in sent.text
    own = browser.get(f"/members/phone?phone=13812342046&member={member}")
    assert "可以使用" in words(own)


def test_a_scanned_card_lands_in_the_form_and_says_whether_it_is_free(shop):
    shop.member(card="04A1B2C3")
    browser = shop.browser("cashier")
    free = browser.get("/members/card?code=99 88 77 66")
    assert typed(free, "card") == "99887766"
    taken = browser.get("/members/card?code=04a1b2c3")
    assert fault(taken, "card") == "卡 04A1B2C3 已发给 李慧敏"


@pytest.mark.parametrize("asked", ["2046", "13812342046", "lhm", "慧敏", "huimin", "MA000001"])
def test_a_member_is_found_by_anything_they_can_say(shop, asked):
    shop.member()
    shop.member("王建国", "13912347712")
    answer = partly(shop.browser("technician"), "GET", "/members", query_string={"q": asked})
    assert re.findall(r'<th scope="row"><a [^>]*>(.*?)</a>', answer.text) == ["李慧敏"]
    assert "共 1 位" in words(answer)


def test_a_swiped_card_opens_its_member(shop):
    member = shop.member(card="04A1B2C3")
    answer = shop.browser("cashier").get("/members?q=04a1b2c3&scan=1")
    assert answer.location == f"/members/{member}"


def test_the_list_is_filtered_by_category_and_standing_and_counted(shop):
    shop.browser("owner").post("/settings/categories", data={"name": "老顾客"})
    shop.member(category="老顾客")
    shop.member("王建国", "13912347712")
    shop.member("路过", "", standing="prospect")
    browser = shop.browser("cashier")

    def names(query):
        answer = partly(browser, "GET", "/members", query_string=query)
        return re.findall(r'<th scope="row"><a [^>]*>(.*?)</a>', answer.text)

    assert names({}) == ["路过", "王建国", "李慧敏"]
    assert names({"category": "老顾客"}) == ["李慧敏"]
    assert names({"standing": "prospect"}) == ["路过"]
    assert names({"standing": "member", "q": "1"}) == ["李慧敏", "王建国"]
    assert "共 3 位" in words(browser.get("/members"))


def test_the_list_goes_on_where_the_page_ends(shop):
    for number in range(53):
        shop.clock.advance(1000)
        shop.member(f"会员{number:02}", "")
    browser = shop.browser("cashier")
    first = browser.get("/members")
    more = re.search(r'href="([^"]*after=[^"]*)"', first.text)[1].replace("&amp;", "&")
    second = browser.get(more)
    rows = [re.findall(r"会员\d\d", page.text.split("<tbody>")[1]) for page in (first, second)]
    assert (len(rows[0]), len(rows[1])) == (50, 3)
    assert len({*rows[0], *rows[1]}) == 53


def test_birthdays_of_the_next_seven_days_are_listed_soonest_first(shop):
    shop.member("周日过", "", birthday="1980-09-27")
    shop.member("今天过", "", birthday="09-21")
    shop.member("下周过", "", birthday="09-28")
    page = shop.browser("cashier").get("/members/birthdays")
    names = re.findall(r'<th scope="row"><a [^>]*>(.*?)</a>', page.text)
    assert names == ["今天过", "周日过"]
    assert words(page).count("今天 ") >= 1
    assert "本周生日 2 位" in words(shop.browser("cashier").get("/members"))


def test_who_was_born_on_the_29th_of_february_is_listed_in_any_year(shop):
    shop.member("闰年生", "", birthday="1988-02-29")
    shop.clock.advance((31 + 30 + 31 + 31 + 26 + 9) * DAY_MS)  # 2027-02-26
    assert "闰年生" in words(shop.browser("cashier").get("/members/birthdays"))


def test_a_walk_in_becomes_a_member_with_history_kept(shop):
    browser = shop.browser("cashier")
    shop.open_shift()
    made = browser.post(
        "/members/new",
        data={"standing": "prospect", "name": "路过", "key": "p1", "step": "confirmed"},
    )
    member = made.location.split("/")[-1].split("?")[0]
    assert shop.ask(lambda db: member_of(db, member))["number"] is None
    shop.sale("i1", member=member)
    asked = browser.get(f"/members/{member}/enrol")
    assert "MA000001" in words(asked)
    browser.post(f"/members/{member}/enrol", data={"card": "04A1B2C3"})
    page = words(browser.get(f"/members/{member}"))
    assert "普通会员 · MA000001" in page
    assert "足疗 60 分钟" in page
    assert "04A1B2C3" in page


def test_an_edit_keeps_who_changed_what(shop):
    member = shop.member()
    browser = shop.browser("manager")
    form = browser.get(f"/members/{member}/edit")
    assert (typed(form, "name"), typed(form, "phone")) == ("李慧敏", "13812342046")
    sent = {
        "name": "李惠敏",
        "phone": "13912347712",
        "gender": "",
        "birthday": "5-1",
        "note": "",
    }
    saved = browser.post(f"/members/{member}/edit", data=sent)
    page = words(browser.get(saved.location))
    assert "姓名、手机号、生日 刘洋" in page
    assert shop.ask(lambda db: by_phone(db, "13912347712"))["id"] == member
    english = words(shop.browser("manager", lang="en").get(f"/members/{member}"))
    assert "Name, Phone, Birthday 刘洋" in english


def test_a_wrong_edit_is_told_and_changes_nothing(shop):
    member = shop.member()
    other = shop.member("王建国", "13912347712")
    answer = shop.browser("cashier").post(
        f"/members/{member}/edit", data={"name": "", "phone": "13912347712", "birthday": "x"}
    )
    assert answer.status_code == 422
    assert fault(answer, "name") == "请填写姓名"
    assert f'href="/members/{other}"' in answer.text
    assert shop.ask(lambda db: member_of(db, member))["name"] == "李慧敏"


def test_phones_are_whole_only_for_those_who_may_see_them(shop):
    member = shop.member()
    for path in (
        "/members",
        f"/members/{member}",
        f"/members/{member}/edit",
        "/members?q=2046",
    ):
        cashier = shop.browser("cashier").get(path).text
        assert "13812342046" not in cashier
        assert "138****2046" in cashier
        assert "13812342046" in shop.browser("manager").get(path).text


def test_who_sees_half_a_phone_can_keep_it_change_it_or_take_it_away(shop):
    member = shop.member()
    browser = shop.browser("cashier")

    def save(**sent):
        browser.post(f"/members/{member}/edit", data={"name": "李慧敏", "phone": ""} | sent)
        return shop.ask(lambda db: member_of(db, member))["phone"]

    assert save() == "13812342046"
    assert save(phone="13912347712") == "13912347712"
    assert save(no_phone="1") == ""


def test_a_further_card_is_issued_and_returned(shop):
    member = shop.member()
    browser = shop.browser("cashier")
    browser.post(f"/members/{member}/cards", data={"card": "04 a1 b2 c3"})
    assert "04A1B2C3" in words(browser.get(f"/members/{member}"))
    assert 'data-wedge="card"' not in browser.get(f"/members/{member}").text
    assert 'data-wedge="card"' in browser.get(f"/members/{member}/cards").text
    wrong = browser.post(f"/members/{member}/cards", data={"card": "?"})
    assert (wrong.status_code, fault(wrong, "card")) == (422, "卡号“?”读不出来，请重刷")
    browser.post(f"/members/{member}/cards/return", data={"card": "04A1B2C3"})
    page = browser.get(f"/members/{member}?done=returned")
    assert "还没有卡" in words(page)
    assert "退回卡" in words(page)


def test_the_profile_shows_every_bill_with_items_staff_store_and_tender(shop):
    shop.open_shift()
    member = shop.member()
    shop.top_up(member, 50_000)
    shop.sale("i1", "i2", member=member, tender="stored_value")
    page = words(shop.browser("cashier").get(f"/members/{member}"))
    assert "A-260921-0001 足疗 60 分钟、茉莉花茶 王芳 人民路店 储值 ¥137.00" in page
    assert "1 次 · ¥137.00" in page


def test_the_profile_is_fresh_though_nobody_projected_history(shop):
    shop.open_shift()
    member = shop.member()
    shop.sale("i2", member=member)
    behind = shop.ask(lambda db: db.value("SELECT count(*) FROM sale"))
    assert behind == 0
    assert "茉莉花茶" in words(shop.browser("cashier").get(f"/members/{member}"))


def test_principal_bonus_points_and_every_movement_stand_apart(shop):
    shop.open_shift()
    member = shop.member()
    browser = shop.browser("manager")
    key = {"offer": "p1", "tender": "cash", "received": "100000", "step": "take", "key": "t"}
    browser.post(f"/members/{member}/topup", data=key)
    shop.sale("i1", member=member, tender="stored_value")
    browser.post(
        f"/members/{member}/adjust",
        data={"asset": "bonus", "way": "up", "amount": "5", "reason": "补偿等位", "key": "a"},
    )
    page = words(browser.get(f"/members/{member}"))
    assert "本店可用 ¥1,006.00 总额 ¥1,006.00 本金 ¥901.00 赠金 ¥105.00 积分 1,000" in page
    assert "充值 · 充1000送100 +¥1,000.00 +¥100.00 +1,000 ¥1,100.00" in page
    assert "消费 · A-260921-0001 −¥99.00 — — ¥1,001.00" in page
    assert "调整 · 补偿等位 — +¥5.00 — ¥1,006.00 刘洋" in page


def test_value_with_an_end_is_shown_with_it(shop):
    shop.open_shift()
    member = shop.member()
    shop.browser("cashier").post(
        f"/members/{member}/topup",
        data={
            "offer": "k1",
            "tender": "cash",
            "received": "298000",
            "step": "take",
            "key": "t",
        },
    )
    page = words(shop.browser("cashier").get(f"/members/{member}"))
    assert "年卡 · 至 2027-09-21" in page


@pytest.mark.parametrize(
    "path", ["/members/nobody", "/members/nobody/edit", "/members/x/topup"]
)
def test_a_member_who_is_not_there_is_told(shop, path):
    answer = shop.browser("manager").get(path)
    assert answer.status_code == 404
    assert "没有找到这位会员" in words(answer)


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", '"><img src=x onerror=y>', "{{7*7}}"]
)
def test_a_name_is_text_and_nothing_else(shop, name):
    member = shop.member(name, "")
    for path in ("/members", f"/members/{member}", f"/members/{member}/edit"):
        page = shop.browser("manager").get(path).text
        assert name not in page or name == "{{7*7}}"
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert ">49<" not in page
