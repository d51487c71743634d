"""Benches run with tiny numbers, so that none of them rots unseen."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from cloud.broker import find_mosquitto
from tests.bench import Report, catchup, hubs, importing, ingest, offline, seen, statement, wire
from tests.bench.__main__ import main
from tests.bench.processes import chain_at_rest

pytestmark = pytest.mark.wide

needs_broker = pytest.mark.skipif(find_mosquitto() is None, reason="no mosquitto here")


def told(report: Report) -> str:
    shown = io.StringIO()
    report.show(Console(file=shown, width=150))
    return shown.getvalue()


def names(report: Report) -> set[str]:
    return {ratio.name for ratio in report.ratios if ratio.name}


def test_what_the_wire_carries_is_measured():
    report = wire.run(events=1_500, bills=80)
    assert names(report) == {"G6"}
    # Bytes do not depend on how busy the machine is.
    assert all(ratio.met for ratio in report.ratios if ratio.name)
    assert "unpacking" in told(report)


def test_taking_in_is_measured_beside_writing_the_same_rows():
    report = ingest.run(rounds=1)
    assert names(report) == {"G7", "G8"}
    assert "executemany: the same rows" in told(report)


@needs_broker
def test_catching_up_is_measured_and_both_logs_are_one():
    report = catchup.run(events=1_200, asks=5)
    assert names(report) == {"G9", "G10", "G11", "G12"}
    assert "Both logs have SHA-256" in told(report)


@needs_broker
def test_a_bill_and_a_price_are_seen_on_the_other_side():
    report = seen.run(bills=2, prices=2)
    assert "page of head office told" in told(report)


@needs_broker
def test_the_programs_of_a_chain_are_weighed():
    _table, goals = chain_at_rest(events=500, settling_s=3, idle_s=1)
    assert [ratio.name for ratio in goals] == ["G17", "G17"]
    assert goals[0].median > 5


def test_spends_with_the_line_cut_are_counted_by_the_real_placement():
    report = offline.run(members=120, days=21, stores=6)
    assert {ratio.name for ratio in report.ratios} == {"G15"}
    strict, floored, stranded = report.ratios[:3]
    # By counting, not by the clock: the same trace gives the same figures on every machine.
    assert 0.5 < strict.median < floored.median
    assert stranded.median < 2
    assert "follow only" in told(report)


@needs_broker
def test_many_hubs_come_back_and_each_is_welcomed():
    report = hubs.run(hubs=6, quiet_for_s=0)
    violations = [ratio.median for ratio in report.ratios if ratio.what.endswith("violations")]
    assert violations == [0, 0]
    assert "broker started anew" in told(report)


def test_a_statement_of_a_long_past_is_made_signed_and_checked():
    report = statement.run(events=400)
    assert report.ratios[0].met
    # A hundred of its own, and the balance that it began with.
    assert "of 101 movements among 400 events" in report.ratios[0].what


def test_fewer_files_than_hubs_are_told_of_plainly():
    with pytest.raises(hubs.TooFewFiles, match="needs 1,000,000,000,000 open files"):
        hubs.allow_files(10**12)


def test_an_old_list_is_taken_in():
    assert "posting, last batch" in told(importing.run(rows=600))


def test_a_bench_that_is_none_is_told(capsys):
    assert main(["no-such"]) == 2
    assert "catchup" in capsys.readouterr().out
    assert main(["catchup", "--events=many"]) == 2
    assert main(["hubs", "--hubs=0"]) == 2
