"""A correction of a balance, once only."""

from __future__ import annotations

from core.journal import Act
from core.sqlite import Writer
from core.wallet import Asset
from hub.attempts import Answer, once
from hub.wallet.service import adjust, balance


def correct(  # noqa: PLR0913 - the hands of every verb, and a correction's five facts
    tx: Writer, act: Act, *, member: str, asset: Asset, amount: int, reason: str, key: str
) -> Answer:
    """Correct a balance by a signed amount (fen, or points); return what is left.

    Refused: what `adjust` and `once` refuse.
    """

    def run() -> Answer:
        adjust(tx, act, member=member, asset=asset, amount=amount, reason=reason)
        principal, bonus, points = balance(tx, act, member).left
        left = {"principal_cents": principal, "bonus_cents": bonus, "points": points}
        return {"member": member, "left": left, "at_ms": act.at}

    content = [member, asset.value, amount, reason]
    return once(tx, act, key=key, verb="wallet.adjust", content=content, run=run)
