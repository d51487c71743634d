"""The shop sets itself up; each page edits its own part, and what is wrong is told at its field."""

from __future__ import annotations

import base64
import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from core.organisation import company, settings, store
from hub.devices import jobs, printers
from hub.receipts import tender_label
from hub.tests.shop import TILL, fault, faults_above, partly, typed, words


def rules(shop):
    return shop.ask(settings)


def png(width=8, height=8):
    sheet = BytesIO()
    Image.new("1", (width, height)).save(sheet, "PNG")
    return sheet.getvalue()


def bomb():
    """A picture of a few bytes that says it is gigantic."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0)
    chunk = b"IHDR" + head
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
    )


COMPANY = {
    "name": "清和养生",
    "phone": "020-1",
    "address": "人民路 1 号",
    "footer": "谢谢",
    "qr": "",
}


def test_the_company_stands_on_receipts_from_the_next_one_on(shop):
    browser = shop.browser()
    picture = png()
    sent = COMPANY | {"qr": "https://example.com/a", "logo": (BytesIO(picture), "logo.png")}
    saved = browser.post("/settings/company", data=sent)
    assert "已保存，马上生效" in words(browser.get(saved.location))
    known = shop.ask(company)
    assert (known.footer, known.qr) == ("谢谢", "https://example.com/a")
    assert base64.b64decode(known.logo_png) == picture
    browser.post("/settings/company", data=COMPANY)
    assert shop.ask(company).logo_png == known.logo_png
    browser.post("/settings/company", data=COMPANY | {"no_logo": "1"})
    assert shop.ask(company).logo_png == ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"GIF89a" + bytes(40), "请用 PNG 图片"),
        (b"", "请用 PNG 图片"),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), "请用 PNG 图片"),
        (png()[:40], "请用 PNG 图片"),
        (bomb(), "请用 PNG 图片"),
        (png() + bytes(100 * 1024), "图片太大，最多 100 KB"),
    ],
)
def test_a_picture_that_cannot_be_printed_is_refused_and_the_rest_is_kept(shop, content, said):
    sent = COMPANY | {"name": "新名字", "logo": (BytesIO(content), "logo.png")}
    answer = shop.browser().post("/settings/company", data=sent)
    assert answer.status_code == 422
    assert said in words(answer)
    assert typed(answer, "name") == "新名字"
    assert shop.ask(company).name == "清和养生"


@pytest.mark.parametrize(
    ("wrong", "field", "chinese", "english"),
    [
        ({"name": ""}, "name", "请填写", "Fill this in"),
        ({"name": "长" * 61}, "name", "最多 60 个字", "At most 60 characters"),
        ({"qr": "https://" + "x" * 500}, "qr", "最多 500 个字", "At most 500 characters"),
    ],
)
def test_a_wrong_company_is_told(shop, wrong, field, chinese, english):
    for lang, said in (("zh-CN", chinese), ("en", english)):
        answer = shop.browser(lang=lang).post("/settings/company", data=COMPANY | wrong)
        assert (answer.status_code, fault(answer, field)) == (422, said)


BRANCH = {
    "name": "人民路店",
    "code": "A",
    "zone": "Asia/Shanghai",
    "cutoff": "04:00",
    "phone": "",
    "address": "人民路 1 号",
}


def test_the_branch_and_its_business_day_are_set(shop):
    browser = shop.browser()
    browser.post("/settings/store", data=BRANCH | {"code": "rm1"})
    known = shop.ask(lambda db: store(db, "s1"))
    assert (known.code, known.cutoff_minutes, known.address) == ("RM1", 240, "人民路 1 号")
    assert typed(browser.get("/settings/store"), "cutoff") == "04:00"


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"name": ""}, "name", "请填写"),
        ({"code": ""}, "code", "请填写"),
        ({"code": "ABCDE"}, "code", "格式不对"),
        ({"code": "店"}, "code", "格式不对"),
        ({"cutoff": "12:01"}, "cutoff", "请填 00:00 到 12:00"),
        ({"cutoff": "4"}, "cutoff", "请填 00:00 到 12:00"),
        ({"cutoff": "03:75"}, "cutoff", "请填 00:00 到 12:00"),
        ({"zone": "Mars/Olympus"}, "zone", "请选择"),
    ],
)
def test_a_wrong_branch_is_told_and_the_rest_is_kept(shop, wrong, field, said):
    answer = shop.browser().post("/settings/store", data=BRANCH | wrong)
    assert (answer.status_code, fault(answer, field)) == (422, said)
    assert typed(answer, "address") == "人民路 1 号"


def test_a_code_that_stands_in_numbers_cannot_change(shop):
    browser = shop.browser()
    assert "readonly" not in browser.get("/settings/store").text
    shop.member()
    assert "readonly" in browser.get("/settings/store").text
    answer = browser.post("/settings/store", data=BRANCH | {"code": "B"})
    assert fault(answer, "code") == "门店代号 A 已经用在单号和会员编号里，不能再改"
    assert browser.post("/settings/store", data=BRANCH).status_code == 303


def test_the_next_member_follows_the_format_that_was_previewed(shop):
    browser = shop.browser()
    shop.member()
    live = partly(browser, "GET", "/settings/numbers/preview?prefix=vip&digits=4")
    assert "VIPA0002" in words(live)
    wrong = partly(browser, "GET", "/settings/numbers/preview?prefix=vip&digits=40")
    assert "—" in words(wrong)
    browser.post("/settings/numbers", data={"prefix": "vip", "digits": "4"})
    shop.member("王建国", "13912347712")
    numbers = shop.ask(
        lambda db: [row["number"] for row in db.all("SELECT number FROM member")]
    )
    assert sorted(numbers) == ["MA000001", "VIPA0002"]


@pytest.mark.parametrize(
    ("sent", "field", "said", "english"),
    [
        ({"prefix": "TOOLONG", "digits": "6"}, "prefix", "格式不对", "right form"),
        ({"prefix": "会", "digits": "6"}, "prefix", "格式不对", "right form"),
        ({"prefix": "M", "digits": "3"}, "digits", "不能小于 4", "At least 4"),
        ({"prefix": "M", "digits": "11"}, "digits", "不能大于 10", "At most 10"),
        ({"prefix": "M", "digits": "六"}, "digits", "请填写整数", "whole number"),
    ],
)
def test_a_wrong_number_format_is_told(shop, sent, field, said, english):
    for lang, told in (("zh-CN", said), ("en", english)):
        answer = shop.browser(lang=lang).post("/settings/numbers", data=sent)
        assert answer.status_code == 422
        assert told in fault(answer, field)


POINTS = {"per": "1", "points": "2", "earns": "topup", "days": ["0", "6"]}


def test_a_test_amount_shows_what_the_rule_would_give_before_it_is_saved(shop):
    browser = shop.browser()  # The shop's day is a Monday.
    tried = partly(
        browser, "GET", "/settings/points/try", query_string=POINTS | {"try": "128.5"}
    )
    assert "现金消费 514 分 余额消费 0 分 充值 514 分" in words(tried)
    balance = POINTS | {"earns": "balance", "days": [], "try": "100"}
    tried = partly(browser, "GET", "/settings/points/try", query_string=balance)
    assert "现金消费 200 分 余额消费 200 分 充值 0 分" in words(tried)
    assert rules(shop).points.points == 1


def test_a_rule_holds_from_the_next_sale_and_no_yuan_earns_twice(shop):
    shop.browser().post("/settings/points", data=POINTS | {"earns": "balance", "days": []})
    rule = rules(shop).points
    assert (rule.points, rule.on_stored_value, rule.on_topup) == (2, True, False)
    shop.open_shift()
    member = shop.member()
    shop.top_up(member, 20_000)
    shop.sale("i1", member=member, tender="stored_value")
    page = words(shop.browser().get(f"/members/{member}"))
    assert "积分 198" in page


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"per": ""}, "per", "请填写"),
        ({"per": "0"}, "per", "金额要大于零"),
        ({"per": "一元"}, "per", "金额“一元”不对，请重输"),
        ({"points": "-1"}, "points", "不能小于 0"),
        ({"points": "1.5"}, "points", "请填写整数"),
    ],
)
def test_a_wrong_points_rule_is_told_and_not_saved(shop, wrong, field, said):
    answer = shop.browser().post("/settings/points", data=POINTS | wrong)
    assert (answer.status_code, fault(answer, field)) == (422, said)
    assert rules(shop).points.points == 1


def test_a_new_tender_is_on_the_pay_page_and_in_the_shift_report(shop):
    browser = shop.browser()
    browser.post("/settings/tenders/new", data={"name": "微信"})
    assert [one.id for one in rules(shop).tenders] == ["cash", "bank_card", "weixin"]
    shop.open_shift()
    member = shop.member()
    assert "微信" in words(browser.get(f"/members/{member}/topup?offer=p1"))
    shop.sale("i2", tender="weixin")
    assert "销售 微信 1 ¥38.00" in words(browser.get("/shift"))
    browser.post("/settings/tenders/weixin", data={"name": "微信支付"})
    assert "销售 微信支付 1 ¥38.00" in words(browser.get("/shift"))
    assert tender_label("weixin", rules(shop)) == "微信支付"


def test_tenders_whose_names_sound_alike_have_ids_of_their_own(shop):
    browser = shop.browser()
    for name in ("微信", "威信", "¥", "储值卡"):
        browser.post("/settings/tenders/new", data={"name": name})
    ids = [one.id for one in rules(shop).tenders]
    assert len(ids) == len(set(ids)) == 6
    assert "stored_value" not in ids


@pytest.mark.parametrize(
    ("name", "said"),
    [("", "请填写"), ("现金", "已经有“现金”这种付款方式了"), ("长" * 61, "最多 60 个字")],
)
def test_a_wrong_tender_is_told(shop, name, said):
    answer = shop.browser().post("/settings/tenders/new", data={"name": name})
    assert (answer.status_code, fault(answer, "name")) == (422, said)


def test_receipt_switches_and_limits_are_kept_and_leave_the_other_rules_alone(shop):
    browser = shop.browser()
    browser.post("/settings/tenders/new", data={"name": "微信"})
    browser.post(
        "/settings/receipts",
        data={"show_change": "1", "topup_max": "3000.5", "idle_lock_s": "300"},
    )
    known = rules(shop)
    assert (known.receipt_auto_print, known.show_change, known.spend_bonus_first) == (
        False,
        True,
        False,
    )
    assert (known.topup_max_cents, known.idle_lock_s, len(known.tenders)) == (300_050, 300, 3)


@pytest.mark.parametrize(
    ("sent", "field", "said"),
    [
        ({"topup_max": "", "idle_lock_s": "120"}, "topup_max", "请填写"),
        ({"topup_max": "-1", "idle_lock_s": "120"}, "topup_max", "不能小于 0"),
        ({"topup_max": "5000", "idle_lock_s": "29"}, "idle_lock_s", "不能小于 30"),
        ({"topup_max": "5000", "idle_lock_s": "28801"}, "idle_lock_s", "不能大于 28800"),
    ],
)
def test_a_wrong_limit_is_told(shop, sent, field, said):
    answer = shop.browser().post("/settings/receipts", data=sent)
    assert (answer.status_code, fault(answer, field)) == (422, said)


def test_member_categories_are_added_made_default_and_removed_when_unused(shop):
    browser = shop.browser()
    browser.post("/settings/categories", data={"name": "老顾客"})
    browser.post("/settings/categories/first", data={"name": "老顾客"})
    shop.member()
    assert "老顾客 默认 1 位" in words(browser.get("/settings/categories"))
    kept = browser.post("/settings/categories/remove", data={"name": "老顾客"})
    assert faults_above(kept) == ["还有 1 位会员是“老顾客”，不能删"]
    browser.post("/settings/categories/remove", data={"name": "普通会员"})
    assert rules(shop).categories == ("老顾客",)
    twice = browser.post("/settings/categories", data={"name": "老顾客"})
    assert fault(twice, "name") == "已经有“老顾客”了"


PRINTER = {
    "chosen": "new",
    "name": "前台",
    "address": "tcp://192.168.1.50:9100",
    "columns": "48",
    "drawer_pin": "2",
}


@pytest.mark.parametrize(
    ("address", "chinese", "english"),
    [
        ("", "请填写", "Fill this in"),
        ("tcp://printer.local", "请写成 tcp://192.168.1.50:9100", "numeric address"),
        ("tcp://8.8.8.8:9100", "这个地址不在店内网络", "not on the shop"),
        ("tcp://127.0.0.1:9100", "这个地址不在店内网络", "not on the shop"),
        ("tcp://192.168.1.50:80", "打印机端口是 9100 到 9109", "9100 to 9109"),
        ("usb:/etc/passwd", "没有这种打印设备名", "No printer has such a device"),
        ("serial:/dev/ttyUSB0?speed=9", "串口参数只有 baud 和 flow", "baud and flow only"),
        ("file:/tmp/out", "这里不能把文件当打印机", "Files are not printers"),
        ("192.168.1.50", "地址要以 tcp://", "An address begins with"),
    ],
)
def test_an_address_that_is_no_printer_is_told_clearly(shop, address, chinese, english):
    for lang, said in (("zh-CN", chinese), ("en", english)):
        answer = shop.browser(lang=lang).post(
            "/settings/printers", data=PRINTER | {"address": address}
        )
        assert answer.status_code == 422
        assert said in fault(answer, "address")
        assert typed(answer, "address") == address
        assert typed(answer, "name") == "前台"
    assert shop.ask(printers) == []


def test_printers_are_added_changed_made_default_tested_and_removed(shop):
    browser = shop.browser()
    browser.post("/settings/printers", data=PRINTER)
    browser.post(
        "/settings/printers",
        data=PRINTER
        | {"name": "吧台", "address": "usb:/dev/usb/lp0", "columns": "32", "raster": "1"},
    )
    assert [row["name"] for row in shop.ask(printers)] == ["前台", "吧台"]
    changed = PRINTER | {"chosen": "吧台", "name": "吧台", "address": "tcp://10.0.0.7:9101"}
    browser.post("/settings/printers", data=changed)
    browser.post("/settings/printers/default", data={"name": "吧台"})
    first = shop.ask(printers)[0]
    assert (first["name"], first["address"], first["columns"]) == (
        "吧台",
        "tcp://10.0.0.7:9101",
        48,
    )
    browser.post("/settings/printers/test", data={"name": "前台"})
    (job,) = shop.ask(jobs)
    assert (job["kind"], job["printer"]) == ("test", "前台")
    browser.post("/settings/printers/remove", data={"name": "前台"})
    (job,) = shop.ask(jobs)
    assert (job["printer"], len(shop.ask(printers))) == ("吧台", 1)


def test_a_second_printer_of_a_name_is_told_and_the_first_is_kept(shop):
    browser = shop.browser()
    browser.post("/settings/printers", data=PRINTER)
    answer = browser.post("/settings/printers", data=PRINTER | {"address": "usb:/dev/usb/lp0"})
    assert fault(answer, "name") == "已经有一台叫“前台”的打印机"
    assert shop.ask(printers)[0]["address"] == "tcp://192.168.1.50:9100"


def test_a_printer_that_is_not_there_is_told(shop):
    assert (
        shop.browser().post("/settings/printers/remove", data={"name": TILL}).status_code == 404
    )


def test_two_people_who_edit_different_rules_lose_nothing(shop):
    first, second = shop.browser("owner"), shop.browser("manager")
    first.get("/settings/points")
    second.get("/settings/numbers")
    second.post("/settings/numbers", data={"prefix": "V", "digits": "5"})
    first.post("/settings/points", data=POINTS)
    known = rules(shop)
    assert (known.number_format.prefix, known.points.points) == ("V", 2)


def test_settings_list_every_section_with_what_it_is_set_to(shop):
    page = words(shop.browser().get("/settings"))
    for said in ("人民路店 · A", "4 人", "现金、银行卡", "每 ¥1.00 积 1 分", "MA000001"):
        assert said in page
    assert "公司" not in words(shop.browser("technician").get("/settings"))
