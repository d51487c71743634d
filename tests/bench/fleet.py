"""A thousand hubs that are nothing but their papers: enrolled as any hub, without a box.

Head office's own verbs make merchants, stores, codes and certificates; what a hub would have of
its own (keys, birth certificate) is made here.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import msgspec
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from cloud.__main__ import cloud
from cloud.app import open_cloud
from cloud.feed import position
from cloud.platform import Platform, enrol, new_code
from core.crypto import new_key, signing_key
from core.enrolment import EnrolRequest, proven_bytes
from core.journal import Birth, birth_head, kind_name

HOST = "127.0.0.1"
EPOCH = 1
KEY_BYTES = 32
HUBS_OF_ONE = 20
"""Stores of one merchant."""
PAPERS = "fleet.json"


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One hub: its papers, and where both sides stand before it says its first word."""

    merchant: str
    hub: str
    certificate: str
    key: str
    head: bytes
    down_head: bytes
    feed_pos: int


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """All of them, as the program that speaks for them reads it."""

    broker_port: int
    ca: str
    kinds: tuple[str, ...]
    members: tuple[Member, ...]


def told(folder: Path, *words: str) -> str:
    """Run a command of head office to its end; return what it printed."""
    done = CliRunner().invoke(cloud, ["admin", *words, "--data", str(folder)])
    if done.exit_code:
        raise RuntimeError(f"{words}: {done.output}")
    return done.stdout.strip()


def enrol_fleet(folder: Path, *, hubs: int, broker_port: int) -> Fleet:
    """Join so many hubs to a new head office in `folder`, and write their papers there."""
    folder.mkdir(parents=True, exist_ok=True)
    places = ("--broker", f"{HOST}:{broker_port}", "--gate", f"https://{HOST}:{broker_port}")
    told(folder, "addresses", *places)
    told(folder, "certificates", "--name", HOST, "--name", "localhost")
    stores = [
        _open_stores(folder, number, min(HUBS_OF_ONE, hubs - first))
        for number, first in enumerate(range(0, hubs, HUBS_OF_ONE))
    ]
    platform = open_cloud(folder)
    try:
        joined = [_join(platform, *place) for places in stores for place in places]
        pos = {merchant: _feed_pos(platform, merchant) for merchant in {m for m, _ in joined}}
        parts = platform.parts.all
        kinds = tuple(sorted({kind_name(b) for p in parts for b in (*p.now, *p.later)}))
    finally:
        platform.close()
    fleet = Fleet(
        broker_port=broker_port,
        ca=(folder / "pki" / "ca.pem").read_text(),
        kinds=kinds,
        members=tuple(
            Member(**papers, merchant=merchant, feed_pos=pos[merchant])
            for merchant, papers in joined
        ),
    )
    (folder / PAPERS).write_bytes(msgspec.json.encode(fleet))
    return fleet


def _open_stores(folder: Path, number: int, count: int) -> list[tuple[str, str]]:
    merchant = told(folder, "merchant", "add", f"商户{number}")
    return [
        (merchant, told(folder, "store", "add", name, "--merchant", merchant, "--code", code))
        for code, name in ((f"S{at}", f"门店{at}") for at in range(count))
    ]


def _join(platform: Platform, merchant: str, store: str) -> tuple[str, dict[str, object]]:
    hub, key, log = secrets.token_hex(8), new_key(), signing_key(os.urandom(KEY_BYTES))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hub)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name)
    csr = request.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
    at = platform.clock.read().at
    birth = msgspec.json.encode(Birth(hub=hub, epoch=EPOCH, key=log.public, made_at=at))
    asked = EnrolRequest(
        code=new_code(platform, merchant=merchant, store=store),
        csr=csr,
        birth=birth,
        version="1.0",
        proof=log.sign(proven_bytes(csr)),
    )
    answer = enrol(platform, asked, bring=lambda *_: 0)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return merchant, {
        "hub": hub,
        "certificate": answer.certificate,
        "key": pem,
        "head": birth_head(birth),
        "down_head": birth_head(answer.downlink_birth),
    }


def _feed_pos(platform: Platform, merchant: str) -> int:
    with platform.merchant(merchant).door.read() as db:
        return position(db)
