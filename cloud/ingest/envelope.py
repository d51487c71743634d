"""What an envelope from a hub may say: itself, its own place, and no value out of nothing.

A hub's key proves only that the hub wrote it. What it may move is decided here, before any of
it counts: its own members' holdings at its own place, out of its own mint, and what head office
sent to it.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from cloud.ingest.limits import ADVANCED, beyond_limits
from core.feed import FeedPublished
from core.journal import Event, assert_balanced, decode, kind_name, kind_of, place_of
from core.members import MemberMerged, MemberUnmerged
from core.sqlite import Reader
from core.tickets import TicketSent
from core.wallet import (
    RIGHTS_TOPIC,
    RISK,
    Charged,
    Collected,
    Funded,
    Granted,
    Recalled,
    Released,
    Voided,
)

_OPEN_TO_ALL = frozenset({"revenue"})
_HEAD_OFFICES_WORDS = frozenset(
    kind_name(body)
    for body in (
        Granted,
        Recalled,
        Voided,
        Funded,
        Collected,
        Charged,
        TicketSent,
        MemberMerged,
        MemberUnmerged,
    )
)
_HEAD_OFFICES_OWN = ("account.", "aside.", "hub.", "recovery.", "wallet.correction_")
"""How the kinds begin that only head office's own books know."""
_RELEASED, _PUBLISHED = kind_name(Released), kind_name(FeedPublished)
POSTING_MAX = 10**13
"""Of one posting, in fen or points: sums of more would pass what a table can add up."""
REASON_CHARACTERS_MAX = 200
AT_MAX = 1 << 43
"""Milliseconds, the year 2248: a later time would not sort as stamps do."""


def read_envelope(raw: bytes, *, origin: str, epoch: int, seq: int) -> tuple[Event | None, str]:
    """Return the event, or None with what is wrong with these bytes."""
    try:
        event = decode(raw)
    except msgspec.MsgspecError as error:
        return None, f"unreadable: {error}"
    if (event.origin, event.epoch, event.seq) != (origin, epoch, seq):
        said = f"{event.origin}/{event.epoch}/{event.seq}"
        return None, f"it says that it is {said}"
    if not 0 <= event.at < AT_MAX:
        return None, f"it says that it was at {event.at}"[:REASON_CHARACTERS_MAX]
    return event, ""


def trespass(db: Reader, event: Event) -> str:
    """Return what of an event is not its hub's to say; empty where all of it is.

    Called before the event is applied, on what the tables say then.
    """
    return (
        misspoken(event)
        or _not_sent(db, event)
        or sends_under_a_grant(db, event)
        or _overdrawn(db, event)
        or beyond_limits(db, event)
    )


def misspoken(event: Event) -> str:
    """Return what of an event no box may say, whatever the tables say; empty where all fits."""
    try:
        assert_balanced(event.postings)
        kind = kind_of(event)
    except (AssertionError, msgspec.MsgspecError) as error:
        return str(error)
    if kind in _HEAD_OFFICES_WORDS or kind.startswith(_HEAD_OFFICES_OWN):
        return f"{kind} is for head office to say"
    if kind == _PUBLISHED and _allows_itself(event):
        return "what a store may do on its own is for head office to say"
    own = place_of(event.origin, event.epoch)
    for posting in event.postings:
        if abs(posting.amount) > POSTING_MAX:
            return f"{posting.amount} {posting.asset} is no amount"
        if kind == ADVANCED and posting.account == RISK and posting.amount < 0:
            continue  # How much of that is looked at beside what else it may not.
        if not _may_touch(own, posting.account):
            return f"{posting.amount} {posting.asset} at {posting.account} is not its own"
    return ""


class _Published(msgspec.Struct):
    topic: str = ""
    proposed: bool = False


_published = msgspec.json.Decoder(_Published)


def _allows_itself(event: Event) -> bool:
    """Say whether a box publishes the limits that it is held to, as if it were head office."""
    try:
        said = _published.decode(event.body)
    except msgspec.MsgspecError:
        return False  # Then nothing is read out of it.
    return said.topic == RIGHTS_TOPIC and not said.proposed


def _not_sent(db: Reader, event: Event) -> str:
    taken: Counter[tuple[str, str, str]] = Counter()
    for posting in event.postings:
        if posting.account.startswith("transit/"):
            taken[posting.account, posting.asset, posting.lot] -= posting.amount
    for (account, asset, lot), amount in taken.items():
        if amount > 0 and _under_way(db, event, account, asset, lot) < amount:
            return f"{amount} {asset} at {account} was not sent to it"
    return ""


class _Sent(msgspec.Struct):
    transfer: str = ""


_sent = msgspec.json.Decoder(_Sent)


def sends_under_a_grant(db: Reader, event: Event) -> str:
    """Say so where a hub names head office's transfer as its own release.

    What is under way under that name would be taken for what this hub sent, and arrive twice.
    """
    named = {
        posting.account.split("/")[2]
        for posting in event.postings
        if posting.amount > 0 and posting.account.startswith("transit/")
    }
    if kind_of(event) == _RELEASED:
        try:
            named.add(_sent.decode(event.body).transfer)
        except msgspec.MsgspecError as error:
            return str(error)
    for transfer in sorted(named):
        known = "SELECT 1 FROM granted WHERE transfer = :transfer"
        if db.value(known, transfer=transfer):
            return f"{transfer} was sent by head office"
    return ""


def _overdrawn(db: Reader, event: Event) -> str:
    """Say so where a hub takes more from its place than its own history left there.

    What head office moved there since the epoch ended is not counted: when books are written
    anew, that stands in them before the hub's own events do.
    """
    sums: Counter[tuple[str, str, str]] = Counter()
    for posting in event.postings:
        if posting.account.startswith("member/"):
            sums[posting.account, posting.asset, posting.lot] += posting.amount
    for (account, asset, lot), amount in sums.items():
        if amount < 0:
            _, member, place = account.split("/")
            left = _left(db, place=place, member=member, asset=asset, lot=lot)
            if left + amount < 0:
                return f"{-amount} {asset} at {account} of {left} that it has"
    return ""


def _left(db: Reader, **key: str) -> int:
    where = "place = :place AND member = :member AND asset = :asset AND lot = :lot"
    tables = ("holding", "swept")
    amounts = (db.value(f"SELECT amount FROM {t} WHERE {where}", **key) for t in tables)  # noqa: S608
    return sum(amount or 0 for amount in amounts)


def _may_touch(own: str, account: str) -> bool:
    kind, _, rest = account.partition("/")
    match kind:
        case "member":
            member, _, place = rest.partition("/")
            return bool(member) and place == own
        case "mint":
            return rest == own
        case "transit":
            return rest.count("/") == 1
        case _:
            return account in _OPEN_TO_ALL


def _under_way(db: Reader, event: Event, account: str, asset: str, lot: str) -> int:
    """Return how much head office sent to this hub's epoch and nobody took in yet."""
    _, member, transfer = account.split("/")
    amount: int | None = db.value(
        """SELECT t.amount FROM transit t JOIN granted g ON g.transfer = t.transfer
            WHERE t.member = :member AND t.transfer = :transfer
              AND t.asset = :asset AND t.lot = :lot
              AND g.member = t.member AND g.hub = :hub AND g.epoch = :epoch""",
        member=member,
        transfer=transfer,
        asset=asset,
        lot=lot,
        hub=event.origin,
        epoch=event.epoch,
    )
    return amount or 0
