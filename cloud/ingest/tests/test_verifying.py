"""`dianshu verify` over head office's folder, as somebody types it beside the running programs."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from core.verifying import verify


@pytest.fixture
def shops(desk, first, second):
    """Two stores that have sold, and a member whose money has moved between them."""
    member = first.member()
    first.top_up(member, 10_000)
    desk.sync(first, second)
    first.pay(member, 1_500)
    desk.sync(first, second)
    return first, second, member


def check(platform, *words):
    result = CliRunner().invoke(
        verify, ["--data", str(platform.folder), *words], catch_exceptions=False
    )
    return result.exit_code, result.output.splitlines()


def change(merchant, sql):
    assert merchant.door.write(lambda tx: tx.run(sql)) >= 1


def test_head_office_that_holds_says_so_merchant_by_merchant(platform, merchant, shops):
    code, lines = check(platform)
    assert code == 0
    assert lines[0] == f"== {merchant.id}"
    assert lines[-1].startswith("全部一致")
    [principal] = [line for line in lines if "conserved principal" in line]
    assert principal.endswith("issued 10,000 = member 8,500 + revenue 1,500")


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("UPDATE journal SET head = zeroblob(32) WHERE seq = 2", "is not what was chained"),
        (
            (
                "DELETE FROM journal WHERE (origin, seq) IN"
                " (SELECT origin, MAX(seq) FROM journal WHERE origin LIKE '1%')"
            ),
            "kept and not yet taken in",
        ),
        ("UPDATE holding SET amount = amount + 1", "holding: row 1"),
        ("UPDATE member SET name = 'X'", "member: row 1"),
    ],
)
def test_what_was_changed_at_head_office_is_named(platform, merchant, shops, sql, found):
    change(merchant, sql)
    code, lines = check(platform)
    assert code == 1
    assert [line for line in lines if line.startswith("✗") and found in line]


def test_a_receipt_of_a_store_is_known_at_head_office(platform, shops):
    first, _, _ = shops
    with first.door.read() as db:
        row = db.one("SELECT seq, head FROM journal ORDER BY seq DESC LIMIT 1")
    code, lines = check(platform, "--receipt", f"#{row['head'].hex()[:8]}")
    assert code == 0
    assert lines[-1].endswith(f"{first.id}/1/{row['seq']}")
    assert check(platform, "--receipt", "00000000")[0] == 1
