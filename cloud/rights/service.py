"""Setting the limits, and setting a member's value right at head office.

What is given is issued into the member's pool. What is taken back (a card company took a top-up
back, somebody typed a nought too many) is paid by the account `risk` at once, so that the books
are right, and the member owes it: it is taken from the pool now, from other stores as they
answer, and what is not there stays owed. Nobody's balance goes below zero for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec

from cloud.rights.tables import TOPIC, CorrectionAsked, CorrectionEnded
from core.errors import N_, Refusal, Refused
from core.feed import publish
from core.journal import Act, decode
from core.members import member_of
from core.money import AMOUNT_MAX
from core.organisation import settings
from core.sqlite import Reader, Row, Writer
from core.wallet import (
    CHARGEBACK,
    CLOUD,
    CORRECTED,
    CORRECTION,
    NEVER,
    Adjusted,
    Asset,
    Charged,
    Collected,
    Leg,
    Lot,
    Rights,
    ToppedUp,
    charge,
    collect,
    holdings,
    issue,
    open_claims,
    pass_legs,
    plan_collecting,
    points_lot,
    rights,
    written_legs,
)

REASON_CHARACTERS_MAX = 80
DONE, ASKED = "done", "asked"

_booked = msgspec.json.Decoder(ToppedUp)

REFUSALS = {
    "second_person": Refusal(409, N_("更正要由另一个人确认，不能自己确认自己的")),
    "correction_gone": Refusal(409, N_("这笔更正已经处理过了")),
    "topup_unknown": Refusal(404, N_("没有找到这笔充值")),
    "already_charged": Refusal(409, N_("这笔充值已经撤回过了")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What is to be set right: a signed amount of one asset, or a top-up taken back whole."""

    member: str
    reason: str
    asset: Asset = Asset.PRINCIPAL
    amount: int = 0
    topup: str = ""


def set_rights(tx: Writer, act: Act, *, content: Rights) -> None:
    """Let stores do so much on their own from now on."""
    publish(tx, act, topic=TOPIC, key="-", content=msgspec.to_builtins(content))


def correct(tx: Writer, act: Act, wanted: Correction, *, recovering: bool = False) -> str:
    """Set a member's value right, or ask for a second person where it is much; say which.

    It is much where it adds up to more, with what this person corrected alone today or with
    what anybody did for this member. Where head office is `recovering` nobody knows what the
    pool really has, so what is owed is taken afterwards.
    Refused: no_member, reason_missing, amount_wrong, topup_unknown, already_charged.
    """
    wanted = _checked(tx, wanted)
    before = _corrected_alone(tx, act, wanted)
    if before + abs(_size(tx, wanted)) <= rights(tx).alone_cents:
        _Correcting(tx=tx, act=act, wanted=wanted, recovering=recovering).carry_out()
        return DONE
    asked = CorrectionAsked(
        correction=act.new_id(),
        member=wanted.member,
        asset=wanted.asset.value,
        amount=wanted.amount,
        why=CHARGEBACK if wanted.topup else CORRECTION,
        reason=wanted.reason,
        topup=wanted.topup,
    )
    act.append(tx, asked)
    return ASKED


def agree(tx: Writer, act: Act, *, correction: str, recovering: bool = False) -> None:
    """Carry out what another person asked for.

    Refused: correction_gone, second_person, what `correct` refuses.
    """
    row = _waiting(tx, correction)
    if row["asked_by"] == act.actor:
        raise Refused("second_person")
    wanted = Correction(
        member=row["member"],
        reason=row["reason"],
        asset=Asset(row["asset"]),
        amount=row["amount"],
        topup=row["topup"],
    )
    wanted = _checked(tx, wanted)
    act.append(tx, CorrectionEnded(correction=correction, agreed=True))
    asked_by = row["asked_by"]
    _Correcting(
        tx=tx, act=act, wanted=wanted, second=asked_by, recovering=recovering
    ).carry_out()


def give_up(tx: Writer, act: Act, *, correction: str) -> None:
    """Drop what somebody asked for. Refused: correction_gone."""
    _waiting(tx, correction)
    act.append(tx, CorrectionEnded(correction=correction, agreed=False))


def waiting_corrections(db: Reader) -> list[Row]:
    return db.all(
        "SELECT c.*, m.name AS member_name FROM correction c"
        " LEFT JOIN member m ON m.id = c.member"
        " WHERE c.state = 'asked' ORDER BY c.asked_at, c.id"
    )


def topups_to_charge(db: Reader, member: str) -> list[Row]:
    """Return a member's newest top-ups that nobody took back. Drain history first."""
    return db.all(
        """SELECT t.* FROM topup t WHERE t.member = :member
              AND NOT EXISTS (SELECT 1 FROM claim c WHERE c.id GLOB t.id || '.*')
            ORDER BY t.at DESC, t.id LIMIT 20""",
        member=member,
    )


def _waiting(tx: Writer, correction: str) -> Row:
    row = tx.one("SELECT * FROM correction WHERE id = :id", id=correction)
    if row is None or row["state"] != "asked":
        raise Refused("correction_gone")
    return row


def _checked(tx: Writer, wanted: Correction) -> Correction:
    reason = wanted.reason.strip()[:REASON_CHARACTERS_MAX]
    if not reason:
        raise Refused("reason_missing")
    member = member_of(tx, wanted.member)["id"]
    if wanted.topup:
        _topup(tx, member, wanted.topup)
        return replace(wanted, reason=reason, member=member, amount=0)
    amount = wanted.amount
    if amount == 0 or abs(amount) > AMOUNT_MAX or wanted.asset not in CORRECTED:
        raise Refused("amount_wrong", amount=str(amount))
    return replace(wanted, reason=reason, member=member)


def _size(tx: Writer, wanted: Correction) -> int:
    """Return what a correction moves: a limit in fen also bounds points."""
    if not wanted.topup:
        return wanted.amount
    row = _topup(tx, wanted.member, wanted.topup)
    passes = sum(one.paid for one in _passes(tx, row))
    amount: int = row["principal"] + row["bonus"] + passes
    return amount


def _passes(db: Reader, topup: Row) -> tuple[Lot, ...]:
    """Return the passes that were bought with a top-up: its own event says which."""
    raw = db.value(
        "SELECT raw FROM journal WHERE origin = :origin AND epoch = :epoch AND seq = :seq",
        origin=topup["origin"],
        epoch=topup["epoch"],
        seq=topup["seq"],
    )
    return () if raw is None else _booked.decode(decode(raw).body).passes


def _topup(tx: Writer, member: str, topup: str) -> Row:
    row = tx.one("SELECT * FROM topup WHERE id = :id", id=topup)
    if row is None or member_of(tx, row["member"])["id"] != member:
        raise Refused("topup_unknown")
    # A top-up may have been of bonus alone, or of visits.
    if tx.value("SELECT 1 FROM claim WHERE id GLOB :id || '.*'", id=row["id"]):
        raise Refused("already_charged")
    return row


def _corrected_alone(db: Reader, act: Act, wanted: Correction) -> int:
    """Return what one person alone corrected today: this one, or whoever for this member.

    The larger of both, in points where points are to be set right, else in fen.
    """
    sums = db.one(
        """SELECT COALESCE(SUM(CASE actor WHEN :actor THEN amount END), 0) AS theirs,
                  COALESCE(SUM(CASE member WHEN :member THEN amount END), 0) AS members
             FROM corrected_alone
            WHERE date = :date AND (asset = :points) = :of_points""",
        actor=act.actor or "",
        member=wanted.member,
        date=act.date,
        points=Asset.POINTS,
        of_points=int(wanted.asset is Asset.POINTS and not wanted.topup),
    )
    assert sums is not None
    larger: int = max(sums["theirs"], sums["members"])
    return larger


@dataclass(frozen=True, slots=True, kw_only=True)
class _Correcting:
    """The hands that carry out one correction; `second` is who agreed, if anybody had to."""

    tx: Writer
    act: Act
    wanted: Correction
    second: str | None = None
    recovering: bool = False

    def carry_out(self) -> None:
        wanted = self.wanted
        if wanted.topup:
            row = _topup(self.tx, wanted.member, wanted.topup)
            legs = (
                Leg(Asset.PRINCIPAL, row["lot"], row["principal"]),
                Leg(Asset.BONUS, row["lot"], row["bonus"]),
                Leg(Asset.POINTS, row["points_lot"], row["points"]),
            )
            for leg in legs:
                if leg.amount:
                    self._charge(leg, claim=f"{wanted.topup}.{leg.asset.value}")
            for leg in pass_legs(_passes(self.tx, row)):
                self._charge(leg, claim=f"{wanted.topup}.{leg.lot}")
        elif wanted.amount > 0:
            self._give()
        else:
            claim = self.act.new_id()
            lot = NEVER if wanted.asset is Asset.POINTS else claim
            self._charge(Leg(wanted.asset, lot, -wanted.amount), claim=claim)

    def _give(self) -> None:
        wanted, act = self.wanted, self.act
        is_points = wanted.asset is Asset.POINTS
        rule = settings(self.tx).points
        lot = points_lot(rule, date=act.date) if is_points else act.new_id()
        body = Adjusted(
            member=wanted.member,
            lot=lot,
            asset=wanted.asset.value,
            amount=wanted.amount,
            reason=wanted.reason,
            second=self.second,
        )
        legs = [Leg(wanted.asset, lot, wanted.amount)]
        self.act.append(self.tx, body, postings=issue(wanted.member, CLOUD, legs))

    def _charge(self, leg: Leg, *, claim: str) -> None:
        """Set the books right at the merchant's risk, and take from the pool what is there."""
        tx, act, wanted = self.tx, self.act, self.wanted
        why = CHARGEBACK if wanted.topup else CORRECTION
        body = Charged(
            claim=claim,
            member=wanted.member,
            asset=leg.asset.value,
            lot=leg.lot,
            amount=leg.amount,
            why=why,
            reason=wanted.reason,
            topup=wanted.topup,
            second=self.second,
        )
        act.append(tx, body, postings=charge(leg))
        if self.recovering:
            return
        pool = holdings(tx, wanted.member, CLOUD)
        for row in open_claims(tx, wanted.member):
            legs = plan_collecting(row, pool, row["owed"]) if row["id"] == claim else []
            if legs:
                taken = Collected(
                    claim=claim,
                    member=wanted.member,
                    why=why,
                    legs=written_legs(legs),
                    rest=leg.amount - sum(one.amount for one in legs),
                )
                act.append(tx, taken, postings=collect(wanted.member, legs))
