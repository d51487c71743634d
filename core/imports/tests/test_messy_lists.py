"""Whole lists as shops export them: every good row read, every bad one told, sums to the fen."""

import time
import tracemalloc

import pytest

from core.imports import MEMBERS, BadRow, find_mapping, read_rows, read_table
from core.imports.tests.messy import TODAY, Written, write_members

FILES = [("m.csv", "gb18030"), ("m.csv", "utf-8"), ("m.xlsx", "utf-8")]


def read(path):
    good = principal = bonus = points = punches = 0
    bad = []
    with read_table(path) as table:
        mapping = find_mapping(table, MEMBERS)
        for row in read_rows(table, MEMBERS, mapping, today=TODAY):
            if isinstance(row, BadRow):
                bad.append(row.line)
                continue
            good += 1
            principal += row.principal
            bonus += row.bonus
            points += row.points
            punches += row.punches
    return Written(
        good=good,
        bad=len(bad),
        principal_cents=principal,
        bonus_cents=bonus,
        points=points,
        punches=punches,
        bad_lines=tuple(bad),
    )


def keys(path):
    with read_table(path) as table:
        mapping = find_mapping(table, MEMBERS)
        return {
            row.row_key
            for row in read_rows(table, MEMBERS, mapping, today=TODAY)
            if not isinstance(row, BadRow)
        }


@pytest.mark.parametrize(("name", "encoding"), FILES)
@pytest.mark.parametrize("seed", range(4))
def test_a_messy_list_gives_what_was_put_into_it(tmp_path, name, encoding, seed):
    expected = write_members(tmp_path / name, 1_500, 0.02, seed, encoding=encoding)
    assert expected.good == 1_470
    assert read(tmp_path / name) == expected


def test_a_second_run_knows_every_row_by_its_key(tmp_path):
    written = write_members(tmp_path / "m.csv", 1_000, 0.01, seed=5)
    first = keys(tmp_path / "m.csv")
    assert len(first) == written.good
    assert keys(tmp_path / "m.csv") == first


def test_the_same_list_in_two_encodings_has_the_same_keys(tmp_path):
    write_members(tmp_path / "a.csv", 500, 0, seed=6, encoding="gb18030")
    write_members(tmp_path / "b.csv", 500, 0, seed=6, encoding="utf-8")
    assert keys(tmp_path / "a.csv") == keys(tmp_path / "b.csv")


@pytest.mark.parametrize("name", ["m.csv", "m.xlsx"])
def test_memory_hardly_grows_with_the_rows(tmp_path, name):
    peaks = []
    for rows in (1_000, 4_000):
        write_members(tmp_path / name, rows, 0.01, seed=8)
        tracemalloc.start()
        assert read(tmp_path / name).good == rows * 99 // 100
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # What remains of a row is its three numbers, and in a workbook the texts it shares.
    assert (peaks[1] - peaks[0]) / 3_000 < 1_500


@pytest.mark.deep
@pytest.mark.parametrize(("name", "encoding"), FILES)
def test_a_hundred_thousand_rows_of_which_one_in_a_hundred_is_bad(
    tmp_path, name, encoding, record_property
):
    expected = write_members(tmp_path / name, 100_000, 0.01, seed=9, encoding=encoding)
    began = time.perf_counter()
    assert read(tmp_path / name) == expected
    seconds = time.perf_counter() - began
    record_property("seconds", seconds)
    print(f"{name} {encoding}: {expected.good} good, {expected.bad} bad in {seconds:.1f} s")  # noqa: T201
