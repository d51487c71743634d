"""Joining a hub: what it sends is checked, countersigned and answered, once for a code.

The order of the writes lets a power cut fall anywhere: the merchant's database is prepared by
steps that come out the same when they are done again, and one transaction in the shared
database then takes the code and makes the hub known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cloud.platform.authority import (
    AS_CLIENT,
    common_name_of,
    milliseconds,
    pem_of,
    serial_of,
)
from cloud.platform.codes import HANDLE_CHARACTERS, REPLACE, try_code
from cloud.platform.hubs import ENROLLED, Epoch, Hub, epochs_of, find_hub, hub_named, next_epoch
from cloud.platform.merchant import DOWNLINK, Merchant, recall, remember
from cloud.platform.papers import authority_of, requested_key
from cloud.platform.places import places
from cloud.platform.platform import Platform, keep_secret
from core.crypto import instant, normalise_code, verify_log
from core.enrolment import (
    Brought,
    EnrolAnswer,
    EnrolRequest,
    LookAnswer,
    LookRequest,
    RenewAnswer,
    RenewLateRequest,
    RenewRequest,
    proven_bytes,
)
from core.errors import Refused
from core.feed import FeedDocument
from core.journal import Act, Birth, place_of
from core.organisation import stores
from core.sqlite import Reader, Row, Writer
from core.wallet import mint_left
from core.wire import link_name, shard

LATE_DAYS = 365
"""So long after its end a certificate may be exchanged for a new one."""
EPOCH_MAX = 2**31
DEAD_KEY = bytes(64)

Bring = Callable[[Writer, Act, Iterable[FeedDocument]], int]
"""Publishes the documents that a shop brings as the merchant's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A request, read and found sound; nothing here depends on the code."""

    request: EnrolRequest
    key: ec.EllipticCurvePublicKey
    birth: Birth

    @property
    def hash(self) -> bytes:
        """The same hub with the same keys; a certificate request is never the same twice."""
        raw = self.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(raw + self.request.birth).digest()

    @property
    def proven(self) -> bool:
        """The hub holds the log key of its birth certificate."""
        return proves(self.birth, self.request.csr, self.request.proof)


def enrol(platform: Platform, request: EnrolRequest, *, bring: Bring) -> EnrolAnswer:
    """Join a hub to the merchant and store that its code was made for.

    Refused: bad_certificate_request, bad_birth, no_places, join_code_wrong, join_code_locked,
    join_code_expired, join_code_used, join_code_replaces, hub_known, no_store, feed_there,
    feed_missing, box_too_old.
    """
    asked = _read(request)
    tried = platform.door.write(lambda tx: try_code(tx, platform, request.code))
    if isinstance(tried, Refused):
        raise tried
    if (answer := _answered(platform, tried, asked)) is not None:
        return answer
    with platform.door.read() as db:
        _check_hub(db, tried, asked)
    merchant = platform.merchant(tried["merchant"])
    store, down = _prepare(merchant, tried, asked, bring=bring)
    made = _Joining(platform=platform, merchant=merchant, store=store, asked=asked, down=down)
    answer = platform.door.write(made.take)
    platform.ring("ingest")
    platform.ring("web")
    return answer


def look(platform: Platform, request: LookRequest) -> LookAnswer:
    """Say which box a code puts another one in the place of, and under which epoch.

    Refused: join_code_wrong, join_code_locked, join_code_expired, join_code_joins.
    """
    code = platform.door.write(lambda tx: try_code(tx, platform, request.code))
    if isinstance(code, Refused):
        raise code
    if platform.clock.read().at >= code["expires_at"]:
        raise Refused("join_code_expired")
    if code["kind"] != REPLACE:
        raise Refused("join_code_joins")
    with platform.door.read() as db:
        newest = epochs_of(db, code["hub"])[-1].epoch
        following = next_epoch(db, code["hub"])
        merchant_name = db.value(
            "SELECT name FROM merchant WHERE id = :id", id=code["merchant"]
        )
    with platform.merchant(code["merchant"]).door.read() as db:
        branch = stores(db).get(code["store"])
    return LookAnswer(
        hub_id=code["hub"],
        # Whose answer was lost looks again, and is to find what it asked for.
        epoch=newest if code["used_at"] is not None else following,
        store=code["store"],
        store_name="" if branch is None else branch.name,
        merchant_name=merchant_name,
    )


def renew(platform: Platform, hub: Hub, request: RenewRequest) -> RenewAnswer:
    """Give a hub that is known by its certificate the next one.

    Refused: bad_certificate_request, hub_revoked.
    """
    if hub.revoked:
        raise Refused("hub_revoked")
    return platform.door.write(
        lambda tx: certify(tx, platform, hub_id=hub.id, name=hub.name, csr=request.csr)
    )


def renew_late(platform: Platform, request: RenewLateRequest) -> RenewAnswer:
    """Give a hub whose certificate has ended the next one, for its log key's signature.

    Refused: bad_certificate_request, certificate_unknown, hub_revoked, proof_wrong.
    """
    requested_key(request.csr)
    authority, at = authority_of(platform), platform.clock.read().at
    try:
        old = x509.load_pem_x509_certificate(request.certificate.encode())
        old.verify_directly_issued_by(authority.root)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise Refused("certificate_unknown") from error
    if old.not_valid_after_utc + timedelta(days=LATE_DAYS) < instant(at):
        raise Refused("certificate_unknown")
    with platform.door.read() as db:
        hub = hub_named(db, common_name_of(old))
        if hub is None:
            raise Refused("certificate_unknown")
        epochs = epochs_of(db, hub.id)
    proven = [
        epoch
        for epoch in epochs
        if proves(msgspec.json.decode(epoch.birth, type=Birth), request.csr, request.proof)
    ]
    if not proven:
        raise Refused("proof_wrong")
    if all(epoch.closed_at is not None for epoch in proven):
        raise Refused("hub_revoked")
    return renew(platform, hub, RenewRequest(csr=request.csr))


def proves(birth: Birth, csr: str, proof: bytes) -> bool:
    """Say whether the holder of an epoch's log key asked for this certificate."""
    return verify_log(public=birth.key, message=proven_bytes(csr), signature=proof)


def certify(tx: Writer, platform: Platform, *, hub_id: str, name: str, csr: str) -> RenewAnswer:
    """Issue a hub's certificate and note it."""
    authority, at = authority_of(platform), platform.clock.read().at
    leaf = authority.issue(requested_key(csr), common_name=name, usages=AS_CLIENT, at=at)
    tx.run(
        "INSERT INTO certificate (serial, hub, issued_at, epoch) VALUES (:serial, :hub, :at,"
        " COALESCE((SELECT MAX(epoch) FROM epoch WHERE hub = :hub), 1))",
        serial=serial_of(leaf),
        hub=hub_id,
        at=at,
    )
    tx.run(
        "UPDATE hub SET certificate_serial = :serial, certificate_until = :until"
        " WHERE id = :id",
        id=hub_id,
        serial=serial_of(leaf),
        until=milliseconds(leaf.not_valid_after_utc),
    )
    return RenewAnswer(certificate=pem_of(leaf), ca=authority.pem)


def downlink_birth(merchant: Merchant, birth: Birth, *, right_first: bool = False) -> bytes:
    """Return the birth certificate of the stream that goes down to a hub's epoch.

    It depends on nothing but what the hub asks for, so that a second try makes the same bytes.
    """
    return msgspec.json.encode(
        Birth(
            hub=birth.hub + DOWNLINK,
            epoch=birth.epoch,
            key=merchant.signing.public,
            made_at=birth.made_at,
            right_first=right_first,
        )
    )


# -- the steps ---------------------------------------------------------------------------------


def _read(request: EnrolRequest) -> _Asked:
    key = requested_key(request.csr)
    try:
        birth = msgspec.json.decode(request.birth, type=Birth)
        # Both refuse what could not be a hub's name or a key.
        link_name("a" * 8, birth.hub)
        verify_log(public=birth.key, message=b"", signature=DEAD_KEY)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Refused("bad_birth") from error
    if not 0 < birth.epoch < EPOCH_MAX or birth.made_at < 0:
        raise Refused("bad_birth")
    return _Asked(request=request, key=key, birth=birth)


def _answered(platform: Platform, code: Row, asked: _Asked) -> EnrolAnswer | None:
    """Return the answer that was lost on its way, while the code lives."""
    if platform.clock.read().at >= code["expires_at"]:
        raise Refused("join_code_expired")
    if code["used_at"] is None:
        return None
    if code["request_hash"] != asked.hash:
        raise Refused("join_code_used")
    return msgspec.json.decode(code["answer"], type=EnrolAnswer)


def _check_hub(db: Reader, code: Row, asked: _Asked) -> None:
    places(db)
    known = find_hub(db, asked.birth.hub)
    if code["kind"] == REPLACE:
        if known is None or known.id != code["hub"] or asked.request.bring is not None:
            raise Refused("join_code_replaces")
        _check_successor(db, epochs_of(db, known.id), asked.birth)
        return
    if known is None:
        return
    births = [one.birth for one in epochs_of(db, known.id) if one.closed_at is None]
    mine = known.merchant == code["merchant"] and known.store == code["store"]
    if not mine or known.revoked or asked.request.birth not in births or not asked.proven:
        raise Refused("hub_known")


def _check_successor(db: Reader, epochs: list[Epoch], birth: Birth) -> None:
    """Refuse what is not the next epoch of a closed one, with a key of its own."""
    newest = epochs[-1]
    keys = {msgspec.json.decode(one.birth, type=Birth).key for one in epochs}
    following = next_epoch(db, birth.hub)
    if newest.closed_at is None or birth.epoch != following or birth.key in keys:
        raise Refused("hub_known")


def _prepare(
    merchant: Merchant, code: Row, asked: _Asked, *, bring: Bring
) -> tuple[str, bytes]:
    """Make the merchant's database ready; return the store, and the birth of the stream down.

    Every step may be done twice.
    """
    # A new shop fills wallets from its first minute on; a box in another's place has no reason
    # to before head office has spoken to it, and its predecessor's right may be gone for good.
    right_first = code["kind"] == REPLACE and asked.request.waits_for_right
    down = merchant.journal_over(downlink_birth(merchant, asked.birth, right_first=right_first))
    brought = asked.request.bring

    def ready(tx: Writer) -> tuple[str, bytes]:
        if code["kind"] == REPLACE and not right_first:
            _check_no_step_back(tx, asked.birth)
        if brought is not None:
            _bring(tx, merchant, brought, bring=bring)
        store = code["store"] or ("" if brought is None else _store_of(brought))
        if store not in stores(tx):
            raise Refused(
                "feed_missing" if brought is None and not code["store"] else "no_store"
            )
        down.begin(tx)
        begun: bytes = tx.value(
            "SELECT birth FROM origin WHERE origin = :origin AND epoch = :epoch",
            origin=down.identity.origin,
            epoch=down.identity.epoch,
        )
        return store, begun

    return merchant.door.write(ready)


def _check_no_step_back(db: Reader, birth: Birth) -> None:
    """Refuse a box that knows of no right to fill wallets where its predecessor had one.

    It would fill them without limit, and nothing of it could count.
    """
    if mint_left(db, place_of(birth.hub, birth.epoch - 1)) is not None:
        raise Refused("box_too_old")


def _bring(tx: Writer, merchant: Merchant, brought: Brought, *, bring: Bring) -> None:
    mark = hashlib.sha256(msgspec.json.encode(brought)).hexdigest()
    if recall(tx, "brought") == mark:
        return
    if tx.value("SELECT 1 FROM feed_document LIMIT 1"):
        raise Refused("feed_there")
    remember(tx, "brought", mark)
    bring(tx, merchant.act(tx), brought.feed)


def _store_of(brought: Brought) -> str:
    """Return the store that a hub says it stands in; the only one where it does not say."""
    named = [d.key for d in brought.feed if d.topic == "store" and d.content is not None]
    if brought.store:
        return brought.store
    return named[0] if len(named) == 1 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Joining:
    """The one transaction in the shared database."""

    platform: Platform
    merchant: Merchant
    store: str
    asked: _Asked
    down: bytes
    """The birth certificate of the stream down to it."""

    def take(self, tx: Writer) -> EnrolAnswer:
        platform, asked = self.platform, self.asked
        # Asked again inside the transaction: another program may have been first.
        code = try_code(tx, platform, asked.request.code)
        if isinstance(code, Refused):
            raise code
        if (answer := _answered(platform, code, asked)) is not None:
            return answer
        _check_hub(tx, code, asked)
        if asked.request.bring is not None:
            keep_secret(tx, self.merchant.id, "pin-pepper", asked.request.bring.pin_pepper)
            keep_secret(tx, self.merchant.id, "card-key", asked.request.bring.card_key)
        self._keep_hub(tx)
        answer = self._answer(tx)
        tx.run(
            "UPDATE enrolment_code SET used_at = :at, request_hash = :hash, answer = :answer"
            " WHERE handle = :handle",
            at=platform.clock.read().at,
            hash=asked.hash,
            answer=msgspec.json.encode(answer),
            handle=normalise_code(asked.request.code)[:HANDLE_CHARACTERS],
        )
        return answer

    def _keep_hub(self, tx: Writer) -> None:
        birth, request = self.asked.birth, self.asked.request
        tx.run(
            "INSERT INTO hub (id, merchant, store, shard, state, certificate_serial,"
            " certificate_until, enrolled_at, model, version) VALUES (:id, :merchant, :store,"
            " :shard, :state, '', 0, :at, :model, :version)"
            # A box in another's place begins anew; one that only lost its paper is as it was.
            " ON CONFLICT (id) DO UPDATE SET state = excluded.state, model = excluded.model,"
            " version = excluded.version, online = 0, last_seen_at = NULL, reported_seq = 0,"
            " feed_pos = 0, clock_at = NULL, clock_unsure = 0, free_bytes = NULL,"
            " enrolled_at = excluded.enrolled_at WHERE state = 'revoked'",
            id=birth.hub,
            merchant=self.merchant.id,
            store=self.store,
            shard=shard(birth.hub),
            state=ENROLLED,
            at=self.platform.clock.read().at,
            model=request.model,
            version=request.version,
        )
        down = self.down
        tx.run(
            "INSERT INTO epoch (hub, epoch, birth, countersignature, downlink_birth,"
            " downlink_signature) VALUES (:hub, :epoch, :birth, :countersignature, :down,"
            " :down_signature) ON CONFLICT (hub, epoch) DO NOTHING",
            hub=birth.hub,
            epoch=birth.epoch,
            birth=request.birth,
            countersignature=self.merchant.signing.sign(request.birth),
            down=down,
            down_signature=self.merchant.signing.sign(down),
        )

    def _answer(self, tx: Writer) -> EnrolAnswer:
        birth, merchant = self.asked.birth, self.merchant
        name = link_name(merchant.id, birth.hub)
        known = places(tx)
        paper = certify(
            tx, self.platform, hub_id=birth.hub, name=name, csr=self.asked.request.csr
        )
        down = self.down
        brought = self.asked.request.bring
        return EnrolAnswer(
            merchant=merchant.id,
            hub_id=birth.hub,
            store=self.store,
            shard=shard(birth.hub),
            certificate=paper.certificate,
            ca=paper.ca,
            broker=known.broker,
            gate=known.gate,
            countersignature=merchant.signing.sign(self.asked.request.birth),
            merchant_key=merchant.signing.public,
            downlink_birth=down,
            downlink_signature=merchant.signing.sign(down),
            pin_pepper=merchant.pin_pepper if brought is None else brought.pin_pepper,
            card_key=merchant.card_key if brought is None else brought.card_key,
        )
