from __future__ import annotations

import base64
import re

import msgspec
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.crypto import card_hash, verify_pin
from core.feed import FeedDocument
from core.staff import active_staff
from core.verifying import verify
from hub.access.login import find_token
from hub.access.pairing import pair as let_in
from hub.admin import admin
from hub.app import open_hub
from hub.devices import jobs, printers
from hub.devices.printer import from_json


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "hub"


@pytest.fixture
def run(folder):
    """Run `dianshu hub admin` with words; return its output."""

    def run(*words, code=0):
        result = CliRunner().invoke(admin, [*words, "--data", str(folder)])
        assert result.exit_code == code, result.output
        return result.output

    return run


@pytest.fixture
def shop(run):
    words = ("--company", "清和养生", "--store", "人民路店", "--code", "a1")
    return pin_of(run("init", *words, "--day-begins", "04:00"))


def pin_of(said):
    return re.search(r"PIN: (\d{6})", said)[1]


@pytest.fixture
def look(folder):
    """Ask the hub's tables something."""

    def look(query):
        box = open_hub(folder)
        try:
            with box.door.read() as db:
                return query(db, box)
        finally:
            box.close()

    return look


def test_an_empty_folder_becomes_a_shop_with_an_owner_who_can_log_in(shop, look):
    def owner(db, box):
        (who,) = active_staff(db)
        return (
            who.number,
            who.role,
            verify_pin(shop, who.pin_hash, pepper=box.secrets.pin_pepper),
        )

    assert look(owner) == ("01", "owner", True)

    def branch(db, box):
        raw = db.value("SELECT content FROM feed_document WHERE topic = 'store'")
        return raw.decode(), box.act(db).store != ""

    told, stands = look(branch)
    assert '"code":"A1"' in told
    assert '"cutoff_minutes":240' in told
    assert stands


def test_a_shop_is_not_made_over_another(run, shop):
    said = run("init", "--company", "x", "--store", "y", "--code", "B", code=1)
    assert "is a shop already" in said


@pytest.mark.parametrize(
    "words",
    [
        ("--code", "人民"),
        ("--code", "B", "--day-begins", "25:00"),
        ("--code", "B", "--day-begins", "13:00"),
    ],
)
def test_a_shop_with_an_impossible_code_or_day_is_refused_before_anything_is_made(
    run, folder, words
):
    run("init", "--company", "x", "--store", "y", *words, code=2)
    assert not folder.exists()


def test_a_wrong_folder_makes_no_second_hub(run, folder):
    assert "is no hub yet" in run("staff", "list", code=1)
    assert not folder.exists()


def test_somebody_who_is_added_logs_in_by_pin_and_card(run, shop, look):
    said = run(
        "staff",
        "add",
        "--number",
        "02",
        "--name",
        "王芳",
        "--role",
        "cashier",
        "--card",
        "0004123456",
    )
    pin = pin_of(said)

    def check(db, box):
        who = next(w for w in active_staff(db) if w.number == "02")
        card = db.value("SELECT card_hash FROM staff_card WHERE staff = :id", id=who.id)
        return (
            who.name,
            verify_pin(pin, who.pin_hash, pepper=box.secrets.pin_pepper),
            card == card_hash("0004123456", key=box.secrets.card_key),
        )

    assert look(check) == ("王芳", True, True)
    listed = run("staff", "list")
    assert "王芳" in listed
    assert pin not in listed


def test_two_people_do_not_share_a_number(run, shop):
    said = run("staff", "add", "--number", "01", "--name", "王芳", "--role", "cashier", code=1)
    assert "01 is somebody already" in said


def test_a_new_pin_replaces_the_old_one(run, shop, look):
    pin = pin_of(run("staff", "pin", "01"))

    def opens(db, box):
        (who,) = active_staff(db)
        pepper = box.secrets.pin_pepper
        return [verify_pin(tried, who.pin_hash, pepper=pepper) for tried in (pin, shop)]

    assert look(opens) == [True, False]
    assert "没有这位员工" in run("staff", "pin", "77", code=1)


def test_a_pairing_code_lets_one_device_in_at_its_till(run, shop, folder):
    said = run("pair", "--till", "前台", "--address", "https://hub.local/")
    link, code = re.search(r"(https://hub\.local/pair\?code=(\w+))", said).groups()
    assert "█" in said
    assert code in link
    born = ec.generate_private_key(ec.SECP256R1()).public_key()
    key = born.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    public_key = base64.urlsafe_b64encode(key).rstrip(b"=").decode()
    box = open_hub(folder)
    try:
        paired = box.door.write(
            lambda tx: let_in(tx, box.act(tx), code=code, public_key=public_key, name="")
        )
        with box.door.read() as db:
            till = db.value("SELECT till FROM device WHERE id = :id", id=paired.device)
        assert till == "前台"
    finally:
        box.close()


def test_without_an_address_the_link_names_this_machine(run, shop):
    assert re.search(r"https://[\w.:-]+/pair\?code=", run("pair", "--till", "前台"))


def test_a_token_acts_as_its_employee_at_its_till(run, shop, look):
    token = run("token", "--staff", "01", "--till", "前台", "--name", "财务系统").strip()
    row = look(lambda db, _box: dict(find_token(db, token)))
    assert (row["role"], row["till"], row["name"]) == ("owner", "前台", "财务系统")
    assert token not in str(
        look(lambda db, _box: [dict(r) for r in db.all("SELECT * FROM api_token")])
    )


def test_a_feed_tells_an_empty_box_what_it_is(run, tmp_path, look):
    documents = [
        FeedDocument(topic="company", key="-", pos=1, content={"name": "清和养生"}),
        FeedDocument(topic="store", key="s1", pos=2, content={"name": "人民路店", "code": "A"}),
    ]
    file = write_feed(tmp_path / "feed.ndjson", documents)
    assert "2 new documents" in run("feed", "load", str(file))
    assert look(lambda db, box: box.store_id(db)) == "s1"
    assert "0 new documents" in run("feed", "load", str(file))
    assert "stands in s1" in run_second_store(run, tmp_path)


def run_second_store(run, tmp_path):
    second = FeedDocument(
        topic="store", key="s2", pos=3, content={"name": "天河店", "code": "B"}
    )
    file = write_feed(tmp_path / "more.ndjson", [second])
    return run("feed", "load", str(file), "--store", "s2", code=1)


def test_a_feed_with_two_branches_asks_which_one_this_is(run, tmp_path):
    documents = [
        FeedDocument(topic="store", key=key, pos=pos, content={"name": key, "code": code})
        for pos, (key, code) in enumerate((("s1", "A"), ("s2", "B")), start=1)
    ]
    file = write_feed(tmp_path / "feed.ndjson", documents)
    assert "choose with --store: s1, s2" in run("feed", "load", str(file), code=1)
    assert "has no store s9" in run("feed", "load", str(file), "--store", "s9", code=1)
    run("feed", "load", str(file), "--store", "s2")


def test_a_feed_that_cannot_be_read_names_its_line(run, shop, tmp_path):
    file = tmp_path / "feed.ndjson"
    file.write_text('{"topic": "company"}\n')
    assert "快照第 1 行读不懂" in run("feed", "load", str(file), code=1)


def write_feed(path, documents):
    path.write_bytes(b"\n".join(msgspec.json.encode(document) for document in documents))
    return path


def test_a_printer_is_set_up_and_a_test_page_waits_for_it(run, shop, look):
    assert "no printer" in run("printer", "test", code=1)
    run("printer", "set", "前台", "tcp://192.168.1.50:9100")
    run("printer", "set", "厨房", "usb:/dev/usb/lp0", "--columns", "32", "--raster")
    assert (
        run("printer", "list").splitlines()[0] == "前台: tcp://192.168.1.50:9100 (48 columns)"
    )
    run("printer", "test")
    run("printer", "test", "厨房")
    assert "no printer 吧台" in run("printer", "test", "吧台", code=1)

    def queued(db, _box):
        rows = db.all("SELECT printer, kind, job FROM print_job ORDER BY queued_at")
        return [
            (row["printer"], row["kind"], "打印测试" in str(from_json(row["job"])))
            for row in rows
        ]

    assert look(queued) == [("前台", "test", True), ("厨房", "test", True)]
    assert len(look(lambda db, _box: jobs(db))) == 2
    narrow = look(lambda db, _box: dict(printers(db)[1]))
    assert (narrow["columns"], narrow["raster"], narrow["is_default"]) == (32, 1, 0)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://8.8.8.8:9100", "not on the shop's network"),
        ("tcp://127.0.0.1:9100", "not on the shop's network"),
        ("file:/etc/passwd", "is not a file in"),
        ("lpt1", "is not tcp, usb, serial or file"),
    ],
)
def test_an_address_outside_the_shop_is_refused(run, shop, address, said):
    assert said in run("printer", "set", "前台", address, code=1)


def test_a_printer_made_of_software_is_admitted_where_it_is_asked_for(run, shop):
    run("printer", "set", "前台", "tcp://127.0.0.1:9100", "--simulated")


def test_what_the_operator_did_holds(run, shop, folder):
    run("staff", "add", "--number", "02", "--name", "王芳", "--role", "cashier")
    run("staff", "pin", "02")
    checked = CliRunner().invoke(verify, ["--data", str(folder)])
    assert (checked.exit_code, "全部一致" in checked.output) == (0, True)


def test_a_token_is_listed_and_taken_back_and_both_are_facts(run, shop, look):
    token = run("token", "--staff", "01", "--till", "前台", "--name", "网店").strip()
    assert "网店" in run("tokens")
    run("revoke", "网店")
    assert look(lambda db, _box: find_token(db, token)) is None
    assert "网店" not in run("tokens")
    run("revoke", "网店", code=1)
    kinds = look(
        lambda db, _box: [
            db.value(
                "SELECT count(*) FROM journal WHERE CAST(raw AS TEXT) LIKE :k", k=f"%{kind}%"
            )
            for kind in ("token.made", "token.revoked")
        ]
    )
    assert kinds == [1, 1]
