import string
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.crypto import make_code, normalise_code
from core.crypto.codes import CODE_LETTERS

codes = st.text(CODE_LETTERS, min_size=1, max_size=64)


def test_letters_that_look_like_digits_are_not_used():
    assert len(set(CODE_LETTERS)) == 32
    assert not set("ILOU") & set(CODE_LETTERS)


def test_a_code_has_the_length_that_was_asked():
    assert len(make_code(10)) == 10
    assert make_code(4, lambda size: bytes(range(28, 28 + size))) == "WXYZ"


def test_all_letters_are_equally_likely():
    every_byte = Counter(
        make_code(1, lambda size, value=value: bytes([value])) for value in range(256)
    )
    assert set(every_byte.values()) == {8}
    assert len(every_byte) == 32


@pytest.mark.parametrize("length", [0, -1, 65])
def test_a_length_that_no_code_has_is_refused(length):
    with pytest.raises(ValueError, match="1 to 64"):
        make_code(length)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("abcde-fghjk", "ABCDEFGHJK"),
        ("O0o IiLl1", "000" + "11111"),
        ("  7q x9 ", "7QX9"),
        ("ＡＢＣ－１２３", "ABC123"),
        ("ab—cd–ef－gh", "ABCDEFGH"),
        ("AB\u3000CD", "ABCD"),
    ],
)
def test_a_code_is_read_as_it_was_meant(typed, meant):
    assert normalise_code(typed) == meant


@pytest.mark.parametrize(
    "typed", ["", " - ", "ABU", "AB!", "AB\n", "ß", "ı", "店", "A\x00B", "½"]
)
def test_what_no_code_can_be_is_refused(typed):
    with pytest.raises(ValueError, match="code"):
        normalise_code(typed)


def test_a_text_that_grows_when_it_is_unfolded_is_refused():
    with pytest.raises(ValueError, match="code"):
        normalise_code("ﷺ" * 120)
    with pytest.raises(ValueError, match="code"):
        normalise_code("A" * 65)


@given(codes)
def test_normalising_changes_no_code(code):
    assert normalise_code(code) == code == normalise_code(code.lower())


@given(codes, st.integers(1, 8))
def test_dashes_do_not_matter(code, every):
    parts = [code[place : place + every] for place in range(0, len(code), every)]
    assert normalise_code("-".join(parts)) == code


@given(st.text(max_size=200))
def test_whatever_is_typed_becomes_a_code_or_a_refusal(typed):
    try:
        code = normalise_code(typed)
    except ValueError:
        return
    assert set(code) <= set(CODE_LETTERS)
    assert not set(code) & set(string.ascii_lowercase)
