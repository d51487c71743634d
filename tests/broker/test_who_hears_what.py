"""Who may say and hear what, by what arrives: a broker's word about it is worth nothing.

What must not arrive is followed by something that must, from the same sender on the same
connection: once that is here, the other never comes.
"""

from __future__ import annotations

import pytest

from cloud.broker.configuration import PACKET_BYTES_MAX
from tests.broker.conftest import FIRST, SECOND, down, up

NOT_AUTHORISED = 0x87
NOBODY_LISTENED = 0x10


def test_a_hub_is_heard_by_head_office_and_hears_it(come, ingest):
    hub = come(FIRST)
    hub.listen(down(FIRST, "#"))
    assert hub.say(up(FIRST), b"a sale") == 0
    assert ingest.hear() == (up(FIRST), b"a sale")
    ingest.say(down(FIRST, "ctl"), b"welcome")
    assert hub.hear() == (down(FIRST, "ctl"), b"welcome")


@pytest.mark.parametrize(
    "topic",
    [
        up(SECOND),
        up(SECOND, "st"),
        down(SECOND),
        down(FIRST),
        "h1/0a1/cloud-ingest/up/log",
        "h1/up/log",
        f"h2/0a1/{FIRST}/up/log",
        f"h1/0a1/x/{FIRST}/up/log",
        "$SYS/broker/uptime",
    ],
)
def test_what_a_hub_says_elsewhere_than_on_its_own_topics_reaches_nobody(topic, come, ingest):
    liar, other = come(FIRST), come(SECOND)
    ingest.listen("#")
    other.listen(down(SECOND, "#"))
    assert liar.say(topic, b"forged") == NOT_AUTHORISED
    liar.say(up(FIRST), b"my own")
    assert ingest.hear() == (up(FIRST), b"my own")
    ingest.say(down(SECOND), b"from head office")
    assert other.hear() == (down(SECOND), b"from head office")


def test_what_a_hub_leaves_behind_for_others_is_not_kept_either(come, ingest):
    liar = come(FIRST)
    liar.say(down(SECOND), b"forged", retain=True)
    liar.say(up(FIRST), b"sent after it")
    ingest.hear()
    other = come(SECOND)
    other.listen(down(SECOND, "#"))
    ingest.say(down(SECOND), b"the first that it hears")
    assert other.hear()[1] == b"the first that it hears"


@pytest.mark.parametrize(
    "topics",
    [
        ["#"],
        ["h1/#"],
        [down(SECOND, "#"), up(SECOND, "#")],
        ["h1/+/+/dn/log", "h1/+/+/up/log", "+/+/+/+/+"],
        [f"$share/g/{down(SECOND, '#')}"],
        [up(FIRST, "#")],
    ],
    ids=["all", "all of ours", "another hub's", "wildcards", "shared", "its own upwards"],
)
def test_a_hub_that_listens_elsewhere_hears_nothing(topics, come, ingest):
    curious, other = come(FIRST), come(SECOND)
    curious.listen(*topics)
    other.listen(down(SECOND, "#"))
    other.say(up(SECOND), b"a sale of the other store")
    assert ingest.hear()[1] == b"a sale of the other store"
    ingest.say(down(SECOND), b"money for the other store")
    assert other.hear()[1] == b"money for the other store"
    curious.say(up(FIRST), b"my own")
    assert ingest.hear()[1] == b"my own"
    curious.listen(down(FIRST, "#"))
    ingest.say(down(FIRST), b"for you")
    assert curious.hear() == (down(FIRST), b"for you")


def test_what_was_kept_of_another_hub_is_not_delivered_to_a_late_listener(come, ingest):
    come(SECOND).say(up(SECOND, "st"), b"on", retain=True)
    assert ingest.hear() == (up(SECOND, "st"), b"on")
    curious = come(FIRST)
    curious.listen("h1/#", down(FIRST, "#"))
    ingest.say(down(FIRST), b"for you")
    assert curious.hear() == (down(FIRST), b"for you")
    ingest.say(up(SECOND, "st"), b"", retain=True)


def test_a_client_id_that_is_taken_throws_nobody_out(come, ingest):
    owner = come(SECOND, client_id=SECOND)
    owner.listen(down(SECOND, "#"))
    thief = come(FIRST, client_id=SECOND)
    thief.listen(down(SECOND, "#"))
    ingest.say(down(SECOND), b"still here?")
    assert owner.hear() == (down(SECOND), b"still here?")
    assert not owner.gone.is_set()
    assert thief.say(up(SECOND), b"forged") == NOT_AUTHORISED
    thief.say(up(FIRST), b"my own")
    assert ingest.hear() == (up(FIRST), b"my own")


def test_a_session_that_another_hub_left_cannot_be_taken_over(come, ingest):
    owner = come(SECOND, client_id=SECOND, lasting=True)
    owner.listen(down(SECOND, "#"))
    owner.leave()
    thief = come(FIRST, client_id=SECOND, lasting=True)
    thief.listen(down(FIRST, "#"))
    ingest.say(down(SECOND), b"money for the other store")
    ingest.say(down(FIRST), b"for you")
    assert thief.hear() == (down(FIRST), b"for you")


def test_one_hub_is_there_once_the_newer_connection_holds(come, ingest):
    older = come(FIRST, client_id="one")
    newer = come(FIRST, client_id="two")
    assert older.gone.wait(10)
    newer.say(up(FIRST), b"the newer")
    assert ingest.hear() == (up(FIRST), b"the newer")


def test_a_packet_over_the_limit_ends_its_senders_connection_and_reaches_nobody(come, ingest):
    hub = come(FIRST)
    # Told its limit, paho itself would refuse to send it.
    hub.client._maximum_packet_size = None
    hub.client.publish(up(FIRST), bytes(PACKET_BYTES_MAX + 1), qos=1)
    assert hub.gone.wait(10)
    hub.leave()
    again = come(FIRST)
    largest = bytes(PACKET_BYTES_MAX - 100)
    again.say(up(FIRST), largest)
    assert ingest.hear() == (up(FIRST), largest)


def test_a_topic_without_a_listener_is_told_to_its_sender(come):
    assert come(FIRST).say(up(FIRST), b"is anybody there?") == NOBODY_LISTENED
