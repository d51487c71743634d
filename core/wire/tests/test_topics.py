"""A topic names one hub and one channel, or it is not ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.wire import (
    Channel,
    Topic,
    down_filters,
    link_name,
    parse_link_name,
    parse_topic,
    shard,
    topic,
    up_filters,
)

MERCHANT, HUB = "shop0001", "00ff00ff00ff00ff"


@given(
    st.from_regex(r"[a-z0-9]{8}", fullmatch=True),
    st.from_regex(r"[0-9a-f]{16}", fullmatch=True),
    st.sampled_from(list(Channel)),
)
def test_what_is_built_is_read(merchant, hub, channel):
    assert parse_topic(topic(merchant, hub, channel)) == Topic(merchant, hub, channel)
    assert parse_link_name(link_name(merchant, hub)) == (merchant, hub)


@given(st.text(alphabet="h1/.abc0fupdnlogctl+#", max_size=60))
def test_any_other_text_is_nobodys_topic(text):
    found = parse_topic(text)
    assert found is None or topic(found.merchant, found.hub, found.channel) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "h1",
        f"h1/{shard(HUB)}/{MERCHANT}.{HUB}/up",
        f"h1/{shard(HUB)}/{MERCHANT}.{HUB}/up/log/",
        f"h1/{shard(HUB)}/{MERCHANT}.{HUB}/up/secret",
        f"h2/{shard(HUB)}/{MERCHANT}.{HUB}/up/log",
        f"h1/000/{MERCHANT}.{HUB}/up/log",
        f"h1/{shard(HUB)}/{MERCHANT}{HUB}/up/log",
        f"h1/{shard(HUB)}/{MERCHANT}.{HUB.upper()}/up/log",
        f"h1/{shard(HUB)}/+/up/log",
    ],
)
def test_a_forged_topic_is_nobodys(text):
    assert parse_topic(text) is None


@pytest.mark.parametrize(
    ("merchant", "hub"),
    [("shop+001", HUB), ("shop001", HUB), (MERCHANT, "#"), (MERCHANT, HUB + "/x"), ("", "")],
)
def test_a_name_that_would_shift_a_topic_is_never_made(merchant, hub):
    with pytest.raises(ValueError, match="not the name of a hub"):
        link_name(merchant, hub)


def test_each_side_subscribes_to_the_other_sides_channels():
    assert up_filters() == ("h1/+/+/up/log", "h1/+/+/up/ctl", "h1/+/+/up/rq", "h1/+/+/up/st")
    name = f"h1/{shard(HUB)}/{MERCHANT}.{HUB}"
    assert down_filters(MERCHANT, HUB) == (
        f"{name}/dn/log",
        f"{name}/dn/ctl",
        f"{name}/dn/rp",
        f"{name}/dn/feed",
    )
