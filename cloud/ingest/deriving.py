"""Documents that follow from the journals: who a member is, and where their value lies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from cloud.feed import Sign, put_derived, vouch
from cloud.placement import note_moved
from core.journal import decode, kind_name, kind_of
from core.members import (
    CardBlocked,
    CardIssued,
    CardSeen,
    CardUnblocked,
    card_document,
    member_document,
)
from core.sqlite import Reader, Row, Writer
from core.tickets import (
    TicketPartReversed,
    TicketReversed,
    TicketSettled,
    family_document,
)
from core.wallet import RIGHTS, wallet_document

DERIVE_EVENTS_MAX = 1_000
MEMBER, WALLET, CARD, FAMILY = "member", "wallet", "card", "family"
_PEOPLE = ("member.", "card.")
_CARDS = frozenset(kind_name(kind) for kind in (CardBlocked, CardUnblocked, CardSeen))
_ISSUED = kind_name(CardIssued)
_BILLS = frozenset(
    kind_name(kind) for kind in (TicketSettled, TicketReversed, TicketPartReversed)
)
_VALUE_ACCOUNTS = frozenset({"member", "transit"})

# CROSS JOIN for the same reason as in core.journal: from the few origins to their new events.
_WAITING = """
    FROM origin o
    LEFT JOIN derived d ON d.origin = o.origin AND d.epoch = o.epoch
    CROSS JOIN journal j
    WHERE j.origin = o.origin AND j.epoch = o.epoch AND j.seq > COALESCE(d.seq, 0)"""


class _About(msgspec.Struct):
    member: str | None = ""
    card: str = ""
    payer: str = ""
    replaces: str = ""


_about = msgspec.json.Decoder(_About)


def is_derived(db: Reader) -> bool:
    """Say whether every event's documents are put."""
    return db.one(f"SELECT 1 {_WAITING} LIMIT 1") is None


def derive(tx: Writer, *, at: int, sign: Sign, limit: int = DERIVE_EVENTS_MAX) -> bool:
    """Put the documents that changed by up to `limit` events; say whether more wait.

    Each document is put at most once, however many events touched it; `sign` is head office's
    word on who stands for whom. Head office's own events
    count as well: members that it imports, balances that it corrects.
    """
    rows = tx.all(
        f"SELECT j.origin, j.epoch, j.seq, j.raw {_WAITING}"
        " ORDER BY o.origin, o.epoch, j.seq LIMIT :limit",
        limit=limit,
    )
    touched: dict[str, dict[str, None]] = {
        topic: {} for topic in (CARD, MEMBER, WALLET, FAMILY)
    }
    for row in rows:
        for topic, key in _touched(row):
            touched[topic][key] = None
    _put(tx, touched, at=at, sign=sign)
    for (origin, epoch), seq in {(r["origin"], r["epoch"]): r["seq"] for r in rows}.items():
        tx.run(
            "INSERT INTO derived (origin, epoch, seq) VALUES (:origin, :epoch, :seq)"
            " ON CONFLICT (origin, epoch) DO UPDATE SET seq = excluded.seq",
            origin=origin,
            epoch=epoch,
            seq=seq,
        )
    return len(rows) == limit


def _put(tx: Writer, touched: Mapping[str, Iterable[str]], *, at: int, sign: Sign) -> None:
    for card in touched[CARD]:
        if tx.value("SELECT 1 FROM card WHERE number = :card", card=card):
            put_derived(tx, topic=CARD, key=card, content=card_document(tx, card))
    for member in touched[MEMBER]:
        if tx.value("SELECT 1 FROM member WHERE id = :id", id=member):
            content = vouch(member, member_document(tx, member), sign)
            put_derived(tx, topic=MEMBER, key=member, content=content)
    for member in touched[WALLET]:
        content = wallet_document(tx, member, at=at)
        put_derived(tx, topic=WALLET, key=member, content=content, unmoved=frozenset({"at"}))
        note_moved(tx, member, at=at)
    for relative in touched[FAMILY]:
        put_derived(tx, topic=FAMILY, key=relative, content=family_document(tx, relative))


def _touched(row: Row) -> Iterator[tuple[str, str]]:
    try:
        event = decode(row["raw"])
        kind = kind_of(event)
        if kind.startswith(_PEOPLE) and (member := _about.decode(event.body).member):
            yield MEMBER, member
        # A card that was never lost or replaced is told of with its member alone.
        if kind in _CARDS and (card := _about.decode(event.body).card):
            yield CARD, card
        if kind == _ISSUED and (lost := (about := _about.decode(event.body)).replaces):
            yield from ((CARD, card) for card in (lost, about.card))
        if kind in _BILLS and (about := _about.decode(event.body)).payer and about.member:
            yield FAMILY, about.member
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return  # It stands in quarantine, where somebody finds it.
    for posting in event.postings:
        account, _, rest = posting.account.partition("/")
        if account in _VALUE_ACCOUNTS and posting.asset not in RIGHTS:
            yield WALLET, rest.partition("/")[0]
