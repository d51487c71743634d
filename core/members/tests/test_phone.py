import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.members.phone import mask_phone, normalise_phone

mobiles = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
separators = st.sampled_from(["", " ", "-", "  ", "\u00a0", "－", "\u3000", "—"])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("13812342046", "13812342046"),
        ("138 1234 2046", "13812342046"),
        ("138-1234-2046", "13812342046"),
        ("１３８１２３４２０４６", "13812342046"),
        ("+86 138 1234 2046", "13812342046"),
        ("＋８６１３８１２３４２０４６", "13812342046"),
        ("0086-13812342046", "13812342046"),
        ("8613812342046", "13812342046"),
        ("013812342046", "13812342046"),
        ("\u202d138 1234 2046\u202c", "13812342046"),
        ("\ufeff13812342046", "13812342046"),
        ("010-65432100", "01065432100"),
        ("(021) 6543-2100", "02165432100"),
        ("（0755）26543210", "075526543210"),
        ("0311-6543210", "03116543210"),
        ("+86 10 6543 2100", "01065432100"),
        ("+86 (0)10 6543 2100", "01065432100"),
        ("+852 9123 4567", "+85291234567"),
        ("00852-91234567", "+85291234567"),
        ("+1 (415) 555-2671", "+14155552671"),
    ],
)
def test_a_number_has_one_spelling_however_it_was_typed(typed, meant):
    assert normalise_phone(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "12812342046",
        "1381234204",
        "138123420461",
        "138****2046",
        "65432100",
        "4001234567",
        "010-15432100",
        "010-6543210",
        "+86 4001234567",
        "+0123456789",
        "+123456",
        "+1234567890123456",
        "13812342046/13912342046",
        "١٣٨١٢٣٤٢٠٤٦",
        "13812342046.0x",
        "电话",
        "1" * 10_000,
    ],
)
def test_what_is_no_number_raises_with_the_text(typed):
    with pytest.raises(ValueError, match=f"^{re.escape(typed)}$"):
        normalise_phone(typed)


@settings(deadline=None)
@given(mobiles, separators, st.sampled_from(["", "+86", "0086", "86", "0", "+86 "]))
def test_separators_and_the_country_code_change_nothing(mobile, between, prefix):
    typed = prefix + between.join((mobile[:3], mobile[3:7], mobile[7:]))
    assert normalise_phone(typed) == mobile


@settings(deadline=None)
@given(st.text(max_size=50))
def test_any_text_gives_a_stable_number_or_a_value_error(text):
    try:
        phone = normalise_phone(text)
    except ValueError:
        return
    assert normalise_phone(phone) == phone
    assert phone.isascii()


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("13812342046", "138****2046"),
        ("01065432100", "010****2100"),
        ("075526543210", "075****3210"),
        ("+85291234567", "+85****4567"),
        ("+1234567", "****4567"),
        ("12345", "****5"),
        ("", "****"),
    ],
)
def test_a_mask_keeps_the_ends_and_hides_at_least_four(phone, masked):
    assert mask_phone(phone) == masked


@settings(deadline=None)
@given(st.from_regex(r"\+?[0-9]{4,16}", fullmatch=True))
def test_a_mask_never_tells_more_than_seven_characters(phone):
    masked = mask_phone(phone)
    assert len(masked.replace("*", "")) <= min(7, len(phone) - 4)
