"""A tablet without a browser: a key of its own, cookies, and the forms that it sends."""

from __future__ import annotations

import base64
import re

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from hub.access import invite
from hub.tests.shop import PEOPLE, PIN


def text_of(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Tablet:
    """What a paired device does, step by step."""

    def __init__(self, shop, *, till="前台"):
        self.shop = shop
        self.till = till
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.http = shop.app.test_client()
        self.page = ""

    @property
    def public_key(self):
        return text_of(
            self.key.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )

    def get(self, path, **more):
        answer = self.http.get(path, **more)
        self.page = answer.text
        return answer

    def post(self, path, token=None, **fields):
        found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', self.page)
        token = token if token is not None else (found.group(1) if found else "")
        return self.http.post(path, data=fields | {"csrf_token": token})

    def pair(self, code=None, name="前台平板"):
        if code is None:
            code = self.shop.do(lambda tx, act: invite(tx, act, till=self.till))
        self.get("/pair")
        return self.post("/pair", code=code, public_key=self.public_key, name=name)

    def sign(self):
        nonce, hub = re.search(r'data-nonce="([^"]+)" data-hub="([^"]+)"', self.page).groups()
        signature = self.key.sign(f"{nonce}.{hub}".encode(), ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(signature)
        return text_of(r.to_bytes(32) + s.to_bytes(32))

    def log_in(self, role="cashier", *, pin=PIN, number=None, signature=None, **fields):
        self.get("/login")
        sent = {"number": number or PEOPLE[role][1], "pin": pin, **fields}
        return self.post("/login", signature=signature or self.sign(), **sent)


def paired(shop, **more):
    tablet = Tablet(shop, **more)
    assert tablet.pair().status_code == 200
    return tablet
