"""Facts that put value into a wallet, correct it, or move it between places.

Spending is the ticket's event. Value moves between head office and one store: `Granted` and
`Released` send it off, `Accepted` is the receiving side's own word that it arrived.
"""

from __future__ import annotations

import msgspec

from core.journal import Body
from core.wallet.points import NEVER


class Payment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One tender of a bill or top-up, in fen.

    `tendered` is what was handed over and `change` what was given back (cash only);
    `legs` are the lots that paid (stored value and passes only) as [asset, lot, amount]. A pass
    pays for the `line` that it names, or where it names none, for the bill; its `reference` is
    what the pass is called.
    """

    tender: str
    amount: int
    tendered: int = 0
    change: int = 0
    reference: str = ""
    legs: tuple[tuple[str, str, int], ...] = ()
    line: str = ""


Legs = tuple[tuple[str, str, int], ...]
"""Parts of holdings as (asset, lot, amount); amounts above zero, in fen or points."""


class Lot(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a lot: it travels with its value, so that one side's log is enough.

    `opened_at` in ms; `paid`, `principal` and `bonus` in fen as the lot was opened; it can be
    spent up to the business date `expires`, in `stores` only (empty is everywhere). `owner` is
    for whom it was opened, where that is not the member whose value moves.

    A pass has more: `asset` is what its `units` are and `name` what people call it; it pays for
    its `items` and the items of its `categories` (neither is every service). `paid` is then
    what was paid for all of its units. A coupon with a `worth` takes that much off, in fen, of
    a bill on which what it covers comes to `least`; another pays for one piece.
    """

    lot: str
    opened_at: int
    paid: int = 0
    principal: int = 0
    bonus: int = 0
    expires: str | None = None
    stores: tuple[str, ...] = ()
    owner: str = ""
    asset: str = ""
    units: int = 0
    name: str = ""
    items: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    worth: int = 0
    least: int = 0


class ToppedUp(Body, frozen=True, kw_only=True, tag="wallet.topped_up"):
    """A member paid into the wallet: principal, the shop's bonus, and points, as one lot.

    Each of the `passes` that were bought with it is a lot of its own.
    """

    topup: str
    number: str
    member: str
    lot: str
    offer: str | None
    offer_name: str
    price: int
    principal: int
    bonus: int
    points: int
    period: str
    payments: tuple[Payment, ...]
    card: str | None = None
    expires: str | None = None
    stores: tuple[str, ...] = ()
    passes: tuple[Lot, ...] = ()
    points_lot: str = NEVER


class PassGiven(Body, frozen=True, kw_only=True, tag="wallet.pass_given"):
    """Somebody with the right gave a member a pass that nobody paid for, and said why."""

    member: str
    given: Lot
    reason: str


class Adjusted(Body, frozen=True, kw_only=True, tag="wallet.adjusted"):
    """Somebody with the right corrected a balance; amounts signed, fen or points.

    `second` is who asked for it, where one person was not enough.
    """

    member: str
    lot: str
    asset: str
    amount: int
    reason: str
    second: str | None = None


class Opened(Body, frozen=True, kw_only=True, tag="wallet.opened"):
    """The balance that a member brought from the system before."""

    member: str
    lot: str
    principal: int
    bonus: int
    points: int
    source: str


class Granted(Body, frozen=True, kw_only=True, tag="wallet.granted"):
    """Head office sent value to one epoch of one store's box; in that box's downlink stream.

    `request` is the wish that it answers; empty where nobody asked.
    """

    transfer: str
    member: str
    hub: str
    hub_epoch: int
    legs: Legs
    lots: tuple[Lot, ...] = ()
    request: str = ""


class Recalled(Body, frozen=True, kw_only=True, tag="wallet.recalled"):
    """Head office asked a store's box to release what it holds of a member; moves nothing.

    With `legs` it asks for no more than those, and nobody waits for them: a box that serves
    the member keeps them.
    """

    request: str
    member: str
    hub: str
    hub_epoch: int
    legs: Legs = ()


class Released(Body, frozen=True, kw_only=True, tag="wallet.released"):
    """A store's box sent value to head office; `request` names the recall that it answers.

    Without legs there was nothing to send, which is an answer too.
    """

    transfer: str
    member: str
    legs: Legs
    lots: tuple[Lot, ...] = ()
    request: str = ""


class Accepted(Body, frozen=True, kw_only=True, tag="wallet.accepted"):
    """What was sent under this transfer arrived: written once, by who received it."""

    transfer: str
    member: str
    legs: Legs
    lots: tuple[Lot, ...] = ()
