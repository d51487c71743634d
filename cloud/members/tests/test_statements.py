"""A statement of any member for any period: it adds up, it is signed, and a changed one shows."""

from __future__ import annotations

from io import BytesIO

import msgspec
import pytest

from cloud.access.tests.office import words
from core.clock import DAY_MS, MINUTE_MS
from core.statements import Signed, Statement


@pytest.fixture
def member(office):
    """Topped up, spent, walked on to the other store a day later, and spent there."""
    known = office.a.member()
    office.a.top_up(known)
    office.a.sell(12_800, known, "stored_value")
    office.clock.advance(DAY_MS)
    office.a.send_to(office.b, known)
    office.b.sell(9_900, known, "stored_value")
    return known


def statement(browser, member, **period):
    answer = browser.client.get(f"/members/{member}/statement.json", query_string=period)
    assert answer.status_code == 200
    return answer.data, msgspec.json.decode(
        msgspec.json.decode(answer.data, type=Signed).statement, type=Statement
    )


def upload(browser, file):
    return browser.post("/statements", file=(BytesIO(file), "statement.json"))


def test_it_adds_up_over_all_stores_and_leaves_transfers_out(office, member):
    _, whole = statement(office.browser(), member)
    assert [row.kind for row in whole.movements] == [
        "wallet.topped_up",
        "ticket.settled",
        "ticket.settled",
    ]
    assert [row.after.principal + row.after.bonus for row in whole.movements] == [
        110_000,
        97_200,
        87_300,
    ]
    assert (whole.opening.principal, whole.closing.principal) == (0, 77_300)
    with office.merchant.door.read() as db:
        held = db.value("SELECT SUM(amount) FROM holding WHERE member = :m", m=member)
    assert whole.closing.principal + whole.closing.bonus == held


def test_a_later_period_begins_with_what_was_left(office, member):
    _, later = statement(office.browser(), member, first="2026-09-22", last="2026-09-22")
    assert later.opening.principal + later.opening.bonus == 97_200
    assert [row.store for row in later.movements] == ["s2"]
    page = words(office.browser().get(f"/members/{member}/statement?first=2026-09-22"))
    assert "期初储值 ¥972.00 期末储值 ¥873.00" in page


def test_a_signed_file_is_known_again_and_a_changed_one_is_not(office, member):
    browser = office.browser()
    file, _ = statement(browser, member)
    assert "相符" in words(upload(browser, file))
    held = msgspec.json.decode(file, type=Signed)
    forged = msgspec.structs.replace(held, statement=held.statement.replace(b"77300", b"97300"))
    answer = upload(browser, msgspec.json.encode(forged))
    assert answer.status_code == 422
    assert "签名不对" in words(answer)
    for strange in (b"", b"PK\x03\x04", b'{"a":' * 100_000):
        assert "这不是对账单文件" in words(upload(browser, strange))
    other = office.browser(host="biejia")
    assert "签名不对" in words(upload(other, file))


class Counted(BytesIO):
    """A body that tells how much of it was read."""

    taken = 0

    def read(self, size=-1, /):
        part = super().read(size)
        self.taken += len(part)
        return part


def send_large(client, path):
    body = Counted(bytes(7 * 1024 * 1024))
    answer = client.open(
        path,
        method="POST",
        input_stream=body,
        content_length=7 * 1024 * 1024,
        content_type="multipart/form-data; boundary=b",
    )
    return answer, body.taken


@pytest.mark.parametrize("path", ["/statements", "/lists/new/members"])
def test_of_a_strangers_file_nothing_is_read(office, path):
    answer, taken = send_large(office.app.test_client(), path)
    assert answer.status_code in {302, 303, 401}
    assert taken == 0


def test_of_a_file_from_who_may_not_send_it_nothing_is_read(office):
    answer, taken = send_large(office.browser("auditor").client, "/statements")
    assert answer.status_code == 413
    assert taken == 0
    answer, taken = send_large(office.app.test_client(), "/login")
    assert answer.status_code == 413
    assert taken == 0


def test_nobody_sends_files_faster_than_a_person_would(office):
    browser = office.browser()
    for _ in range(30):
        assert upload(browser, b"{}").status_code == 422
    assert upload(browser, b"{}").status_code == 429
    office.clock.advance(10 * MINUTE_MS)
    assert upload(browser, b"{}").status_code == 422


def test_who_may_not_take_data_out_gets_no_statement(office, member):
    assert office.browser("auditor").get(f"/members/{member}/statement").status_code == 403
    assert office.browser(host="biejia").get(f"/members/{member}/statement").status_code == 404
