"""FEATURES.md says what the tests say."""

from __future__ import annotations

import pytest

from tests.architecture.sources import ROOT
from tests.features import WrongMark, find_proofs, read_rows, refreshed, report, unknown

TABLE = """# Features

Done: 9 of 9.

## Members (MEM)

| ID | 中文 | English | Off | What a person sees work | Test |
| --- | --- | --- | --- | --- | --- |
| MEM-01 | 会员登记 | Registration | Y | It is found. | `old` |
| MEM-02 | 会员编号 | Number | Y | It is next. |  |
"""


def test_features_md_is_current():
    text = (ROOT / "FEATURES.md").read_text(encoding="utf-8")
    assert text == refreshed(text, find_proofs(ROOT)), "run ./dianshu features --write"


def test_features_md_has_all_339_rows():
    assert len(read_rows((ROOT / "FEATURES.md").read_text(encoding="utf-8"))) == 339


def test_no_test_is_marked_with_an_unknown_row():
    rows = read_rows((ROOT / "FEATURES.md").read_text(encoding="utf-8"))
    assert unknown(rows, find_proofs(ROOT)) == []


def test_marks_are_found_on_functions_classes_modules_and_cases(tmp_path):
    (tmp_path / "hub/till/tests").mkdir(parents=True)
    (tmp_path / "hub/till/tests/test_till.py").write_text(
        "pytestmark = [pytest.mark.feature('POS-01')]\n"
        "@pytest.mark.feature('POS-02', 'POS-03')\n"
        "def test_pays(): ...\n"
        "@pytest.mark.feature('POS-04')\n"
        "class TestKeys:\n"
        "    @pytest.mark.parametrize('k', [pytest.param(1, marks=pytest.mark.feature('POS-05'))])\n"
        "    async def test_f6(self, k): ...\n"
        "    def helps(self): ...\n"
        "@pytest.mark.skip\n"
        "def test_later(): ...\n"
    )
    pays = "hub/till/tests/test_till.py::test_pays"
    f6 = "hub/till/tests/test_till.py::TestKeys::test_f6"
    assert find_proofs(tmp_path) == {
        "POS-01": [pays, f6],
        "POS-02": [pays],
        "POS-03": [pays],
        "POS-04": [f6],
        "POS-05": [f6],
    }


@pytest.mark.parametrize(
    "source",
    [
        "@pytest.mark.feature(POS_01)\ndef test_pays(): ...\n",
        "@pytest.mark.feature()\ndef test_pays(): ...\n",
        "@pytest.mark.feature('POS-01')\ndef pays(): ...\n",
        "def test_pays():\n    case = pytest.mark.feature('POS-01')\n",
    ],
)
def test_a_mark_that_proves_nothing_is_refused(tmp_path, source):
    (tmp_path / "test_till.py").write_text(source)
    with pytest.raises(WrongMark):
        find_proofs(tmp_path)


def test_an_unknown_id_is_named_with_its_test():
    told = unknown(
        read_rows(TABLE), {"MEM-01": ["test_a.py::test_a"], "MEM-77": ["test_b.py::b"]}
    )
    assert told == ["MEM-77 is no row of FEATURES.md, but test_b.py::b is marked with it"]


def test_the_test_column_and_the_count_are_written_anew():
    told = refreshed(TABLE, {"MEM-02": ["test_a.py::one", "test_a.py::two"]})
    assert "| MEM-01 | 会员登记 | Registration | Y | It is found. |  |\n" in told
    assert "It is next. | `test_a.py::one`<br>`test_a.py::two` |\n" in told
    assert "Done: 1 of 2." in told
    assert refreshed(told, {"MEM-02": ["test_a.py::one", "test_a.py::two"]}) == told


def test_the_report_lists_proofs_then_sections_then_the_sum():
    lines = list(report(read_rows(TABLE), {"MEM-02": ["test_a.py::one"]}))
    assert lines[:2] == ["MEM-02  Number", "        test_a.py::one"]
    assert lines[-3:] == ["   1 / 2    Members (MEM)", "", "done 1 / 2"]


def test_a_row_that_stands_twice_is_refused():
    with pytest.raises(WrongMark):
        read_rows(TABLE + TABLE.splitlines()[-1])
