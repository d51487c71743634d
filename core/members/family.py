"""Several people on one account: relatives pay from the holder's wallet.

The money stays the holder's, in the holder's holdings; who came is kept on the bill. A limit is
what a relative may spend of it in a month.
"""

from __future__ import annotations

from core.errors import Refused
from core.journal import Act
from core.members.aliases import ALIASES, standing_for
from core.members.events import FamilyJoined, FamilyLeft
from core.members.finding import member_of
from core.members.order import ahead_of
from core.money import AMOUNT_MAX
from core.sqlite import Reader, Row, Writer
from core.staff import require

_FIELDS = ("holder", "family_limit")


def holder_of(db: Reader, member: str) -> str | None:
    """Return from whose account a member may pay, besides their own."""
    row = member_of(db, member)
    if not row["holder"]:
        return None
    holder = standing_for(db, row["holder"])
    return None if holder == row["id"] else holder


def relatives_of(db: Reader, holder: str) -> list[Row]:
    """Return who pays from this account."""
    return db.all(
        f"""{ALIASES} SELECT * FROM member WHERE holder IN (SELECT id FROM alias)
             AND holder <> '' AND merged_into = ''
             AND id NOT IN (SELECT id FROM alias) ORDER BY id""",  # noqa: S608 - own text
        member=holder,
    )


def join_family(tx: Writer, act: Act, *, member: str, holder: str, limit: int = 0) -> None:
    """Let a member pay from the holder's account, up to `limit` fen a month; 0 is no limit.

    Again with another limit changes the limit. Refused: not_logged_in, not_allowed, no_member,
    amount_wrong, family_self, family_nested.
    """
    _require(tx, act)
    if not 0 <= limit <= AMOUNT_MAX:
        raise Refused("amount_wrong", amount=str(limit))
    row, main = member_of(tx, member), member_of(tx, holder)
    if row["id"] == main["id"]:
        raise Refused("family_self")
    if main["holder"] or relatives_of(tx, row["id"]):
        raise Refused("family_nested")
    if (holder_of(tx, row["id"]), row["family_limit"]) == (main["id"], limit):
        return
    joined = FamilyJoined(
        member=row["id"], holder=main["id"], limit=limit, over=ahead_of(act, row, _FIELDS)
    )
    act.append(tx, joined)


def leave_family(tx: Writer, act: Act, *, member: str) -> None:
    """End that a member pays from another's account; nothing moves, nothing is lost.

    Refused: not_logged_in, not_allowed, no_member.
    """
    _require(tx, act)
    row = member_of(tx, member)
    if row["holder"]:
        left = FamilyLeft(
            member=row["id"], holder=row["holder"], over=ahead_of(act, row, _FIELDS)
        )
        act.append(tx, left)


def _require(tx: Writer, act: Act) -> None:
    # Who acts at head office is nobody's staff: the page asked for the right before.
    if act.store and act.actor is not None:
        require(tx, act.actor, "card.issue")
