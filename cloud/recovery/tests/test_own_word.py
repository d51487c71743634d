"""Who stands and who pays for whom comes back by head office's own word, whatever a box says."""

from __future__ import annotations

import base64

import msgspec
import pytest

from cloud.ingest import differences
from cloud.members import merge
from cloud.recovery.tests import homecoming
from cloud.recovery.tests.homecoming import held_documents
from cloud.recovery.tests.test_recovering import held_in_all, recovering
from core.members import standing_for


def _merged(merchant, desk, member, other):
    merchant.door.write(
        lambda tx: merge(tx, merchant.act(tx, actor="a1"), loser=other, winner=member)
    )
    desk.carry(merchant.id)
    desk.work()


def _stands_for(at, member):
    with at.door.read() as db:
        return standing_for(db, member)


def test_a_merge_since_the_backup_comes_back_by_head_offices_own_word(
    merchant, desk, first, second, backed_up, put_back
):
    member, _backup = backed_up
    other = second.member("李惠敏", "13812342046")
    second.top_up(other, 5_000)
    desk.sync(first, second)
    _merged(merchant, desk, member, other)
    for store in (first, second):
        store.fetch(merchant)
    desk.sync(first, second)
    again = put_back()
    there = again.merchant(merchant)
    assert _stands_for(there, other) == other
    for store in (second, first):
        again.desk.greet(store)
        again.give_back(store)
    again.desk.sync(first, second)
    assert _stands_for(there, other) == member
    assert held_in_all(there, member) == 15_000
    assert again.desk.alarms() == []
    assert differences(again.platform, there) == []


@pytest.mark.parametrize("field", ["merged_into", "holder"])
@pytest.mark.parametrize("word", ["", "another's", "old"])
def test_a_box_that_was_taken_over_makes_nobody_somebody_else_in_a_recovery(
    merchant, desk, first, second, backed_up, put_back, monkeypatch, field, word
):
    """It holds somebody's wallet out to its thief, as if head office had merged them."""
    member, _backup = backed_up
    thief = second.member("贼", "13900000000")
    helper = second.member("同伙", "13900000001")
    desk.sync(first, second)
    _merged(merchant, desk, helper, thief)
    for store in (first, second):
        store.fetch(merchant)

    def forged(store, after):
        documents = held_documents(store, after)
        if store is not second:
            return documents
        told = next(one for one in documents if one.key == thief)
        content = msgspec.json.decode(msgspec.json.encode(told.content))
        stamp = max(content["stamps"].values())
        newer = f"{int(stamp.partition('.')[0], 16) + 1:011x}.{stamp.partition('.')[2]}"
        for name, one in ((field, member), ("merge", "m"), ("winners", member)):
            content["fields"][name], content["stamps"][name] = one, newer
        if word == "":
            del content["word"]
        elif word == "another's":
            content["word"] = base64.b64encode(store.key.sign(b"x")).decode()
        forgery = msgspec.structs.replace(told, pos=told.pos + 10**12, content=content)
        return [one for one in documents if one.key != thief] + [forgery]

    monkeypatch.setattr(homecoming, "held_documents", forged)
    again = put_back()
    there = again.merchant(merchant)
    for store in (second, first):
        again.desk.greet(store)
        again.give_back(store)
    again.desk.sync(first, second)
    assert not recovering(again, merchant)
    # What head office said itself comes back by the other store, whatever position was made up.
    assert _stands_for(there, thief) == helper
    with there.door.read() as db:
        assert not db.value("SELECT holder FROM member WHERE id = :id", id=thief)
    assert "edit_lost" in [kind for kind, _ in again.desk.alarms()]
