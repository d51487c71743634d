"""Finding members while typing, by a local index that is made from the members' table."""

from __future__ import annotations

import re

from core.errors import Refused
from core.journal import Part
from core.members.cards import active_card
from core.members.finding import member_of
from core.sqlite import Migration, Reader, Row

FOUND_MAX = 20
_FTS_WORD = re.compile(r"[\w+]+")


def search(db: Reader, typed: str, *, limit: int = FOUND_MAX) -> list[Row]:
    """Return members found by what was typed: phone, card, number, name, pinyin, initials.

    Exact hits (number, phone, card) stand first. A lost card finds nobody, because who is found
    may be charged. Answers among a million while typing.
    """
    words = _FTS_WORD.findall(typed.lower())
    if not words:
        return []
    exact = _exact(db, "".join(typed.split()))
    match = " ".join(f'"{word}"*' for word in words)
    rows = db.all(
        """SELECT m.* FROM member_search f
             JOIN member_row r ON r.row = f.rowid
             JOIN member m ON m.id = r.member
            WHERE member_search MATCH :match LIMIT :limit""",
        match=match,
        limit=limit,
    )
    return _each_once(db, [*exact, *rows])[:limit]


def _each_once(db: Reader, rows: list[Row]) -> list[Row]:
    """Put who stands for a merged duplicate in its place, each person once."""
    found: dict[str, Row] = {}
    for row in rows:
        person = member_of(db, row["id"]) if row["merged_into"] else row
        found.setdefault(person["id"], person)
    return list(found.values())


def _exact(db: Reader, typed: str) -> list[Row]:
    return db.all(
        """SELECT * FROM member WHERE id IN (
             SELECT id FROM member WHERE number = :upper
             UNION SELECT id FROM member WHERE phone = :typed
             UNION SELECT :carded)""",
        typed=typed,
        upper=typed.upper(),
        carded=_by_card(db, typed),
    )


def _by_card(db: Reader, typed: str) -> str:
    """Return whose card this is; nobody's where it is lost, dead or none."""
    try:
        member: str = active_card(db, typed)["member"]
    except Refused:
        return ""
    return member


# The full-text index keeps row numbers, which a text key does not give for good, so a small
# table hands them out. Prefix lists answer the first letters without walking the index.
SEARCH = Part(
    name="member_search",
    migrations=(
        Migration(
            "member_search/1",
            (
                """CREATE TABLE member_row (
                     row INTEGER PRIMARY KEY, member TEXT NOT NULL UNIQUE
                   ) STRICT""",
                """CREATE VIRTUAL TABLE member_search USING fts5(
                     terms, content = '', contentless_delete = 1, prefix = '1 2 3 4',
                     tokenize = "unicode61 remove_diacritics 2 tokenchars '+'")""",
                """CREATE TRIGGER member_found AFTER INSERT ON member BEGIN
                     INSERT INTO member_row (member) VALUES (new.id);
                     INSERT INTO member_search (rowid, terms)
                       SELECT row, new.terms FROM member_row WHERE member = new.id;
                   END""",
                """CREATE TRIGGER member_found_again AFTER UPDATE OF terms ON member
                   WHEN old.terms <> new.terms BEGIN
                     DELETE FROM member_search WHERE rowid =
                       (SELECT row FROM member_row WHERE member = new.id);
                     INSERT INTO member_search (rowid, terms)
                       SELECT row, new.terms FROM member_row WHERE member = new.id;
                   END""",
            ),
        ),
        Migration(
            "member_search/2",
            (
                # Of a million Chinese seventy thousand are found by zhang, which has five.
                "DROP TABLE member_search",
                """CREATE VIRTUAL TABLE member_search USING fts5(
                     terms, content = '', contentless_delete = 1, prefix = '1 2 3 4 5',
                     tokenize = "unicode61 remove_diacritics 2 tokenchars '+'")""",
                """INSERT INTO member_search (rowid, terms)
                   SELECT r.row, m.terms FROM member_row r JOIN member m ON m.id = r.member""",
            ),
        ),
        Migration(
            "member_search/3",
            (
                # The words follow from these three columns, and a trigger hears of a column
                # only when a statement names it.
                "DROP TRIGGER IF EXISTS member_found",
                "DROP TRIGGER IF EXISTS member_found_again",
                """CREATE TRIGGER member_found AFTER INSERT ON member BEGIN
                     INSERT INTO member_row (member) VALUES (new.id);
                     INSERT INTO member_search (rowid, terms)
                       SELECT row, new.terms FROM member_row WHERE member = new.id;
                   END""",
                """CREATE TRIGGER member_found_again
                   AFTER UPDATE OF name_terms, phone, number ON member
                   WHEN old.terms <> new.terms BEGIN
                     DELETE FROM member_search WHERE rowid =
                       (SELECT row FROM member_row WHERE member = new.id);
                     INSERT INTO member_search (rowid, terms)
                       SELECT row, new.terms FROM member_row WHERE member = new.id;
                   END""",
            ),
        ),
    ),
)
