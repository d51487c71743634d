"""What the software printer puts on paper: rows, words and dots."""

from __future__ import annotations

import pytest
import segno

from hub.devices import find_typeface
from hub.simulator.paper import TextRow, decode, draw, plain_text, rows
from hub.simulator.paper.drawing import MARGIN_DOTS

INK_BELOW = 128


@pytest.fixture
def typeface():
    found = find_typeface()
    if not found:
        pytest.skip("no Chinese font is installed here")
    return found


def drawn(stream, typeface=None, **options):
    return draw(rows(decode(stream)), typeface=typeface, margin=0, **options)


def ink(picture):
    return picture.point(lambda level: 255 if level < INK_BELOW else 0).getbbox()


def test_lines_are_placed_by_their_alignment():
    stream = b"left\n\x1ba\x01mid\n\x1ba\x02\xd7end\n"
    assert plain_text(rows(decode(stream))) == (
        "left\n" + " " * 22 + "mid\n" + " " * 44 + "╫end\n"
    )


def test_too_long_a_line_spills_over_as_on_real_paper():
    first, second = rows(decode(b"x" * 50 + b"\n"))
    assert (len(first.text), first.spilled, len(second.text), second.spilled) == (
        48, True, 2, False,
    )  # fmt: skip


def test_a_line_that_was_never_ended_stays_in_the_printer_until_the_cut():
    assert plain_text(rows(decode(b"lost"))) == ""
    assert plain_text(rows(decode(b"kept\x1dV\x00"))) == "kept\n[cut]\n"
    assert plain_text(rows(decode(b"lost\x1b@kept\n"))) == "kept\n"


def test_events_stand_in_brackets():
    stream = b"\x1bB\x03\x02\x1bp\x00\x32\x32\x07\x1dV\x01\x1d"
    assert plain_text(rows(decode(stream))) == (
        "[beep 3]\n[drawer pin 2, 100 ms]\n[unknown 07]\n[partial cut]\n[broken off after 1d]\n"
    )


def test_the_paper_is_576_dots_and_its_margins():
    assert draw(rows(decode(b"a\n")), typeface=None).width == 576 + 2 * MARGIN_DOTS
    assert drawn(b"a\n").size == (576, 30)


def test_a_han_character_fills_two_columns_and_a_double_one_four(typeface):
    for stream, left, wide, high in (
        (b"\x1c&    \xd6\xd0\n", 48, 24, 24),
        (b"\x1c&\x1d!\x11  \xd6\xd0\n", 48, 48, 48),
        (b"\x1c&\x1d!\x10  \xd6\xd0\n", 48, 48, 24),
        (b"\x1c&\x1d!\x01  \xd6\xd0\n", 24, 24, 48),
    ):
        box = ink(drawn(stream, typeface))
        assert left <= box[0] < box[2] <= left + wide
        assert box[2] - box[0] > wide * 0.6
        assert 0 <= box[1] < box[3] <= high
        assert box[3] - box[1] > high * 0.6


def test_bold_has_more_ink(typeface):
    plain = drawn(b"\x1c&\xd6\xd0\n", typeface).histogram()
    bold = drawn(b"\x1c&\x1bE\x01\xd6\xd0\n", typeface).histogram()
    assert sum(bold[:INK_BELOW]) > sum(plain[:INK_BELOW]) * 1.2


def test_latin_and_han_keep_the_columns_between_them(typeface):
    both = drawn(b"\x1c&\xd6\xd0|\n12|\n", typeface)
    bars = [ink(both.crop((24, top, 36, top + 24))) for top in (0, 30)]
    assert bars[0] == bars[1]


def test_a_raster_picture_is_reproduced_dot_for_dot():
    dots = bytes([0b10000001, 0b00011000])
    picture = drawn(b"\x1ba\x02\x1dv0\x00\x01\x00\x02\x00" + dots)
    assert picture.size == (576, 2)
    assert [picture.getpixel((568 + x, 0)) < INK_BELOW for x in range(8)] == [
        True, False, False, False, False, False, False, True,
    ]  # fmt: skip
    assert ink(picture.crop((568, 1, 576, 2))) == (3, 0, 5, 1)


def test_a_native_qr_code_is_drawn_module_for_module():
    payload, scale = "https://dianshu.example/r/1", 4
    stream = (
        b"\x1ba\x01\x1d(k\x03\x00\x31\x43\x04\x1d(k\x03\x00\x31\x45\x31\x1d(k"
        + bytes([len(payload) + 3, 0])
        + b"\x31\x50\x30"
        + payload.encode()
        + b"\x1d(k\x03\x00\x31\x51\x30"
    )
    picture = drawn(stream)
    matrix = [list(row) for row in segno.make_qr(payload, error="m", boost_error=False).matrix]
    left = (576 - len(matrix) * scale) // 2
    seen = [
        [
            int(picture.getpixel((left + x * scale + 1, y * scale + 1)) < INK_BELOW)
            for x in range(len(matrix))
        ]
        for y in range(len(matrix))
    ]
    assert seen == matrix
    assert picture.height == len(matrix) * scale


def test_a_cut_a_kick_and_a_beep_can_be_seen(typeface):
    nothing = drawn(b"\n", typeface)
    assert ink(nothing) is None
    for stream in (b"\x1dV\x00", b"\x1bp\x00\x32\x32", b"\x1bB\x01\x02", b"\x07"):
        picture = drawn(stream, typeface).point(lambda level: 0 if level < 200 else 255)
        assert ink(picture) is not None


def test_without_a_font_letters_are_bars_in_the_right_places():
    picture = drawn(b"\x1c&\xd6\xd0  A\n").point(lambda level: 0 if level < 200 else 255)
    assert ink(picture.crop((0, 0, 24, 24))) is not None
    assert ink(picture.crop((24, 0, 48, 24))) is None
    assert ink(picture.crop((48, 0, 60, 24))) is not None


def test_endless_paper_is_shown_to_a_limit():
    assert drawn(b"\x1bd\xff" * 10).height == 20_000


def test_text_rows_know_their_style():
    (row,) = rows(decode(b"\x1bE\x01\x1d!\x11ab\n"))
    assert isinstance(row, TextRow)
    assert (row.text, row.dots, row.pitch) == ("ab", 48, 48)
    assert all(inked.bold for inked in row.inked)
