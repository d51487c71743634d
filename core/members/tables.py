"""Members as tables: a slim card of everybody, found while typing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from core.catalog import terms_of
from core.errors import N_, Refusal
from core.journal import Add, Append, Change, Entry, Part, Put, kind_name, stamp_of
from core.members.documents import take_card, take_member
from core.members.events import (
    CardBlocked,
    CardIssued,
    CardReturned,
    CardSeen,
    CardUnblocked,
    FamilyJoined,
    FamilyLeft,
    MemberChanged,
    MemberMerged,
    MemberRegistered,
    MemberUnmerged,
)
from core.members.order import stamp_over
from core.sqlite import Migration

PROFILE = ("name", "phone", "gender", "birthday", "note")
"""The fields of the `profile` document. `birthday` is YYYY-MM-DD, or MM-DD without the year."""


def _profile_fields(profile: Mapping[str, Any]) -> dict[str, object]:
    fields: dict[str, object] = {name: profile.get(name, "") for name in PROFILE}
    fields["name_terms"] = " ".join(terms_of(str(fields["name"])))
    return fields


def _register(entry: Entry) -> Iterator[Change]:
    body: MemberRegistered = entry.body
    event = entry.event
    profile = entry.documents.get("profile", {})
    yield Put(
        "member",
        {"id": body.member},
        {
            "number": body.number,
            "standing": body.standing,
            "category": body.category,
            "store": body.home or event.store,
            "since": event.at,
            "joined_on": body.joined_on or event.date,
            **_profile_fields(profile),
        },
        stamp_of(event),
    )
    if body.issued:
        yield _count_number(event.store, body.issued)
    if body.source:
        row = {"source": body.source, "subject": body.member}
        yield Append("imported", row, again=True)


def _change(entry: Entry) -> Iterator[Change]:
    body: MemberChanged = entry.body
    # The whole profile comes with each edit. What this edit left alone keeps its stamp, so
    # that another store's edit of it stands.
    edited = {*body.fields, *(("name_terms",) if "name" in body.fields else ())}
    profile = entry.documents.get("profile")
    fields: dict[str, object] = (
        {}
        if profile is None
        else {n: value for n, value in _profile_fields(profile).items() if n in edited}
    )
    for name in ("category", "standing", "number"):
        value = getattr(body, name)
        if value is not None:
            fields[name] = value
    if fields:
        yield Put("member", {"id": body.member}, fields, stamp_over(entry.event, body.over))
    if body.issued:
        yield _count_number(entry.event.store, body.issued)


def _count_number(store: str, issued: int) -> Add:
    return Add("member_number", {"store": store}, {"issued": issued})


def _issue_card(entry: Entry) -> Iterator[Change]:
    body: CardIssued = entry.body
    stamp = stamp_over(entry.event, body.over)
    fields: dict[str, object] = {
        "member": body.member,
        "generation": body.generation,
        "active": 1,
        "since": entry.event.at,
    }
    if body.replaces == body.card:
        # The same number on a new medium, which says its generation; the old one cannot.
        fields |= {"blocked": 0, "least": body.generation}
    elif body.replaces:
        dead = {"blocked": 1, "replaced_by": body.card}
        yield Put("card", {"number": body.replaces}, dead, stamp)
    yield Put("card", {"number": body.card}, fields, stamp)


def _see_card(entry: Entry) -> Iterable[Change]:
    body: CardSeen = entry.body
    fields = {"generation": body.generation, "least": body.generation, "blocked": 0}
    return [Put("card", {"number": body.card}, fields, stamp_over(entry.event, body.over))]


def _block_card(entry: Entry) -> Iterable[Change]:
    body: CardBlocked = entry.body
    return [
        Put("card", {"number": body.card}, {"blocked": 1}, stamp_over(entry.event, body.over))
    ]


def _unblock_card(entry: Entry) -> Iterable[Change]:
    body: CardUnblocked = entry.body
    fields = {"blocked": 0, "replaced_by": ""}
    return [Put("card", {"number": body.card}, fields, stamp_over(entry.event, body.over))]


def _return_card(entry: Entry) -> Iterable[Change]:
    stamp = stamp_over(entry.event, entry.body.over)
    return [Put("card", {"number": entry.body.card}, {"active": 0}, stamp)]


def _merge(entry: Entry) -> Iterable[Change]:
    body: MemberMerged = entry.body
    fields = {
        "merged_into": body.winner,
        "merge": body.merge,
        "winners": " ".join(body.winners),
        "shares": "",
    }
    return [Put("member", {"id": body.member}, fields, stamp_of(entry.event))]


def _unmerge(entry: Entry) -> Iterable[Change]:
    body: MemberUnmerged = entry.body
    told = msgspec.json.encode({"from": body.winner, "shares": body.shares}).decode()
    fields = {"merged_into": "", "merge": body.merge, "shares": told}
    return [Put("member", {"id": body.member}, fields, stamp_of(entry.event))]


def _join_family(entry: Entry) -> Iterable[Change]:
    body: FamilyJoined = entry.body
    fields = {"holder": body.holder, "family_limit": body.limit}
    stamp = stamp_over(entry.event, body.over)
    return [Put("member", {"id": body.member}, fields, stamp)]


def _leave_family(entry: Entry) -> Iterable[Change]:
    body: FamilyLeft = entry.body
    fields = {"holder": "", "family_limit": 0}
    stamp = stamp_over(entry.event, body.over)
    return [Put("member", {"id": body.member}, fields, stamp)]


def _note_change(entry: Entry) -> Iterable[Change]:
    event, body = entry.event, entry.body
    fields = getattr(body, "fields", ()) or (kind_name(type(body)),)
    return [
        Append(
            "member_change",
            {
                "origin": event.origin,
                "epoch": event.epoch,
                "seq": event.seq,
                "member": body.member,
                "at": event.at,
                "actor": event.actor,
                "what": " ".join(fields),
            },
        )
    ]


PART = Part(
    name="members",
    migrations=(
        Migration(
            "members/1",
            (
                """CREATE TABLE member (
                     id TEXT PRIMARY KEY,
                     number TEXT,
                     standing TEXT NOT NULL CHECK (standing IN ('member', 'prospect')),
                     name TEXT NOT NULL,
                     phone TEXT NOT NULL,
                     gender TEXT NOT NULL,
                     birthday TEXT NOT NULL,
                     birth_day TEXT NOT NULL,
                     category TEXT NOT NULL,
                     note TEXT NOT NULL,
                     store TEXT NOT NULL,
                     since INTEGER NOT NULL,
                     joined_on TEXT NOT NULL,
                     terms TEXT NOT NULL,
                     stamps TEXT NOT NULL
                   ) STRICT""",
                "CREATE INDEX member_by_number ON member (number)",
                "CREATE INDEX member_by_phone ON member (phone)",
                "CREATE INDEX member_by_birth_day ON member (birth_day)",
                "CREATE INDEX member_by_category ON member (category)",
                """CREATE TABLE card (
                     number TEXT PRIMARY KEY,
                     member TEXT NOT NULL,
                     generation INTEGER NOT NULL,
                     active INTEGER NOT NULL CHECK (active IN (0, 1)),
                     since INTEGER NOT NULL,
                     stamps TEXT NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                "CREATE INDEX card_by_member ON card (member)",
                """CREATE TABLE member_number (
                     store TEXT PRIMARY KEY, issued INTEGER NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE imported (
                     source TEXT PRIMARY KEY, subject TEXT NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE member_change (
                     origin TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
                     member TEXT NOT NULL, at INTEGER NOT NULL, actor TEXT, what TEXT NOT NULL,
                     PRIMARY KEY (origin, epoch, seq)
                   ) STRICT, WITHOUT ROWID""",
                "CREATE INDEX member_change_by_member ON member_change (member)",
            ),
        ),
        Migration(
            "members/2",
            (
                # Stores tell of each other's members in any order, so every column that an
                # edit may bring first has a default; and what follows from another column is
                # not written beside it, where two stores' edits could part them. A person is
                # found by the words of the name, by a phone's beginning, by its last eight
                # and last four digits, and by the number.
                """CREATE TABLE member_of_stores (
                     id TEXT PRIMARY KEY,
                     number TEXT,
                     standing TEXT NOT NULL DEFAULT 'prospect'
                       CHECK (standing IN ('member', 'prospect')),
                     name TEXT NOT NULL DEFAULT '',
                     name_terms TEXT NOT NULL DEFAULT '',
                     phone TEXT NOT NULL DEFAULT '',
                     gender TEXT NOT NULL DEFAULT '',
                     birthday TEXT NOT NULL DEFAULT '',
                     birth_day TEXT NOT NULL AS (substr(birthday, -5)),
                     category TEXT NOT NULL DEFAULT '',
                     note TEXT NOT NULL DEFAULT '',
                     store TEXT NOT NULL DEFAULT '',
                     since INTEGER NOT NULL DEFAULT 0,
                     joined_on TEXT NOT NULL DEFAULT '',
                     terms TEXT NOT NULL AS (trim(name_terms
                       || CASE phone WHEN '' THEN '' ELSE ' ' || ltrim(phone, '+')
                            || ' ' || substr(ltrim(phone, '+'), -8)
                            || ' ' || substr(ltrim(phone, '+'), -4) END
                       || CASE WHEN number IS NULL THEN '' ELSE ' ' || lower(number) END)),
                     stamps TEXT NOT NULL
                   ) STRICT""",
                # The words of the name are what stands before those of phone and number.
                """INSERT INTO member_of_stores (id, number, standing, name, name_terms,
                     phone, gender, birthday, category, note, store, since, joined_on, stamps)
                   SELECT id, number, standing, name,
                     CASE WHEN after = '' THEN terms
                          WHEN terms = substr(after, 2) THEN ''
                          WHEN substr(terms, -length(after)) = after
                          THEN substr(terms, 1, length(terms) - length(after))
                          ELSE terms END,
                     phone, gender, birthday, category, note, store, since, joined_on,
                     (SELECT json_group_object(key, value) FROM (
                        SELECT key, value FROM json_each(json_set(
                            json_remove(stamps, '$.terms', '$.birth_day'),
                            '$.name_terms', json_extract(stamps, '$.name')))
                         WHERE value IS NOT NULL ORDER BY key))
                   FROM (SELECT *, CASE digits WHEN '' THEN '' ELSE ' ' || digits END
                       || CASE WHEN length(digits) > 8 THEN ' ' || substr(digits, -8)
                               ELSE '' END
                       || CASE WHEN length(digits) > 4 THEN ' ' || substr(digits, -4)
                               ELSE '' END
                       || CASE WHEN COALESCE(number, '') = '' OR lower(number) IN
                                 (digits, substr(digits, -8), substr(digits, -4)) THEN ''
                               ELSE ' ' || lower(number) END AS after
                     FROM (SELECT *, ltrim(phone, '+') AS digits FROM member))""",
                "DROP TABLE member",
                "ALTER TABLE member_of_stores RENAME TO member",
                "CREATE INDEX member_by_number ON member (number)",
                "CREATE INDEX member_by_phone ON member (phone)",
                "CREATE INDEX member_by_birth_day ON member (birth_day)",
                "CREATE INDEX member_by_category ON member (category)",
                """CREATE TABLE card_of_stores (
                     number TEXT PRIMARY KEY,
                     member TEXT NOT NULL DEFAULT '',
                     generation INTEGER NOT NULL DEFAULT 0,
                     active INTEGER NOT NULL DEFAULT 0 CHECK (active IN (0, 1)),
                     since INTEGER NOT NULL DEFAULT 0,
                     stamps TEXT NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                """INSERT INTO card_of_stores
                     (number, member, generation, active, since, stamps)
                   SELECT number, member, generation, active, since, stamps FROM card""",
                "DROP TABLE card",
                "ALTER TABLE card_of_stores RENAME TO card",
                "CREATE INDEX card_by_member ON card (member)",
                # Two stores may have taken in the same list before they knew of each other.
                """CREATE TABLE imported_of_stores (
                     source TEXT NOT NULL, subject TEXT NOT NULL,
                     PRIMARY KEY (source, subject)
                   ) STRICT, WITHOUT ROWID""",
                """INSERT INTO imported_of_stores (source, subject)
                   SELECT source, subject FROM imported""",
                "DROP TABLE imported",
                "ALTER TABLE imported_of_stores RENAME TO imported",
                "CREATE INDEX imported_by_subject ON imported (subject)",
            ),
        ),
        Migration(
            "members/3",
            (
                # `merged_into` is who stands for this id now, `merge` the last time that was
                # decided, `winners` all who ever did; `shares` is what an undone merge gives
                # back where. `holder` is whose account a relative pays from.
                "ALTER TABLE member ADD COLUMN merged_into TEXT NOT NULL DEFAULT ''",
                "ALTER TABLE member ADD COLUMN merge TEXT NOT NULL DEFAULT ''",
                "ALTER TABLE member ADD COLUMN winners TEXT NOT NULL DEFAULT ''",
                "ALTER TABLE member ADD COLUMN shares TEXT NOT NULL DEFAULT ''",
                "ALTER TABLE member ADD COLUMN holder TEXT NOT NULL DEFAULT ''",
                "ALTER TABLE member ADD COLUMN family_limit INTEGER NOT NULL DEFAULT 0",
                "CREATE INDEX member_merged ON member (merged_into) WHERE merged_into <> ''",
                "CREATE INDEX member_ever_merged ON member (merge) WHERE merge <> ''",
                "CREATE INDEX member_of_family ON member (holder) WHERE holder <> ''",
                # A medium of the number must say at least generation `least`; 0 says nothing.
                "ALTER TABLE card ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0",
                "ALTER TABLE card ADD COLUMN replaced_by TEXT NOT NULL DEFAULT ''",
                "ALTER TABLE card ADD COLUMN least INTEGER NOT NULL DEFAULT 0",
                "CREATE INDEX card_blocked ON card (since) WHERE blocked <> 0",
            ),
        ),
    ),
    tables={
        "member": ("id",),
        "card": ("number",),
        "member_number": ("store",),
        "imported": ("source", "subject"),
        "member_change": ("origin", "epoch", "seq"),
    },
    now={
        MemberRegistered: _register,
        MemberChanged: _change,
        CardIssued: _issue_card,
        CardReturned: _return_card,
        CardSeen: _see_card,
        CardBlocked: _block_card,
        CardUnblocked: _unblock_card,
        MemberMerged: _merge,
        MemberUnmerged: _unmerge,
        FamilyJoined: _join_family,
        FamilyLeft: _leave_family,
    },
    later=dict.fromkeys(
        (
            MemberRegistered,
            MemberChanged,
            CardIssued,
            CardReturned,
            CardSeen,
            CardBlocked,
            CardUnblocked,
            MemberMerged,
            MemberUnmerged,
            FamilyJoined,
            FamilyLeft,
        ),
        _note_change,
    ),
    feeds={"member": take_member, "card": take_card},
    refusals={
        "no_member": Refusal(404, N_("没有找到这位会员")),
        "name_missing": Refusal(422, N_("请填写姓名")),
        "name_too_long": Refusal(422, N_("姓名最多 %(limit)s 个字")),
        "phone_malformed": Refusal(422, N_("手机号“%(phone)s”不对，请核对")),
        "phone_taken": Refusal(409, N_("手机号 %(phone)s 已登记给 %(name)s")),
        "number_taken": Refusal(409, N_("会员编号 %(number)s 已有人使用")),
        "number_malformed": Refusal(
            422, N_("会员编号“%(number)s”不对：只用数字、字母和横线，最多 20 个")
        ),
        "number_is_phone": Refusal(422, N_("会员编号不能用手机号")),
        "number_reserved": Refusal(
            422, N_("会员编号 %(number)s 属于自动编号的号段，请留空由系统编号")
        ),
        "birthday_malformed": Refusal(
            422, N_("生日请写成 1990-05-01，不晚于今天；不知道年份写 05-01")
        ),
        "gender_unknown": Refusal(422, N_("性别请选择男、女或不填")),
        "category_unknown": Refusal(422, N_("没有“%(category)s”这个会员类别")),
        "card_malformed": Refusal(422, N_("卡号“%(card)s”读不出来，请重刷")),
        "card_is_phone": Refusal(422, N_("卡号不能用手机号")),
        "card_of_staff": Refusal(409, N_("这是员工登录用的卡，不能发给会员，请换一张")),
        "card_taken": Refusal(409, N_("卡 %(card)s 已发给 %(name)s")),
        "card_unknown": Refusal(404, N_("卡 %(card)s 没有登记")),
        "card_blocked": Refusal(
            409, N_("卡 %(card)s 已挂失，不能使用。核对本人后，可凭手机号开单，或给会员补卡")
        ),
        "card_replaced": Refusal(409, N_("卡 %(card)s 已作废，会员已补了新卡，请用新卡")),
        "family_self": Refusal(422, N_("不能加自己为亲情成员")),
        "family_nested": Refusal(
            409, N_("亲情账户只有一层：对方已经在用别人的账户，或自己带着亲情成员")
        ),
    },
)
