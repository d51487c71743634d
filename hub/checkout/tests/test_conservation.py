"""Whatever a counter does all day, value is conserved and nobody is overdrawn."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.clock import ManualClock
from core.errors import Refused
from core.feed import FeedDocument, load
from core.ids import seeded
from core.journal import drain_all, rebuild
from core.till import STORED_VALUE, Offered
from core.wallet import Asset
from hub import checkout, members, tickets, till, wallet
from hub.app import open_hub
from hub.box import settle_in

AT = 1_795_000_000_000
TILL = "前台"
FEED = {
    ("company", "-"): {"name": "清和养生"},
    ("store", "s1"): {"name": "人民路店", "code": "A"},
    ("staff", "w1"): {"number": "01", "name": "王芳", "role": "owner"},
    ("item", "i1"): {"code": "101", "name": "足疗", "price": 12_800, "member_price": 9_900},
    ("item", "i2"): {"code": "201", "name": "茶", "price": 3_800, "kind": "product"},
    ("offer", "o1"): {
        "name": "充1000送100",
        "price": 100_000,
        "principal": 100_000,
        "bonus": 10_000,
    },
}


class Counter(RuleBasedStateMachine):
    """One till, two members, and a model of what each should have."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.box = open_hub(self.folder, clock=ManualClock(AT), ids=seeded(7))
        documents = [
            FeedDocument(topic=topic, key=key, pos=pos, content=content)
            for pos, ((topic, key), content) in enumerate(FEED.items(), start=1)
        ]
        self.box.door.write(lambda tx: load(tx, self.box.parts, documents))
        self.box.door.write(lambda tx: settle_in(tx, "s1"))
        self.do(lambda tx, act: till.open_period(tx, act, till=TILL, float_cents=10_000))
        self.members = [self.register(name) for name in ("李慧敏", "王小明")]
        self.paid_in = dict.fromkeys(self.members, 0)
        self.spent = dict.fromkeys(self.members, 0)
        self.drawer = 10_000
        self.settled = {}

    def do(self, verb):
        self.box.journal.clock.advance(1_000)
        return self.box.door.write(lambda tx: verb(tx, self.box.act(tx, actor="w1")))

    def register(self, name):
        application = members.Application(profile=members.Profile(name=name))
        return self.do(lambda tx, act: members.register(tx, act, application))

    def held(self, member):
        return self.do(lambda tx, act: wallet.balance(tx, act, member))

    @rule(who=st.integers(0, 1))
    def top_up(self, who):
        member = self.members[who]
        wanted = wallet.TopUp(
            member=member, offer="o1", payments=(Offered(tender="cash", amount=100_000),)
        )
        try:
            self.do(
                lambda tx, act: wallet.top_up(tx, act, wanted, topup=act.new_id(), till=TILL)
            )
        except Refused as refused:
            assert refused.code == "over_card_limit"
            return
        self.paid_in[member] += 110_000
        self.drawer += 100_000

    @rule(
        who=st.none() | st.integers(0, 1),
        item=st.sampled_from(["i1", "i2"]),
        quantity=st.integers(1, 9),
        stored=st.integers(0, 120_000),
    )
    def sell(self, who, item, quantity, stored):
        member = None if who is None else self.members[who]

        def sale(tx, act):
            ticket = act.new_id()
            tickets.open_ticket(tx, act, ticket=ticket, member=member)
            line = act.new_id()
            tickets.add_line(tx, act, ticket=ticket, line=line, item=item, quantity=quantity)
            found = tickets.read_ticket(tx, ticket)
            by_card = min(stored, found.bill.total)
            rest = found.bill.total - by_card
            paid = [
                Offered(tender=tender, amount=amount)
                for tender, amount in ((STORED_VALUE, by_card), ("cash", rest))
                if amount
            ]
            checkout.settle(
                tx, act, ticket=ticket, version=found.version, till=TILL, payments=tuple(paid)
            )
            return ticket, by_card, rest

        had = self.held(member).here if member else 0
        try:
            ticket, by_card, rest = self.do(sale)
        except Refused as refused:
            reason = "no_member_to_charge" if member is None else "insufficient_balance"
            assert refused.code == reason
            assert stored > had
            return
        assert by_card <= had
        if member:
            self.spent[member] += by_card
        self.drawer += rest
        self.settled[ticket] = (member, by_card, rest)

    @precondition(lambda self: self.settled)
    @rule(data=st.data())
    def reverse(self, data):
        ticket = data.draw(st.sampled_from(sorted(self.settled)))
        member, by_card, rest = self.settled.pop(ticket)

        def undo(tx, act):
            return checkout.reverse(
                tx, act, ticket=ticket, reversal=act.new_id(), till=TILL, reason="点错"
            )

        self.do(undo)
        if member:
            self.spent[member] -= by_card
        self.drawer -= rest
        try:
            self.do(undo)
        except Refused as refused:
            assert refused.code == "not_settled"
        else:
            raise AssertionError("a bill was reversed twice")

    @rule(who=st.integers(0, 1), amount=st.integers(-50_000, 50_000).filter(bool))
    def adjust(self, who, amount):
        member = self.members[who]
        principal = self.held(member).principal
        try:
            self.do(
                lambda tx, act: wallet.adjust(
                    tx, act, member=member, asset=Asset.PRINCIPAL, amount=amount, reason="核对"
                )
            )
        except Refused as refused:
            assert refused.code == "adjust_below_zero"
            assert principal < -amount
            return
        self.paid_in[member] += amount

    @invariant()
    def value_is_conserved(self):
        for member in self.members:
            assert self.held(member).total == self.paid_in[member] - self.spent[member]

    def teardown(self):
        report = self.do(lambda tx, act: till.close_period(tx, act, till=TILL, counted=0))
        assert report.expected == self.drawer
        drain_all(self.box.door, self.box.parts)
        again = rebuild(
            self.box.door, self.folder / "again.db", self.box.parts, key=self.box.database_key
        )
        assert list(again) == []
        assert self.box.findings() == []
        self.box.close()
        shutil.rmtree(self.folder)


TestCounter = Counter.TestCase
TestCounter.settings = settings(
    max_examples=12,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
