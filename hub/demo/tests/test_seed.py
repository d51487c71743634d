from __future__ import annotations

import re
from random import Random

import pytest
from click.testing import CliRunner

from core.clock import DAY_MS, SystemClock
from core.crypto import card_hash, verify_pin
from core.feed import load, read_snapshot
from core.members import normalise_phone
from core.staff import ROLES, active_staff
from core.verifying import verify
from hub.access.login import find_token
from hub.app import open_hub
from hub.demo import shop
from hub.demo.logo import logo_base64
from hub.demo.people import people
from hub.demo.seed import Size, seed
from hub.devices import Image
from hub.members import search
from hub.simulator import Cast

SMALL = Size(members=30, days=4, sales=25, sale_days=3)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The whole shop, made once: its folder and who works there."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, seed(folder / "hub", folder / "snapshot.ndjson", clock=SystemClock())


@pytest.fixture
def box(made):
    box = open_hub(made[0] / "hub")
    yield box
    box.close()


@pytest.fixture
def ask(box):
    def ask(sql, **values):
        with box.door.read() as db:
            return [tuple(row) for row in db.all(sql, **values)]

    return ask


def test_it_has_what_a_shop_of_this_size_has(ask):
    assert ask("SELECT count(*) FROM item WHERE active = 1") == [(40,)]
    assert ask("SELECT count(*) FROM staff WHERE active = 1") == [(12,)]
    assert ask("SELECT count(*) FROM member WHERE standing = 'member'") == [(300,)]
    assert ask("SELECT count(*) FROM card WHERE active = 1") == [(300,)]
    assert ask("SELECT count(*) FROM sale WHERE sign = 1") == [(150,)]
    kinds = ask("SELECT kind, count(*) FROM item GROUP BY kind ORDER BY kind")
    assert kinds == [("product", 16), ("service", 24)]
    assert ask("SELECT count(*) FROM offer") == [(6,)]
    assert ask("SELECT count(*) FROM stock WHERE on_hand < 0") == [(0,)]
    (with_value,) = ask("SELECT count(DISTINCT member) FROM holding WHERE amount > 0")
    assert with_value[0] > 150


def test_its_tills_are_closed_and_its_days_lie_in_the_past(ask, box):
    assert ask("SELECT DISTINCT state FROM till_period") == [("closed",)]
    now = box.journal.clock.read().at
    ((first, last),) = ask("SELECT MIN(at), MAX(at) FROM sale")
    assert 0 < now - last < 3 * DAY_MS
    assert 12 * DAY_MS < now - first < 17 * DAY_MS
    ((seen,),) = ask("SELECT MAX(at) FROM journal")
    assert seen <= now
    dates = ask("SELECT date, count(*) FROM sale GROUP BY date")
    assert len(dates) > 10


def test_its_history_holds(made):
    checked = CliRunner().invoke(verify, ["--data", str(made[0] / "hub")])
    assert "全部一致" in checked.output, checked.output


def test_somebody_of_every_role_can_log_in_by_pin_or_card(made, box):
    cast = made[1]
    assert {login.role for login in cast.logins} == set(ROLES)
    with box.door.read() as db:
        known = {who.number: who for who in active_staff(db)}
        for login in cast.logins:
            who = known[login.number]
            assert (who.name, who.role) == (login.name, login.role)
            if login.role == "device":
                assert (who.pin_hash, login.pin) == ("", "")
                continue
            assert verify_pin(login.pin, who.pin_hash, pepper=box.secrets.pin_pepper)
            hashed = card_hash(login.card, key=box.secrets.card_key)
            owner = db.value("SELECT staff FROM staff_card WHERE card_hash = :h", h=hashed)
            assert owner == who.id
    assert len({login.pin for login in cast.logins}) == len(cast.logins)


def test_there_is_a_token_for_every_role(made, box):
    tokens = made[1].tokens
    with box.door.read() as db:
        roles = {role: find_token(db, token)["role"] for role, token in tokens.items()}
    assert roles == {role: role for role in ROLES}


def test_virtual_cards_stand_for_members_and_blank_ones_for_nobody(made, ask):
    cast = made[1]
    held = {number for (number,) in ask("SELECT number FROM card")}
    assert len(cast.member_cards) == 20
    assert set(cast.member_cards) <= held
    assert not held & set(cast.blank_cards)
    assert all(re.fullmatch(r"88\d{8}", number) for number in held)


def test_a_member_is_found_by_pinyin(box):
    with box.door.read() as db:
        name = db.value("SELECT name FROM member WHERE name LIKE '王%' LIMIT 1")
        assert name in [row["name"] for row in search(db, "wang", limit=300)]


def test_the_snapshot_makes_another_hub_sell_the_same(made, tmp_path):
    text = (made[0] / "snapshot.ndjson").read_text(encoding="utf-8")
    assert [login.pin for login in made[1].logins if login.pin and login.pin in text] == []
    other = open_hub(tmp_path / "other")
    try:
        documents = read_snapshot(text)
        assert other.door.write(lambda tx: load(tx, other.parts, documents)) == len(documents)
        with other.door.read() as db:
            assert db.value("SELECT count(*) FROM item") == 40
    finally:
        other.close()


def test_what_is_secret_is_for_its_owner_only(made):
    assert (made[0] / "snapshot.ndjson").stat().st_mode & 0o077 == 0


def test_two_shops_have_the_same_people_and_never_the_same_secrets(tmp_path):
    casts: list[Cast] = []
    told = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        casts.append(seed(folder / "hub", folder / "feed", clock=SystemClock(), size=SMALL))
        box = open_hub(folder / "hub")
        with box.door.read() as db:
            rows = db.all("SELECT name, phone, category, birthday FROM member ORDER BY number")
            sales = db.all("SELECT total, number FROM sale ORDER BY seq")
            told.append(([tuple(row) for row in rows], [tuple(row) for row in sales]))
        box.close()
    assert told[0] == told[1]
    assert casts[0].member_cards == casts[1].member_cards
    assert not set(casts[0].tokens.values()) & set(casts[1].tokens.values())
    pins = [[login.pin for login in cast.logins] for cast in casts]
    assert pins[0] != pins[1]


def test_people_have_names_and_phones_of_their_own():
    crowd = people(300, Random(1))
    assert len({person.name for person in crowd}) == 300
    phones = [person.phone for person in crowd]
    assert [normalise_phone(phone) for phone in phones] == phones
    assert len(set(phones)) == 300
    assert all(re.fullmatch(r"[\u4e00-\u9fff]{2,4}", person.name) for person in crowd)


def test_barcodes_have_their_check_digit():
    assert shop.ean13(690_123_456_789) == "6901234567892"
    codes = [item.barcode for item in shop.items().values() if item.barcode]
    assert len(set(codes)) == len(codes) == 16
    for code in codes:
        assert sum(int(d) * (3 if n % 2 else 1) for n, d in enumerate(code)) % 10 == 0


def test_the_logo_fits_on_a_receipt():
    assert Image(logo_base64()).png.startswith(b"\x89PNG")
