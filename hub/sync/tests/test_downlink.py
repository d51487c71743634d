from __future__ import annotations

import msgspec
import pytest

from core import feed
from core.journal import Posting, drain_all, kind_of, rebuild
from core.journal import decode as decode_event
from core.wallet import CORRECTED, Asset, Released, holdings
from core.wire import Segment, pack, unpack
from hub.sync import downlink_cursor, downlink_stream, load_link, take_downlink
from hub.sync.downlink import Moved
from hub.sync.tests.office import MERCHANT
from hub.tickets import add_line, open_ticket
from hub.tickets import void as void_ticket


@pytest.fixture
def hub(joined_shop):
    return joined_shop.box.journal.identity.origin


@pytest.fixture
def member(joined_shop):
    return joined_shop.member()


def bring_down(shop, office, *, first=1):
    """Apply what head office has written, as the sending program does."""
    link = load_link(shop.box.folder)
    stream = downlink_stream(link)
    hub = shop.box.journal.identity.origin
    for sealed in office.down_segments(hub, first=first):
        segment = unpack(pack(sealed))

        def take(tx, segment=segment):
            after = downlink_cursor(tx, stream).have
            return take_downlink(
                tx, shop.box.act(tx), stream=stream, segment=segment, after=after
            )

        shop.box.door.write(take)


def own_events(shop, kind):
    me = shop.box.journal.identity.origin
    with shop.box.door.read() as db:
        rows = db.all("SELECT raw FROM journal WHERE origin = :me ORDER BY seq", me=me)
    events = [decode_event(row["raw"]) for row in rows]
    return [
        msgspec.json.decode(bytes(event.body)) for event in events if kind_of(event) == kind
    ]


def held(shop, member):
    me = shop.box.journal.identity.origin
    rows = shop.ask(lambda db: holdings(db, member, me))
    return {asset: sum(h.amount for h in rows if h.asset == asset) for asset in CORRECTED}


def assert_sound(shop, tmp_path):
    box = shop.box
    drain_all(box.door, box.parts)
    assert box.findings() == []
    assert shop.ask(lambda db: db.all("SELECT * FROM quarantine")) == []
    scratch = tmp_path / "again.db"
    assert (
        list(rebuild(box.door, scratch, box.parts, key=box.database_key, then=feed.replay))
        == []
    )


def test_value_that_head_office_sends_is_here_once_it_is_taken(
    joined_shop, office, hub, member, tmp_path
):
    sent = office.grant(hub, member, 50_000)
    bring_down(joined_shop, office)
    assert held(joined_shop, member)[Asset.PRINCIPAL] == 50_000
    (accepted,) = own_events(joined_shop, "wallet.accepted")
    assert (accepted["transfer"], accepted["member"]) == (sent.transfer, member)
    assert accepted["legs"] == [["principal", sent.lots[0].lot, 50_000]]
    assert accepted["lots"][0]["paid"] == 50_000
    assert_sound(joined_shop, tmp_path)


def test_the_same_segment_again_is_refused_and_changes_nothing(
    joined_shop, office, hub, member
):
    office.grant(hub, member, 50_000)
    bring_down(joined_shop, office)
    (segment,) = office.down_segments(hub)
    stream = downlink_stream(load_link(joined_shop.box.folder))
    for after in (0, 1):
        with pytest.raises(Moved):
            joined_shop.box.door.write(
                lambda tx, after=after: take_downlink(
                    tx,
                    joined_shop.box.act(tx),
                    stream=stream,
                    segment=segment,
                    after=after,
                )
            )
    assert held(joined_shop, member)[Asset.PRINCIPAL] == 50_000
    assert len(own_events(joined_shop, "wallet.accepted")) == 1


def test_a_transfer_that_is_sent_twice_arrives_once(joined_shop, office, hub, member):
    sent = office.grant(hub, member, 50_000)
    office.append_down(hub, sent)  # The same transfer again, as after a restored backup.
    bring_down(joined_shop, office)
    assert held(joined_shop, member)[Asset.PRINCIPAL] == 50_000
    assert len(own_events(joined_shop, "wallet.accepted")) == 1


@pytest.mark.parametrize("other", [{"hub_epoch": 2}, {"hub_epoch": 0}])
def test_value_for_another_epoch_is_kept_and_not_taken(joined_shop, office, hub, member, other):
    office.grant(hub, member, 50_000, **other)
    bring_down(joined_shop, office)
    assert held(joined_shop, member)[Asset.PRINCIPAL] == 0
    assert own_events(joined_shop, "wallet.accepted") == []


def test_a_recall_sends_all_that_a_member_has_here(joined_shop, office, hub, member, tmp_path):
    joined_shop.open_shift()
    joined_shop.top_up(member)
    office.grant(hub, member, 50_000)
    bring_down(joined_shop, office)
    before = held(joined_shop, member)
    assert before[Asset.PRINCIPAL] == 150_000
    office.recall(hub, member, request="wish-7")
    bring_down(joined_shop, office, first=2)
    assert set(held(joined_shop, member).values()) == {0}
    (released,) = own_events(joined_shop, "wallet.released")
    assert released["request"] == "wish-7"
    sent = dict.fromkeys(CORRECTED, 0)
    for asset, _lot, amount in released["legs"]:
        sent[Asset(asset)] += amount
    assert sent == before
    assert len(released["lots"]) == 2
    assert_sound(joined_shop, tmp_path)


def open_bill(shop, member, *, with_a_line=True):
    def sell(tx, act):
        ticket = act.new_id()
        open_ticket(tx, act, ticket=ticket, member=member)
        if with_a_line:
            add_line(tx, act, ticket=ticket, line=act.new_id(), item="i1")
        return ticket

    return shop.do(sell, role="cashier")


def test_a_member_with_a_bill_before_them_keeps_what_is_here(
    joined_shop, office, hub, member, tmp_path
):
    joined_shop.open_shift()
    joined_shop.top_up(member)
    before = held(joined_shop, member)
    open_bill(joined_shop, member)
    office.recall(hub, member)
    bring_down(joined_shop, office)
    assert held(joined_shop, member) == before
    (told,) = own_events(joined_shop, "wallet.released")
    assert (told["legs"], told["request"]) == ([], "r1")
    assert_sound(joined_shop, tmp_path)


def test_a_bill_that_was_forgotten_an_hour_ago_holds_up_nobody(
    joined_shop, office, hub, member
):
    joined_shop.open_shift()
    joined_shop.top_up(member)
    open_bill(joined_shop, member)
    joined_shop.clock.advance(16 * 60_000)
    office.recall(hub, member)
    bring_down(joined_shop, office)
    assert set(held(joined_shop, member).values()) == {0}


def test_an_empty_bill_left_on_the_screen_after_a_top_up_holds_up_nobody(
    joined_shop, office, hub, member
):
    joined_shop.open_shift()
    open_bill(joined_shop, member, with_a_line=False)
    joined_shop.top_up(member)
    office.recall(hub, member)
    bring_down(joined_shop, office)
    assert set(held(joined_shop, member).values()) == {0}


def test_a_bill_that_was_voided_holds_up_nobody(joined_shop, office, hub, member):
    joined_shop.open_shift()
    joined_shop.top_up(member)
    ticket = open_bill(joined_shop, member)
    joined_shop.do(lambda tx, act: void_ticket(tx, act, ticket=ticket, reason="走了"))
    office.recall(hub, member)
    bring_down(joined_shop, office)
    assert set(held(joined_shop, member).values()) == {0}


def test_a_recall_of_a_part_leaves_the_rest_and_asks_for_no_more_than_is_there(
    joined_shop, office, hub, member, tmp_path
):
    sent = office.grant(hub, member, 30_000)
    bring_down(joined_shop, office)
    ((asset, lot, _amount),) = sent.legs
    office.recall(hub, member, legs=((asset, lot, 12_000),))
    bring_down(joined_shop, office, first=2)
    assert held(joined_shop, member)[Asset.PRINCIPAL] == 18_000
    office.recall(hub, member, request="r2", legs=((asset, lot, 99_000), (asset, "x", 5)))
    bring_down(joined_shop, office, first=3)
    assert held(joined_shop, member)[Asset.PRINCIPAL] == 0
    assert_sound(joined_shop, tmp_path)


def test_a_part_that_nobody_waits_for_stays_with_a_member_who_was_only_looked_up(
    joined_shop, office, hub, member
):
    sent = office.grant(hub, member, 30_000)
    bring_down(joined_shop, office)
    before = held(joined_shop, member)
    open_bill(joined_shop, member, with_a_line=False)
    office.recall(hub, member, legs=sent.legs)
    bring_down(joined_shop, office, first=2)
    assert held(joined_shop, member) == before
    assert own_events(joined_shop, "wallet.released")[-1]["legs"] == []


def test_a_recall_of_nothing_is_answered(joined_shop, office, hub, member):
    office.recall(hub, member)
    bring_down(joined_shop, office)
    (told,) = own_events(joined_shop, "wallet.released")
    assert told["legs"] == []


def test_a_recall_from_another_epoch_is_not_heard(joined_shop, office, hub, member):
    office.recall(hub, member, epoch=2)
    bring_down(joined_shop, office)
    assert own_events(joined_shop, "wallet.released") == []


class FromTheFuture(Released, frozen=True, kw_only=True, tag="wallet.teleported"):
    pass


def test_a_kind_from_the_future_is_kept_and_passed_over(
    joined_shop, office, hub, member, tmp_path
):
    office.append_down(hub, FromTheFuture(transfer="t", member=member, legs=()))
    office.grant(hub, member, 1_000)
    bring_down(joined_shop, office)
    assert held(joined_shop, member)[Asset.PRINCIPAL] == 1_000
    with joined_shop.box.door.read() as db:
        kept = db.value("SELECT count(*) FROM journal WHERE origin = :dn", dn=f"{hub}.dn")
    assert kept == 2
    assert_sound(joined_shop, tmp_path)


def test_an_event_that_cannot_be_applied_is_put_aside_and_the_next_one_counts(
    joined_shop, office, hub, member
):
    me = f"member/{member}/{hub}"
    stolen = (Posting(me, "principal", "lot", -5), Posting("revenue", "principal", "lot", 5))
    office.append_down(hub, FromTheFuture(transfer="t", member=member, legs=()), stolen)
    office.grant(hub, member, 1_000)
    bring_down(joined_shop, office)
    assert held(joined_shop, member)[Asset.PRINCIPAL] == 1_000
    with joined_shop.box.door.read() as db:
        (row,) = db.all("SELECT origin, seq, reason FROM quarantine")
    assert (row["origin"], row["seq"]) == (f"{hub}.dn", 1)


def test_the_stream_is_walked_by_verify_and_one_changed_byte_is_found(
    joined_shop, office, hub, member
):
    office.grant(hub, member, 1_000)
    bring_down(joined_shop, office)
    assert joined_shop.box.findings() == []
    joined_shop.box.door.write(
        lambda tx: tx.run(
            "UPDATE journal SET raw = CAST(REPLACE(CAST(raw AS TEXT), '1000', '9000') AS BLOB)"
            " WHERE origin = :dn",
            dn=f"{hub}.dn",
        )
    )
    assert [finding.origin for finding in joined_shop.box.findings()] == [f"{hub}.dn"]


def test_events_that_come_cut_otherwise_than_before_are_taken_from_where_it_stands(
    joined_shop, office, hub, member
):
    office.grant(hub, member, 1_000)
    bring_down(joined_shop, office)
    office.grant(hub, member, 2_000)
    first, second = office.down_segments(hub)
    whole = Segment(
        epoch=first.epoch,
        boot=first.boot,
        first=1,
        events=(*first.events, *second.events),
        signature=second.signature,
    )
    stream = downlink_stream(load_link(joined_shop.box.folder))
    joined_shop.box.door.write(
        lambda tx: take_downlink(
            tx, joined_shop.box.act(tx), stream=stream, segment=whole, after=1
        )
    )
    assert held(joined_shop, member)[Asset.PRINCIPAL] == 3_000
    assert MERCHANT in load_link(joined_shop.box.folder).name
