"""One guest of two stores: registered twice and made one, a lost card, a daughter on the account.

One story in the order of the file, in three windows: a till in each store, and head office.
"""

from __future__ import annotations

import json
import re
import urllib.request
import uuid

import pytest
from playwright.sync_api import expect

from tests.journeys.browser import picture
from tests.journeys.counter import ask, scan
from tests.journeys.head_office import ARRIVES_MS, eventually
from tests.journeys.test_story import fresh_person

pytestmark = [pytest.mark.browser, pytest.mark.wide]

SERVICE = "草本足疗 60 分钟"
CASH = "cash"


def do(demo, method, path, body, role="owner"):
    """Ask the API to do something."""
    asked = urllib.request.Request(
        f"{demo['addresses']['api']}{path}",
        method=method,
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {demo['tokens'][role]}",
            "Content-Type": "application/json",
            "Idempotency-Key": uuid.uuid4().hex,
        },
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return json.load(answer)


def top_up(demo, member, cents):
    paid = [{"tender": CASH, "amount_cents": cents}]
    body = {"member": member, "amount_cents": cents, "payments": paid}
    do(demo, "POST", "/topups", body)


def wallet(demo, member):
    return ask(demo, f"/members/{member}")["wallet"]


@pytest.fixture(scope="module")
def guest(first, second):
    """One person in two stores, each time with ¥300 and a card."""
    name, phone = fresh_person()
    people = {"name": name}
    for till, key in ((first, "older"), (second, "younger")):
        other = phone if key == "older" else phone[:-1] + str((int(phone[-1]) + 1) % 10)
        card = f"81{uuid.uuid4().int % 10**8:08}"
        told = {"name": name, "phone": other, "card": card}
        made = do(till.demo, "POST", "/members", told)
        top_up(till.demo, made["id"], 30_000)
        people |= {key: made["id"], f"{key}_card": card, f"{key}_phone": other}
    return people


def recognised(till, code):
    till.open("/")
    scan(till.demo, code)
    shown = till.page.locator("#ticket .member .who")
    expect(shown).to_be_visible(timeout=ARRIVES_MS)
    return till.page.locator("#ticket .member")


@pytest.mark.feature("EXP-15")
def test_head_office_makes_two_records_one_person_in_both_stores(first, second, office, guest):
    for key, who in (("older", first), ("younger", second)):
        office.member(guest[f"{key}_phone"])
        eventually(
            lambda who=who, key=key: ask(who.demo, f"/members/{guest[key]}")["id"], guest[key]
        )
    page = office.open(f"/members/merge?loser={guest['younger']}&winner={guest['older']}")
    expect(page.locator("#merge tbody tr", has_text="本金")).to_contain_text("¥600.00")
    picture(page, "people-1-merge")
    page.get_by_role("button", name="确认合并").click()
    expect(page.get_by_text("已合并，各店正在收到。")).to_be_visible()
    for till in (first, second):
        eventually(
            lambda till=till: ask(till.demo, f"/members/{guest['younger']}")["id"],
            guest["older"],
        )
        eventually(lambda till=till: wallet(till.demo, guest["older"])["total_cents"], 60_000)
    shown = recognised(second, guest["younger_card"])
    expect(shown).to_contain_text(guest["name"])
    picture(second.page, "people-2-one-person")


def test_a_card_lost_in_one_store_is_refused_in_the_other_and_its_replacement_pays(
    first, second, guest
):
    card = guest["older_card"]
    first.open(f"/members/{guest['older']}/cards/{card}/lost")
    expect(first.page.get_by_text(guest["name"]).first).to_be_visible()
    picture(first.page, "people-3-lost")
    first.page.get_by_role("button", name="确认挂失").click()
    expect(first.page.get_by_text("卡已挂失，各店都不能再用。")).to_be_visible()
    eventually(lambda: ask(second.demo, f"/cards/{card}")["state"], "lost")
    second.open("/")
    scan(second.demo, card)
    expect(second.page.get_by_text(re.compile("已挂失，不能使用")).first).to_be_visible(
        timeout=ARRIVES_MS
    )
    picture(second.page, "people-4-refused")
    new = f"{card}-N"
    do(first.demo, "POST", f"/cards/{card}/replacements", {"card": new})
    eventually(lambda: len(ask(second.demo, f"/members?q={new}")["members"]), 1)
    expect(recognised(second, new)).to_contain_text(guest["name"])


@pytest.mark.feature("EXP-29")
def test_a_daughter_in_the_other_store_pays_from_the_account_and_the_bill_says_so(
    first, second, office, guest
):
    name, phone = fresh_person()
    daughter = do(second.demo, "POST", "/members", {"name": name, "phone": phone})["id"]
    eventually(lambda: len(ask(first.demo, f"/members?q={phone}")["members"]), 1)
    first.open(f"/members/{guest['older']}/family?q={phone}")
    first.page.locator("[name=limit]").first.fill("500")
    first.page.get_by_role("button", name="加为亲情成员").first.click()
    expect(first.page.get_by_text("已加为亲情成员。")).to_be_visible()
    eventually(
        lambda: ask(second.demo, f"/members/{daughter}")["family"]["holder"], guest["older"]
    )
    shown = recognised(second, phone)
    expect(shown).to_contain_text(f"亲情账户：用 {guest['name']} 的储值付款")
    eventually(lambda: wallet(second.demo, guest["older"])["here_cents"], 60_000)
    second.open("/")
    second.tap(SERVICE)
    due = second.due()
    picture(second.page, "people-5-family")
    paid = second.pay()
    expect(paid.get_by_text(f"{name} 消费，从 {guest['name']} 的亲情账户付款")).to_be_visible()
    number = paid.locator("[data-paid]").get_attribute("data-paid")
    eventually(lambda: wallet(second.demo, guest["older"])["total_cents"], 60_000 - due)
    page = office.open(f"/members/{guest['older']}")
    expect(page.locator("#profile")).to_contain_text(number, timeout=ARRIVES_MS)
    expect(page.locator("#profile")).to_contain_text(f"{name} 来店")
    picture(page, "people-6-head-office")
