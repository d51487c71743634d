"""The hub's own index for finding members while typing; made from the members' table."""

from __future__ import annotations

from core.journal import Part
from core.sqlite import Migration

# The full-text index keeps row numbers, which a text key does not give for good, so a small
# table hands them out. Prefix lists answer the first letters without walking the index.
LOCAL = Part(
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
    ),
)
