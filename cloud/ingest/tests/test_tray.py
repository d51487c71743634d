"""What was set aside, tried once more because somebody asked for it at head office's page."""

from __future__ import annotations

import pytest

from cloud.app import make_cloud_app
from cloud.aside import ask_again
from cloud.ingest import differences
from cloud.ingest.books import try_aside
from cloud.ingest.tests.test_unpacking import aside, held
from core.journal import Posting, drain_all
from core.wallet import Adjusted


@pytest.fixture
def foreign(merchant, desk, first, second):
    """A record of the first store that moves 5 yuan at the second one's place; its number."""
    member = second.member()
    second.top_up(member, 10_000)
    desk.sync(first, second)
    lot = merchant.door.write(lambda tx: tx.value("SELECT lot FROM lot"))
    first.append(
        Adjusted(member=member, lot=lot, asset="principal", amount=500, reason="x"),
        postings=(
            Posting(f"mint/{first.id}", "principal", lot, -500),
            Posting(f"member/{member}/{second.id}", "principal", lot, 500),
        ),
    )
    desk.sync(first)
    [(seq, _, whole)] = aside(merchant)
    assert whole
    return member, (first.id, 1, seq)


def try_again(platform, merchant, place):
    merchant.door.write(lambda tx: ask_again(tx, merchant.act(tx), place=place))
    assert try_aside(platform, merchant) is not None
    assert try_aside(platform, merchant) is None


def test_what_still_is_not_its_hubs_to_say_stays_aside(platform, merchant, second, foreign):
    member, place = foreign
    try_again(platform, merchant, place)
    assert len(aside(merchant)) == 1
    assert held(merchant, member)[second.id] == 10_000
    assert differences(platform, merchant) == []


@pytest.mark.parametrize("passed", [True, False])
def test_what_may_count_now_counts_once_with_its_history(
    platform, merchant, desk, first, monkeypatch, passed
):
    member = first.member()
    monkeypatch.setattr(
        "cloud.ingest.unpacking.trespass", lambda *_: "not read by this version"
    )
    first.top_up(member, 10_000)
    desk.sync(first)
    monkeypatch.undo()
    if passed:
        drain_all(merchant.door, merchant.parts)
    seqs = [seq for seq, _, _ in aside(merchant)]
    assert seqs
    assert held(merchant, member) == {}
    for seq in seqs:
        try_again(platform, merchant, (first.id, 1, seq))
    desk.work()
    drain_all(merchant.door, merchant.parts)
    assert aside(merchant) == []
    assert held(merchant, member) == {first.id: 10_000}
    with merchant.door.read() as db:
        assert db.value("SELECT count(*) FROM movement WHERE member = :m", m=member) == 1
    assert differences(platform, merchant) == []
    assert merchant.findings() == []
    first.pay(member, 1_500)
    desk.sync(first)
    assert held(merchant, member) == {first.id: 8_500}


def test_the_page_needs_somebody_logged_in(platform, foreign):
    client = make_cloud_app(platform).test_client()
    assert client.get("/aside").status_code in {302, 303, 401}
