"""The merchant's feed as its author writes it: positions, adopted edits, derived documents.

A hub's edit is a proposal. It is adopted with the next position and an event in the merchant's
own stream that names the hub and the person, or it is declined, and then head office says once
more what holds, so that the hub's own screen follows. Documents that follow from the journals
(a member, where a member's value lies) get a position when their content changes, and no event.
"""

from cloud.feed.derived import put_derived
from cloud.feed.editing import OPEN_TOPICS, OWN_TOPIC, Proposal, adopt, bring
from cloud.feed.reading import Stretch, batch, position
from cloud.feed.tables import PART
from cloud.feed.vouching import Sign, stands_alike, vouch, without_doubtful

__all__ = [
    "OPEN_TOPICS",
    "OWN_TOPIC",
    "PART",
    "Proposal",
    "Sign",
    "Stretch",
    "adopt",
    "batch",
    "bring",
    "position",
    "put_derived",
    "stands_alike",
    "vouch",
    "without_doubtful",
]
