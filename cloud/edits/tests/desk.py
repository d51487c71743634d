"""A head office with two stores, and a browser for each of its people."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from cloud.access import add_account
from cloud.access.sessions import open_session
from cloud.app import make_cloud_app, open_cloud
from cloud.platform import create_merchant
from core.clock import ManualClock
from core.feed import publish
from core.ids import seeded
from core.journal import drain_all

MONDAY = int(datetime(2026, 9, 21, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp() * 1000)
PEOPLE = {"owner": "陈老板", "manager": "林经理", "auditor": "周审计"}
CATALOGUE = (
    ("company", "-", {"name": "清和养生"}),
    ("store", "s1", {"name": "人民路店", "code": "A"}),
    ("store", "s2", {"name": "滨江店", "code": "B"}),
    ("category", "c1", {"name": "足疗", "colour": 2}),
    (
        "item",
        "i1",
        {
            "code": "101",
            "name": "足疗 60 分钟",
            "price": 12800,
            "member_price": 9900,
            "category": "c1",
        },
    ),
    (
        "offer",
        "p1",
        {"name": "充1000送100", "price": 100000, "principal": 100000, "bonus": 10000},
    ),
    ("staff", "o1", {"number": "00", "name": "陈店主", "role": "owner"}),
    ("staff", "w1", {"number": "02", "name": "王芳", "role": "cashier"}),
)


class Desk:
    """An opened head office; what its people do in pages, and what others did meanwhile."""

    def __init__(self, folder):
        self.clock = ManualClock(MONDAY)
        self.platform = open_cloud(folder, clock=self.clock, ids=seeded(11))
        self.merchant = create_merchant(self.platform, "清和养生")
        for topic, key, content in CATALOGUE:
            self.publish(topic, key, content)
        self.app = make_cloud_app(self.platform)
        self.app.config["PROPAGATE_EXCEPTIONS"] = False
        self.people = {role: self._account(self.merchant, role) for role in PEOPLE}

    def _account(self, merchant, role, address=""):
        email = f"{role}{address}@example.com"
        made = add_account(
            self.platform, merchant=merchant.id, email=email, name=PEOPLE[role], role=role
        )
        return made.account

    def publish(self, topic, key, content, merchant=None):
        merchant = merchant or self.merchant
        return merchant.door.write(
            lambda tx: publish(tx, merchant.act(tx), topic=topic, key=key, content=content)
        )

    def browser(self, role="manager", *, lang="zh-CN", account=""):
        """Return a browser in which somebody is logged in and whose forms carry their token."""
        token = self.platform.door.write(
            lambda tx: open_session(
                tx,
                account=account or self.people[role],
                at=self.clock.read().at,
                ids=self.platform.ids,
            )
        )
        client = self.app.test_client()
        client.set_cookie("office", token)
        key = self.app.config["CSRF_KEY"]
        client.environ_base["HTTP_X_CSRF_TOKEN"] = hmac.new(
            key, token.encode(), hashlib.sha256
        ).hexdigest()
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = lang
        return client

    def other_merchant(self):
        """Return another merchant of the same server, and a browser of its owner."""
        other = create_merchant(self.platform, "别家")
        self.publish("store", "x1", {"name": "别家店", "code": "X"}, other)
        return other, self.browser(account=self._account(other, "owner", "2"))

    def hub(self, store, name, *, feed_pos=0, online=True):
        """Say that a store's hub was joined and stands somewhere in the feed."""
        self.platform.door.write(
            lambda tx: tx.run(
                """INSERT INTO hub (id, merchant, store, shard, state, certificate_serial,
                     certificate_until, enrolled_at, online, last_seen_at, feed_pos)
                   VALUES (:id, :merchant, :store, 'abc', 'enrolled', '1', 0, :at, :online, :at,
                     :feed_pos)""",
                id=name,
                merchant=self.merchant.id,
                store=store,
                at=self.clock.read().at,
                online=int(online),
                feed_pos=feed_pos,
            )
        )

    def hub_says(self, name, *, feed_pos, online=True):
        """Let a hub report how far it took the feed, now."""
        self.platform.door.write(
            lambda tx: tx.run(
                "UPDATE hub SET feed_pos = :pos, online = :online, last_seen_at = :at"
                " WHERE id = :id",
                pos=feed_pos,
                online=int(online),
                at=self.clock.read().at,
                id=name,
            )
        )

    def ask(self, query, merchant=None):
        with (merchant or self.merchant).door.read() as db:
            return query(db)

    def pos(self, topic, key):
        return self.ask(
            lambda db: db.value(
                "SELECT pos FROM feed_document WHERE topic = :t AND key = :k", t=topic, k=key
            )
        )

    def drained(self):
        drain_all(self.merchant.door, self.merchant.parts)
        return self.merchant

    def close(self):
        self.platform.close()


@pytest.fixture
def desk(tmp_path):
    opened = Desk(tmp_path / "cloud")
    yield opened
    assert opened.drained().findings() == []
    opened.close()
