"""A head office in a folder, and hubs that ask to be joined to it."""

from __future__ import annotations

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cloud.app import open_cloud
from cloud.feed import bring
from cloud.platform import create_merchant, enrol, parse_broker, set_places
from core.clock import ManualClock
from core.crypto import signing_key
from core.enrolment import EnrolRequest, proven_bytes
from core.feed import publish
from core.ids import seeded
from core.journal import Birth

NOW = 1_789_000_000_000
STORE = "store-1"
BROKER = "127.0.0.1:18883"
GATE = "https://127.0.0.1:18443"


def office_in(folder, seed=1):
    platform = open_cloud(folder, clock=ManualClock(NOW), ids=seeded(seed))
    platform.door.write(lambda tx: set_places(tx, broker=parse_broker(BROKER), gate=GATE))
    return platform


def merchant_in(platform, name="清和养生", stores=(STORE,)):
    merchant = create_merchant(platform, name)
    for number, store in enumerate(stores, 1):
        content = {"name": f"{name}{number}店", "code": f"{number:02}"}
        edit(merchant, topic="store", key=store, content=content)
    return merchant


def edit(merchant, *, topic, key, content):
    return merchant.door.write(
        lambda tx: publish(tx, merchant.act(tx), topic=topic, key=key, content=content)
    )


class Hub:
    """A hub before it is joined: its two keys and its birth certificate."""

    def __init__(self, name="0123456789abcdef", seed=7, epoch=1):
        self.log_key = signing_key(bytes([seed]) * 32)
        self.key = ec.generate_private_key(ec.SECP256R1())
        birth = Birth(hub=name, epoch=epoch, key=self.log_key.public, made_at=NOW - 1000)
        self.name = name
        self.birth = msgspec.json.encode(birth)

    def csr(self, key=None):
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        request = x509.CertificateSigningRequestBuilder().subject_name(subject)
        made = request.sign(key or self.key, hashes.SHA256())
        return made.public_bytes(Encoding.PEM).decode()

    def request(self, code, **changes):
        csr = changes.pop("csr", None) or self.csr()
        proof = self.log_key.sign(proven_bytes(csr))
        known = {"code": code, "csr": csr, "birth": self.birth, "proof": proof}
        return EnrolRequest(**(known | changes))


def join(platform, hub, code, **changes):
    return enrol(platform, hub.request(code, **changes), bring=bring)
