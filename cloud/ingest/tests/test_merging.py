"""Duplicates become one person in every store, wherever their value lies, and two again."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from cloud.ingest import differences
from cloud.ingest.tests.stores import kinds_in
from cloud.members import merge, preview, unmerge
from core.clock import DAY_MS
from core.errors import Refused
from core.members import (
    CardIssued,
    active_card,
    aliases_of,
    by_phone,
    member_of,
    search,
    standing_for,
)
from core.wallet import CLOUD, holdings, send_release
from core.wallet.opening import Brought, open_balance
from core.wire import Ask, Channel, encode

PHONE = "13812342046"


def worth(merchant, member):
    """Return what head office knows of a member's value: {(place, asset): amount}."""
    with merchant.door.read() as db:
        rows = db.all(
            "SELECT place, asset, SUM(amount) AS amount FROM holding WHERE member = :m"
            " GROUP BY place, asset HAVING SUM(amount) <> 0",
            m=member,
        )
        under_way = db.value("SELECT SUM(amount) FROM transit WHERE member = :m", m=member)
    assert not under_way
    return {(row["place"], row["asset"]): row["amount"] for row in rows}


def points(store, member, amount):
    brought = Brought(points=amount)
    store.do(
        lambda tx, act: open_balance(
            tx, act, member=member, brought=brought, source="", place=store.id
        )
    )


def office(merchant, verb):
    done = merchant.door.write(lambda tx: verb(tx, merchant.act(tx, actor="a1")))
    merchant.written()
    return done


def merged(merchant, desk, loser, winner, *stores):
    office(merchant, lambda tx, act: merge(tx, act, loser=loser, winner=winner))
    desk.carry(merchant.id)
    desk.work()
    for store in stores:
        desk.sync(store)


def ask(desk, store, member, ask_id):
    desk.greet(store)
    desk.hear(store, Channel.UP_ASK, encode(Ask(id=ask_id, member=member, why="bill")))
    desk.work()


def asked(store, question):
    with store.door.read() as db:
        return question(db)


def held(store, member):
    with store.door.read() as db:
        found = Counter()
        for one in holdings(db, member, store.id):
            found[one.asset.value] += one.amount
        return dict(found)


def all_well(platform, merchant):
    assert merchant.findings() == []
    assert differences(platform, merchant) == []


@pytest.fixture
def twins(desk, first, second):
    """The same guest, registered in two stores that were cut off: (older, younger)."""
    older = first.member("李慧敏", PHONE)
    first.top_up(older, 10_000, bonus=1_000)
    points(first, older, 30)
    second.clock.advance(60_000)
    younger = second.member("李惠敏", PHONE)
    second.top_up(younger, 5_000)
    points(second, younger, 70)
    second.append(CardIssued(member=younger, card="8100000001", generation=1))
    desk.sync(first, second)
    return older, younger


def test_a_duplicate_resolves_in_every_store_by_anything_that_named_it(
    platform, merchant, desk, first, second, twins
):
    older, younger = twins
    merged(merchant, desk, younger, older, first, second)
    for store in (first, second):
        assert asked(store, lambda db: standing_for(db, younger)) == older
        assert asked(store, lambda db: member_of(db, younger)["id"]) == older
        assert asked(store, lambda db: [r["id"] for r in search(db, "8100000001")]) == [older]
        assert asked(store, lambda db: [r["id"] for r in search(db, "李惠敏")]) == [older]
        assert asked(store, lambda db: [r["id"] for r in search(db, PHONE)]) == [older]
        assert asked(store, lambda db: by_phone(db, PHONE)["id"]) == older
        assert asked(store, lambda db: aliases_of(db, older)) == [older, younger]
        # The card is still the duplicate's: it goes back with it, should it have been another.
        assert asked(store, lambda db: active_card(db, "8100000001")["member"]) == younger
    all_well(platform, merchant)


def test_each_place_moves_what_lies_in_it_and_nothing_is_made_or_lost(
    platform, merchant, desk, first, second, twins
):
    older, younger = twins
    merged(merchant, desk, younger, older, first, second)
    assert held(second, younger) == {}
    assert held(second, older) == {"principal": 5_000, "points": 70}
    assert worth(merchant, younger) == {}
    assert worth(merchant, older) == {
        (first.id, "principal"): 10_000,
        (first.id, "bonus"): 1_000,
        (first.id, "points"): 30,
        (second.id, "principal"): 5_000,
        (second.id, "points"): 70,
    }
    assert kinds_in(merchant, second.id).count("wallet.moved") == 1
    assert kinds_in(merchant, first.id).count("wallet.moved") == 0
    desk.sync(first, second)
    assert kinds_in(merchant, second.id).count("wallet.moved") == 1
    all_well(platform, merchant)


def test_a_store_that_is_cut_off_sells_to_the_duplicate_meanwhile_and_moves_the_rest_later(
    platform, merchant, desk, first, second, twins
):
    older, younger = twins
    merged(merchant, desk, younger, older, first)
    second.pay(younger, 1_500)
    second.top_up(younger, 2_000)
    desk.sync(first, second)
    assert held(second, younger) == {}
    assert second.held_stored(older) == 5_000 - 1_500 + 2_000
    assert worth(merchant, younger) == {}
    all_well(platform, merchant)


def test_value_that_was_under_way_in_the_old_name_arrives_in_the_new_one(
    platform, merchant, desk, first, second, twins
):
    older, younger = twins
    # Released before the store heard, and kept by head office after it had merged.
    second.do(lambda tx, act: send_release(tx, act, transfer=act.new_id(), member=younger))
    merged(merchant, desk, younger, older)
    desk.sync(first, second)
    assert worth(merchant, younger) == {}
    assert worth(merchant, older)[CLOUD, "principal"] == 5_000
    assert worth(merchant, older)[CLOUD, "points"] == 70
    all_well(platform, merchant)


def test_a_store_that_has_not_heard_asks_in_the_old_name_and_is_sent_what_the_person_has(
    platform, merchant, desk, first, second, twins
):
    older, younger = twins
    merged(merchant, desk, younger, older, first)
    ask(desk, second, younger, "q1")
    desk.sync(first, second)
    assert held(second, older)["principal"] >= 10_000
    assert worth(merchant, younger) == {}
    all_well(platform, merchant)


def test_an_undone_merge_gives_back_what_is_not_spent_wherever_it_lies_by_then(
    platform, merchant, desk, first, second, twins
):
    older, younger = twins
    merged(merchant, desk, younger, older, first, second)
    # All of it walks to the first store, where part of it is spent.
    ask(desk, first, older, "q1")
    desk.sync(first, second)
    assert sum(n for (p, a), n in worth(merchant, older).items() if a == "principal") == 15_000
    assert worth(merchant, older).get((second.id, "principal")) is None
    first.pay(older, 12_000)
    desk.sync(first, second)
    before = asked(first, lambda db: {h.lot: h.amount for h in holdings(db, older, first.id)})
    office(merchant, lambda tx, act: unmerge(tx, act, member=younger))
    desk.carry(merchant.id)
    desk.work()
    desk.sync(first, second)
    back = asked(first, lambda db: holdings(db, younger, first.id))
    owned = {r["lot"] for r in lots_of_member(merchant, younger)}
    assert {h.lot: h.amount for h in back if h.lot in owned} == {
        lot: amount for lot, amount in before.items() if lot in owned
    }
    assert sum(h.amount for h in back if h.asset == "points") == 70
    assert held(first, older)["points"] == 30
    assert asked(first, lambda db: standing_for(db, younger)) == younger
    assert asked(second, lambda db: [r["id"] for r in search(db, "8100000001")]) == [younger]
    all_well(platform, merchant)
    desk.sync(first, second)
    assert kinds_in(merchant, first.id).count("wallet.moved") == 2
    all_well(platform, merchant)


def lots_of_member(merchant, member):
    with merchant.door.read() as db:
        return db.all("SELECT lot FROM lot WHERE member = :m", m=member)


def test_a_chain_of_merges_ends_at_one_person_and_comes_apart_link_by_link(
    platform, merchant, desk, first, second, twins
):
    older, younger = twins
    third = first.member("李慧", "13912347712")
    first.top_up(third, 700)
    desk.sync(first, second)
    merged(merchant, desk, younger, older, first, second)
    merged(merchant, desk, older, third, first, second)
    for store in (first, second):
        assert asked(store, lambda db: standing_for(db, younger)) == third
    assert worth(merchant, older) == {}
    assert sum(n for (_p, a), n in worth(merchant, third).items() if a == "principal") == 15_700
    office(merchant, lambda tx, act: unmerge(tx, act, member=older))
    desk.carry(merchant.id)
    desk.work()
    desk.sync(first, second)
    assert asked(second, lambda db: standing_for(db, younger)) == older
    assert sum(n for (_p, a), n in worth(merchant, third).items() if a == "principal") == 700
    assert sum(n for (_p, a), n in worth(merchant, older).items() if a == "principal") == 15_000
    all_well(platform, merchant)


def test_the_preview_says_what_both_have_and_refuses_what_cannot_be(
    merchant, desk, first, second, twins
):
    older, younger = twins
    with merchant.door.read() as db:
        seen = preview(db, loser=younger, winner=older)
        assert (seen.loser.stored, seen.winner.stored, seen.stored) == (5_000, 11_000, 16_000)
        assert (seen.loser.points, seen.points, seen.same_phone) == (70, 100, True)
        assert [c["number"] for c in seen.loser.cards] == ["8100000001"]
        with pytest.raises(Refused, match="merge_same"):
            preview(db, loser=older, winner=older)
    merged(merchant, desk, younger, older)
    with merchant.door.read() as db, pytest.raises(Refused, match="merge_same"):
        preview(db, loser=younger, winner=older)
    with pytest.raises(Refused, match="not_merged"):
        office(merchant, lambda tx, act: unmerge(tx, act, member=older))


def test_a_duplicate_without_value_or_card_and_of_the_same_name_is_merged_by_itself(
    platform, merchant, desk, first, second
):
    older = first.member("李慧敏", PHONE)
    first.top_up(older, 10_000)
    second.clock.advance(60_000)
    younger = second.member("李慧敏", PHONE)
    desk.sync(first, second)
    assert asked(second, lambda db: standing_for(db, younger)) == older
    all_well(platform, merchant)


@pytest.mark.parametrize("late", ["card", "value"])
def test_what_comes_in_a_merged_duplicates_name_from_a_store_that_had_not_heard_parts_them(
    platform, merchant, desk, first, second, late
):
    """Else a card that was handed out offline would pay out of somebody else's wallet."""
    older = first.member("李慧敏", PHONE)
    first.top_up(older, 10_000)
    younger = second.member("李慧敏", PHONE)
    desk.sync(first, rounds=1)
    for raw in second.segments():
        desk.hear(second, Channel.UP_LOG, raw)
    desk.work()
    with merchant.door.read() as db:
        assert standing_for(db, younger) == older
    if late == "card":
        second.append(CardIssued(member=younger, card="8100000009", generation=1))
    else:
        second.top_up(younger, 300)
    desk.sync(first, second)
    for store in (first, second):
        assert asked(store, lambda db: standing_for(db, younger)) == younger
    assert worth(merchant, older) == {(first.id, "principal"): 10_000}
    all_well(platform, merchant)


def test_who_types_a_phone_first_gets_nothing_of_who_has_it(merchant, desk, first, second):
    """A box may say that it has known somebody for years, and have a card for them."""
    second.clock.at -= 400 * DAY_MS
    claimed = second.member("李慧敏", PHONE)
    second.clock.at += 400 * DAY_MS
    guest = first.member("李慧敏", PHONE)
    desk.sync(first, rounds=1)
    second.append(CardIssued(member=claimed, card="8100000009", generation=1))
    second.top_up(claimed, 1)
    desk.sync(second, first)
    first.top_up(guest, 50_000)
    desk.sync(first, second)
    assert asked(first, lambda db: standing_for(db, guest)) == guest
    assert worth(merchant, guest) == {(first.id, "principal"): 50_000}


@pytest.mark.parametrize("claim", ["value", "card", "name", "their card"])
def test_somebodys_phone_is_no_way_to_their_money(merchant, desk, first, second, claim):
    older = first.member("李慧敏", PHONE)
    first.top_up(older, 10_000)
    if claim == "their card":
        first.append(CardIssued(member=older, card="8100000008", generation=1))
    second.clock.advance(60_000)
    younger = second.member("王建国" if claim == "name" else "李慧敏", PHONE)
    if claim == "value":
        second.top_up(younger, 100)
    if claim == "card":
        second.append(CardIssued(member=younger, card="8100000009", generation=1))
    desk.sync(first, second)
    assert asked(second, lambda db: standing_for(db, younger)) == younger
    assert worth(merchant, older) == {(first.id, "principal"): 10_000}


def decide(merchant, desk, older, younger, *, together):
    """Merge the younger into the older one, or take them apart."""
    if together:
        office(merchant, lambda tx, act: merge(tx, act, loser=younger, winner=older))
    else:
        office(merchant, lambda tx, act: unmerge(tx, act, member=younger))
    desk.carry(merchant.id)
    desk.work()


def trade(store, who, chance, what):
    """Top up, or spend some of what lies here; return by how much that moved the whole."""
    if what == "top_up":
        store.top_up(who, 1_000)
        return 1_000
    have = store.held_stored(who)
    fen = chance.randint(1, have) if have else 0
    if fen:
        store.pay(who, fen)
    return -fen


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_in_whatever_order_every_fen_ends_with_one_of_them(
    platform, merchant, desk, first, second, twins, seed
):
    older, younger = twins
    chance = random.Random(seed)
    total, together = 16_000, False
    for step in range(25):
        store = chance.choice((first, second))
        who = chance.choice((older, younger))
        what = chance.choice(("pay", "top_up", "merge", "sync", "sync", "ask"))
        if what == "merge":
            together = not together
            decide(merchant, desk, older, younger, together=together)
        elif what == "sync":
            desk.sync(store, rounds=2)
        elif what == "ask":
            ask(desk, store, who, f"q{step}")
        else:
            total += trade(store, who, chance, what)
    desk.sync(first, second, rounds=8)
    if not together:
        decide(merchant, desk, older, younger, together=True)
    desk.sync(first, second, rounds=8)
    stored = dict.fromkeys(("principal", "bonus", "points"), 0)
    for (_place, asset), amount in worth(merchant, older).items():
        stored[asset] += amount
    assert worth(merchant, younger) == {}
    assert stored["principal"] + stored["bonus"] == total
    assert stored["points"] == 100
    with merchant.door.read() as db:
        assert db.all("SELECT * FROM holding WHERE amount < 0") == []
    all_well(platform, merchant)
