"""A store's box before a head office that was put back: what it gives back, as over the gate."""

from __future__ import annotations

from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cloud.app import open_cloud
from cloud.ingest.tests.stores import Desk
from cloud.platform import find_hub
from cloud.recovery import (
    Caller,
    make_backup,
    restore,
    take_documents,
    take_done,
    take_papers,
    take_segment,
)
from core.enrolment import Papers, ReturnDone, ReturnRequest, returning_bytes
from core.feed import FeedDocument
from core.wire import unpack

TEA = {"code": "201", "name": "茉莉花茶", "price": 3_800}


def back_up(platform, folder):
    folder.mkdir(exist_ok=True)
    return Path(make_backup(platform, folder, open_at=open_cloud, version="0.1").file)


class Again:
    """Head office put back from a backup, with its desk."""

    def __init__(self, backup, folder, clock):
        restore(backup, folder, keys=[], open_at=lambda at: open_cloud(at, clock=clock))
        self.platform = open_cloud(folder, clock=clock)
        self.desk = Desk(self.platform)

    def merchant(self, merchant):
        return self.platform.merchant(merchant.id)

    def look(self):
        self.desk.exchange.look_again(self.desk.now)

    def give_back(self, store, *, feed_after=None):
        """Do what a hub does once it is asked; return how many segments it sent."""
        answer = show_papers(self.platform, store)
        with self.platform.door.read() as db:
            hub = find_hub(db, store.id)
        sent = 0
        for held in answer.streams:
            if held.origin == f"{store.id}.dn":
                have = held.have
                for raw in store.down:
                    if unpack(raw).last > have:
                        told = take_segment(
                            self.platform, hub, origin=held.origin, epoch=held.epoch, raw=raw
                        )
                        have, sent = told.have, sent + 1
        after = answer.feed_after if feed_after is None else feed_after
        take_documents(self.platform, hub, held_documents(store, after))
        done = ReturnDone(n=store.hello().n, down_n=store.down_seq, places=places(store))
        take_done(self.platform, hub, done)
        self.look()
        self.desk.dirty[store.merchant] = None
        return sent

    def close(self):
        self.platform.close()


def show_papers(platform, store, **changes):
    certificate = x509.load_pem_x509_certificate(store.answer.certificate.encode())
    shown = certificate.public_bytes(Encoding.DER)
    papers = Papers(
        birth=store.papers.birth,
        countersignature=store.answer.countersignature,
        downlink_birth=store.answer.downlink_birth,
        downlink_signature=store.answer.downlink_signature,
    )
    request = ReturnRequest(
        papers=msgspec.structs.replace(papers, **changes.pop("papers", {})),
        store=store.store,
        proof=store.key.sign(returning_bytes(shown)),
    )
    request = msgspec.structs.replace(request, **changes)
    return take_papers(platform, Caller.showing(certificate), request)


def held_documents(store, after):
    with store.door.read() as db:
        rows = db.all(
            "SELECT * FROM feed_document WHERE pos > :after AND topic <> 'wallet'", after=after
        )
    return [
        FeedDocument(
            topic=r["topic"],
            key=r["key"],
            pos=r["pos"],
            content=None if r["content"] is None else msgspec.json.decode(r["content"]),
        )
        for r in rows
    ]


def places(store):
    with store.door.read() as db:
        rows = db.all("SELECT content FROM feed_document WHERE topic = 'wallet'")
    found = set()
    for row in rows:
        found |= set(msgspec.json.decode(row["content"] or b"{}").get("places", {}))
    return tuple(sorted(found))
