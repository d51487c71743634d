"""Filling and correcting a member's wallet at the counter."""

from hub.wallet.advancing import Ahead, Layout, lay_out, layout
from hub.wallet.correcting import correct
from hub.wallet.elsewhere import (
    ASKED_FOR,
    RECOGNISED,
    Bringing,
    Elsewhere,
    Way,
    bringing,
    elsewhere,
    follow,
    is_open,
    lies_in_several_places,
    newest_wish,
    note_answer,
    unsent_wishes,
)
from hub.wallet.ending import MEMBERS_AT_ONCE, end_some
from hub.wallet.passes import (
    Gift,
    HeldPass,
    give,
    give_pass,
    held_passes,
    pass_facts,
    passes_after,
    passes_moved,
)
from hub.wallet.service import (
    Balance,
    Terms,
    TopUp,
    adjust,
    balance,
    left_after,
    terms_of,
    top_up,
)
from hub.wallet.sql import movements, topups_of_member
from hub.wallet.tables import LOCAL

__all__ = [
    "ASKED_FOR",
    "LOCAL",
    "MEMBERS_AT_ONCE",
    "RECOGNISED",
    "Ahead",
    "Balance",
    "Bringing",
    "Elsewhere",
    "Gift",
    "HeldPass",
    "Layout",
    "Terms",
    "TopUp",
    "Way",
    "adjust",
    "balance",
    "bringing",
    "correct",
    "elsewhere",
    "end_some",
    "follow",
    "give",
    "give_pass",
    "held_passes",
    "is_open",
    "lay_out",
    "layout",
    "left_after",
    "lies_in_several_places",
    "movements",
    "newest_wish",
    "note_answer",
    "pass_facts",
    "passes_after",
    "passes_moved",
    "terms_of",
    "top_up",
    "topups_of_member",
    "unsent_wishes",
]
