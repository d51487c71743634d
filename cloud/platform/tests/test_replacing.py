"""A code of the other kind: it puts one box in the place of another, and is good for nothing else."""

from __future__ import annotations

import pytest

from cloud.epochs import close_epoch
from cloud.platform import (
    CODE_LIFE_MS,
    Reason,
    closed_by_certificate,
    code_open_for,
    epochs_of,
    find_hub,
    look,
    new_code,
    replace_code,
)
from cloud.platform.tests.office import STORE, Hub, join, merchant_in, office_in
from core.crypto import verify_log
from core.enrolment import LookRequest
from core.errors import Refused


@pytest.fixture
def platform(tmp_path):
    opened = office_in(tmp_path / "office")
    yield opened
    opened.close()


@pytest.fixture
def merchant(platform):
    return merchant_in(platform)


@pytest.fixture
def gone(platform, merchant):
    """A box that was joined and is broken."""
    hub = Hub()
    join(platform, hub, new_code(platform, merchant=merchant.id, store=STORE))
    close_epoch(platform, hub.name, reason="broken")
    return hub


def known(platform, hub):
    with platform.door.read() as db:
        return find_hub(db, hub.name)


def code_for(platform, hub):
    return replace_code(platform, known(platform, hub))


def refused(code, verb, *args, **kwargs):
    with pytest.raises(Refused) as told:
        verb(*args, **kwargs)
    assert told.value.code == code


def test_a_box_in_use_is_in_nobodys_way(platform, merchant):
    hub = Hub()
    join(platform, hub, new_code(platform, merchant=merchant.id, store=STORE))
    refused("hub_open", code_for, platform, hub)


def test_the_next_epoch_with_a_key_of_its_own_is_let_in(platform, merchant, gone):
    code = code_for(platform, gone)
    told = look(platform, LookRequest(code=code))
    assert (told.hub_id, told.epoch, told.store) == (gone.name, 2, STORE)
    box = Hub(seed=8, epoch=2)
    answer = join(platform, box, code)
    assert (answer.hub_id, answer.store) == (gone.name, STORE)
    assert verify_log(
        public=answer.merchant_key, message=box.birth, signature=answer.countersignature
    )
    with platform.door.read() as db:
        first, second = epochs_of(db, gone.name)
    assert (first.closed_reason, second.closed_at) == ("broken", None)
    assert second.birth == box.birth
    assert second.downlink_birth == answer.downlink_birth != first.downlink_birth
    hub = known(platform, gone)
    assert not hub.revoked
    # What the box before it had said says nothing of this one.
    assert (hub.reported_seq, hub.feed_pos, hub.last_seen_at) == (0, 0, None)


def test_a_lost_answer_is_given_again_and_looked_up_again(platform, gone):
    code = code_for(platform, gone)
    box = Hub(seed=8, epoch=2)
    first = join(platform, box, code)
    assert look(platform, LookRequest(code=code)).epoch == 2
    assert join(platform, box, code) == first
    refused("join_code_used", join, platform, Hub(seed=9, epoch=2), code)


@pytest.mark.parametrize(
    ("box", "said"),
    [
        (Hub(seed=7, epoch=2), "hub_known"),
        (Hub(seed=8, epoch=1), "hub_known"),
        (Hub(seed=8, epoch=3), "hub_known"),
        (Hub("fedcba9876543210", seed=8, epoch=2), "join_code_replaces"),
    ],
    ids=["the old key", "the old epoch", "an epoch too far", "another hub"],
)
def test_nothing_else_takes_the_place(platform, gone, box, said):
    code = code_for(platform, gone)
    refused(said, join, platform, box, code)
    # The code was not spent on it.
    join(platform, Hub(seed=8, epoch=2), code)


def test_a_code_for_new_boxes_puts_nobody_in_anothers_place(platform, merchant, gone):
    code = new_code(platform, merchant=merchant.id, store=STORE)
    refused("join_code_joins", look, platform, LookRequest(code=code))
    refused("hub_known", join, platform, Hub(seed=8, epoch=2), code)


def test_the_box_that_was_closed_does_not_come_back_by_any_code(platform, merchant, gone):
    refused("hub_known", join, platform, gone, code_for(platform, gone))
    code = new_code(platform, merchant=merchant.id, store=STORE)
    refused("hub_known", join, platform, gone, code)
    join(platform, Hub(seed=8, epoch=2), code_for(platform, gone))
    refused("hub_known", join, platform, gone, code)


def test_a_newer_code_is_the_only_one(platform, gone):
    older = code_for(platform, gone)
    newer = code_for(platform, gone)
    refused("join_code_wrong", look, platform, LookRequest(code=older))
    assert look(platform, LookRequest(code=newer)).epoch == 2


def test_a_code_ends(platform, gone):
    code = code_for(platform, gone)
    with platform.door.read() as db:
        at = platform.clock.read().at
        assert code_open_for(db, gone.name, at=at) == at + CODE_LIFE_MS
    platform.clock.advance(CODE_LIFE_MS)
    refused("join_code_expired", look, platform, LookRequest(code=code))
    refused("join_code_expired", join, platform, Hub(seed=8, epoch=2), code)


def test_a_certificate_is_good_for_the_epoch_that_it_was_made_in(platform, gone):
    old = known(platform, gone).certificate_serial
    join(platform, Hub(seed=8, epoch=2), code_for(platform, gone))
    new = known(platform, gone).certificate_serial
    with platform.door.read() as db:
        assert closed_by_certificate(db, gone.name, old) == "broken"
        assert closed_by_certificate(db, gone.name, new) is None
    close_epoch(platform, gone.name, reason="stolen")
    with platform.door.read() as db:
        assert closed_by_certificate(db, gone.name, old) == "broken"
        assert closed_by_certificate(db, gone.name, new) == Reason.STOLEN
        # One that was made after the backup which head office was put back from.
        assert closed_by_certificate(db, gone.name, "1234") == Reason.STOLEN


def test_a_closed_box_that_turns_out_to_be_stolen_is_known_as_that(platform, gone):
    close_epoch(platform, gone.name, reason="stolen")
    with platform.door.read() as db:
        (epoch,) = epochs_of(db, gone.name)
    # What was moved stays moved: nothing is left to wait for.
    assert (epoch.closed_reason, epoch.limbo) == ("stolen", False)
    close_epoch(platform, gone.name, reason="lost")
    with platform.door.read() as db:
        assert epochs_of(db, gone.name)[0].closed_reason == "stolen"


def test_a_reason_that_nobody_knows_closes_nothing(platform, merchant):
    hub = Hub()
    join(platform, hub, new_code(platform, merchant=merchant.id, store=STORE))
    refused("bad_reason", close_epoch, platform, hub.name, reason="tired")
    assert not known(platform, hub).revoked
