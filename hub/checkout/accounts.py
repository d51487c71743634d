"""Out of whose account a bill is paid, and whether the card that was swiped may ask for it."""

from __future__ import annotations

from core.clock import HOUR_MS
from core.errors import Refused
from core.journal import Act
from core.members import active_card, holder_of, member_of
from core.organisation import settings
from core.sqlite import Reader, Row
from hub.members import list_as_of
from hub.tickets import account_of, family_spent


def check_account(db: Reader, act: Act, ticket: Row, *, wanted: int) -> str:
    """Return whose stored value pays `wanted` fen of a bill.

    Refused: no_member_to_charge, not_in_family, family_limit, block_list_old, and of the card
    that was swiped for this bill what `active_card` refuses: it may have been lost since.
    """
    account = account_of(db, ticket)
    if account is None:
        raise Refused("no_member_to_charge")
    if ticket["card"]:
        active_card(db, ticket["card"])
        _check_age(db, act, wanted=wanted)
    if ticket["payer"]:
        _check_limit(db, act, ticket["member"], account=account, wanted=wanted)
    return account


def _check_limit(db: Reader, act: Act, member: str, *, account: str, wanted: int) -> None:
    relative = member_of(db, member)
    limit = relative["family_limit"]
    if holder_of(db, member) != account:
        raise Refused("not_in_family")
    if limit:
        left = max(0, limit - family_spent(db, relative["id"], month=act.date[:7]))
        if wanted > left:
            raise Refused("family_limit", left_cents=left, needed_cents=wanted)


def _check_age(db: Reader, act: Act, *, wanted: int) -> None:
    """Let a card pay much only where the list of lost cards is known to be fresh."""
    rules, as_of = settings(db), list_as_of(db)
    if as_of is None or wanted <= rules.offline_card_cents:
        return
    hours = rules.block_list_hours
    if act.at - as_of > hours * HOUR_MS:
        raise Refused("block_list_old", limit_cents=rules.offline_card_cents, hours=hours)
