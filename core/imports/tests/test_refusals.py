import ast
from pathlib import Path

import core.imports
from core.errors import Refusal
from core.imports import REFUSALS, ROW_REFUSALS

SOURCES = [
    ast.parse(path.read_text("utf-8"))
    for path in Path(core.imports.__file__).parent.glob("*.py")
    if path.name != "refusals.py"
]


SAID_WHEN_POSTED = {"row_not_posted"}
"""Declared here with the other reasons of a row, said by whoever posts the typed rows."""


def texts_of(node):
    return {
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }


def raised(name):
    """Return the literal codes in the calls of a refusal's class."""
    return {
        code
        for source in SOURCES
        for call in ast.walk(source)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == name and call.args
        for code in texts_of(call.args[0])
    }


def test_every_file_refusal_has_its_sentence_and_every_sentence_its_use():
    assert raised("Refused") == set(REFUSALS)


def test_every_row_refusal_has_its_sentence_and_every_sentence_its_use():
    said = set().union(*map(texts_of, SOURCES))
    assert set(ROW_REFUSALS) - SAID_WHEN_POSTED <= said
    assert raised("CellRefused") <= set(ROW_REFUSALS)
    assert raised("BadCell") <= set(ROW_REFUSALS)


def test_no_code_is_both():
    assert not set(REFUSALS) & set(ROW_REFUSALS)


def test_sentences_are_chinese_and_their_facts_are_named():
    for refusal in (*REFUSALS.values(), *ROW_REFUSALS.values()):
        assert isinstance(refusal, Refusal)
        assert 400 <= refusal.status < 500
        assert any("\u4e00" <= letter <= "\u9fff" for letter in refusal.sentence)
        assert refusal.sentence.count("%") == refusal.sentence.count("%(")
