"""Lists go in once at head office, whatever a store did before, and come out as they went in."""

from __future__ import annotations

import csv
import io
import re
import threading
import time

import pytest

from cloud.imports import running
from cloud.ingest.deriving import derive
from core.imports import MEMBERS, BadRow, find_mapping, post_member, read_rows, read_table
from core.imports.tests.messy import TODAY, write_members
from core.wallet import CLOUD
from hub.tests.shop import faults_above, words

MEMBERS_CSV = (
    "编号,姓名,手机,卡号,本金余额,赠送余额,积分,会员类别\n"
    "M88,李慧敏,13812342046,8800001,1000,100,50,金卡\n"
    ",王小明,13900000002,,200.50,,,\n"
    ",坏号码,123,,1,,,\n"
    ",重号,13812342046,,1,,,\n"
)
ITEMS_CSV = (
    "编号,名称,类别,单位,价格,会员价,库存,条码\n"
    "901,艾草足疗,足疗,次,¥128.00,99元,,\n"
    "902,护手霜,养生用品,支,58,48,20,6930000000017\n"
    "903,太贵,足疗,次,10,20,,\n"
)
WAIT_S = 60


def sent(browser, text, *, kind="members", name="members.csv", home=""):
    """Upload a list as a browser does; return the answer.

    The body is put together here: the test client leaves a file open for a large one.
    """
    content = text if isinstance(text, bytes) else text.encode()
    field = 'Content-Disposition: form-data; name="{}"'.format
    body = b"\r\n".join(
        (
            b"--edge",
            field("home").encode(),
            b"",
            home.encode(),
            b"--edge",
            f'{field("file")}; filename="{name}"'.encode(),
            b"",
            content,
            b"--edge--",
            b"",
        )
    )
    return browser.post(
        f"/lists/new/{kind}", data=body, content_type="multipart/form-data; boundary=edge"
    )


def run_id(answer):
    assert answer.status_code == 303, words(answer)
    return re.search(r"/lists/runs/([^/?]+)", answer.location)[1]


def finish(browser, run):
    """Press the button and wait until the page says that it is done."""
    assert browser.post(f"/lists/runs/{run}/go").status_code == 303
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        page = browser.get(f"/lists/runs/{run}/progress")
        if (state := re.search(r'data-state="(\w+)"', page.text)[1]) != "running":
            return state, page
        time.sleep(0.05)
    raise AssertionError("it never ended")


def taken_in(browser, text, **more):
    return finish(browser, run_id(sent(browser, text, **more)))


def counted(page):
    return {
        name: int(re.search(rf"data-{name}>(\d+)", page.text)[1])
        for name in ("added", "known", "out")
    }


def held(desk, place=CLOUD):
    rows = desk.ask(
        lambda db: db.all(
            "SELECT asset, SUM(amount) AS total FROM holding WHERE place = :p GROUP BY asset",
            p=place,
        )
    )
    return {row["asset"]: row["total"] for row in rows}


def feed_topics(desk):
    rows = desk.ask(
        lambda db: db.all("SELECT topic, count(*) AS n FROM feed_document GROUP BY topic")
    )
    return {row["topic"]: row["n"] for row in rows}


@pytest.mark.feature("MEM-18", "MEM-02")
def test_members_go_in_with_their_value_at_head_office_and_numbers_of_its_own(desk):
    browser = desk.browser()
    run = run_id(sent(browser, MEMBERS_CSV, home="s2"))
    page = browser.get(f"/lists/runs/{run}")
    assert "可以导入 2 行，不能导入 2 行" in words(page)
    assert "第 4 行" in words(page)
    assert "滨江店" in words(page)
    assert desk.ask(lambda db: db.value("SELECT count(*) FROM member")) == 0

    state, done = finish(browser, run)
    assert (state, counted(done)) == ("done", {"added": 2, "known": 0, "out": 2})
    people = desk.ask(lambda db: db.all("SELECT * FROM member ORDER BY name DESC"))
    assert [(one["name"], one["number"]) for one in people] == [
        ("王小明", "M-000001"),
        ("李慧敏", "M88"),
    ]
    assert {one["store"] for one in people} == {"s2"}
    assert people[1]["category"] == "金卡"
    assert held(desk) == {"principal": 120_050, "bonus": 10_000, "points": 50}
    card = desk.ask(lambda db: db.one("SELECT * FROM card"))
    assert (card["number"], card["member"]) == ("8800001", people[1]["id"])


def test_the_stores_hear_of_everybody_by_the_feed(desk):
    taken_in(desk.browser(), MEMBERS_CSV)
    at = desk.clock.read().at
    while desk.merchant.door.write(
        lambda tx: derive(tx, at=at, sign=desk.merchant.signing.sign)
    ):
        pass
    topics = feed_topics(desk)
    assert (topics["member"], topics["wallet"]) == (2, 2)


@pytest.mark.feature("MEM-18")
def test_the_same_list_twice_adds_nothing_also_when_a_store_had_it_before(desk):
    browser = desk.browser()
    _state, first = taken_in(browser, MEMBERS_CSV)
    _state, second = taken_in(browser, MEMBERS_CSV)
    assert (counted(first)["added"], counted(second)["added"]) == (2, 0)
    assert counted(second)["known"] == 2
    assert held(desk)["principal"] == 120_050


def test_what_a_store_took_in_before_is_known_here(desk, tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(MEMBERS_CSV, "utf-8")
    with read_table(path) as table:
        mapping = find_mapping(table, MEMBERS)
        rows = [
            row
            for row in read_rows(table, MEMBERS, mapping, today=TODAY)
            if not isinstance(row, BadRow)
        ]
    desk.publish("settings", "-", {"categories": ["普通会员", "金卡"]})

    def as_the_store(tx):
        act = desk.merchant.act(tx)
        for row in rows:
            post_member(tx, act, row, key=desk.merchant.card_key, place="a" * 16)

    desk.merchant.door.write(as_the_store)
    _state, page = taken_in(desk.browser(), MEMBERS_CSV)
    assert counted(page) == {"added": 0, "known": 2, "out": 2}
    assert held(desk) == {}
    assert held(desk, "a" * 16)["principal"] == 120_050


def test_rows_that_are_not_in_come_back_with_their_reasons_to_be_mended(desk):
    browser = desk.browser()
    desk.publish("settings", "-", {"categories": ["普通会员"]})
    run = run_id(sent(browser, MEMBERS_CSV))
    finish(browser, run)
    told = browser.get(f"/lists/runs/{run}/rejects")
    lines = list(csv.reader(io.StringIO(told.data.decode("utf-8-sig"))))
    assert "members.rejected.csv" in told.headers["Content-Disposition"]
    assert [line[3] for line in lines[1:]] == ["坏号码", "重号"]
    english = desk.browser(lang="en").get(f"/lists/runs/{run}/rejects").data.decode("utf-8-sig")
    assert "Row in the file" in english
    assert "is already in row 2" in english
    mended = told.data.decode("utf-8-sig").replace('"123"', '"13700000001"')
    _state, page = taken_in(browser, mended, name="mended.csv")
    assert counted(page) == {"added": 1, "known": 0, "out": 1}


def test_a_phone_that_somebody_has_is_told_by_its_line(desk):
    browser = desk.browser()
    taken_in(browser, MEMBERS_CSV)
    other = "姓名,手机\n另一人,13812342046\n新人,13711112222\n"
    _state, page = taken_in(browser, other, name="other.csv")
    assert counted(page) == {"added": 1, "known": 0, "out": 1}
    assert "手机号 13812342046 已登记给 李慧敏" in words(page)
    assert "第 2 行" in words(page)


@pytest.mark.feature("CAT-01", "CAT-05", "CAT-09")
def test_items_go_to_every_store_and_a_price_that_makes_no_sense_is_told(desk):
    browser = desk.browser()
    state, page = taken_in(browser, ITEMS_CSV.encode("gb18030"), kind="items", name="项目.csv")
    assert (state, counted(page)) == ("done", {"added": 2, "known": 0, "out": 1})
    assert "会员价不能高于门市价" in words(page)
    cream = desk.ask(lambda db: db.one("SELECT * FROM item WHERE code = '902'"))
    assert (cream["price"], cream["kind"], cream["unit"]) == (5_800, "product", "支")
    assert desk.pos("item", cream["id"])
    assert desk.ask(lambda db: db.value("SELECT count(*) FROM stock")) == 0
    _state, again = taken_in(browser, ITEMS_CSV, kind="items")
    assert counted(again)["added"] == 0


def test_columns_can_be_read_as_something_else_before_anything_is_posted(desk):
    browser = desk.browser()
    run = run_id(sent(browser, "姓名,手机,名目\n李慧敏,13812342046,老客户\n"))
    chosen = {"heading": ["姓名", "手机", "名目"], "field": ["name", "phone", "note"]}
    assert browser.post(f"/lists/runs/{run}/columns", data=chosen).status_code == 303
    assert re.search(r'value="note" selected', browser.get(f"/lists/runs/{run}").text)
    twice = chosen | {"field": ["name", "phone", "name"]}
    told = browser.post(f"/lists/runs/{run}/columns", data=twice)
    assert told.status_code == 422
    assert any("请只选一列" in one for one in faults_above(told))
    finish(browser, run)
    assert desk.ask(lambda db: db.value("SELECT note FROM member")) == "老客户"
    late = browser.post(f"/lists/runs/{run}/columns", data=chosen)
    assert late.status_code == 422
    assert any("已经开始" in one for one in faults_above(late))


@pytest.mark.parametrize(
    ("content", "name", "chinese", "english"),
    [
        (b"", "empty.csv", "文件是空的", "The file is empty"),
        (b"\x89PNG\r\n\x1a\n", "photo.xlsx", "认不出这种文件", "xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old.xls", ".xls", ".xls"),
        ("一,二\n三,四\n".encode(), "other.csv", "没有找到列名", "headings"),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_the_readers_words(
    desk, content, name, chinese, english
):
    for lang, said in (("zh-CN", chinese), ("en", english)):
        answer = sent(desk.browser(lang=lang), content, name=name, home="s2")
        assert answer.status_code == 422
        assert said.lower() in answer.text.lower()
        assert re.search(r'value="s2" selected', answer.text)
    folder = running.uploads(desk.platform, desk.merchant)
    assert list(folder.iterdir()) == []
    assert desk.ask(lambda db: db.value("SELECT count(*) FROM import_run")) == 0


def test_no_file_and_a_store_that_is_not_ours_are_told(desk):
    browser = desk.browser()
    nothing = browser.post("/lists/new/members", data={"home": ""})
    assert (nothing.status_code, "请先选一个文件" in nothing.text) == (422, True)
    assert sent(browser, MEMBERS_CSV, home="x9").status_code == 422
    assert browser.get("/lists/new/nonsense").status_code == 422


def test_a_file_that_is_too_large_is_turned_away_before_it_is_read(desk):
    browser = desk.browser()

    def claiming(path, megabytes):
        return browser.post(
            path,
            data=b"x",
            content_type="multipart/form-data; boundary=x",
            environ_overrides={"CONTENT_LENGTH": str(megabytes * 1024 * 1024)},
        )

    assert claiming("/lists/new/members", 25).status_code == 413
    assert claiming("/catalog/items/new", 5).status_code == 413
    rows = "".join(f"客人{n},139{n:08},{'长' * 90}\n" for n in range(25_000))
    assert len(rows.encode()) > 5 * 1024 * 1024
    assert run_id(sent(browser, "姓名,手机,备注\n" + rows))


def test_a_run_that_was_cut_goes_on_where_it_stopped_and_adds_nothing_twice(desk, monkeypatch):
    rows = "".join(f"客人{n},139{n:08}\n" for n in range(1_000))
    browser = desk.browser()
    run = run_id(sent(browser, "姓名,手机\n" + rows))
    true_batch, calls = running.post_batch, []

    def cut(poster, batch, note):
        calls.append(len(batch))
        if len(calls) == 3:
            raise OSError("the power went")
        return true_batch(poster, batch, note)

    monkeypatch.setattr(running, "post_batch", cut)
    state, page = finish(browser, run)
    assert (state, counted(page)["added"]) == ("stopped", 400)
    assert "接着导入" in words(page)
    state, page = finish(browser, run)
    assert (state, counted(page)) == ("done", {"added": 1_000, "known": 0, "out": 0})
    assert calls == [200] * 6
    assert desk.ask(lambda db: db.value("SELECT count(*) FROM member")) == 1_000


def test_two_presses_start_one_run_and_one_list_at_a_time(desk, monkeypatch):
    browser = desk.browser()
    first, second = (run_id(sent(browser, MEMBERS_CSV, name=f"{n}.csv")) for n in (1, 2))
    true_batch, going_on, begun = running.post_batch, threading.Event(), threading.Event()

    def slow(poster, batch, note):
        begun.set()
        assert going_on.wait(WAIT_S)
        return true_batch(poster, batch, note)

    monkeypatch.setattr(running, "post_batch", slow)
    assert browser.post(f"/lists/runs/{first}/go").status_code == 303
    assert begun.wait(WAIT_S)
    pressed = browser.post(f"/lists/runs/{first}/go")
    assert pressed.status_code == 409
    busy = browser.post(f"/lists/runs/{second}/go")
    assert busy.status_code == 409
    assert any("还在导入" in one for one in faults_above(busy))
    going_on.set()
    for thread in threading.enumerate():
        if thread.name.startswith("import-"):
            thread.join(WAIT_S)
    assert desk.ask(lambda db: db.value("SELECT count(*) FROM member")) == 2


def test_an_uploaded_list_is_forgotten_after_a_week(desk):
    taken_in(desk.browser(), MEMBERS_CSV)
    folder = running.uploads(desk.platform, desk.merchant)
    (kept,) = folder.iterdir()
    assert kept.stat().st_mode & 0o077 == 0
    desk.clock.advance(400 * 86_400_000)
    running.forget_old(desk.platform, desk.merchant)
    assert list(folder.iterdir()) == []
    assert desk.ask(lambda db: db.value("SELECT count(*) FROM import_run")) == 0


def what(path, today=TODAY):
    """Return what a list says, row by row, whatever its line numbers and form."""
    with read_table(path) as table:
        mapping = find_mapping(table, MEMBERS)
        rows = list(read_rows(table, MEMBERS, mapping, today=today))
    assert not [row for row in rows if isinstance(row, BadRow)]
    return sorted(row.row_key for row in rows)


@pytest.mark.feature("MEM-18")
def test_all_members_come_out_as_they_go_in_wherever_their_value_lies(desk, tmp_path):
    browser = desk.browser()
    old = tmp_path / "members.csv"
    listed = write_members(old, 300, 0.03, 5)
    _state, page = taken_in(browser, old.read_bytes())
    assert counted(page)["added"] == listed.good
    # Part of it lies in a store's box by now, and part is on its way.
    desk.merchant.door.write(
        lambda tx: (
            tx.run(
                "INSERT INTO transit (member, transfer, asset, lot, amount)"
                " SELECT member, 't', asset, lot, amount FROM holding WHERE asset = 'bonus'"
            ),
            tx.run("DELETE FROM holding WHERE asset = 'bonus'"),
            tx.run("UPDATE holding SET place = :hub WHERE asset = 'points'", hub="a" * 16),
        )
    )
    for form in ("csv", "xlsx"):
        answer = browser.post(f"/lists/export/members/{form}")
        assert answer.status_code == 200
        (tmp_path / f"out.{form}").write_bytes(answer.data)
    assert what(tmp_path / "out.csv") == what(tmp_path / "out.xlsx")

    other, stranger = desk.other_merchant()
    _state, page = taken_in(stranger, (tmp_path / "out.xlsx").read_bytes(), name="out.xlsx")
    assert counted(page) == {"added": listed.good, "known": 0, "out": 0}
    again = stranger.post("/lists/export/members/csv")
    (tmp_path / "again.csv").write_bytes(again.data)
    assert what(tmp_path / "again.csv") == what(tmp_path / "out.csv")
    sums = desk.ask(
        lambda db: {
            row["asset"]: row["total"]
            for row in db.all("SELECT asset, SUM(amount) AS total FROM holding GROUP BY asset")
        },
        other,
    )
    assert sums["principal"] == listed.principal_cents
    assert sums["bonus"] == listed.bonus_cents


def test_who_takes_a_list_out_is_in_the_journal_and_only_who_may_does(desk):
    taken_in(desk.browser(), MEMBERS_CSV)
    assert desk.browser("auditor").post("/lists/export/members/csv").status_code == 403
    assert desk.browser("auditor").get("/lists").status_code == 403
    assert desk.browser("owner").post("/lists/export/members/csv").status_code == 200
    raw = desk.ask(lambda db: db.value("SELECT raw FROM journal ORDER BY seq DESC LIMIT 1"))
    assert b'"list.exported"' in raw
    assert desk.people["owner"].encode() in raw
    _other, stranger = desk.other_merchant()
    empty = stranger.post("/lists/export/members/csv").data.decode("utf-8-sig")
    assert "李慧敏" not in empty


def test_nobody_sees_another_merchants_runs(desk):
    run = run_id(sent(desk.browser(), MEMBERS_CSV))
    _other, stranger = desk.other_merchant()
    for address in (f"/lists/runs/{run}", f"/lists/runs/{run}/rejects"):
        assert stranger.get(address).status_code == 404
    assert stranger.post(f"/lists/runs/{run}/go").status_code == 404
