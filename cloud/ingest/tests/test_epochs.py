"""A box that is closed, comes back late, or was two: its members lose nothing, and all is told."""

from __future__ import annotations

import hashlib

import pytest

from cloud.epochs import branches_of, close_epoch, release_limbo, take_up_forks
from cloud.ingest import differences
from cloud.ingest.books import carry
from cloud.ingest.rebuilding import restore
from cloud.ingest.tests.closed import Office, successor, tables, twin_of
from cloud.ingest.tests.stores import kinds_in
from cloud.ingest.tests.test_value import ask, places
from cloud.members import merge
from cloud.platform import epochs_of
from cloud.platform.tests.office import office_in
from core.enrolment import LateState
from core.errors import Refused
from core.feed import publish
from core.wallet import CLOUD, Advanced, advance
from core.wire import GRANTED, NOTHING, RECALLING, Channel, Fence, encode, unpack
from core.wire.messages import OFFLINE


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


# -- closing -----------------------------------------------------------------------------------


def test_what_lay_at_a_closed_box_is_in_the_pool_again(office, first, guest):
    office.close(first)
    assert places(office.merchant, guest) == {CLOUD: 10_000}
    assert kinds_in(office.merchant, office.merchant.id).count("wallet.voided") == 1
    assert office.risk() == {}
    assert office.sound()


def test_closing_twice_moves_nothing_twice(office, first, guest):
    office.close(first)
    office.close(first, reason="lost")
    with office.platform.door.read() as db:
        (epoch,) = epochs_of(db, first.id)
    assert (epoch.closed_reason, epoch.closed_seq) == ("broken", 2)
    kinds = kinds_in(office.merchant, office.merchant.id)
    assert (kinds.count("wallet.voided"), kinds.count("hub.epoch_closed")) == (1, 1)
    assert places(office.merchant, guest) == {CLOUD: 10_000}


def test_a_grant_that_was_under_way_to_a_closed_box_comes_back(office, desk, first, second):
    member = second.member()
    second.top_up(member, 5_000)
    desk.sync(first, second)
    assert ask(desk, first, member) == [RECALLING]
    desk.sync(second, rounds=3)
    assert places(office.merchant, member) == {"transit": 5_000}
    office.close(first)
    assert places(office.merchant, member) == {CLOUD: 5_000}
    assert office.sound()


def test_who_waits_for_a_closed_box_gets_what_it_held(office, desk, first, second, guest):
    assert ask(desk, second, guest) == [RECALLING]
    desk.hear(first, Channel.UP_PRESENCE, encode(OFFLINE))
    office.close(first)
    desk.sync(second)
    assert second.held(guest) == 10_000
    assert places(office.merchant, guest) == {second.id: 10_000}
    with office.merchant.door.read() as db:
        assert db.value("SELECT COUNT(*) FROM recall WHERE open = 1") == 0
        assert db.value("SELECT state FROM ask WHERE id = 'q1'") == GRANTED
    assert office.sound()


def test_what_a_stolen_box_held_waits_for_a_decision(office, desk, first, second, guest):
    office.close(first, reason="stolen")
    assert places(office.merchant, guest) == {first.id: 10_000}
    assert ask(desk, second, guest) == [NOTHING]
    release_limbo(office.platform, first.id, epoch=1)
    office.work()
    assert places(office.merchant, guest) == {CLOUD: 10_000}
    assert ask(desk, second, guest, ask_id="q2") == [GRANTED]
    assert office.sound()


def test_a_power_cut_before_any_commit_of_the_emptying_changes_nothing_in_the_end(
    office, desk, first, guest, monkeypatch
):
    close_epoch(office.platform, first.id, reason="lost")

    def cut(*_args, **_how):
        raise OSError("cut")

    with monkeypatch.context() as patched:
        patched.setattr("cloud.ingest.books.seal_own", cut)
        with pytest.raises(OSError, match="cut"):
            carry(office.platform, office.merchant)
    assert places(office.merchant, guest) == {first.id: 10_000}
    with monkeypatch.context() as patched:
        # Committed, and not told of: the next call keeps what was sealed.
        patched.setattr("cloud.ingest.books.keep_own", cut)
        with pytest.raises(OSError, match="cut"):
            carry(office.platform, office.merchant)
    office.work()
    assert kinds_in(office.merchant, office.merchant.id).count("wallet.voided") == 1
    assert places(office.merchant, guest) == {CLOUD: 10_000}
    assert office.sound()


def test_many_members_are_emptied_in_slices(office, desk, first, monkeypatch):
    monkeypatch.setattr("cloud.epochs.voiding.VOID_MEMBERS_MAX", 3)
    members = [first.member(name=f"客{n}") for n in range(7)]
    for member in members:
        first.top_up(member, 1_000)
    desk.sync(first)
    close_epoch(office.platform, first.id, reason="lost")
    outcome = carry(office.platform, office.merchant)
    assert outcome.more
    assert kinds_in(office.merchant, office.merchant.id).count("wallet.voided") == 3
    office.work()
    assert [places(office.merchant, one) for one in members] == [{CLOUD: 1_000}] * 7
    assert office.sound()


# -- what comes late ---------------------------------------------------------------------------


def test_a_late_spend_is_paid_by_the_members_own_pool(office, first, guest):
    first.pay(guest, 3_000)
    office.close(first)
    assert office.bring(first) == [LateState.KNOWN, LateState.KEPT]
    assert places(office.merchant, guest) == {CLOUD: 7_000}
    assert office.risk() == {}
    assert office.bring(first) == [LateState.KNOWN, LateState.KNOWN]
    assert office.sound()


def test_a_late_spend_of_a_merged_duplicate_is_paid_by_whom_it_became(
    office, desk, first, second, guest
):
    known = second.member("李慧敏")
    desk.sync(first, second)
    first.pay(guest, 3_000)
    office.close(first)
    office.merchant.door.write(
        lambda tx: merge(tx, office.merchant.act(tx), loser=guest, winner=known)
    )
    desk.carry(office.merchant.id)
    assert places(office.merchant, known) == {CLOUD: 10_000}
    assert office.bring(first) == [LateState.KNOWN, LateState.KEPT]
    assert places(office.merchant, known) == {CLOUD: 7_000}
    assert places(office.merchant, guest) == {}
    assert office.risk() == {}
    assert office.sound()


def test_a_late_top_up_is_the_members(office, first, guest):
    first.top_up(guest, 4_000)
    office.close(first)
    office.bring(first)
    assert places(office.merchant, guest) == {CLOUD: 14_000}
    assert office.risk() == {}
    assert office.sound()


def test_a_late_spend_of_what_was_spent_elsewhere_is_the_merchants(
    office, desk, first, second, guest
):
    first.pay(guest, 8_000)
    office.close(first)
    assert ask(desk, second, guest) == [GRANTED]
    second.pay(guest, 9_500)
    desk.sync(second)
    office.bring(first)
    assert places(office.merchant, guest) == {second.id: 500}
    assert office.risk() == {"principal": 8_000}
    assert office.bookings() == [(guest, first.id, 1, 8_000, "late")]
    assert office.sound()


def test_what_is_late_and_was_already_accepted_elsewhere_ends_in_one_place(
    office, desk, first, second
):
    """The closed box had taken a grant in before it was closed, and nobody knew."""
    member = second.member()
    second.top_up(member, 5_000)
    desk.sync(first, second)
    assert ask(desk, first, member) == [RECALLING]
    desk.sync(second, rounds=3)
    desk.greet(first)
    for channel, raw in desk.heard_by(first):
        if channel is Channel.DOWN_LOG:
            first.take_down(raw)
    assert first.held(member) == 5_000
    first.pay(member, 2_000)
    office.close(first)
    assert places(office.merchant, member) == {CLOUD: 5_000}
    office.bring(first)
    assert places(office.merchant, member) == {CLOUD: 3_000}
    assert office.risk() == {}
    assert office.sound()


def test_a_release_that_comes_late_arrives_once(office, desk, first, second, guest):
    assert ask(desk, second, guest) == [RECALLING]
    desk.greet(first)
    for channel, raw in desk.heard_by(first):
        if channel is Channel.DOWN_LOG:
            first.take_down(raw)
    assert first.held(guest) == 0
    office.close(first)
    office.bring(first)
    desk.sync(second)
    assert second.held(guest) == 10_000
    assert places(office.merchant, guest) == {second.id: 10_000}
    assert office.risk() == {}
    assert office.sound()


def test_a_late_segment_behind_a_gap_says_where_to_go_on(office, first, guest):
    first.pay(guest, 100)
    first.seal()
    first.pay(guest, 100)
    office.close(first)
    *_, before, last = first.segments()
    answer = office.late(first, last)
    assert (answer.state, answer.acked) == (LateState.GAP, 2)
    assert office.late(first, before).state is LateState.KEPT
    assert office.late(first, last).state is LateState.KEPT


# -- another box in its place ------------------------------------------------------------------


def test_a_new_box_begins_with_nothing_and_old_grants_never_count_again(
    office, desk, first, second, guest, tmp_path
):
    office.close(first)
    box = successor(office, first, tmp_path / "new")
    assert box.identity.place == f"{first.id}.2"
    desk.sync(box, second)
    assert box.held(guest) == 0
    assert ask(desk, box, guest) == [GRANTED]
    desk.sync(box, second)
    assert box.held(guest) == 10_000
    box.pay(guest, 2_500)
    desk.sync(box, second)
    assert places(office.merchant, guest) == {box.identity.place: 7_500}
    # The first grant of this epoch is the first event of its own stream.
    assert unpack(box.down[0]).first == 1
    box.close()
    assert office.sound()


def test_the_old_box_turns_up_while_the_new_one_sells(
    office, desk, first, second, guest, tmp_path
):
    first.pay(guest, 4_000)
    office.close(first)
    box = successor(office, first, tmp_path / "new")
    desk.sync(box, second)
    ask(desk, box, guest)
    desk.sync(box, second)
    box.pay(guest, 10_000)
    desk.sync(box, second)
    office.bring(first)
    assert places(office.merchant, guest) == {}
    assert office.risk() == {"principal": 4_000}
    assert office.bookings() == [(guest, first.id, 1, 4_000, "late")]
    box.close()
    assert office.sound()


# -- two of one --------------------------------------------------------------------------------


def test_both_histories_of_a_box_that_was_two_are_facts(
    office, desk, first, second, guest, tmp_path
):
    twin = twin_of(first, tmp_path / "twin", seed=77)
    first.pay(guest, 6_000)
    twin.pay(guest, 7_000)
    twin.top_up(twin_guest := twin.member(name="只有分身认识"), 900)
    desk.sync(first, second, rounds=1)
    desk.greet(twin)
    for raw in twin.segments(after=2):
        desk.hear(twin, Channel.UP_LOG, raw)
    said = [one for _c, one in desk.heard_by(twin)]
    assert any(isinstance(one, Fence) and one.reason == "forked" for one in said)
    assert kinds_in(office.merchant, office.merchant.id).count("hub.epoch_closed") == 1
    office.work()
    # What showed that there are two is a fact already; the twin learns that it is known.
    assert office.bring(twin, after=2) == [LateState.KNOWN]
    # 40 yuan of the 70 were there still; for the rest nobody was asked.
    assert places(office.merchant, guest) == {}
    assert office.risk() == {"principal": 3_000}
    assert office.bookings() == [(guest, first.id, 1, 3_000, "fork")]
    assert places(office.merchant, twin_guest) == {CLOUD: 900}
    with office.platform.door.read() as db:
        (branch,) = branches_of(db, first.id)
    head = hashlib.sha256(branch.after_head + unpack(twin.segments()[-1]).events[0]).hexdigest()
    assert branch.origin == f"{first.id}~{head[:8]}"
    assert kinds_in(office.merchant, branch.origin)[0] == "wallet.adjusted"
    twin.close()
    assert office.sound()


def test_a_second_history_lays_out_no_more_than_a_first_one(
    office, desk, first, guest, tmp_path
):
    limits = {"per_member_cents": 5_000, "per_outage_cents": 5_000, "snapshot_age_ms": 1_000}
    office.merchant.door.write(
        lambda tx: publish(
            tx, office.merchant.act(tx), topic="rights", key="-", content={"floor": limits}
        )
    )
    twin = twin_of(first, tmp_path / "twin", seed=77)
    first.pay(guest, 100)
    desk.sync(first, rounds=1)
    for number in range(4):
        told = Advanced(
            advance=f"a{number}",
            member=guest,
            lot=f"l{number}",
            amount=2_000,
            round=0,
            ticket="t",
        )
        twin.append(told, postings=advance(guest, first.id, told.lot, 2_000))
    office.close(first, reason="forked")
    office.bring(twin, after=2)
    with office.merchant.door.read() as db:
        assert db.value("SELECT SUM(amount) FROM claim") == 4_000
        assert db.value("SELECT count(*) FROM quarantine") == 2
    twin.close()
    assert differences(office.platform, office.merchant) == []


def test_a_branch_goes_on_and_is_itself_left(office, desk, first, guest, tmp_path):
    twin = twin_of(first, tmp_path / "twin", seed=77)
    first.pay(guest, 100)
    desk.sync(first, rounds=1)
    twin.pay(guest, 200)
    twin.segments()
    triplet = twin_of(twin, tmp_path / "triplet", seed=78)
    office.close(first, reason="forked")
    assert office.bring(twin, after=2) == [LateState.BRANCH]
    twin.pay(guest, 300)
    assert office.bring(twin, after=2) == [LateState.KNOWN, LateState.BRANCH]
    triplet.pay(guest, 400)
    assert office.bring(triplet, after=2) == [LateState.KNOWN, LateState.BRANCH]
    with office.platform.door.read() as db:
        known = branches_of(db, first.id)
    assert [(one.trunk, one.after_seq) for one in known] == [
        (first.id, 2),
        (known[0].origin, 3),
    ]
    assert places(office.merchant, guest) == {CLOUD: 10_000 - 100 - 200 - 300 - 400}
    twin.close()
    triplet.close()
    assert office.sound()


def test_a_tail_whose_beginning_is_not_known_is_asked_for_from_further_back(
    office, desk, first, guest, tmp_path
):
    twin = twin_of(first, tmp_path / "twin", seed=77)
    twin.pay(guest, 100)
    twin.segments()
    twin.pay(guest, 100)
    first.pay(guest, 1)
    first.pay(guest, 2)
    first.pay(guest, 3)
    desk.sync(first, rounds=1)
    office.close(first, reason="forked")
    begins, goes_on = twin.segments()[-2:]
    answer = office.late(twin, goes_on)
    # It is neither what is kept nor provably another history: the one before it decides.
    assert (answer.state, answer.acked) == (LateState.GAP, unpack(goes_on).first - 1)
    assert office.late(twin, begins).state is LateState.BRANCH
    assert office.late(twin, goes_on).state is LateState.BRANCH
    twin.close()


def test_what_a_key_did_not_sign_is_no_history(office, first, second, guest):
    first.pay(guest, 100)
    office.close(first)
    raw = first.segments(after=2)[0]
    forged = bytearray(raw)
    forged[30] ^= 1
    assert office.late(first, bytes(forged)).state is LateState.GAP
    with office.platform.door.read() as db:
        assert branches_of(db, first.id) == []


def test_a_second_history_cannot_fill_the_disk(office, first, guest, tmp_path, monkeypatch):
    twin = twin_of(first, tmp_path / "twin", seed=77)
    first.pay(guest, 1)
    twin.pay(guest, 2)
    twin.segments()
    twin.pay(guest, 3)
    office.close(first, reason="forked")
    assert office.bring(first, after=2) == [LateState.KEPT]
    assert office.late(twin, twin.segments(after=2)[0]).state is LateState.BRANCH
    monkeypatch.setattr("cloud.epochs.histories.BRANCH_EVENTS_MAX", 1)
    with pytest.raises(Refused, match="branches_full"):
        office.late(twin, twin.segments(after=2)[1])
    twin.close()


def test_what_an_older_version_put_aside_of_a_second_history_is_taken_up(
    office, desk, first, guest, tmp_path
):
    twin = twin_of(first, tmp_path / "twin", seed=77)
    first.pay(guest, 100)
    desk.sync(first, rounds=1)
    office.close(first, reason="forked")
    twin.pay(guest, 300)
    (raw,) = twin.segments(after=2)

    def put_aside(tx):
        tx.run(
            "INSERT INTO fork_segment (origin, epoch, first_seq, last_seq, digest, raw,"
            " received_at) VALUES (:o, 1, 3, 3, x'00', :raw, 1)",
            o=first.id,
            raw=raw,
        )

    office.platform.door.write(put_aside)
    assert take_up_forks(office.platform) == 1
    assert take_up_forks(office.platform) == 0
    office.work()
    assert places(office.merchant, guest) == {CLOUD: 9_600}
    twin.close()
    assert office.sound()


# -- the books again ---------------------------------------------------------------------------


def test_books_that_are_lost_are_written_anew_with_closings_late_facts_and_branches(
    office, desk, first, second, guest, tmp_path
):
    first.top_up(guest, 2_000)
    first.pay(guest, 11_000)
    first.top_up(guest, 500)
    desk.sync(first, second)
    twin = twin_of(first, tmp_path / "twin", seed=77)
    first.pay(guest, 200)
    twin.pay(guest, 1_400)
    office.close(first, reason="forked")
    box = successor(office, first, tmp_path / "new")
    desk.sync(box, second)
    ask(desk, box, guest)
    desk.sync(box, second)
    box.pay(guest, 1_000)
    desk.sync(box, second)
    after = 5
    assert office.bring(first, after=after) == [LateState.KEPT]
    assert office.bring(twin, after=after) == [LateState.BRANCH]
    assert office.sound()
    before = tables(office.merchant)
    folder, merchant_id = office.platform.folder, office.merchant.id
    box.close()
    twin.close()
    office.platform.close()
    for path in (folder / "merchants").iterdir():
        path.unlink()
    restore(folder, merchant_id)
    again = office_in(folder)
    try:
        assert tables(again.merchant(merchant_id)) == before
        assert again.merchant(merchant_id).findings() == []
        assert differences(again, again.merchant(merchant_id)) == []
    finally:
        again.close()
