"""With the line cut the merchant lays out what a member has elsewhere, within limits."""

from __future__ import annotations

import itertools
import re

import msgspec
import pytest

from core.clock import MINUTE_MS
from core.feed import FeedDocument, take
from core.verifying import Book, examine
from core.wallet import RISK
from hub import till
from hub.access.tests.tablet import paired
from hub.members import note_list
from hub.tests.shop import TILL
from hub.wallet.tests.head_office import HeadOffice

OTHER = "0123456789abcdef"
PARTLY = {"HX-Request": "true"}
FLOOR = {"per_member_cents": 10_000, "per_outage_cents": 15_000, "snapshot_age_ms": MINUTE_MS}
OPERATIONS = itertools.count()
OFFER = "总部先垫付"


@pytest.fixture
def office(shop):
    shop.do(lambda tx, act: till.open_period(tx, act, till=TILL, float_cents=50_000))
    told = HeadOffice(shop)
    told.line(live=False)
    allow(shop, FLOOR)
    shop.box.door.write(lambda tx: note_list(tx, now=shop.clock.read().at))
    return told


@pytest.fixture
def tablet(shop):
    ready = paired(shop)
    ready.log_in()
    ready.get("/")
    return ready


@pytest.fixture
def member(shop, office):
    """Somebody with ¥50 here and ¥300 in another store."""
    known = shop.member()
    shop.top_up(known, 5_000)
    office.tell(known, {OTHER: {"principal": 30_000}}, {})
    return known


def allow(shop, floor):
    document = FeedDocument(topic="rights", key="-", pos=9_000, content={"floor": floor})
    shop.box.door.write(lambda tx: take(tx, shop.box.parts, document))


def payment(tablet, member):
    tablet.post("/pos/lines", item="i1", operation=f"op-{next(OPERATIONS)}")
    tablet.post("/pos/member", member=member)
    return tablet.get("/pos/pay", headers=PARTLY).text


def lay_out(tablet, page):
    form = page[page.index('id="pay-ahead"') :]
    fields = dict(re.findall(r'name="([\w-]+)" value="([^"]*)"', form[: form.index("</form>")]))
    fields.pop("csrf_token", None)
    return tablet.post("/pos/pay", **fields)


def moved(shop, account):
    """Return what the journal's postings add up to at an account."""
    rows = shop.ask(lambda db: [row["raw"] for row in db.all("SELECT raw FROM journal")])
    return sum(
        amount
        for raw in rows
        for name, asset, _lot, amount in msgspec.json.decode(raw).get("postings", ())
        if name == account and asset in {"principal", "bonus"}
    )


def test_what_is_missing_is_laid_out_and_spent_at_once(shop, tablet, member):
    page = payment(tablet, member)
    assert f"{OFFER} ¥49.00" in page
    answer = lay_out(tablet, page)
    assert answer.status_code == 302, answer.text
    sale = shop.ask(lambda db: dict(db.one("SELECT * FROM ticket WHERE state = 'settled'")))
    assert sale["member"] == member
    assert moved(shop, RISK) == -4_900
    assert moved(shop, "revenue") == 9_900
    claim = shop.ask(lambda db: dict(db.one("SELECT * FROM claim")))
    assert (claim["member"], claim["amount"], claim["about"]) == (member, 4_900, sale["id"])
    booked = shop.ask(lambda db: dict(db.one("SELECT * FROM risk_booking")))
    assert (booked["reason"], booked["amount"]) == ("advance", 4_900)
    box = shop.box
    book = Book(
        name="", door=box.door, parts=box.parts, key=box.database_key, folder=box.folder
    )
    assert examine(book).problems == []


def test_no_more_is_laid_out_for_a_member_than_the_merchant_allows(shop, tablet, member):
    assert lay_out(tablet, payment(tablet, member)).status_code == 302
    # ¥49 of ¥100 are gone; the next foot massage wants ¥99 more, of which none lies here.
    page = payment(tablet, member)
    assert OFFER not in page
    # Nor does anybody tell them that the ¥49 are still theirs.
    assert "总额 ¥251.00" in page
    allow_more = FLOOR | {"per_member_cents": 15_000}
    document = FeedDocument(topic="rights", key="-", pos=9_001, content={"floor": allow_more})
    shop.box.door.write(lambda tx: take(tx, shop.box.parts, document))
    page = tablet.get("/pos/pay", headers=PARTLY).text
    assert f"{OFFER} ¥99.00" in page
    assert lay_out(tablet, page).status_code == 302
    assert moved(shop, RISK) == -14_800


def test_an_offer_that_no_longer_holds_is_refused_and_changes_nothing(
    shop, office, tablet, member
):
    page = payment(tablet, member)
    before = shop.ask(lambda db: db.value("SELECT count(*) FROM journal"))
    office.line(live=True)
    answer = lay_out(tablet, page)
    assert answer.status_code == 409
    assert "线路已经通了" in answer.text
    office.line(live=False)
    shop.clock.advance(MINUTE_MS + 1)
    answer = lay_out(tablet, page)
    assert answer.status_code == 409
    assert "断网太久" in answer.text
    assert shop.ask(lambda db: db.value("SELECT count(*) FROM journal")) == before


@pytest.mark.parametrize(
    "floor",
    [
        FLOOR | {"per_member_cents": 0},
        FLOOR | {"per_outage_cents": 4_800},
        FLOOR | {"per_member_cents": 4_800},
        FLOOR | {"snapshot_age_ms": 0},
    ],
)
def test_nothing_is_offered_beyond_what_the_merchant_set(shop, tablet, member, floor):
    document = FeedDocument(topic="rights", key="-", pos=9_001, content={"floor": floor})
    shop.box.door.write(lambda tx: take(tx, shop.box.parts, document))
    shop.clock.advance(1_000)
    assert OFFER not in payment(tablet, member)


def test_nothing_is_laid_out_on_value_that_nobody_told_of(shop, office, tablet, member):
    office.tell(member, {OTHER: {"principal": 4_800}}, {})
    assert OFFER not in payment(tablet, member)


def test_nothing_is_offered_to_a_shop_that_never_set_a_limit(shop, office, tablet, member):
    document = FeedDocument(topic="rights", key="-", pos=9_001, content=None)
    shop.box.door.write(lambda tx: take(tx, shop.box.parts, document))
    assert OFFER not in payment(tablet, member)


def test_nothing_is_offered_while_the_line_is_up_or_enough_lies_here(
    shop, office, tablet, member
):
    office.line(live=True)
    assert OFFER not in payment(tablet, member)
    office.line(live=False)
    shop.top_up(member, 20_000)
    assert OFFER not in tablet.get("/pos/pay", headers=PARTLY).text
