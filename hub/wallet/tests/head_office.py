"""A head office at the end of the line, as far as a store's pages notice it."""

from __future__ import annotations

import time
from dataclasses import replace

import msgspec

from core.feed import FeedDocument, take
from core.journal import Journal
from core.wallet import Asset, Granted, Leg, grant, send_release, take_in, written_legs
from hub.box import LINK_FILE
from hub.sync.state import Told, tell


class HeadOffice:
    """What it tells a shop, and what it sends."""

    def __init__(self, shop):
        self.shop = shop
        self.pos = 1_000
        me = shop.box.journal.identity
        identity = replace(me, origin=f"{me.origin}.dn")
        self.stream = Journal(
            identity=identity,
            parts=shop.box.parts,
            clock=shop.box.journal.clock,
            ids=shop.box.journal.ids,
        )

        def begin(tx):
            tx.run(
                "INSERT INTO origin (origin, epoch, birth, own)"
                " VALUES (:origin, :epoch, :birth, 0)",
                origin=identity.origin,
                epoch=identity.epoch,
                birth=identity.birth,
            )

        shop.box.door.write(begin)
        (shop.box.folder / LINK_FILE).write_text("{}")

    @property
    def hub(self):
        return self.shop.box.journal.identity.origin

    def line(self, *, live):
        now = self.shop.clock.read().at
        state = "live" if live else "down"
        tell(self.shop.box.bells, Told(line=state, since=now, written_s=time.monotonic()))

    def tell(self, member, places, moved=None, *, lots=()):
        """Send the member's wallet document down the feed; `lots` are those of passes."""
        self.pos += 1
        content = {"places": places, "moved": moved or {}, "at": self.shop.clock.read().at}
        if lots:
            content["lots"] = msgspec.to_builtins(lots)
        document = FeedDocument(topic="wallet", key=member, pos=self.pos, content=content)
        self.shop.box.door.write(lambda tx: take(tx, self.shop.box.parts, document))

    def send(self, member, *, principal=0, bonus=0, points=0, lot="far-away"):
        """Grant value out of the pool; the box takes it in as the sending program would."""
        legs = [
            Leg(asset, lot if asset is not Asset.POINTS else "never", amount)
            for asset, amount in (
                (Asset.PRINCIPAL, principal),
                (Asset.BONUS, bonus),
                (Asset.POINTS, points),
            )
            if amount
        ]
        self._grant(member, legs)

    def send_visits(self, member, lot, *, units):
        """Grant visits of a pass out of the pool, with the lot that they belong to."""
        self._grant(member, [Leg(Asset.PUNCHES, lot.lot, units)], lots=(lot,))

    def _grant(self, member, legs, *, lots=()):
        def arrive(tx, act):
            body = Granted(
                transfer=act.new_id(),
                member=member,
                hub=self.hub,
                hub_epoch=1,
                legs=written_legs(legs),
                lots=lots,
            )
            written = replace(act, journal=self.stream, actor=None)
            written.append(tx, body, postings=grant(member, body.transfer, legs))
            take_in(tx, replace(act, actor=None), body, place=self.hub)

        self.shop.do(arrive)

    def fetch(self, member):
        """Have the box release what it holds of a member."""
        self.shop.do(
            lambda tx, act: send_release(
                tx, replace(act, actor=None), transfer=act.new_id(), member=member
            )
        )
