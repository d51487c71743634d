"""Two ids that are one person: looked at side by side, merged, and taken apart again.

A phone is a claim: who types somebody's phone must not be given their money, nor what they pay
in later. So a duplicate is merged by itself only where nothing is won by it: the same phone,
the same name; the one that goes never had value, a debt or a card, and the one that stays was
known first and has no card that could pay from then on. When something comes in the name of the
one that went, from a store that had not heard, they are taken apart again. Everything else
waits for a person to look.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import N_, Refusal, Refused
from core.journal import Act
from core.members import (
    MemberMerged,
    MemberUnmerged,
    cards_of,
    person,
    relatives_of,
    standing_for,
)
from core.sqlite import Reader, Row, Writer
from core.wallet import CLOUD, move_merged, unmarked_shares

REFUSALS = {
    "merge_same": Refusal(409, N_("这两条记录已经是同一位会员")),
    "merge_gone": Refusal(409, N_("%(name)s 已经并入别的会员，请先撤销那一次合并")),
    "not_merged": Refusal(409, N_("这位会员没有并入别人")),
    "merge_family": Refusal(409, N_("%(name)s 正在和别人共用亲情账户，请先退出再合并")),
}

ALONE = "alone."
"""How the id of a merge begins on which no person has looked."""

_WORTH = """
    SELECT COALESCE(SUM(CASE WHEN asset = 'principal' THEN amount END), 0) AS principal,
           COALESCE(SUM(CASE WHEN asset = 'bonus' THEN amount END), 0) AS bonus,
           COALESCE(SUM(CASE WHEN asset = 'points' THEN amount END), 0) AS points
      FROM (SELECT asset, amount FROM holding WHERE member = :member
            UNION ALL SELECT asset, amount FROM transit WHERE member = :member)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two, as they stand: fen and points wherever they lie, cards, bills."""

    row: Row
    principal: int
    bonus: int
    points: int
    cards: list[Row]
    bills: int

    @property
    def stored(self) -> int:
        return self.principal + self.bonus


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a merge would make of two people: `loser` is given up, `winner` stands for both."""

    loser: Side
    winner: Side

    @property
    def stored(self) -> int:
        return self.loser.stored + self.winner.stored

    @property
    def points(self) -> int:
        return self.loser.points + self.winner.points

    @property
    def same_phone(self) -> bool:
        phone: str = self.loser.row["phone"]
        return bool(phone) and phone == self.winner.row["phone"]


def preview(db: Reader, *, loser: str, winner: str) -> Preview:
    """Return both sides, and refuse what `merge` would. Drain history first.

    Refused: no_member, merge_same, merge_gone, merge_family.
    """
    _check(db, loser, winner)
    return Preview(loser=_side(db, loser), winner=_side(db, winner))


def merge(tx: Writer, act: Act, *, loser: str, winner: str) -> str:
    """Let one id stand for another one too; return the merge's id.

    What lies with head office moves now; every store's box moves what lies in it when it hears.
    Refused: no_member, merge_same, merge_gone, merge_family.
    """
    return _merge(tx, act, loser=loser, winner=winner, merge_id=act.new_id())


def _merge(tx: Writer, act: Act, *, loser: str, winner: str, merge_id: str) -> str:
    _check(tx, loser, winner)
    before = person(tx, loser)["winners"].split()
    winners = tuple(dict.fromkeys([*before, winner]))
    merged = MemberMerged(member=loser, winner=winner, merge=merge_id, winners=winners)
    act.append(tx, merged)
    move_merged(tx, act, place=CLOUD)
    return merge_id


def unmerge(tx: Writer, act: Act, *, member: str) -> None:
    """Take a merged id apart again. What of it was spent meanwhile stays spent.

    Refused: no_member, not_merged.
    """
    row = person(tx, member)
    if not row["merged_into"]:
        raise Refused("not_merged")
    shares = unmarked_shares(tx, row["merge"], standing_for(tx, member))
    undone = MemberUnmerged(
        member=member, winner=row["merged_into"], merge=row["merge"], shares=tuple(shares)
    )
    act.append(tx, undone)
    move_merged(tx, act, place=CLOUD)


def merge_empty(tx: Writer, act: Act, *, member: str) -> str | None:
    """Merge a duplicate that was just told of and has nothing; return the merge, if any.

    The one that was known before stands for both: what a box says of when it met somebody
    decides nothing. Nobody's where more than two share the phone.
    """
    row = tx.one("SELECT * FROM member WHERE id = :id AND merged_into = ''", id=member)
    if row is None or not row["phone"]:
        return None
    twins = tx.all(
        "SELECT * FROM member WHERE phone = :phone AND id <> :id AND merged_into = ''"
        " ORDER BY since, id LIMIT 2",
        phone=row["phone"],
        id=member,
    )
    if len(twins) != 1 or twins[0]["name"] != row["name"]:
        return None
    known = twins[0]["id"]
    if not _is_empty(tx, row) or _has(tx, "card", known):
        return None
    try:
        merge_id = ALONE + act.new_id()
        return _merge(tx, act, loser=member, winner=known, merge_id=merge_id)
    except Refused:
        return None


def part_again(tx: Writer, act: Act) -> int:
    """Take apart what was merged by itself and is no longer beyond doubt; return how many.

    A card, value or a debt of the one that went came from a store that had not heard.
    """
    merged = tx.all(
        "SELECT id, holder FROM member WHERE merge LIKE :alone AND merged_into <> ''",
        alone=f"{ALONE}%",
    )
    doubtful = [row["id"] for row in merged if not _is_empty(tx, row)]
    for member in doubtful:
        unmerge(tx, act, member=member)
    return len(doubtful)


def _is_empty(db: Reader, row: Row) -> bool:
    """Say whether nobody wins anything by standing for this one.

    There never was value of theirs, wherever it lies now or goes, nor a debt, nor a card.
    """
    if any(_has(db, one, row["id"]) for one in ("holding", "transit", "lot", "claim", "card")):
        return False
    return not row["holder"] and not relatives_of(db, row["id"])


def _has(db: Reader, table: str, member: str) -> bool:
    query = f"SELECT 1 FROM {table} WHERE member = :id LIMIT 1"  # noqa: S608 - our own words
    return db.value(query, id=member) is not None


def _check(db: Reader, loser: str, winner: str) -> None:
    given_up, standing = person(db, loser), person(db, winner)
    if standing_for(db, loser) == standing_for(db, winner):
        raise Refused("merge_same")
    for row in (given_up, standing):
        if row["merged_into"]:
            raise Refused("merge_gone", name=row["name"])
    if given_up["holder"] or (standing["holder"] and relatives_of(db, loser)):
        raise Refused("merge_family", name=given_up["name"])


def _side(db: Reader, member: str) -> Side:
    worth = db.one(_WORTH, member=member)
    assert worth is not None
    return Side(
        row=person(db, member),
        principal=worth["principal"],
        bonus=worth["bonus"],
        points=worth["points"],
        cards=cards_of(db, member),
        bills=db.value("SELECT count(*) FROM sale WHERE member = :m AND sign = 1", m=member),
    )
