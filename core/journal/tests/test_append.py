"""What one event is, where it stands, and what comes with it."""

from __future__ import annotations

import hashlib
import json
import re

import msgspec
import pytest

from core.clock import MINUTE_MS, Quality
from core.errors import Refused
from core.journal import (
    Act,
    Body,
    Document,
    Event,
    Journal,
    Parts,
    Posting,
    decode,
    documents_of,
    encode,
    kind_name,
    kind_of,
)
from core.journal.tests.tea_house import (
    TEA_HOUSE,
    GuestNoted,
    TeaBrought,
    TeaServed,
    guest_document,
    paid,
)
from core.sqlite import Writer
from core.tests.world import MORNING, open_world


def journal_of(house):
    with house.door.read() as db:
        return [dict(row) for row in db.all("SELECT * FROM journal ORDER BY seq")]


def test_events_are_numbered_without_gaps_and_chained_from_the_birth_certificate(house):
    house.append(TeaBrought(tea="龙井", cups=9))
    house.append(TeaServed(tea="龙井", cups=2, fen=5600), postings=paid(5600))
    house.append(GuestNoted(guest="g-1", likes="龙井"))
    rows = journal_of(house)
    assert [row["seq"] for row in rows] == [1, 2, 3]
    head = hashlib.sha256(b"H1" + house.journal.identity.birth).digest()
    for row in rows:
        head = hashlib.sha256(head + row["raw"]).digest()
        assert row["head"] == head
    with house.door.read() as db:
        now = house.journal.head(db)
    assert (now.seq, now.head) == (3, head)
    assert re.fullmatch("[0-9A-F]{8}", now.short)
    assert head.hex().upper().startswith(now.short)


def test_a_journal_without_events_stands_at_its_birth(house):
    with house.door.read() as db:
        head = house.journal.head(db)
    birth = house.journal.identity.birth
    assert (head.seq, head.at) == (0, 0)
    assert head.head == hashlib.sha256(b"H1" + birth).digest()


def test_what_is_stored_is_what_was_answered_and_reads_as_plain_json(house):
    act = house.act(actor="ling", device="till-2")
    served = TeaServed(tea="普洱", cups=1, fen=2800, guest="g-1")
    house.append(TeaBrought(tea="普洱", cups=5))
    event = house.append(served, postings=paid(2800), act=act)
    stored = journal_of(house)[1]["raw"]
    assert decode(stored) == event
    assert encode(decode(stored)) == stored
    assert json.loads(stored) == {
        "id": event.id,
        "origin": "hub-1",
        "epoch": 1,
        "seq": 2,
        "at": MORNING,
        "boot": 1,
        "store": "S1",
        "date": "2026-03-02",
        "actor": "ling",
        "device": "till-2",
        "body": {"kind": "tea.served", "tea": "普洱", "cups": 1, "fen": 2800, "guest": "g-1"},
        "postings": [["till", "cash", "", 2800], ["revenue", "cash", "", -2800]],
    }
    assert kind_of(event) == kind_name(TeaServed) == "tea.served"


def test_two_origins_with_the_same_facts_have_other_chains_and_ids(tmp_path):
    with (
        open_world(tmp_path, [TEA_HOUSE], origin="hub-1") as one,
        open_world(tmp_path, [TEA_HOUSE], origin="hub-2") as two,
    ):
        events = [world.append(TeaBrought(tea="龙井", cups=9)) for world in (one, two)]
        assert events[0].id != events[1].id
        assert journal_of(one)[0]["head"] != journal_of(two)[0]["head"]


def test_the_chain_goes_on_after_a_restart_and_the_boot_is_told(house):
    first = house.append(TeaBrought(tea="龙井", cups=9))
    house.restart()
    second = house.append(TeaBrought(tea="龙井", cups=1))
    assert (first.seq, second.seq) == (1, 2)
    assert (first.boot, second.boot) == (1, 2)
    assert house.findings() == []


def test_beginning_an_epoch_again_does_nothing(house):
    house.append(TeaBrought(tea="龙井", cups=9))
    house.door.write(house.journal.begin)
    assert len(house.rows("origin")) == 1


def test_time_never_goes_back_in_a_journal(house):
    first = house.append(TeaBrought(tea="龙井", cups=9))
    house.clock.at -= 5 * MINUTE_MS
    house.clock.quality = Quality.UNSURE
    second = house.append(TeaBrought(tea="龙井", cups=1))
    assert second.at == first.at
    assert (first.unsure, second.unsure) == (False, True)


def test_several_events_of_one_command_share_its_time_and_transaction(house):
    act = house.act(actor="ling")

    def verb(tx: Writer) -> list[Event]:
        return [act.append(tx, TeaBrought(tea="龙井", cups=cups)) for cups in (1, 2, 3)]

    events = house.write(verb)
    assert [event.seq for event in events] == [1, 2, 3]
    assert {event.at for event in events} == {MORNING}
    assert house.rows("shelf") == [{"store": "S1", "tea": "龙井", "cups": 6}]


def test_a_command_that_is_refused_leaves_no_event_and_no_effect(house):
    act = house.act()

    def verb(tx: Writer) -> None:
        act.append(tx, TeaBrought(tea="龙井", cups=9))
        raise Refused("kettle_broken")

    with pytest.raises(Refused):
        house.write(verb)
    assert journal_of(house) == []
    assert house.rows("shelf") == []
    assert house.append(TeaBrought(tea="龙井", cups=1)).seq == 1


def test_an_effect_that_the_table_does_not_allow_takes_its_event_along(house):
    house.append(TeaBrought(tea="龙井", cups=1))
    with pytest.raises(Exception, match="CHECK constraint failed: cups >= 0"):
        house.append(TeaServed(tea="龙井", cups=2, fen=5600), postings=paid(5600))
    assert len(journal_of(house)) == 1
    assert house.rows("shelf")[0]["cups"] == 1


@pytest.mark.parametrize(
    "postings",
    [
        [Posting("till", "cash", "", 1)],
        [Posting("till", "cash", "", 5), Posting("revenue", "cash", "", -4)],
        # Balanced over all, yet value has changed its kind or its lot.
        [Posting("till", "cash", "", 5), Posting("revenue", "points", "", -5)],
        [Posting("hub", "principal", "l-1", 5), Posting("hub", "principal", "l-2", -5)],
    ],
)
def test_value_that_is_made_from_nothing_is_not_booked(house, postings):
    with pytest.raises(AssertionError, match="unbalanced"):
        house.append(TeaBrought(tea="龙井", cups=1), postings=postings)
    assert journal_of(house) == []


def test_personal_data_lies_beside_the_event_and_only_its_digest_inside(house):
    noted = GuestNoted(guest="g-1", likes="龙井")
    event = house.append(noted, documents=[guest_document("欧阳静雯", "13812345678")])
    raw = journal_of(house)[0]["raw"].decode()
    assert "欧阳静雯" not in raw
    assert "13812345678" not in raw
    assert event.documents.keys() == {"guest"}
    with house.door.read() as db:
        documents = documents_of(db, event)
    assert documents == {"guest": {"name": "欧阳静雯", "phone": "13812345678"}}
    assert house.rows("guest")[0]["name"] == "欧阳静雯"


def test_the_same_document_twice_has_two_digests(house):
    # Without a salt a phone number could be found by trying all of them.
    document = guest_document("欧阳静雯", "13812345678")
    events = [
        house.append(GuestNoted(guest=guest), documents=[document]) for guest in ("g-1", "g-2")
    ]
    assert events[0].documents != events[1].documents


def test_an_erased_document_is_gone_and_the_journal_still_holds(house):
    event = house.append(
        GuestNoted(guest="g-1"),
        documents=[
            guest_document("欧阳静雯", "13812345678"),
            Document(name="note", content={}),
        ],
    )
    house.append(TeaBrought(tea="龙井", cups=1))
    house.seal()
    erase = "DELETE FROM document WHERE event = :event AND name = 'guest'"
    assert house.write(lambda tx: tx.run(erase, event=event.id)) == 1
    with house.door.read() as db:
        assert documents_of(db, event) == {"note": {}}
    assert house.findings() == []


def test_an_event_reads_although_its_body_has_fields_from_later_versions(house):
    class TeaBroughtLater(Body, frozen=True, tag="tea.brought"):
        tea: str
        cups: int
        farm: str = "unknown"

    later = house.append(TeaBroughtLater(tea="龙井", cups=3, farm="狮峰"))
    entry = Parts([TEA_HOUSE]).entry(later, {})
    assert entry is not None
    assert entry.body == TeaBrought(tea="龙井", cups=3)


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"null", b'{"id":1}', b"\xff\xfe"])
def test_what_is_no_event_is_not_read_as_one(raw):
    with pytest.raises(msgspec.MsgspecError):
        decode(raw)


def test_an_act_knows_when_and_makes_ids_of_that_time(house):
    act = house.act(actor="ling")
    assert isinstance(act, Act)
    assert isinstance(act.journal, Journal)
    assert act.at == MORNING
    first, second = act.new_id(), act.new_id()
    assert first != second
    assert int(first.replace("-", "")[:12], 16) == MORNING
