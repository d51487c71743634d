"""A head office small enough to see whole, made of the wire's own pieces.

It joins hubs by codes, keeps what they send under the rules of `core.wire`, writes each hub's
downlink into a journal of its own, and serves a feed. Real HTTPS, a real broker, real files.
"""

from __future__ import annotations

import hashlib
import json
import queue
import ssl
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, urlsplit

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from paho.mqtt.client import CallbackAPIVersion, Client, MQTTv5

from core.clock import Quality, Reading
from core.crypto import signing_key
from core.enrolment import (
    Broker,
    EnrolAnswer,
    EnrolRequest,
    RenewAnswer,
    RenewRequest,
)
from core.feed import FeedDocument
from core.ids import seeded
from core.journal import (
    MIGRATIONS,
    Act,
    Birth,
    Body,
    Identity,
    Journal,
    Parts,
    decode,
    seal,
    signed_by_birth,
)
from core.sqlite import Door
from core.tests.world import KEY, MORNING
from core.wallet import Asset, Granted, Leg, Lot, Recalled, grant, written_legs
from core.wire import (
    INGEST_NAME,
    Ack,
    Answer,
    Arrived,
    Ask,
    Channel,
    DownAck,
    FeedBatch,
    Hello,
    Message,
    Stream,
    Verdict,
    Welcome,
    channel_of,
    encode,
    judge,
    origin_cursor,
    pack,
    pack_batch,
    parse_topic,
    read,
    shard,
    sign_batch,
    topic,
    unpack,
    up_filters,
)
from hub.sync.outbox import sealed_segments
from hub.sync.tests.archive import Archive
from tests.broker.papers import Authority, _pem

MERCHANT = "qinghe01"
STORE = "s1"
WAIT_S = 15.0
GOOD_CODE = "GOODC0DE77"
REFUSED = {
    "WR0NGC0DE7": "join_code_wrong",
    "VSEDC0DE77": "join_code_used",
    "0LDC0DE777": "join_code_expired",
}
PEPPER, CARD_KEY = b"p" * 32, b"c" * 32


class Manual:
    """A clock for the downlink's journal."""

    def __init__(self) -> None:
        self.at = MORNING

    def read(self) -> Reading:
        self.at += 1
        return Reading(self.at, Quality.GOOD)

    def raise_floor(self, at: int) -> None:
        self.at = max(self.at, at)


@dataclass
class KnownHub:
    """One hub as head office keeps it."""

    birth: bytes
    stream: Stream
    down: Journal
    cursor: object
    events: list[bytes] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)
    documents: dict[tuple[str, str], bytes] = field(default_factory=dict)


class Office(Archive):
    """Head office, in a folder, at a broker."""

    def __init__(self, folder: Path, authority: Authority, broker_port: int) -> None:
        folder.mkdir()
        super().__init__()
        self.folder, self.authority = folder, authority
        self.broker_port = broker_port
        self.key = signing_key(b"m" * 32)
        # Nothing follows from events here: head office may say what its tables would refuse.
        self.parts = Parts(())
        self.clock, self.ids = Manual(), seeded(3)
        self.door = Door(
            folder / "office.db", key=KEY, migrations=(*MIGRATIONS, *self.parts.migrations)
        )
        self.hubs: dict[str, KnownHub] = {}
        self.feed: list[FeedDocument] = []
        self.enrolled: list[EnrolRequest] = []
        self.fetched: list[int] = []
        self.heard: queue.Queue[tuple[float, str, object]] = queue.Queue()
        self.answers: dict[str, EnrolAnswer] = {}
        self.deaf = False
        self.renewals = 0
        self.tamper = None
        self.batch_documents = 500
        self.time = MORNING
        self._server = self._serve()
        self.url = f"https://localhost:{self._server.server_address[1]}"
        self.client: Client | None = None

    # -- HTTPS -----------------------------------------------------------------------------

    def _serve(self) -> ThreadingHTTPServer:
        office = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self._told(*office.posted(self.path, self._name(), body))

            def do_GET(self) -> None:
                if not self._name():
                    self._told(403, b"who are you")
                    return
                self._told(*office.asked(urlsplit(self.path), self._name()))

            def _name(self) -> str:
                peer = self.connection.getpeercert() or {}
                return peer.get("subject", [[["", ""]]])[0][0][1]

            def _told(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("X-Sha256", hashlib.sha256(body).hexdigest())
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        pair = self.authority.issue(f"gate-{id(self)}", server=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)
        context.load_verify_locations(self.authority.file)
        context.verify_mode = ssl.CERT_OPTIONAL
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def posted(self, path: str, name: str, body: bytes) -> tuple[int, bytes]:
        if path == "/renew":
            self.renewals += 1
            return self.renewed(name, msgspec.json.decode(body, type=RenewRequest).csr)
        if path == "/enrol/renew":
            return self.renewed_late(body)
        if path.startswith("/late?"):
            return 200, self.late(name, body)
        return self.enrol(msgspec.json.decode(body, type=EnrolRequest))

    def asked(self, parts: SplitResult, name: str) -> tuple[int, bytes]:
        fields = parse_qs(parts.query)
        if parts.path == "/standing":
            return 200, self.standing(name, int(fields["epoch"][0]))
        after = int(fields["after"][0])
        return 200, self.journal(name, after) if parts.path == "/journal" else self.fetch(after)

    def enrol(self, asked: EnrolRequest) -> tuple[int, bytes]:
        code = asked.code.upper()
        if code != GOOD_CODE:
            reason = REFUSED.get(code, "join_code_wrong")
            return 403, json.dumps({"code": reason, "message": "不行"}).encode()
        self.enrolled.append(asked)
        answer = self._answer(asked)
        if self.tamper is not None:
            answer = self.tamper(answer)
        return 200, msgspec.json.encode(answer)

    def _answer(self, asked: EnrolRequest) -> EnrolAnswer:
        birth = msgspec.json.decode(asked.birth, type=Birth)
        down_birth = msgspec.json.encode(
            Birth(hub=f"{birth.hub}.dn", epoch=birth.epoch, key=self.key.public, made_at=1)
        )
        self.know(asked.birth, down_birth)
        brought = asked.bring
        return EnrolAnswer(
            merchant=MERCHANT,
            hub_id=birth.hub,
            store=STORE,
            shard=shard(birth.hub),
            certificate=self.certificate(f"{MERCHANT}.{birth.hub}", asked.csr),
            ca=self.authority.file.read_text(),
            broker=Broker(host="127.0.0.1", port=self.broker_port),
            gate=self.url,
            countersignature=self.key.sign(asked.birth),
            merchant_key=self.key.public,
            downlink_birth=down_birth,
            downlink_signature=self.key.sign(down_birth),
            pin_pepper=PEPPER if brought is None else brought.pin_pepper,
            card_key=CARD_KEY if brought is None else brought.card_key,
        )

    def certificate(self, name: str, csr: str) -> str:
        asked = x509.load_pem_x509_csr(csr.encode())
        made = self.authority._builder(name, asked)
        made = made.add_extension(
            x509.BasicConstraints(ca=False, path_length=None), critical=True
        )
        return _pem(made.sign(self.authority._key, hashes.SHA256())).decode()

    def renewed(self, name: str, csr: str) -> tuple[int, bytes]:
        made = RenewAnswer(
            certificate=self.certificate(name, csr), ca=self.authority.file.read_text()
        )
        return 200, msgspec.json.encode(made)

    def fetch(self, after: int) -> bytes:
        self.fetched.append(after)
        return pack_batch(self.batch(after))

    # -- the feed --------------------------------------------------------------------------

    def publish(self, topic_: str, key: str, content: dict | None) -> FeedDocument:
        """Edit the feed: the newest of each key, in order."""
        document = FeedDocument(topic=topic_, key=key, pos=self.feed_pos + 1, content=content)
        self.feed = [d for d in self.feed if (d.topic, d.key) != (topic_, key)] + [document]
        return document

    @property
    def feed_pos(self) -> int:
        return max((document.pos for document in self.feed), default=0)

    def batch(self, after: int) -> FeedBatch:
        waiting = [d for d in self.feed if d.pos > after]
        shown = waiting[: self.batch_documents]
        more = len(shown) < len(waiting)
        return sign_batch(
            MERCHANT,
            [msgspec.json.encode(d) for d in shown],
            self.key.sign,
            after=after,
            pos=shown[-1].pos if more else max(after, self.feed_pos),
            more=more,
        )

    # -- hubs ------------------------------------------------------------------------------

    def know(self, birth: bytes, down_birth: bytes) -> KnownHub:
        hub = msgspec.json.decode(birth, type=Birth)
        if hub.hub in self.hubs:
            return self.hubs[hub.hub]
        down = Journal(
            identity=Identity(
                origin=f"{hub.hub}.dn", epoch=hub.epoch, birth=down_birth, boot=1
            ),
            parts=self.parts,
            clock=self.clock,
            ids=self.ids,
        )
        self.door.write(down.begin)
        stream = Stream(
            origin=hub.hub,
            epoch=hub.epoch,
            birth=birth,
            check=lambda message, signature: signed_by_birth(birth, signature, message),
        )
        known = KnownHub(birth=birth, stream=stream, down=down, cursor=origin_cursor(birth))
        self.hubs[hub.hub] = known
        return known

    def append_down(self, hub: str, body: Body, postings: tuple = ()) -> None:
        """Write one event into a hub's downlink."""
        journal = self.hubs[hub].down
        act = Act(journal=journal, reading=self.clock.read(), store="", date="2026-03-02")

        def write(tx) -> None:
            act.append(tx, body, postings=postings)
            seal(tx, journal.identity, self.key.sign)

        self.door.write(write)

    def grant(self, hub: str, member: str, cents: int, **more: object) -> Granted:
        """Send value that head office has, as one new lot."""
        transfer = self.ids.new(self.clock.read().at)
        lot = Lot(lot=f"lot-{transfer}", opened_at=self.clock.at, principal=cents, paid=cents)
        legs = [Leg(Asset.PRINCIPAL, lot.lot, cents)]
        body = Granted(
            transfer=transfer,
            member=member,
            hub=hub,
            legs=written_legs(legs),
            lots=(lot,),
            **{"hub_epoch": 1, **more},
        )
        self.append_down(hub, body, tuple(grant(member, transfer, legs)))
        return body

    def recall(
        self,
        hub: str,
        member: str,
        *,
        request: str = "r1",
        epoch: int = 1,
        legs: tuple[tuple[str, str, int], ...] = (),
    ) -> None:
        body = Recalled(request=request, member=member, hub=hub, hub_epoch=epoch, legs=legs)
        self.append_down(hub, body)

    def down_segments(self, hub: str, *, first: int = 1) -> list:
        with self.door.read() as db:
            me = self.hubs[hub].down.identity
            return list(sealed_segments(db, me, first=first, limit=1_000))

    def down_head(self, hub: str) -> int:
        with self.door.read() as db:
            return self.hubs[hub].down.head(db).seq

    # -- MQTT ------------------------------------------------------------------------------

    def connect(self, pairs) -> None:
        """Come to the broker as head office."""
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        context = ssl.create_default_context(cafile=str(self.authority.file))
        pair = pairs[INGEST_NAME]
        context.load_cert_chain(pair.certificate, pair.key)
        client.tls_set_context(context)
        ready = threading.Event()
        client.on_connect = lambda c, *_: c.subscribe([(f, 1) for f in up_filters()])
        client.on_subscribe = lambda *_: ready.set()
        client.on_message = self._came
        client.connect("127.0.0.1", self.broker_port)
        client.loop_start()
        assert ready.wait(WAIT_S)
        self.client = client

    def say(self, hub: str, message: Message) -> None:
        self.say_raw(hub, channel_of(message), encode(message))

    def say_raw(self, hub: str, channel: Channel, payload: bytes) -> None:
        self.client.publish(topic(MERCHANT, hub, channel), payload, qos=1)

    def send_down(self, hub: str, *, first: int = 1) -> None:
        for segment in self.down_segments(hub, first=first):
            self.say_raw(hub, Channel.DOWN_LOG, pack(segment))

    def send_batch(self, hub: str, after: int) -> None:
        self.say(hub, self.batch(after))

    def _came(self, _client, _userdata, message) -> None:
        named = parse_topic(message.topic)
        known = None if named is None else self.hubs.get(named.hub)
        if known is None or self.deaf:
            return
        now = time.monotonic()
        if named.channel is Channel.UP_LOG:
            self._keep(named.hub, known, message.payload)
            self.heard.put((now, named.hub, "segment"))
            return
        said = read(named.channel, message.payload)
        match said:
            case Hello():
                self._welcome(named.hub, known)
            case Ask():
                self.say(named.hub, Answer(id=said.id, state="granted"))
            case DownAck(acked=acked) if acked < self.down_head(named.hub):
                self.send_down(named.hub, first=acked + 1)
            case _:
                pass
        self.heard.put((now, named.hub, said))

    def _welcome(self, hub: str, known: KnownHub) -> None:
        self.say(
            hub,
            Welcome(
                epoch=known.stream.epoch,
                acked=known.cursor.have,
                head=known.cursor.head,
                down_len=self.down_head(hub),
                feed_pos=self.feed_pos,
                credits=8,
                time=self.time,
            ),
        )

    def _keep(self, hub: str, known: KnownHub, raw: bytes) -> None:
        known.raws.append(raw)
        segment = unpack(raw)
        judged = judge(known.stream, known.cursor, Arrived(segment=segment, raw=raw))
        assert judged.verdict in {Verdict.NEXT, Verdict.KNOWN, Verdict.GAP}, judged.verdict
        if judged.verdict is Verdict.NEXT:
            skip = known.cursor.have + 1 - segment.first
            known.events += segment.events[skip:]
            known.documents |= {(d.event, d.name): d.content for d in segment.documents}
            known.cursor = judged.cursor
        self.say(
            hub,
            Ack(
                epoch=known.stream.epoch,
                acked=known.cursor.have,
                head=known.cursor.head,
                credits=8,
            ),
        )

    def kinds(self, hub: str) -> list[str]:
        """Return the kinds of event that arrived, in order."""
        return [json.loads(bytes(decode(raw).body))["kind"] for raw in self.hubs[hub].events]

    def wait_heard(self, wanted, timeout_s: float = WAIT_S) -> tuple[float, object]:
        """Wait for something that a hub says; return when it came and what."""
        ends_at = time.monotonic() + timeout_s
        while True:
            left = ends_at - time.monotonic()
            try:
                at, _hub, said = self.heard.get(timeout=max(0.001, left))
            except queue.Empty:
                raise AssertionError("it was not said") from None
            if said == wanted or (isinstance(wanted, type) and isinstance(said, wanted)):
                return at, said

    def close(self) -> None:
        if self.client is not None:
            self.client.disconnect()
            self.client.loop_stop()
        self._server.shutdown()
        self._server.server_close()
        self.door.close()


def changed(answer: EnrolAnswer, **fields: object) -> EnrolAnswer:
    return msgspec.structs.replace(answer, **fields)
