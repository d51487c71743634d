"""A merchant's database that was lost is put back from what was kept beside it."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from cloud.__main__ import cloud
from cloud.app import open_cloud
from cloud.feed import position
from cloud.ingest import NotEmpty, differences, restore
from cloud.ingest.tests.stores import Desk, kinds_in
from cloud.ingest.tests.test_value import ask, places
from cloud.platform.tests.office import edit, office_in
from core.errors import Refused
from core.wire import Welcome

TEA = {"code": "201", "name": "茉莉花茶", "price": 3_800}


def lose(platform, merchant):
    """Close everything and remove the merchant's file; return head office's folder."""
    folder, path = platform.folder, merchant.door.path
    platform.close()
    for one in path.parent.glob(f"{path.name}*"):
        one.unlink()
    return folder


def test_everything_that_stores_ever_saw_is_there_again(
    platform, merchant, desk, first, second
):
    member = first.member("李慧敏", "13812342046")
    first.top_up(member, 10_000)
    edit(merchant, topic="item", key="i1", content=TEA)
    desk.dirty[merchant.id] = None
    desk.sync(first, second)
    second.edit("category", "c1", {"name": "茶饮", "colour": 5})
    ask(desk, second, member)
    desk.sync(first, second)
    first.top_up(member, 700)
    desk.sync(first, second)
    before = {
        "places": places(merchant, member),
        "journals": {o: kinds_in(merchant, o) for o in (merchant.id, first.id, second.id)},
        "feed": _contents(merchant),
    }
    with merchant.door.read() as db:
        old_position = position(db)
    folder = lose(platform, merchant)

    assert restore(folder, merchant.id) > 0

    again = office_in(folder)
    try:
        restored = again.merchant(merchant.id)
        assert restored.findings() == []
        assert differences(again, restored) == []
        assert before == {
            "places": places(restored, member),
            "journals": {o: kinds_in(restored, o) for o in (merchant.id, first.id, second.id)},
            "feed": _contents(restored),
        }
        with restored.door.read() as db:
            assert position(db) > old_position
        # The stores go on as if nothing had been.
        desk = Desk(again)
        # Nothing goes down to a store that has not said how far it is.
        desk.greet(first)
        desk.greet(second)
        (welcome,) = [s for _c, s in desk.heard_by(second) if isinstance(s, Welcome)]
        assert welcome.down_len == second.down_seq
        second.fetch(restored)
        first.fetch(restored)
        ask(desk, second, member, ask_id="after")
        desk.sync(first, second)
        assert second.held(member) == 10_700
        assert restored.findings() == []
    finally:
        again.close()


def _contents(merchant):
    with merchant.door.read() as db:
        rows = db.all("SELECT topic, key, content FROM feed_document ORDER BY topic, key")
        return {
            (r["topic"], r["key"]): r["content"]
            for r in rows
            if r["topic"] not in {"restored", "wallet"}
        }


def test_a_database_that_has_something_in_it_is_left_alone(platform, merchant):
    folder = platform.folder
    platform.close()
    with pytest.raises(NotEmpty):
        restore(folder, merchant.id)


def test_a_merchant_of_whom_nothing_is_kept_cannot_be_put_back(platform, merchant):
    folder = lose(platform, merchant)
    with pytest.raises(Refused, match="no_merchant"):
        restore(folder, merchant.id)
    open_cloud(folder).close()


def test_the_commands_check_a_merchant_and_put_it_back(platform, merchant, desk, first):
    member = first.member()
    first.top_up(member, 10_000)
    desk.sync(first)

    def run(*words):
        known = ["admin", "merchant", *words, merchant.id, "--data", str(platform.folder)]
        return CliRunner().invoke(cloud, known, catch_exceptions=False)

    assert run("check").exit_code == 0
    merchant.door.write(lambda tx: tx.run("UPDATE holding SET amount = amount + 1"))
    bad = run("check")
    assert bad.exit_code == 1
    assert "holding: row 1 is" in bad.stdout
    assert run("restore").exit_code == 1
    lose(platform, merchant)
    assert int(run("restore").stdout) > 3
    assert run("check").exit_code == 0
