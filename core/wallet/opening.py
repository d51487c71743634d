"""What a member brings from the system before."""

from __future__ import annotations

from dataclasses import dataclass

from core.journal import Act
from core.sqlite import Writer
from core.wallet.accounts import Asset
from core.wallet.events import Opened
from core.wallet.minting import issue_within
from core.wallet.points import NEVER
from core.wallet.rules import Leg


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What a member brings from the system before: fen and points."""

    principal: int = 0
    bonus: int = 0
    points: int = 0


def open_balance(
    tx: Writer, act: Act, *, member: str, brought: Brought, source: str, place: str
) -> None:
    """Book what a member brings at a place; all zero books nothing. `source` names the import.

    What a store opens lies in its own box; what head office opens lies with head office, and
    follows the member from there. Refused: mint_right_spent.
    """
    lot = act.new_id()
    legs = [
        Leg(Asset.PRINCIPAL, lot, brought.principal),
        Leg(Asset.BONUS, lot, brought.bonus),
        Leg(Asset.POINTS, NEVER, brought.points),
    ]
    worth = [leg for leg in legs if leg.amount]
    if worth:
        opened = Opened(
            member=member,
            lot=lot,
            principal=brought.principal,
            bonus=brought.bonus,
            points=brought.points,
            source=source,
        )
        act.append(tx, opened, postings=issue_within(tx, member, place, worth))
