from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from core.sqlite import PAGE_BYTES
from core.till import Offered
from core.verifying import verify
from hub import checkout, tickets, till, wallet
from hub.app import open_hub
from hub.jobs import project, seal_journal
from hub.tests.shop import TILL, Shop


@pytest.fixture
def folder(tmp_path):
    """A hub that has been at work: members, a top-up, a settled bill, a Z report; sealed."""
    shop = Shop(tmp_path / "hub")
    member = shop.member()
    shop.do(lambda tx, act: till.open_period(tx, act, till=TILL, float_cents=50_000))
    shop.do(
        lambda tx, act: wallet.top_up(
            tx,
            act,
            wallet.TopUp(
                member=member, offer="p1", payments=(Offered(tender="cash", amount=100_000),)
            ),
            topup=act.new_id(),
            till=TILL,
        )
    )
    shop.do(lambda tx, act: tickets.open_ticket(tx, act, ticket="b1", member=member))
    shop.do(lambda tx, act: tickets.add_line(tx, act, ticket="b1", line="l1", item="i1"))
    shop.do(
        lambda tx, act: checkout.settle(
            tx,
            act,
            ticket="b1",
            version=tickets.read_ticket(tx, "b1").version,
            till=TILL,
            payments=(Offered(tender="stored_value", amount=9_900),),
        )
    )
    shop.do(lambda tx, act: till.close_period(tx, act, till=TILL, counted=150_000))
    project(shop.box)
    seal_journal(shop.box)
    shop.close()
    return tmp_path / "hub"


def check(folder):
    """Run the command; return its exit code and its lines."""
    result = CliRunner().invoke(verify, ["--data", str(folder)], catch_exceptions=False)
    return result.exit_code, result.output.splitlines()


def change(folder, sql, **values):
    """Write past every verb, as somebody who has the database's key."""
    box = open_hub(folder)
    try:
        assert box.door.write(lambda tx: tx.run(sql, **values)) >= 1
    finally:
        box.close()


def events(folder):
    box = open_hub(folder)
    try:
        with box.door.read() as db:
            return [dict(row) for row in db.all("SELECT * FROM journal ORDER BY seq")]
    finally:
        box.close()


def kind(row):
    return re.search(rb'"kind":"([a-z_.]+)"', row["raw"])[1].decode()


def test_a_hub_that_holds_says_so_with_what_was_looked_at(folder):
    code, lines = check(folder)
    assert code == 0
    assert lines[-1].startswith("全部一致")
    count = len(events(folder))
    head = events(folder)[-1]["head"].hex()[:8].upper()
    assert f"events {count} " in lines[0]
    assert f"#{head} @ {count}" in lines[1]


def test_every_changed_byte_of_the_journal_is_found_at_its_event(folder):
    rows = events(folder)
    for row in rows:
        at = len(row["raw"]) // 2
        flipped = row["raw"][:at] + bytes([row["raw"][at] ^ 1]) + row["raw"][at + 1 :]
        where = {"origin": row["origin"], "seq": row["seq"]}
        change(
            folder,
            "UPDATE journal SET raw = :raw WHERE origin = :origin AND seq = :seq",
            raw=flipped,
            **where,
        )
        code, lines = check(folder)
        assert code == 1
        (named,) = [line for line in lines if line.startswith("✗")]
        assert f"/1/{row['seq']} (" in named
        assert kind(row) in named
        change(
            folder,
            "UPDATE journal SET raw = :raw WHERE origin = :origin AND seq = :seq",
            raw=row["raw"],
            **where,
        )
    assert check(folder)[0] == 0


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("UPDATE journal SET at = at + 1 WHERE seq = 7", "/1/7 (wallet.topped_up"),
        ("UPDATE journal SET head = zeroblob(32) WHERE seq = 7", "/1/7 (wallet.topped_up"),
        ("DELETE FROM journal WHERE seq = 7", "events 7 to 7 are missing"),
        ("UPDATE segment SET signature = zeroblob(64)", "the seal does not fit"),
        ("UPDATE segment SET head = zeroblob(32)", "the seal names another chain"),
        ("UPDATE document SET content = CAST('{}' AS BLOB)", "the document profile is not"),
        ("UPDATE member SET name = 'X'", "member: row 1"),
        ("UPDATE sale SET total = total + 1", "sale: row 1"),
        ("UPDATE till_period SET counted = 0", "till_period: row 1"),
        (
            (
                "INSERT INTO quarantine (origin, epoch, seq, reason)"
                " SELECT origin, epoch, seq, 'broken' FROM journal WHERE seq = 7"
            ),
            "未能入账",
        ),
    ],
)
def test_whatever_was_changed_is_named(folder, sql, found):
    change(folder, sql)
    code, lines = check(folder)
    assert code == 1
    assert [line for line in lines if line.startswith("✗") and found in line]


def test_a_damaged_disk_is_told_and_the_events_that_are_gone_are_named(folder):
    box = open_hub(folder)
    box.door.checkpoint()
    with box.door.read() as db:
        last = db.value("SELECT MAX(seq) FROM journal")
        root = db.value("SELECT rootpage FROM sqlite_schema WHERE name = 'journal'")
    box.close()
    database = folder / "hub.db"
    content = bytearray(database.read_bytes())
    content[(root - 1) * PAGE_BYTES + 500] ^= 1
    database.write_bytes(content)
    code, lines = check(folder)
    assert code == 1
    assert [line for line in lines if line.startswith("✗ 存储") and f"page {root}" in line]
    gone = [line for line in lines if "cannot be read from the disk" in line]
    assert len(gone) == last
    assert f"/1/{last}: " in gone[-1]


def receipt(folder, mark):
    result = CliRunner().invoke(verify, ["--data", str(folder), "--receipt", mark])
    return result.exit_code, result.output


def test_the_mark_on_a_receipt_is_found_and_another_is_not(folder):
    row = next(row for row in events(folder) if kind(row) == "ticket.settled")
    mark = row["head"].hex()[:8].upper()
    code, said = receipt(folder, f"#{mark}")
    assert code == 0
    assert "ticket.settled 2026-09-21" in said
    assert said.strip().endswith(f"/1/{row['seq']}")
    other = f"{int(mark, 16) ^ 1:08X}"
    code, said = receipt(folder, other)
    assert code == 1
    assert "no event here carries this mark" in said
    assert receipt(folder, "12345")[0] == 2


def test_what_was_issued_is_named_with_where_all_of_it_is(folder):
    _, lines = check(folder)
    [line] = [line for line in lines if "conserved principal" in line]
    issued, parts = line.split(": issued ")[1].split(" = ")
    amounts = [int(part.split()[1].replace(",", "")) for part in parts.split(" + ")]
    assert sum(amounts) == int(issued.replace(",", "")) == 100_000
    assert "revenue 9,900" in line


def test_a_folder_without_a_hub_is_refused_and_stays_empty(tmp_path):
    code, lines = check(tmp_path)
    assert code == 1
    assert "is not a hub's folder" in lines[-1]
    assert list(tmp_path.iterdir()) == []


def test_looking_leaves_nothing_behind(folder):
    before = sorted(path.name for path in folder.iterdir())
    count = len(events(folder))
    check(folder)
    assert sorted(path.name for path in folder.iterdir()) == before
    assert len(events(folder)) == count
