"""What must agree to the fen once everything has arrived: tables, journals, paper, reports.

`stores` are opened boxes, `books` the merchant's database at head office.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from cloud.feed import position
from cloud.platform import Merchant
from core import feed
from core.journal import decode, drain_all, rebuild
from core.sqlite import Reader
from core.till import takings
from core.wallet import holdings
from core.wallet.accounts import parse_member_account, parse_transit_account
from hub.box import Box
from hub.devices import Document, Pair, from_json
from hub.sync import link_state, load_link
from hub.wallet import balance
from tests.chain.running import until
from tests.chain.trading import Told

STORED = ("principal", "bonus")
FIGURES = ("bills", "sold", "reversals", "returned", "topups", "topped_up", "from_balance")
PAPER = {"应收": "sold", "退回": "returned", "实收": "topped_up"}
"""Which sum of which receipt stands at which words, in large type."""
HISTORY = (
    "SELECT * FROM sale WHERE store = :store ORDER BY id",
    "SELECT * FROM topup WHERE store = :store ORDER BY id",
    "SELECT * FROM till_period WHERE store = :store ORDER BY id",
)
DRAWERS = """
    SELECT t.* FROM till_total t JOIN till_period p ON p.id = t.period
     WHERE p.store = :store ORDER BY t.period, t.kind, t.tender"""
REPORTS = "SELECT * FROM z_report ORDER BY period"


def wait_until_at_rest(boxes: Sequence[Box], books: Merchant, timeout_s: float) -> None:
    """Wait until nothing waits anywhere, neither records nor value nor the feed."""
    try:
        until(lambda: not unrest(boxes, books), timeout_s)
    except AssertionError:
        assert unrest(boxes, books) == []


def unrest(boxes: Sequence[Box], books: Merchant) -> list[str]:
    """Return what is still on its way."""
    found = []
    with books.door.read() as db:
        held = Counter(
            {
                row["origin"]: row["seq"]
                for row in db.all("SELECT origin, MAX(seq) AS seq FROM journal GROUP BY origin")
            }
        )
        pos = position(db)
        if under_way := db.value(
            "SELECT count(*) FROM (SELECT 1 FROM transit"
            " GROUP BY transfer, member, asset, lot HAVING SUM(amount) <> 0)"
        ):
            found.append(f"{under_way} transfers are under way")
    for box in boxes:
        own = box.journal.identity.origin
        with box.door.read() as db:
            link, head = link_state(db, box), box.journal.head(db).seq
            down = db.value(
                "SELECT COALESCE(MAX(seq), 0) FROM journal WHERE origin = :stream",
                stream=f"{own}.dn",
            )
        assert link is not None
        if not link.cloud or link.pending or head != held[own]:
            found.append(f"{own} has {link.pending} to send: {head} against {held[own]}")
        if down != held[f"{own}.dn"]:
            found.append(f"{own} has {down} of its downlink's {held[f'{own}.dn']}")
        if link.feed_pos != pos:
            found.append(f"{own} is at {link.feed_pos} of the feed's {pos}")
    return found


def assert_journals_are_the_same(boxes: Iterable[Box], books: Merchant) -> int:
    """Compare every event, chain value and document, both ways; return how many events."""
    events = 0
    for box in boxes:
        own = box.journal.identity.origin
        for origin in (own, f"{own}.dn"):
            with box.door.read() as here, books.door.read() as there:
                mine, kept = _journal(here, origin), _journal(there, origin)
            assert mine == kept
            events += len(mine)
        with box.door.read() as here, books.door.read() as there:
            assert _documents(here, own) == _documents(there, own)
    return events


def _journal(db: Reader, origin: str) -> list[tuple[int, bytes, bytes]]:
    rows = db.all(
        "SELECT seq, raw, head FROM journal WHERE origin = :origin ORDER BY epoch, seq",
        origin=origin,
    )
    return [(row["seq"], row["raw"], row["head"]) for row in rows]


def _documents(db: Reader, origin: str) -> list[tuple[str, str, bytes]]:
    known = {decode(raw).id for _seq, raw, _head in _journal(db, origin)}
    rows = db.all("SELECT event, name, content FROM document ORDER BY event, name")
    return [(r["event"], r["name"], r["content"]) for r in rows if r["event"] in known]


def assert_feeds_are_the_same(boxes: Iterable[Box], books: Merchant) -> None:
    """Compare every document, at its position, with what head office gives out."""
    query = "SELECT topic, key, pos, content FROM feed_document ORDER BY topic, key"
    with books.door.read() as there:
        given = [tuple(row) for row in there.all(query)]
    for box in boxes:
        with box.door.read() as here:
            assert [tuple(row) for row in here.all(query)] == given


def assert_history_of_bills_is_the_same(boxes: Iterable[Box], books: Merchant) -> None:
    """Compare bills, top-ups, periods and what went through each drawer, row by row."""
    drain_all(books.door, books.parts)
    for box in boxes:
        drain_all(box.door, box.parts)
        with box.door.read() as here, books.door.read() as there:
            store = box.store_id(here)
            for query in (*HISTORY, DRAWERS):
                mine = [tuple(row) for row in here.all(query, store=store)]
                assert mine == [tuple(row) for row in there.all(query, store=store)]
                assert mine


def assert_reports_are_the_same(boxes: Iterable[Box], books: Merchant) -> None:
    """Compare the Z reports of all stores with those at head office. Drain history first."""
    reports: list[tuple[object, ...]] = []
    for box in boxes:
        with box.door.read() as here:
            reports += [tuple(row) for row in here.all(REPORTS)]
    with books.door.read() as there:
        assert sorted(reports) == [tuple(row) for row in there.all(REPORTS)]
    assert reports


def assert_takings_are_as_told(
    boxes: Iterable[Box], books: Merchant, told: Told, dates: Iterable[str]
) -> None:
    """Compare each store's and each day's figures with what counters were answered."""
    days = list(dates)
    for box in boxes:
        with box.door.read() as here, books.door.read() as there:
            store = box.store_id(here)
            for date in days:
                answered = {name: told.figures[store, date, name] for name in FIGURES}
                assert _takings(here, store, date) == answered
                assert _takings(there, store, date) == answered


def _takings(db: Reader, store: str, date: str) -> dict[str, int]:
    rows = [row for row in takings(db, date) if row["store"] == store]
    assert len(rows) <= 1
    return {name: rows[0][name] if rows else 0 for name in FIGURES}


def on_paper(box: Box) -> Counter[str]:
    """Return what the spooled receipts of a store come to, read off what is printed."""
    sums: Counter[str] = Counter()
    with box.door.read() as db:
        rows = db.all("SELECT job FROM print_job WHERE kind = 'receipt' AND is_copy = 0")
    for row in rows:
        job = from_json(row["job"])
        assert isinstance(job, Document)
        (large,) = [p for p in job.parts if isinstance(p, Pair) and p.size == 2]
        name = PAPER[large.left]
        sums[name] += round(float(large.right.removeprefix("¥").replace(",", "")) * 100)
        sums[f"{name} receipts"] += 1
    return sums


def held_by_members(db: Reader) -> Counter[tuple[str, str]]:
    """Return what each member has of each asset over all places, on the way included."""
    sums: Counter[tuple[str, str]] = Counter()
    for row in db.all(
        "SELECT member, asset, SUM(amount) AS amount FROM"
        " (SELECT member, asset, amount FROM holding"
        "  UNION ALL SELECT member, asset, amount FROM transit) GROUP BY member, asset"
    ):
        sums[row["member"], row["asset"]] = row["amount"]
    return sums


def stored_of(held: Counter[tuple[str, str]]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for (member, asset), amount in held.items():
        if asset in STORED:
            sums[member] += amount
    return sums


def assert_value_is_conserved(books: Merchant) -> None:
    """Of each asset: what all journals issued less what they took back is what is held."""
    issued: Counter[str] = Counter()
    with books.door.read() as db:
        for row in db.each("SELECT raw FROM journal ORDER BY origin, epoch, seq"):
            for posting in decode(row["raw"]).postings:
                if not (
                    parse_member_account(posting.account)
                    or parse_transit_account(posting.account)
                ):
                    issued[posting.asset] -= posting.amount
        held: Counter[str] = Counter()
        for (_member, asset), amount in held_by_members(db).items():
            held[asset] += amount
        assert held == issued
        assert db.value("SELECT count(*) FROM holding WHERE amount < 0") == 0


def assert_every_place_agrees(
    boxes: Iterable[Box],
    books: Merchant,
    stored: Counter[str],
    points: Counter[str],
) -> None:
    """Each member's total is this at head office, and is shown as this in every store."""
    with books.door.read() as db:
        held = held_by_members(db)
        places = {
            (r["place"], r["member"], r["asset"], r["lot"]): r["amount"]
            for r in db.all("SELECT * FROM holding WHERE amount <> 0")
        }
    members = {member for member, _asset in held} | set(stored)
    assert {m: stored_of(held)[m] for m in members} == {m: stored[m] for m in members}
    assert {m: held[m, "points"] for m in members} == {m: points[m] for m in members}
    for box in boxes:
        own = box.journal.identity.origin
        with box.door.read() as db:
            act = box.act(db)
            for member in members:
                known = balance(db, act, member)
                assert (known.total, known.all_points) == (stored[member], points[member])
                for h in holdings(db, member, own):
                    assert places[own, member, h.asset, h.lot] == h.amount
            # Head office's place is written in streams of which a store sees only its own.
            below = "SELECT count(*) FROM holding WHERE amount < 0 AND place <> 'cloud'"
            assert db.value(below) == 0


def assert_tables_follow(box: Box, scratch: Path) -> None:
    """Nothing is in quarantine, chains and seals hold, and a rebuild gives equal tables."""
    drain_all(box.door, box.parts)
    with box.door.read() as db:
        assert db.all("SELECT * FROM quarantine") == []
    assert box.findings() == []
    again = rebuild(box.door, scratch, box.parts, key=box.database_key, then=feed.replay)
    assert list(again) == []
    assert load_link(box.folder) is not None
