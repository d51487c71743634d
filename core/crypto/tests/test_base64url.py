import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.crypto import base64url


@given(st.binary(max_size=64))
def test_what_was_written_is_read(value):
    assert base64url.decode(base64url.encode(value), size_max=len(value)) == value


@given(st.text("AZaz09-_+/=\n .", max_size=16) | st.text(max_size=16))
def test_every_text_that_is_read_is_the_one_spelling_of_its_value(text):
    try:
        value = base64url.decode(text, size_max=12)
    except ValueError:
        return
    assert base64url.encode(value) == text


@pytest.mark.parametrize(
    "text", ["A", "AB", "AA==", "A A", "+/+/", "AAAA\n", "ＡＡＡＡ", "AAAAAA"]
)
def test_other_spellings_are_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        base64url.decode(text, size_max=3)
