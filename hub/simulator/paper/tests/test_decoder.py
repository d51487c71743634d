from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.simulator.paper import (
    Bold,
    CutPaper,
    Decoder,
    DotFeed,
    DrawerKick,
    Initialise,
    Justify,
    Letter,
    Letters,
    LineFeed,
    Magnify,
    QrCode,
    Question,
    Raster,
    RealTime,
    Setting,
    Unfinished,
    Unknown,
    decode,
)

STREAM = (
    b"\x1b@\x1c&\x1ba\x01\xd7\xe3\xd4\xa1 A\n\x1bE\x01\x1d!\x11\xa3\xa412\n"
    b"\x1dv0\x00\x02\x00\x02\x00\xff\x00\x1b@"
    b"\x1d(k\x03\x00\x31\x43\x06\x1d(k\x05\x00\x31\x50\x30hi\x1d(k\x03\x00\x31\x51\x30"
    b"\x1bJ\x08\x1bp\x01\x32\x32\x1bd\x06\x1dV\x42\x00"
)


def kinds(stream):
    return [type(token) for token in decode(stream)]


def letters(stream):
    return [
        letter for token in decode(stream) if isinstance(token, Letters)
        for letter in token.letters
    ]  # fmt: skip


def test_a_stream_is_read_command_by_command():
    assert kinds(STREAM) == [
        Initialise, Setting, Justify, Letters, LineFeed, Bold, Magnify, Letters, LineFeed,
        Raster, Setting, Setting, QrCode, DotFeed, DrawerKick, LineFeed, CutPaper,
    ]  # fmt: skip


def test_picture_bytes_are_not_commands():
    (picture,) = [token for token in decode(STREAM) if isinstance(token, Raster)]
    assert (picture.across, picture.high, picture.dots) == (2, 2, b"\xff\x00\x1b@")


def test_a_qr_code_has_what_was_stored_for_it():
    (code,) = [token for token in decode(STREAM) if isinstance(token, QrCode)]
    assert (code.payload, code.scale) == ("hi", 6)


def test_double_bytes_are_han_only_in_kanji_mode():
    assert letters(b"\x1c&\xd7\xe3A") == [Letter("足", 2), Letter("A", 1)]
    assert letters(b"\x1c&\x1c.\xd7\xe3") == [Letter("╫", 1), Letter("π", 1)]
    assert letters(b"\xd7\xe3") == [Letter("╫", 1), Letter("π", 1)]


def test_a_reset_leaves_kanji_mode():
    assert letters(b"\x1c&\x1b@\xd7\xe3") == letters(b"\xd7\xe3")


def test_four_byte_codes_are_the_rubbish_that_they_are_on_real_paper():
    assert [letter.text for letter in letters(b"\x1c&\x81\x30\x84\x36")] == ["0", "6"]
    assert Unknown in kinds(b"\x1c&\x81\x30\x84\x36")


def test_a_code_page_is_chosen_by_number():
    assert letters(b"\x1bt\x10\xe9") == [Letter("é", 1)]
    assert letters(b"\x82") == [Letter("é", 1)]


@pytest.mark.parametrize(
    "stray",
    [b"\x07", b"\x7f", b"\x1b\x01", b"\x1dV\x09", b"\x1d(A\x00\x00", b"\x1bp\x05\x01\x01"],
)
def test_what_this_printer_does_not_know_is_told_and_passed_over(stray):
    assert kinds(stray + b"\n") == [Unknown, LineFeed]


def test_a_picture_of_absurd_size_is_not_waited_for():
    assert kinds(b"\x1dv0\x00\xff\xff\xff\xff\n") == [Unknown, LineFeed]


def test_half_a_command_at_the_end_is_unfinished():
    assert kinds(b"\n\x1dv0\x00\x02\x00\x02\x00\xff") == [LineFeed, Unfinished]
    assert kinds(b"\x1c&\xd7") == [Setting, Unfinished]


@given(st.one_of(st.binary(max_size=200), st.just(STREAM)), st.data())
def test_tokens_carry_every_byte_wherever_the_stream_was_split(stream, data):
    decoder, tokens, rest = Decoder(), [], stream
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        tokens += decoder.feed(rest[:size])
        rest = rest[size:]
    tokens += decoder.end()
    assert b"".join(token.raw for token in tokens) == stream
    split, whole = joined(tokens), joined(decode(stream))
    assert split == whole


def joined(tokens):
    """Letters and padding may come in several pieces; what they say is the same."""
    out = []
    for token in tokens:
        mergeable = isinstance(token, Letters) or set(token.raw) <= {0, 13}
        if mergeable and out and out[-1][0] is type(token) and out[-1][2]:
            out[-1] = (type(token), out[-1][1] + token.raw, True)
        else:
            out.append((type(token), token.raw, mergeable))
    return out


def test_questions_are_taken_out_wherever_they_stand():
    ordinary, commands = RealTime().feed(b"ab\x10\x04\x01c\x10\x04\x04")
    assert ordinary == b"abc"
    assert commands == [Question(1), Question(4)]


def test_a_real_time_kick_opens_the_drawer_even_inside_a_picture():
    ordinary, (kick,) = RealTime().feed(b"\x1dv0\x00\x05\x00\x01\x00\x10\x14\x01\x01\x02")
    assert isinstance(kick, DrawerKick)
    assert kick.pin == 5
    assert len(ordinary) == 8


@given(
    st.lists(st.sampled_from([b"\x10", b"\x04", b"\x14", b"\x01", b"\x00", b"a"])), st.data()
)
def test_real_time_commands_are_found_across_chunks(pieces, data):
    stream = b"".join(pieces)
    whole, split = RealTime(), RealTime()
    wanted, commands = whole.feed(stream)
    wanted += whole.end()
    got, found, rest = b"", [], stream
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        ordinary, heard = split.feed(rest[:size])
        got, found, rest = got + ordinary, found + heard, rest[size:]
    assert (got + split.end(), found) == (wanted, commands)
