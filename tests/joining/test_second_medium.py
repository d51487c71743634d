"""The drill: a card dies for good while the line is cut, and the second medium has the rest."""

from __future__ import annotations

import shutil

import pytest

from core.till import STORED_VALUE
from hub.mirror import Mirror
from tests.joining.test_joining import box
from tests.joining.test_replacing import (
    FOOT_MASSAGE,
    UNHEARD,
    Chain,
    a_working_day,
    brought,
    history,
    in_books,
    in_total,
    postings_agree,
    risk,
    sell,
    written,
)
from tests.joining.test_two_stores import free_port, office, tmp, until

__all__ = ["free_port", "office", "tmp"]

pytestmark = pytest.mark.wide


@pytest.mark.feature("SYS-09")
def test_what_a_cut_off_store_did_survives_its_card_on_the_second_medium(office, tmp):
    chain = Chain(office, tmp, "备份盘")
    usb, key = tmp / "usb", tmp / "key.txt"
    usb.mkdir()
    done, printed = box(chain.folder, "recovery-key")
    assert done == 0, printed
    key.write_text(printed)
    assert box(chain.folder, "mirror", str(usb))[0] == 0
    day = a_working_day(chain)
    with chain.store(chain.folder) as store:
        Mirror(store.box).look()
    shutil.rmtree(chain.folder)

    code = chain.code("lost")
    with_medium = ("--mirror", str(usb), "--key", str(key))
    done, told = box(chain.folder, "replace", office.url, code, *with_medium)
    assert done == 0, told
    assert "从备份盘补传" in told
    with chain.store(chain.folder) as store, chain.sync(chain.folder):
        # The bill that nobody heard of is part of the new box's past from the first minute.
        assert history(store) == day.numbers | {day.unheard}
        left = 100_000 + UNHEARD - FOOT_MASSAGE
        until(lambda: in_total(office, chain, day.member) == left)
        until(lambda: brought(store, day.member) == left)
        paid = sell(store, day.member, tender=STORED_VALUE)
        until(lambda: store.link().cloud and store.link().pending == 0)
    until(lambda: len(written(office, chain)) == 4)
    assert written(office, chain) == sorted([*day.numbers, day.unheard, paid])
    assert in_books(office, chain.merchant, postings_agree)
    assert in_books(office, chain.merchant, risk) == []
