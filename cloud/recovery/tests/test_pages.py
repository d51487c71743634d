"""The page on backups and recovery: what an owner sees, and who may stop waiting."""

from __future__ import annotations

import pytest

from cloud.access.tests.conftest import furnished_office, office
from cloud.access.tests.office import words
from cloud.app import open_cloud
from cloud.recovery import (
    RELEASE_AFTER_MS,
    State,
    Why,
    begin_recovery,
    hubs_in_recovery,
    make_backup,
    make_recovery_key,
    recovery_of,
)

__all__ = ["furnished_office", "office"]


def states(office):
    with office.platform.door.read() as db:
        return {one.hub: one.state for one in hubs_in_recovery(db, office.merchant.id)}


@pytest.fixture
def frozen(office):
    at = office.platform.clock.read().at
    office.platform.door.write(
        lambda tx: begin_recovery(tx, office.merchant.id, why=Why.RESTORED, at=at)
    )
    assert states(office)
    return office


def test_an_owner_sees_whether_there_is_a_backup_and_what_it_holds(office, tmp_path):
    page = words(office.browser().get("/recovery"))
    assert "总部还没有可用的备份" in page
    office.a.sell(12_800)
    make_recovery_key(office.platform)
    (tmp_path / "away").mkdir()
    make_backup(office.platform, tmp_path / "away", open_at=open_cloud, version="0.1")
    page = words(office.browser().get("/recovery"))
    assert "能恢复" in page
    assert "已加密" in page
    assert "人民路店" in page
    office.platform.door.write(
        lambda tx: tx.run("UPDATE backup SET made_at = made_at - :ms", ms=RELEASE_AFTER_MS)
    )
    assert "最近的备份太旧了" in words(office.browser().get("/recovery"))


@pytest.mark.feature("SYS-04")
def test_a_recovery_says_why_value_does_not_move_and_which_boxes_are_awaited(frozen):
    page = words(frozen.browser().get("/recovery"))
    assert "总部从备份恢复了" in page
    assert "还没联系上" in page
    assert "三天后才能不等" in page
    assert "总部在恢复数据，在等这台主机" in words(frozen.browser().get("/stores"))
    other = words(frozen.browser(host="biejia").get("/recovery"))
    assert "总部从备份恢复了" not in other


def test_stopping_to_wait_takes_three_days_a_reason_and_the_right_to_pair(frozen):
    path = f"/recovery/{frozen.a.hub}/release"
    browser = frozen.browser()
    early = browser.post(path, page="/recovery", reason="进水了")
    assert early.status_code == 409
    frozen.platform.door.write(
        lambda tx: tx.run("UPDATE recovery SET began_at = began_at - :ms", ms=RELEASE_AFTER_MS)
    )
    assert "不再等它" in words(browser.get("/recovery"))
    bare = browser.post(path, page=path, reason=" ")
    assert bare.status_code == 422
    assert "请写明为什么不再等这台主机" in words(bare)
    assert frozen.browser("auditor").post(path, page="/recovery", reason="x").status_code == 403
    assert states(frozen)[frozen.a.hub] is State.AWAITED
    assert browser.post(path, page=path, reason="进水了").status_code == 303
    assert states(frozen)[frozen.a.hub] is State.RELEASED
    assert frozen.kinds().count("recovery.hub_released") == 1
    assert "进水了" in words(browser.get("/recovery"))
    with frozen.platform.door.read() as db:
        assert recovery_of(db, frozen.merchant.id) is not None


def test_another_merchants_box_is_not_ones_own_to_stop_waiting_for(frozen):
    path = f"/recovery/{frozen.a.hub}/release"
    stranger = frozen.browser(host="biejia")
    assert stranger.get(path).status_code == 404
    assert states(frozen)[frozen.a.hub] is State.AWAITED
