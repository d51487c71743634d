"""The books after a recovery began: the feed beyond what any hub holds, and edits given back.

Verbs on a merchant's transaction. Which edits come back: those that any hub had received, by
whoever has the newest of them. Which are lost: those that had reached no hub, and of what a
store may not edit (roles, say) everything since the backup: a store's word is not enough.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import msgspec

from cloud.feed import (
    OPEN_TOPICS,
    OWN_TOPIC,
    position,
    put_derived,
    stands_alike,
    vouch,
    without_doubtful,
)
from cloud.platform import Merchant
from cloud.recovery.events import RecoveryBegan
from cloud.recovery.standing import Recovery, Why
from core.feed import FeedDocument, publish
from core.journal import Act
from core.members import member_document
from core.sqlite import Reader, Row, Writer
from core.wallet import wallet_document

log = logging.getLogger(__name__)

POSITION_GAP = 1_000
MEMBER, WALLET = "member", "wallet"


def begin_books(tx: Writer, act: Act, recovery: Recovery, *, told: int) -> bool:
    """Publish every document anew, beyond what any hub can hold; False where it was done.

    Positions go on from the time of day in milliseconds: no feed ever had as many edits. `told`
    is the highest position that a hub is known to hold. Where one hub only was forgotten and
    has called late, the others hold what they are to hold, and nothing is published again.
    """
    done = tx.one("SELECT incarnation, began_at, base FROM feed_anew")
    if done is not None:
        same = done["incarnation"] == recovery.incarnation
        if same and done["began_at"] == recovery.began_at:
            return False
    continues = 0 < recovery.continues <= (0 if done is None else done["began_at"])
    if done is not None and recovery.why is Why.FORGOTTEN:
        base = done["base"]
    elif done is not None and continues:
        # What hubs held counts still against where documents stood before the first of them.
        _publish_anew(tx, above=max(told, act.at), before_stands=True)
        base = done["base"]
    else:
        base = _publish_anew(tx, above=max(told, act.at))
    tx.run(
        "INSERT INTO feed_anew (one, incarnation, began_at, base)"
        " VALUES (1, :incarnation, :began_at, :base) ON CONFLICT (one) DO UPDATE SET"
        " incarnation = excluded.incarnation, began_at = excluded.began_at,"
        " base = excluded.base",
        incarnation=recovery.incarnation,
        began_at=recovery.began_at,
        base=base,
    )
    act.append(tx, RecoveryBegan(incarnation=recovery.incarnation, why=recovery.why.value))
    return True


def _publish_anew(tx: Writer, *, above: int, before_stands: bool = False) -> int:
    """Give every document a position above all that hubs hold, in the order that they had."""
    if not before_stands:
        tx.run("DELETE FROM feed_before")
    tx.run(
        "INSERT INTO feed_before (topic, key, pos) SELECT topic, key, pos FROM feed_document"
        " WHERE true ON CONFLICT DO NOTHING"
    )
    base = max(position(tx), above) + POSITION_GAP
    rows = tx.all("SELECT topic, key FROM feed_document ORDER BY pos, topic, key")
    tx.run_many(
        "UPDATE feed_document SET pos = :pos WHERE topic = :topic AND key = :key",
        (
            {"pos": base + number, "topic": row["topic"], "key": row["key"]}
            for number, row in enumerate(rows)
        ),
    )
    return base


def take_back(
    tx: Writer, act: Act, merchant: Merchant, document: FeedDocument, *, hub: str, store: str
) -> bool:
    """Take a document that a hub holds where head office forgot it.

    What somebody edited since, here or in a store that knew of it, stands. False where it is
    not this hub's to say: another one may say it yet, and else `withdraw` has to.
    """
    if document.topic == WALLET:
        return True
    before = tx.value(
        "SELECT pos FROM feed_before WHERE topic = :topic AND key = :key",
        topic=document.topic,
        key=document.key,
    )
    if before is not None and before >= document.pos:
        return True
    if document.topic == MEMBER:
        # Its stamps say what is newer; a position that some box made up must shut out no other.
        return _take_member(tx, merchant, document, at=act.at)
    held = tx.one(
        "SELECT content FROM feed_document WHERE topic = :topic AND key = :key",
        topic=document.topic,
        key=document.key,
    )
    if held is not None and _is(held, document):
        return True
    if not _may(document, store):
        return False
    edited = _edited_since(tx, document)
    _note_before(tx, document)
    as_hub = replace(act, actor=None, device=hub, store=store)
    return edited or _publish(tx, as_hub, document, document.content)


def withdraw(tx: Writer, act: Act, document: FeedDocument) -> bool:
    """Let all stores have the same of what no store may say; False where nothing was lost.

    What head office knows from before stands as it was then; what it does not know at all,
    nobody vouches for any more, and it is withdrawn.
    """
    held = tx.one(
        "SELECT content FROM feed_document WHERE topic = :topic AND key = :key",
        topic=document.topic,
        key=document.key,
    )
    if held is None:
        publish(tx, act, topic=document.topic, key=document.key, content=None)
        return document.content is not None
    return not _is(held, document)


def _is(held: Row, document: FeedDocument) -> bool:
    """Say whether a document is here already: published anew, it came back as it was."""
    content = held["content"]
    return (None if content is None else msgspec.json.decode(content)) == document.content


def _may(document: FeedDocument, store: str) -> bool:
    return document.topic in OPEN_TOPICS or (
        document.topic == OWN_TOPIC and document.key == store
    )


def _publish(
    tx: Writer, act: Act, document: FeedDocument, content: dict[str, Any] | None
) -> bool:
    tx.run("SAVEPOINT taking_back")
    try:
        publish(tx, act, topic=document.topic, key=document.key, content=content)
    except Exception:
        log.exception("cannot take back %s/%s", document.topic, document.key)
        tx.run("ROLLBACK TO taking_back")
        return False
    else:
        return True
    finally:
        tx.run("RELEASE taking_back")


def _take_member(tx: Writer, merchant: Merchant, document: FeedDocument, *, at: int) -> bool:
    """Merge a member's fields by their stamps, as every hub does; then put what comes of it.

    Who stands and who pays for whom counts under head office's own signature alone; False where
    that is missing, so that somebody is told. Where their value lies is said anew: hubs may
    have heard of some that nobody has any more.
    """
    handler = merchant.parts.feeds[MEMBER]
    told, signing = document.content, merchant.signing
    if told is not None:
        told = without_doubtful(document.key, told, public=signing.public)
    tx.run("SAVEPOINT taking_back")
    try:
        handler(tx, document.key, told)
        content = vouch(document.key, member_document(tx, document.key), signing.sign)
        put_derived(tx, topic=MEMBER, key=document.key, content=content)
        value = wallet_document(tx, document.key, at=at)
        unmoved = frozenset({"at"})
        put_derived(tx, topic=WALLET, key=document.key, content=value, unmoved=unmoved)
    except Exception:
        log.exception("cannot take back member %s", document.key)
        tx.run("ROLLBACK TO taking_back")
        return False
    else:
        return told is document.content or stands_alike(document.key, document.content, content)
    finally:
        tx.run("RELEASE taking_back")


def _note_before(tx: Writer, document: FeedDocument) -> None:
    tx.run(
        "INSERT INTO feed_before (topic, key, pos) VALUES (:topic, :key, :pos)"
        " ON CONFLICT (topic, key) DO UPDATE SET pos = excluded.pos",
        topic=document.topic,
        key=document.key,
        pos=document.pos,
    )


def _edited_since(db: Reader, document: FeedDocument) -> bool:
    """Say whether somebody edited it who knew of it, or head office itself, since it began."""
    base = db.value("SELECT base FROM feed_anew") or 0
    held = db.one(
        """SELECT e.device, e.answers, p.pos AS upon FROM feed_edit e
             JOIN origin o ON o.origin = e.origin AND o.epoch = e.epoch AND o.own = 1
             LEFT JOIN feed_edit p ON e.answers <> '' AND p.event = e.answers
            WHERE e.topic = :topic AND e.key = :key AND e.pos > :base
            ORDER BY e.pos DESC LIMIT 1""",
        topic=document.topic,
        key=document.key,
        # Of a recovery that was cut off there are edits older than what the hub holds.
        base=max(base, document.pos),
    )
    if held is None:
        return False
    if held["answers"]:
        return held["upon"] is not None and held["upon"] >= document.pos
    return held["device"] is None


def returned_documents(
    shared: Reader, merchant: str, *, limit: int, judged: bool = False
) -> list[Row]:
    """Return documents that hubs gave back: those to be judged, or those not theirs to say.

    The newest come first.
    """
    return shared.all(
        "SELECT * FROM returned_document WHERE merchant = :merchant AND judged = :judged"
        " ORDER BY pos DESC, topic, key, hub LIMIT :limit",
        merchant=merchant,
        judged=int(judged),
        limit=limit,
    )


def read_document(row: Row) -> FeedDocument:
    content = row["content"]
    return FeedDocument(
        topic=row["topic"],
        key=row["key"],
        pos=row["pos"],
        content=None if content is None else msgspec.json.decode(content),
    )
