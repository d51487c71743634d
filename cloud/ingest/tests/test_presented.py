"""A top-up that died with its box is counted from its receipt, once, whatever turns up later."""

from __future__ import annotations

import pytest

from cloud.epochs import Presented, present, read_shown
from cloud.ingest import differences
from cloud.ingest.rebuilding import restore
from cloud.ingest.tests.closed import Office, tables
from cloud.ingest.tests.test_value import ask
from cloud.platform.tests.office import office_in
from core.errors import Refused
from core.journal import decode, kind_of
from core.wallet import CLOUD, NEVER, Asset, Leg, Payment, ToppedUp, holdings, issue
from core.wire import GRANTED, receipt_code


@pytest.fixture
def guest(desk, first, second):
    """A member with 100 yuan in the first store, known to head office."""
    member = first.member()
    first.top_up(member, 10_000)
    desk.sync(first, second)
    return member


@pytest.fixture
def office(platform, merchant, desk):
    return Office(platform, merchant, desk)


def top_up(store, member, principal, bonus=0):
    """Top somebody up as a till does, with points."""

    def pay(tx, act):
        legs = [Leg(Asset.PRINCIPAL, lot := act.new_id(), principal)]
        legs += [Leg(Asset.BONUS, lot, bonus)] if bonus else []
        legs.append(Leg(Asset.POINTS, NEVER, 50))
        body = ToppedUp(
            topup=act.new_id(),
            number="A-C1",
            member=member,
            lot=lot,
            offer=None,
            offer_name="",
            price=principal,
            principal=principal,
            bonus=bonus,
            points=50,
            period="p1",
            payments=(Payment(tender="cash", amount=principal),),
        )
        act.append(tx, body, postings=issue(member, store.identity.place, legs))

    store.do(pay)


def code_of(store, *, sign=None, change=lambda event: event):
    """Return the code on the receipt of a store's newest top-up."""
    with store.door.read() as db:
        raw = next(
            row["raw"]
            for row in db.all("SELECT raw FROM journal ORDER BY seq DESC")
            if kind_of(decode(row["raw"])) == "wallet.topped_up"
        )
    return receipt_code(change(raw), sign or store.key.sign)


def stored(office, member):
    """Return a member's stored value by place; of points 50 came with each top-up."""
    with office.merchant.door.read() as db:
        rows = db.all(
            "SELECT place, SUM(amount) AS amount FROM holding WHERE member = :member"
            " AND asset <> 'points' AND amount <> 0 GROUP BY place",
            member=member,
        )
    return {row["place"]: row["amount"] for row in rows}


def points(office, member):
    with office.merchant.door.read() as db:
        return sum(h.amount for h in holdings(db, member, CLOUD) if h.asset == Asset.POINTS)


def show(office, code):
    with office.platform.door.read() as shared:
        shown = read_shown(shared, code, merchant=office.merchant.id)
    merchant = office.merchant
    done = merchant.door.write(lambda tx: present(tx, merchant.act(tx), shown))
    office.work()
    return done


def refused(office, code):
    with pytest.raises(Refused) as caught:
        show(office, code)
    return caught.value.code


@pytest.fixture
def lost(office, first, guest):
    """A top-up of ¥50 and ¥5 that the first store took behind a cut line, and its code."""
    top_up(first, guest, 5_000, bonus=500)
    code = code_of(first)
    office.close(first, reason="lost")
    assert stored(office, guest) == {CLOUD: 10_000}
    return code


def test_what_stands_on_the_receipt_is_the_members_again(office, first, guest, lost):
    assert isinstance(show(office, lost), Presented)
    assert stored(office, guest) == {CLOUD: 15_500}
    assert points(office, guest) == 50
    booked = sorted(office.bookings(), key=lambda row: -row[3])
    assert booked[0] == (guest, first.id, 1, 5_000, "presented")
    assert [row[3] for row in booked] == [5_000, 500, 50]
    assert office.sound()


def test_a_receipt_counts_once(office, guest, lost):
    show(office, lost)
    assert refused(office, lost) == "receipt_counted"
    assert refused(office, f" {lost.lower()}\n") == "receipt_counted"
    assert stored(office, guest) == {CLOUD: 15_500}


@pytest.mark.parametrize("spent", [False, True])
def test_the_card_turns_up_after_all_and_nothing_counts_twice(
    office, desk, first, second, guest, lost, spent
):
    show(office, lost)
    if spent:
        assert ask(desk, second, guest) == [GRANTED]
        desk.sync(second)
        second.pay(guest, 12_000)
        desk.sync(second)
    office.bring(first)
    left = {second.id: 3_500} if spent else {CLOUD: 15_500}
    assert stored(office, guest) == left
    # The merchant has back what it had put up.
    assert office.risk() == {}
    assert office.sound()
    assert refused(office, lost) == "receipt_counted"


def test_the_books_that_are_written_anew_are_the_same(office, first, guest, lost):
    show(office, lost)
    office.bring(first)
    before = tables(office.merchant)
    assert before["presented"]
    folder, merchant_id = office.platform.folder, office.merchant.id
    office.platform.close()
    for path in (folder / "merchants").iterdir():
        path.unlink()
    restore(folder, merchant_id)
    again = office_in(folder)
    try:
        assert tables(again.merchant(merchant_id)) == before
        assert differences(again, again.merchant(merchant_id)) == []
    finally:
        again.close()


def test_what_head_office_has_is_not_counted_from_paper(office, desk, first, guest):
    top_up(first, guest, 700)
    desk.sync(first)
    code = code_of(first)
    office.close(first, reason="lost")
    assert refused(office, code) == "receipt_counted"
    assert stored(office, guest) == {CLOUD: 10_700}


def test_what_came_late_is_not_counted_from_paper(office, first, guest, lost):
    office.bring(first)
    assert refused(office, lost) == "receipt_counted"
    assert stored(office, guest) == {CLOUD: 15_500}


def test_a_box_that_lives_brings_it_itself(office, first, guest):
    top_up(first, guest, 5_000)
    assert refused(office, code_of(first)) == "receipt_box_lives"


def test_a_stolen_boxs_key_signs_nothing_any_more(office, first, guest):
    top_up(first, guest, 5_000)
    code = code_of(first)
    office.close(first, reason="stolen")
    assert refused(office, code) == "receipt_box_stolen"


def test_what_the_key_did_not_sign_is_no_receipt(office, first, second, guest, lost):
    def ten_times(raw):
        event = decode(raw)
        return raw.replace(b'"principal":5000', b'"principal":50000', 1) if event else raw

    signature = []
    code_of(first, sign=lambda message: signature.append(first.key.sign(message)) or b"x" * 64)
    forged = code_of(first, sign=lambda _message: signature[0], change=ten_times)
    assert refused(office, forged) == "receipt_code_bad"
    assert refused(office, code_of(first, sign=second.key.sign)) == "receipt_code_bad"
    assert refused(office, lost[:-9]) == "receipt_code_bad"
    assert refused(office, "https://example.com") == "receipt_code_bad"
    assert refused(office, "DS") == "receipt_code_bad"
    assert stored(office, guest) == {CLOUD: 10_000}


def test_somebody_who_registered_on_the_lost_box_alone_is_registered_first(office, first):
    stranger = first.member(name="新客")
    top_up(first, stranger, 5_000)
    code = code_of(first)
    office.close(first, reason="lost")
    assert refused(office, code) == "receipt_member_unknown"
