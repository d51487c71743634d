"""Joining a head office: once in a hub's life, by a code that somebody there has made.

The order makes a crash harmless: secrets first, then the link, then the tables; whatever is
left of it is done again by `take_up`, which the sending program calls at every start.
"""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from core.crypto import replace_private, verify_log
from core.enrolment import Brought, EnrolAnswer, EnrolRequest, proven_bytes
from core.errors import Refused
from core.feed import FeedDocument, follow, held_pos, take_batch
from core.journal import Birth
from core.sqlite import Reader, Writer
from core.wire import FeedBatch, link_name, shard
from hub.box import Box, settle_in
from hub.sync.downlink import begin_downlink, downlink_stream
from hub.sync.head_office import enrol
from hub.sync.link import Link, certificate_request, link_of, load_link, save_link
from hub.sync.outbox import note_feed_run

_HANDED = "CREDENTIALS_DIRECTORY"
log = logging.getLogger(__name__)

MODEL_FILE = Path("/proc/device-tree/model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What joining made. With new secrets every program of the hub must be started again."""

    link: Link
    new_secrets: bool


def join(
    box: Box, *, url: str, code: str, bring: bool, version: str, context: ssl.SSLContext
) -> Joined:
    """Join the hub to the head office at `url`; `bring` takes a running shop's own along.

    Refused: already_joined, has_own_feed, nothing_to_bring, answer_wrong. Raises Declined,
    Unreachable, and ValueError for a wrong URL. Then nothing has changed.
    """
    held = load_link(box.folder)
    if held is not None:
        raise Refused("already_joined", merchant=held.merchant)
    with box.door.read() as db:
        own, store = _own_feed(db), box.store_id(db)
    if own and not bring:
        raise Refused("has_own_feed")
    if bring and not own:
        raise Refused("nothing_to_bring")
    me = box.journal.identity
    request = certificate_request(box.folder, hub=me.origin)
    asked = EnrolRequest(
        code=code,
        csr=request,
        birth=me.birth,
        version=version,
        model=_model(),
        bring=Brought(
            pin_pepper=box.secrets.pin_pepper,
            card_key=box.secrets.card_key,
            feed=tuple(own),
            store=store,
        )
        if bring
        else None,
        proof=box.secrets.log_key.sign(proven_bytes(request)),
    )
    answer = enrol(url, asked, context=context)
    check_answer(answer, box=box, request=request)
    new_secrets = keep_secrets(box, answer)
    link = link_of(answer, birth=me.birth, at=box.journal.clock.read().at, url=url)
    save_link(box.folder, link)
    box.door.write(lambda tx: take_up(tx, link))
    return Joined(link=link, new_secrets=new_secrets)


def take_up(tx: Writer, link: Link) -> None:
    """Bring the tables to where a link says they are; again does nothing."""
    follow(tx)
    begin_downlink(tx, downlink_stream(link))
    settle_in(tx, link.store)


def take_feed(tx: Writer, box: Box, batch: FeedBatch) -> bool:
    """Take a batch whose signature was checked; False where it leaves a gap."""
    documents = list(_readable(batch))
    before = held_pos(tx)
    taken = take_batch(tx, box.parts, after=batch.after, pos=batch.pos, documents=documents)
    if held_pos(tx) != before:
        note_feed_run(tx, batch.run)
    return taken


def _readable(batch: FeedBatch) -> Iterator[FeedDocument]:
    """Yield the documents that are any: one that is none must not hold up the feed for ever."""
    for raw in batch.documents:
        try:
            yield msgspec.json.decode(raw, type=FeedDocument)
        except msgspec.MsgspecError:
            log.exception("the feed after %s holds what is no document", batch.after)


def check_answer(answer: EnrolAnswer, *, box: Box, request: str) -> None:
    """Believe an answer only where all of it fits together and is about this hub.

    Refused: answer_wrong, with what does not fit.
    """
    wrong = _faults(answer, box=box, request=request)
    if wrong is not None:
        raise Refused("answer_wrong", what=wrong)


def keep_secrets(box: Box, answer: EnrolAnswer) -> bool:
    """Take over the merchant's pepper and card key; say whether they are other than before."""
    own = box.secrets
    if (own.pin_pepper, own.card_key) == (answer.pin_pepper, answer.card_key):
        return False
    handed = os.environ.get(_HANDED)
    pepper = Path(handed, "pin-pepper") if handed else box.folder / "secrets" / "pin.pepper"
    card = Path(handed, "card-key") if handed else box.folder / "secrets" / "card.key"
    replace_private(pepper, answer.pin_pepper)
    replace_private(card, answer.card_key)
    return True


def _faults(answer: EnrolAnswer, *, box: Box, request: str) -> str | None:
    me = box.journal.identity
    try:
        name = link_name(answer.merchant, me.origin)
        vouched = _vouched(answer, me.birth)
        downlink = msgspec.json.decode(answer.downlink_birth, type=Birth)
        certificate = x509.load_pem_x509_certificate(answer.certificate.encode())
        asked = x509.load_pem_x509_csr(request.encode())
        x509.load_pem_x509_certificates(answer.ca.encode())
    except (ValueError, msgspec.MsgspecError) as error:
        return str(error) or type(error).__name__
    expected = (f"{me.origin}.dn", me.epoch, answer.merchant_key)
    names = [
        attribute.value
        for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    ]
    checks = {
        "hub": answer.hub_id == me.origin,
        "shard": answer.shard == shard(me.origin),
        "signature": vouched,
        "downlink": (downlink.hub, downlink.epoch, downlink.key) == expected,
        "name": names == [name],
        "key": _spki(certificate) == _spki(asked),
        "store": bool(answer.store),
    }
    return next((what for what, fits in checks.items() if not fits), None)


def _vouched(answer: EnrolAnswer, birth: bytes) -> bool:
    signed = (
        (birth, answer.countersignature),
        (answer.downlink_birth, answer.downlink_signature),
    )
    return all(
        verify_log(public=answer.merchant_key, message=message, signature=signature)
        for message, signature in signed
    )


def _spki(holder: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    return holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _own_feed(db: Reader) -> list[FeedDocument]:
    rows = db.all("SELECT topic, key, pos, content FROM feed_document ORDER BY pos, topic, key")
    return [
        FeedDocument(
            topic=row["topic"],
            key=row["key"],
            pos=row["pos"],
            content=None if row["content"] is None else msgspec.json.decode(row["content"]),
        )
        for row in rows
    ]


def _model() -> str:
    try:
        return MODEL_FILE.read_text(encoding="utf-8").strip("\0\n ")[:120]
    except OSError:
        return ""
