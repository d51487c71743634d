from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from hub.devices.printer import PAPER_80MM, Profile, clean
from hub.devices.printer.characters import TEXT_CHARACTERS_MAX, cells, width_of
from hub.devices.printer.profile import CodePage

ANYTHING = st.text(st.characters())  # surrogates too


def code(text):
    return b"".join(cell.code or b"<none>" for cell in cells(text, PAPER_80MM.code_of))


def test_a_nickname_that_is_a_drawer_command_becomes_its_letters():
    assert clean("小王\x1bp\x00\x19\xfa") == "小王pú"


def test_direction_marks_joiners_private_characters_and_surrogates_are_gone():
    assert clean("a\u202eb\u2066c\u200bd\u200de\ue000f\udc80g\ufe0fh") == "abcdefgh"


def test_line_breaks_and_odd_spaces_are_spaces_so_a_name_cannot_fake_a_line():
    assert clean("李四\n合计 0.00\u2028x\u00a0y\u3000z") == "李四 合计 0.00 x y\u3000z"


def test_an_accent_typed_apart_is_the_letter_that_the_rom_has():
    assert clean("Cafe\u0301") == "Café"
    assert code(clean("Cafe\u0301")) == b"Caf\xa8\xa6"


def test_long_text_ends_in_an_ellipsis():
    assert clean("长" * 2000) == "长" * (TEXT_CHARACTERS_MAX - 1) + "…"


def test_yen_bullet_and_minus_become_what_the_rom_has():
    assert code("¥•−") == b"\xa3\xa4\xa1\xa4-"


def test_only_one_and_two_byte_codes_are_taken():
    assert code("足A囍") == b"\xd7\xe3A\x87\xd6"
    for rare in "𠮷😀㐂":
        assert len(rare.encode("gb18030")) == 4
        assert code(rare) == b"<none>"


def test_what_gb18030_added_to_gbk_is_not_trusted_to_a_rom():
    assert len("䶮".encode("gb18030")) == 2
    assert code("䶮") == b"<none>"


def test_private_codes_are_never_sent():
    assert all(PAPER_80MM.code_of(chr(point)) is None for point in range(0xE000, 0xF900))


def test_every_character_there_is_gives_no_control_byte():
    for point in range(0x110000):
        sent = PAPER_80MM.code_of(chr(point))
        assert sent is None or (len(sent) <= 2 and min(sent) >= 0x20 and 0x7F not in sent)


def test_width_is_byte_length():
    placed = cells("足浴 ¥128，A", PAPER_80MM.code_of)
    assert [cell.width for cell in placed] == [len(cell.code or b"") for cell in placed]
    assert width_of(placed) == 4 + 1 + 2 + 3 + 2 + 1


def test_a_single_byte_printer_uses_its_code_page_and_nothing_below_it():
    western = Profile(kanji="raster", codepage=CodePage(number=0, codec="cp437"))
    placed = cells("é¥足", western.code_of)
    assert [cell.code for cell in placed] == [b"\x82", b"\x9d", None]
    assert [cell.width for cell in placed] == [1, 1, 2]


def test_marks_without_a_letter_of_their_own_share_the_place_of_the_letter():
    placed = cells(clean("x\u0301\u0302y"), PAPER_80MM.code_of)
    assert [cell.text for cell in placed] == ["x\u0301\u0302", "y"]
    assert width_of(placed) == 2


@given(ANYTHING)
def test_clean_text_has_nothing_that_steers_and_stays_as_it_is(text):
    cleaned = clean(text)
    assert {unicodedata.category(c) for c in cleaned}.isdisjoint({"Cc", "Cf", "Cs", "Co"})
    assert clean(cleaned) == cleaned
    cleaned.encode("utf-8")
