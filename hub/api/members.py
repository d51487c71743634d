"""Members: found, registered, edited, given a card; their wallet and what they bought."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from core.journal import Act
from core.members import (
    aliases_of,
    join_family,
    leave_family,
    mask_phone,
)
from core.sqlite import Reader, Row, Writer
from core.staff import grants_of, require
from core.wallet import PASSES, STORED_VALUE, Asset, holdings
from core.web import Asked, Endpoint, caller, fresh_read, read, reading_act, write
from hub.api.blueprint import api
from hub.api.people import Card, Family, card_facts, family_facts
from hub.api.shapes import Fen, Id, Limit, Payment, Search, ShortText
from hub.attempts import Answer, once
from hub.checkout import sale_lines, sale_payments, sales_of_member
from hub.members import (
    Application,
    Profile,
    cards_of,
    change,
    issue_card,
    member_of,
    register,
    search,
)
from hub.wallet import balance, movements

PROFILE_REFUSALS = (
    "name_missing",
    "name_too_long",
    "phone_malformed",
    "phone_taken",
    "gender_unknown",
    "birthday_malformed",
    "category_unknown",
)
FULL_PHONE = "member.view_phone_full"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A member in a list. The phone is masked for who may not see it whole."""

    id: str
    number: str | None
    name: str
    phone: str
    standing: str
    category: str


class FoundMembers(msgspec.Struct, frozen=True, kw_only=True):
    members: list[Found]


class Lot(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of one top-up, of one kind; spent in the order that the shop has set."""

    lot: str
    asset: Literal["principal", "bonus"]
    amount_cents: int
    opened_at_ms: int
    expires: str | None
    stores: tuple[str, ...]
    spendable: bool


class Wallet(msgspec.Struct, frozen=True, kw_only=True):
    """`here_cents` can be spent at this store now, also with the line cut.

    `elsewhere_cents` lies in other places, as far as this store knows; it follows the member
    when a bill is made theirs. `total_cents` is all of it.
    """

    here_cents: int
    elsewhere_cents: int
    principal_cents: int
    bonus_cents: int
    total_cents: int
    points: int
    lots: list[Lot]


class Member(Found, frozen=True, kw_only=True):
    """A member with wallet and cards."""

    gender: str
    birthday: str
    note: str
    since_ms: int
    wallet: Wallet
    cards: list[Card]
    family: Family
    merged: list[str]
    """Ids of duplicates that this member stands for; each of them leads here."""


class MemberSearch(Asked, frozen=True, kw_only=True):
    q: Search
    limit: Limit = 20


class NewMember(Asked, frozen=True, kw_only=True):
    """Somebody to be registered; without a number the store gives its next one."""

    name: ShortText
    phone: ShortText = ""
    gender: ShortText = ""
    birthday: ShortText = ""
    note: ShortText = ""
    category: ShortText = ""
    number: ShortText = ""
    card: ShortText = ""
    standing: Literal["member", "prospect"] = "member"


class MemberEdit(Asked, frozen=True, kw_only=True):
    """What is left out stays as it is."""

    name: ShortText | None = None
    phone: ShortText | None = None
    gender: ShortText | None = None
    birthday: ShortText | None = None
    note: ShortText | None = None
    category: ShortText | None = None


class NewCard(Asked, frozen=True, kw_only=True):
    card: ShortText


class Account(Asked, frozen=True, kw_only=True):
    """From whose account a member pays besides their own; null is nobody's."""

    holder: Id | None
    limit_cents: Fen = 0


class Page(Asked, frozen=True, kw_only=True):
    limit: Limit = 50


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One movement of value, signed: money in `amount_cents`, points in `points`.

    Visits, minutes and coupons are counted in `units`.
    """

    at_ms: int
    date: str
    store: str
    kind: str
    asset: str
    lot: str
    amount_cents: int
    points: int
    units: int
    staff_name: str | None


class Movements(msgspec.Struct, frozen=True, kw_only=True):
    movements: list[Movement]


class BoughtLine(msgspec.Struct, frozen=True, kw_only=True):
    item: str
    code: str
    name: str
    quantity: int
    unit: str
    list_price_cents: int
    price_cents: int
    amount_cents: int
    rule: str
    staff_name: str | None


class Bought(msgspec.Struct, frozen=True, kw_only=True):
    """A settled bill, or the reversal of one.

    `member` is who came. `payer` is out of whose account, where that is another's.
    """

    id: str
    ticket: str
    number: str
    member: str
    payer: str | None
    reversal: bool
    at_ms: int
    date: str
    store: str
    staff_name: str | None
    list_total_cents: int
    total_cents: int
    points: int
    reason: str
    lines: list[BoughtLine]
    payments: list[Payment]


class BoughtTickets(msgspec.Struct, frozen=True, kw_only=True):
    tickets: list[Bought]


@api.get("/members")
@Endpoint(permission="member.find", query=MemberSearch, answer=FoundMembers)
def find_members(asked: MemberSearch) -> Answer:
    """Find members by phone, card, number, name, pinyin or initials."""
    with read() as db:
        return {"members": [_found(db, row) for row in search(db, asked.q, limit=asked.limit)]}


@api.get("/members/<member_id>")
@Endpoint(permission="member.find", answer=Member, refusals=("no_member",))
def show_member(member_id: str) -> Answer:
    """Return a member with wallet and cards."""
    with read() as db:
        return _member(db, reading_act(db), member_id)


@api.post("/members")
@Endpoint(
    permission="member.create",
    body=NewMember,
    answer=Member,
    status=201,
    keyed=True,
    refusals=(
        *PROFILE_REFUSALS,
        "number_malformed",
        "number_is_phone",
        "number_taken",
        "number_reserved",
        "card_malformed",
        "card_is_phone",
        "card_taken",
        "card_of_staff",
        "card_blocked",
    ),
)
def create_member(asked: NewMember, key: str) -> Answer:
    """Register a member, or a prospect without a number."""

    def create(tx: Writer, act: Act) -> Answer:
        def run() -> Answer:
            if asked.card:
                require(tx, act.actor, "card.issue")
            return {"member": register(tx, act, _application(asked))}

        content = msgspec.to_builtins(asked)
        return once(tx, act, key=key, verb="member.create", content=content, run=run)

    # Only the id is kept with the key: a person's details must not lie about in answers.
    done = write(create)
    with read() as db:
        return done | _member(db, reading_act(db), done["member"])


@api.patch("/members/<member_id>")
@Endpoint(
    permission="member.edit",
    body=MemberEdit,
    answer=Member,
    refusals=("no_member", *PROFILE_REFUSALS),
)
def edit_member(member_id: str, asked: MemberEdit) -> Answer:
    """Change a member's details."""

    def edit(tx: Writer, act: Act) -> None:
        known = member_of(tx, member_id)
        told = {
            name: known[name] if value is None else value
            for name, value in msgspec.structs.asdict(asked).items()
        }
        category = told.pop("category")
        change(tx, act, member=member_id, profile=Profile(**told), category=category)

    write(edit)
    with read() as db:
        return _member(db, reading_act(db), member_id)


@api.post("/members/<member_id>/cards")
@Endpoint(
    permission="card.issue",
    body=NewCard,
    answer=Member,
    status=201,
    refusals=(
        "no_member",
        "card_malformed",
        "card_is_phone",
        "card_taken",
        "card_blocked",
        "card_of_staff",
    ),
)
def give_card(member_id: str, asked: NewCard) -> Answer:
    """Let a card stand for a member; the member's own card again changes nothing."""
    write(lambda tx, act: issue_card(tx, act, member=member_id, card=asked.card))
    with read() as db:
        return _member(db, reading_act(db), member_id)


@api.put("/members/<member_id>/family")
@Endpoint(
    permission="card.issue",
    body=Account,
    answer=Member,
    refusals=("no_member", "family_self", "family_nested", "amount_wrong"),
)
def put_family(member_id: str, asked: Account) -> Answer:
    """Let a member pay from another's account, or end that; nothing moves by it."""

    def put(tx: Writer, act: Act) -> None:
        if asked.holder is None:
            leave_family(tx, act, member=member_id)
        else:
            join_family(tx, act, member=member_id, holder=asked.holder, limit=asked.limit_cents)

    write(put)
    with read() as db:
        return _member(db, reading_act(db), member_id)


@api.get("/members/<member_id>/movements")
@Endpoint(permission="member.find", query=Page, answer=Movements, refusals=("no_member",))
def list_movements(member_id: str, asked: Page) -> Answer:
    """Return what moved in a member's wallet, newest first."""
    with fresh_read() as db:
        member_of(db, member_id)
        here = reading_act(db).journal.identity.place
        rows = movements(db, member_id, place=here, limit=asked.limit)
        return {"movements": [_movement(row) for row in rows]}


@api.get("/members/<member_id>/tickets")
@Endpoint(permission="member.find", query=Page, answer=BoughtTickets, refusals=("no_member",))
def list_member_tickets(member_id: str, asked: Page) -> Answer:
    """Return a member's settled bills and reversals, newest first."""
    with fresh_read() as db:
        member_of(db, member_id)
        rows = sales_of_member(db, member_id, limit=asked.limit)
        return {"tickets": [_bought(db, row) for row in rows]}


def _application(asked: NewMember) -> Application:
    return Application(
        profile=Profile(
            name=asked.name,
            phone=asked.phone,
            gender=asked.gender,
            birthday=asked.birthday,
            note=asked.note,
        ),
        category=asked.category,
        number=asked.number,
        card=asked.card,
        standing=asked.standing,
    )


def _found(db: Reader, row: Row) -> dict[str, Any]:
    allowed = FULL_PHONE in grants_of(db, caller().role or "")
    names = ("id", "number", "name", "standing", "category")
    phone = row["phone"] if allowed else mask_phone(row["phone"])
    return {**{name: row[name] for name in names}, "phone": phone}


def _member(db: Reader, act: Act, member_id: str) -> dict[str, Any]:
    row = member_of(db, member_id)
    member_id = row["id"]
    return {
        **_found(db, row),
        "gender": row["gender"],
        "birthday": row["birthday"],
        "note": row["note"],
        "since_ms": row["since"],
        "wallet": _wallet(db, act, member_id),
        "cards": [card_facts(card) for card in cards_of(db, member_id)],
        "family": family_facts(db, act, row),
        "merged": aliases_of(db, member_id)[1:],
    }


def _wallet(db: Reader, act: Act, member_id: str) -> dict[str, Any]:
    held = balance(db, act, member_id)
    lots = holdings(db, member_id, act.journal.identity.place)
    return {
        "here_cents": held.here,
        "elsewhere_cents": held.elsewhere,
        "principal_cents": held.principal,
        "bonus_cents": held.bonus,
        "total_cents": held.total,
        "points": held.points,
        "lots": [
            {
                "lot": lot.lot,
                "asset": lot.asset.value,
                "amount_cents": lot.amount,
                "opened_at_ms": lot.opened_at,
                "expires": lot.expires,
                "stores": lot.stores,
                "spendable": lot.spendable(store=act.store, date=act.date),
            }
            for lot in sorted(lots, key=lambda lot: (lot.opened_at, lot.lot, lot.asset))
            if lot.asset in STORED_VALUE
        ],
    }


def _movement(row: Row) -> dict[str, Any]:
    is_points, is_pass = row["asset"] == Asset.POINTS, row["asset"] in PASSES
    names = ("date", "store", "kind", "asset", "lot", "staff_name")
    return {
        **{name: row[name] for name in names},
        "at_ms": row["at"],
        "amount_cents": 0 if is_points or is_pass else row["amount"],
        "points": row["amount"] if is_points else 0,
        "units": row["amount"] if is_pass else 0,
    }


def _bought(db: Reader, row: Row) -> dict[str, Any]:
    names = (
        "id",
        "ticket",
        "number",
        "member",
        "date",
        "store",
        "staff_name",
        "points",
        "reason",
    )
    return {
        **{name: row[name] for name in names},
        "payer": row["payer"] or None,
        "reversal": row["sign"] < 0,
        "at_ms": row["at"],
        "list_total_cents": row["list_total"],
        "total_cents": row["total"],
        "lines": [_bought_line(line) for line in sale_lines(db, row["id"])],
        "payments": paid(db, row["id"]),
    }


def _bought_line(row: Row) -> dict[str, Any]:
    names = ("item", "code", "name", "quantity", "unit", "rule", "staff_name")
    return {
        **{name: row[name] for name in names},
        "list_price_cents": row["list_price"],
        "price_cents": row["price"],
        "amount_cents": row["amount"],
    }


def paid(db: Reader, sale_id: str) -> list[dict[str, Any]]:
    """Return how a sale was paid."""
    return [
        {
            "tender": row["tender"],
            "amount_cents": row["amount"],
            "tendered_cents": row["tendered"],
            "change_cents": row["change"],
            "reference": row["reference"],
        }
        for row in sale_payments(db, sale_id)
    ]
