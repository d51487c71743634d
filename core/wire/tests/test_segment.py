"""A segment keeps every byte, and whatever else comes is refused by one exception."""

from __future__ import annotations

import random
import struct

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from core.wire import MESSAGE_BYTES_MAX, BadSegment, Laid, Segment, pack, unpack
from core.wire.dictionaries import CURRENT, DICTIONARIES, NONE
from core.wire.segment import DOCUMENTS_MAX, HEADER_BYTES, RAW_BYTES_MAX

lines = st.binary(min_size=1, max_size=60).filter(lambda line: b"\n" not in line)
numbers = st.integers(0, 2**32 - 1)
contents = st.sampled_from(
    [
        b"{}",
        b'{"name":"\xe6\x9d\x8e\xe6\x85\xa7\xe6\x95\x8f"}',
        b'{ "spaced" :  [1, 2.50] }',
        b"null",
    ]
)
documents = st.builds(
    Laid,
    event=st.text(max_size=40),
    name=st.text(max_size=12),
    salt=st.binary(max_size=64),
    content=contents,
)
segments = st.builds(
    Segment,
    epoch=numbers,
    boot=numbers,
    first=st.integers(1, 2**63 - 300),
    events=st.lists(lines, min_size=1, max_size=20).map(tuple),
    documents=st.lists(documents, max_size=8).map(tuple),
    signature=st.binary(min_size=64, max_size=64),
)


def small(**changed) -> Segment:
    facts = {
        "epoch": 1,
        "boot": 2,
        "first": 3,
        "events": (b"{}", b"[]"),
        "signature": b"s" * 64,
    }
    return Segment(**facts | changed)


def framed(content: bytes, *, count: int = 1, dictionary: int = NONE, **zstd) -> bytes:
    """Wrap any content in a header that is right."""
    header = struct.pack(">2sBBHIIQH64s", b"H1", 1, 0, dictionary, 1, 1, 1, count, bytes(64))
    return header + zstandard.ZstdCompressor(**zstd).compress(content)


@given(segments, st.sampled_from([NONE, CURRENT]))
def test_what_is_packed_is_unpacked_byte_for_byte(segment, dictionary):
    raw = pack(segment, dictionary=dictionary)
    assert unpack(raw) == segment
    assert pack(segment, dictionary=dictionary) == raw


def test_the_header_is_as_it_was_published():
    raw = pack(small(documents=(Laid(event="e", name="n", salt=b"\x01", content=b"{}"),)))
    assert raw[:24] == struct.pack(">2sBBHIIQH", b"H1", 1, 0, CURRENT, 1, 2, 3, 2)
    assert raw[24:88] == b"s" * 64
    assert HEADER_BYTES == 88
    unpacked = zstandard.ZstdDecompressor(dict_data=DICTIONARIES[CURRENT]).decompress(raw[88:])
    assert unpacked == b'{}\n[]\n{"event":"e","name":"n","salt":"01","content":{}}'


@given(st.binary(max_size=400))
def test_bytes_of_a_stranger_are_no_segment(raw):
    with pytest.raises(BadSegment):
        unpack(raw)


@given(st.binary(max_size=300), st.integers(0, 3), st.integers(0, 300))
def test_a_true_header_before_a_strangers_bytes_is_no_segment_or_reads_whole(
    content, dictionary, count
):
    header = struct.pack(">2sBBHIIQH64s", b"H1", 1, 0, dictionary, 1, 1, 1, count, bytes(64))
    for raw in (header + content, framed(content, count=count % 5 + 1)):
        try:
            segment = unpack(raw)
        except BadSegment:
            continue
        assert unpack(pack(segment)) == segment


@settings(max_examples=300)
@given(segments, st.data())
def test_a_changed_byte_is_refused_or_read_but_never_anything_else(segment, data):
    raw = bytearray(pack(segment))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        found = unpack(bytes(raw))
    except BadSegment:
        return
    # Some bits of a frame mean nothing; what is read is what would be signed over.
    assert unpack(pack(found)) == found


@given(segments, st.data())
def test_a_segment_that_was_cut_off_or_added_to_is_refused(segment, data):
    raw = pack(segment)
    with pytest.raises(BadSegment):
        unpack(raw[: data.draw(st.integers(0, len(raw) - 1))])
    with pytest.raises(BadSegment):
        unpack(raw + data.draw(st.binary(min_size=1, max_size=9)))


def test_a_bomb_is_refused_by_what_it_says_it_holds():
    bomb = framed(b"0" * (RAW_BYTES_MAX + 1))
    assert len(bomb) < 2_000
    with pytest.raises(BadSegment, match="4194305 bytes"):
        unpack(bomb)


def test_a_bomb_that_does_not_say_what_it_holds_is_refused_unopened():
    silent = framed(b"0" * (64 << 20), write_content_size=False)
    with pytest.raises(BadSegment, match="bytes"):
        unpack(silent)


def test_a_bomb_that_lies_about_what_it_holds_is_refused():
    raw = bytearray(framed(b"0" * 400_000))
    said = struct.pack("<I", 400_000)
    at = raw.index(said, 88)
    raw[at : at + 4] = struct.pack("<I", 300_000)
    with pytest.raises(BadSegment):
        unpack(bytes(raw))


def test_a_second_frame_behind_the_first_is_refused():
    frame = framed(b"{}")
    with pytest.raises(BadSegment):
        unpack(frame + frame[88:])


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (b"", 1),
        (b"{}", 2),
        (b"{}\n", 2),
        (b"\n{}", 1),
        (b"{}\n", 1),
        (b"{}\n{}", 1),
        (b'{}\n{"event":"e","name":"n","salt":"0","content":{}}', 1),
        (b'{}\n{"event":"e","name":"n","salt":"zz","content":{}}', 1),
        (b'{}\n{"event":"e","name":"n","salt":"","content":}', 1),
        (b'{}\n{"event":"\xff","name":"n","salt":"","content":{}}', 1),
        (b'{}\n{"event":"e","name":"n","salt":"' + b"00" * 65 + b'","content":{}}', 1),
        (b'{}\n{"event":"e","name":"n","salt":"","content":' + b"[" * 100_000, 1),
        (
            b'{}\n{"event":"e","name":"n","salt":"","content":'
            + b"[" * 9_999
            + b"]" * 9_999
            + b"}",
            1,
        ),
        (b"\n".join([b"{}"] + [b'{"event":"e","name":"n","salt":"","content":1}'] * 801), 1),
    ],
)
def test_lines_that_do_not_fit_the_header_are_refused(content, count):
    with pytest.raises(BadSegment):
        unpack(framed(content, count=count))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, b"h1"),
        (2, b"\2"),
        (3, b"\1"),
        (4, b"\0\7"),
        (14, bytes(8)),
        (14, b"\x7f" + b"\xff" * 7),
    ],
)
def test_a_header_of_another_kind_is_refused(place, value):
    raw = bytearray(pack(small()))
    raw[place : place + len(value)] = value
    with pytest.raises(BadSegment):
        unpack(bytes(raw))


@pytest.mark.parametrize(
    "changed",
    [
        {"events": ()},
        {"events": (b"{}",) * 201},
        {"events": (b"{}", b"")},
        {"events": (b"{\n}",)},
        {"events": (b"x" * (RAW_BYTES_MAX + 1),)},
        {
            "documents": (Laid(event="e", name="n", salt=b"", content=b"1"),)
            * (DOCUMENTS_MAX + 1)
        },
        {"documents": (Laid(event="e", name="n", salt=b"", content=b"{\n}"),)},
    ],
)
def test_a_sealer_that_keeps_no_bounds_is_told(changed):
    with pytest.raises(ValueError, match=r"events|documents|bytes|line"):
        pack(small(**changed))


def test_a_segment_that_is_too_long_for_the_line_is_the_sealers_mistake():
    noise = random.Random(1).randbytes(MESSAGE_BYTES_MAX + 20_000).replace(b"\n", b"")
    with pytest.raises(ValueError, match="packed"):
        pack(small(events=(noise,)))


def test_the_longest_segment_that_a_seal_makes_fits_the_line():
    noise = random.Random(1).randbytes(64 << 10).hex().encode()
    segment = small(events=(noise[: 64 << 10],))
    assert unpack(pack(segment)) == segment
    assert len(pack(segment)) < MESSAGE_BYTES_MAX
