from __future__ import annotations

import base64
import io
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from hub.devices.printer import (
    PAPER_58MM,
    PAPER_80MM,
    QR,
    Beep,
    CodePage,
    Columns,
    Cut,
    Document,
    Feed,
    Image,
    Kick,
    Pair,
    Profile,
    Rule,
    Text,
    clean,
    encode,
    find_typeface,
    resync,
)
from hub.simulator.paper import (
    Bold,
    Buzz,
    CutPaper,
    DotFeed,
    DrawerKick,
    Initialise,
    Justify,
    Letters,
    LineFeed,
    LinePitch,
    Magnify,
    PictureRow,
    QrCode,
    Raster,
    RealTime,
    Setting,
    TextRow,
    Unfinished,
    Unknown,
    decode,
    plain_text,
    rows,
)

WITHOUT_CHINESE = Profile(kanji="raster", codepage=CodePage(number=0, codec="cp437"))
OURS = (
    Bold, CutPaper, DotFeed, Initialise, Justify, Letters, LineFeed, LinePitch, Magnify,
    QrCode, Raster, Setting, Buzz,
)  # fmt: skip
HOSTILE = [
    "小王\x1bp\x00\x19\xfa",
    "\x10\x14\x01\x00\x05",
    "\u202e额金 00.0\u2066",
    "王\n合计 0.00",
    "𠮷野家",
    "😀👨‍👩‍👧",
    "\x1d(k\x03\x00",
    "\x7f\x80\x9b",
    "ก็็็็็",
    "\ue000\U000f0000",
    "\ud83d",
]
ANYTHING = st.one_of(st.text(st.characters(), max_size=40), st.sampled_from(HOSTILE))
PARTS = st.one_of(
    st.builds(
        Text,
        ANYTHING,
        align=st.sampled_from(["left", "center", "right"]),
        bold=st.booleans(),
        size=st.sampled_from([1, 2]),
    ),
    st.builds(
        Pair, ANYTHING, ANYTHING, fill=st.sampled_from([" ", "."]), size=st.sampled_from([1, 2])
    ),
    st.builds(
        Columns,
        st.tuples(ANYTHING, ANYTHING, ANYTHING),
        st.tuples(*[st.integers(1, 20)] * 3),
        st.just(("left", "center", "right")),
    ),
    st.builds(QR, ANYTHING.filter(clean), size=st.integers(1, 16)),
    st.builds(Rule, st.sampled_from("-=")),
    st.builds(Feed, st.integers(1, 20)),
    st.builds(Cut, st.booleans()),
    st.builds(Beep, st.integers(1, 9)),
)
PROFILES = st.sampled_from(
    [PAPER_80MM, PAPER_58MM, WITHOUT_CHINESE, Profile(native_qr=False, kanji="raster")]
)


def printed(job, profile=PAPER_80MM, typeface=None):
    return rows(decode(encode(job, profile=profile, typeface=typeface)), dots=profile.dots)


def words(job, profile=PAPER_80MM):
    return plain_text(printed(job, profile), dots=profile.dots)


def png(width, height, colour="black"):
    out = io.BytesIO()
    Pillow.new("RGB", (width, height), colour).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def test_these_are_the_bytes_of_a_chinese_receipt():
    document = Document(
        (
            Text("足浴", align="center", bold=True, size=2),
            Pair("合计", "¥128.50", fill="."),
            Rule(),
            Cut(),
        )
    )
    assert encode(document, profile=PAPER_58MM, typeface=None) == (
        b"\x1b@" b"\x1c&"
        b"\x1ba\x01" b"\x1bE\x01" b"\x1d!\x11" b"\x1b3\x38" b"\x1bJ\x08"
        b"\xd7\xe3\xd4\xa1\n"
        b"\x1ba\x00" b"\x1bE\x00" b"\x1d!\x00" b"\x1b3\x1e"
        b"\xba\xcf\xbc\xc6 " + b"." * 18 + b" \xa3\xa4128.50\n"
        + b"-" * 32 + b"\n"
        b"\x1bd\x06"
    )  # fmt: skip


def test_gnu_iconv_reads_the_same_words_as_our_own_decoder(receipt):
    tokens = decode(encode(receipt, profile=PAPER_80MM, typeface=None))
    lines = b"".join(token.raw for token in tokens if isinstance(token, Letters | LineFeed))
    lines = lines.replace(b"\x1bd\x01", b"").replace(b"\x1bd\x06", b"")
    iconv = subprocess.run(
        ["iconv", "-f", "GB18030", "-t", "UTF-8"], input=lines, capture_output=True, check=True
    )
    texts = [row.text for row in rows(tokens) if isinstance(row, TextRow)]
    assert iconv.stdout.decode().splitlines() == texts
    assert "玫瑰精油 Rose Oil 10ml              1   1,280.00" in texts
    assert "应收          ￥1,253.12" in texts
    assert "会员折扣 8.8折                           -194.88" in texts


@pytest.mark.parametrize("profile", [PAPER_80MM, PAPER_58MM])
def test_every_line_of_a_receipt_fits_its_paper(receipt, profile):
    laid = printed(receipt, profile)
    assert not [row for row in laid if isinstance(row, TextRow) and row.spilled]
    ends = ("168.00", "1,280.00", "-194.88", "￥1,253.12", "1,300.00", "46.88")
    amounts = [row for row in laid if isinstance(row, TextRow) and row.text.endswith(ends)]
    assert [row.dots for row in amounts] == [profile.dots] * len(ends)


def test_kanji_mode_is_switched_on_once_after_the_reset(receipt):
    stream = encode(receipt, profile=PAPER_80MM, typeface=None)
    assert stream.startswith(b"\x1b@\x1c&")
    assert stream.count(b"\x1c&") == 1


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_name_prints_as_a_name_and_does_nothing(hostile, receipt):
    document = Document((Text("会员 " + hostile), Pair(hostile, "1.00"), *receipt.parts))
    stream = encode(document, profile=PAPER_80MM, typeface=find_typeface())
    tokens = decode(stream)
    assert not [t for t in tokens if isinstance(t, DrawerKick | Unknown | Unfinished)]
    assert RealTime().feed(stream)[1] == []
    assert sum(isinstance(token, CutPaper) for token in tokens) == 1


def test_the_command_in_a_nickname_is_left_as_plain_letters():
    assert words(Document((Text("小王\x1bp\x00\x19"),))) == "小王p\n"


def test_without_a_font_a_missing_sort_is_a_geta_of_the_same_width():
    assert words(Document((Pair("𠮷野家 😀", "8.00"),))) == "〓野家 〓" + " " * 35 + "8.00\n"


def test_a_line_with_a_rare_character_is_drawn_in_the_same_place(typeface):
    document = Document((Text("普通", align="right"), Text("𠮷野家", align="right")))
    plain, drawn = printed(document, typeface=typeface)
    assert isinstance(drawn, PictureRow)
    assert drawn.side == plain.side == "right"
    assert (drawn.picture.across * 8, drawn.picture.high) == (72, 30)
    ink = Pillow.frombytes("1", (72, 30), drawn.picture.dots).getbbox()
    assert ink is not None
    assert ink[0] < 8
    assert ink[2] > 64


def test_the_rare_character_itself_is_in_the_picture(typeface):
    def cell(text):
        (row,) = printed(Document((Text(text + "𠮷"),)), typeface=typeface)
        return Pillow.frombytes("1", (48, 30), row.picture.dots)

    with_rare, with_common = cell("𠮷"), cell("吉")
    left, right = with_rare.crop((0, 0, 24, 30)), with_rare.crop((24, 0, 48, 30))
    assert left.tobytes() == right.tobytes()
    assert with_common.crop((0, 0, 24, 30)).tobytes() != right.tobytes()


def test_a_printer_without_chinese_gets_latin_as_text_and_han_as_pictures(typeface):
    laid = printed(
        Document((Text("Total ¥9"), Text("合计"))), WITHOUT_CHINESE, typeface=typeface
    )
    assert [type(row) for row in laid] == [TextRow, PictureRow]
    assert laid[0].text == "Total ¥9"


def test_a_printer_without_chinese_and_a_box_without_font_still_keep_the_columns():
    assert words(Document((Pair("合计", "9"),)), WITHOUT_CHINESE) == "????" + " " * 43 + "9\n"


def test_a_copy_says_so_first_and_large(receipt):
    first = printed(receipt.as_copy("【补打】DUPLICATE"))[1]
    assert first.text == "【补打】DUPLICATE"
    assert {inked.high for inked in first.inked} == {2}
    assert (
        words(receipt.as_copy("【补打】"))
        .replace(" ", "")
        .endswith(words(receipt).replace(" ", ""))
    )


@pytest.mark.parametrize(
    ("pin", "kick"), [(2, b"\x1bp\x00\x32\x32"), (5, b"\x1bp\x01\x32\x32")]
)
def test_a_kick_is_nothing_but_the_pulse(pin, kick):
    assert encode(Kick(pin=pin), profile=PAPER_80MM, typeface=None) == kick
    (token,) = decode(kick)
    assert (token.pin, token.on_ms) == (pin, 100)


def test_no_receipt_and_no_copy_opens_the_drawer(receipt):
    for document in (receipt, receipt.as_copy("补打")):
        tokens = decode(encode(document, profile=PAPER_80MM, typeface=None))
        assert not [token for token in tokens if isinstance(token, DrawerKick)]


def test_a_printer_without_a_cutter_feeds_to_the_tear_bar():
    full, torn = Document((Text("a"), Cut(False))), PAPER_58MM
    assert words(full).endswith("[cut]\n")
    assert words(full, torn) == "a\n" + "\n" * 6


def test_a_qr_code_is_left_to_the_printer_or_drawn_the_same(receipt):
    native = decode(encode(receipt, profile=PAPER_80MM, typeface=None))
    (code,) = [token for token in native if isinstance(token, QrCode)]
    assert (code.payload, code.scale, code.error) == (
        "https://dianshu.example/r/7Q2M-0482", 6, "m",
    )  # fmt: skip
    drawn = printed(Document((QR(code.payload),)), Profile(native_qr=False))
    high = sum(row.picture.high for row in drawn)
    assert high == (29 + 2 * 4) * 6


def test_a_code_too_dense_for_the_paper_gets_smaller_dots():
    long = "https://dianshu.example/" + "x" * 700
    (code,) = [
        token
        for token in decode(
            encode(Document((QR(long, size=16),)), profile=PAPER_58MM, typeface=None)
        )
        if isinstance(token, QrCode)
    ]
    assert code.scale == 3


def test_a_logo_is_scaled_to_the_paper_and_sent_in_bands():
    laid = printed(Document((Image(png(1152, 400)),)))
    assert [(row.picture.across * 8, row.picture.high) for row in laid] == [
        (576, 128), (576, 72),
    ]  # fmt: skip
    assert all(set(row.picture.dots) == {0xFF} for row in laid)


def test_a_transparent_logo_is_drawn_on_white_paper():
    out = io.BytesIO()
    Pillow.new("RGBA", (16, 8), (0, 0, 0, 0)).save(out, "PNG")
    (row,) = printed(Document((Image(base64.b64encode(out.getvalue()).decode()),)))
    assert set(row.picture.dots) == {0}


@settings(max_examples=200)
@given(st.integers(8, 80), st.binary(max_size=6))
def test_a_damaged_logo_leaves_the_receipt_whole(at, junk):
    whole = base64.b64decode(png(64, 64))
    damaged = whole[:at] + junk + whole[at + len(junk) :]
    document = Document((Image(base64.b64encode(damaged).decode()), Text("合计 9.00")))
    assert "合计 9.00\n" in words(document)


def test_a_logo_that_unpacks_to_a_bomb_is_left_out():
    whole = base64.b64decode(png(64, 64))
    bomb = whole[:16] + (60_000).to_bytes(4) * 2 + whole[24:]
    assert words(Document((Image(base64.b64encode(bomb).decode()), Text("a")))) == "a\n"


def test_a_logo_made_to_open_the_drawer_opens_nothing():
    dots = bytes.fromhex("1014010005100401") * 9
    trap = Pillow.frombytes("1", (576, 1), bytes(255 - byte for byte in dots))
    out = io.BytesIO()
    trap.save(out, "PNG")
    stream = encode(
        Document((Image(base64.b64encode(out.getvalue()).decode()),)),
        profile=PAPER_80MM,
        typeface=None,
    )
    naive = b"\x1dv0\x00\x48\x00\x01\x00" + dots
    assert len(RealTime().feed(naive)[1]) == 18
    assert RealTime().feed(stream)[1] == []
    (row,) = rows(decode(stream))
    changed = [a ^ b for a, b in zip(row.picture.dots, dots, strict=True) if a != b]
    assert changed == [0x20] * 18


def test_resync_ends_whatever_a_broken_job_left_half_said(receipt, typeface):
    logo = Image(png(576, 130))
    broken = encode(Document((logo, *receipt.parts)), profile=PAPER_80MM, typeface=typeface)
    following = encode(receipt, profile=PAPER_80MM, typeface=typeface)
    wanted = plain_text(rows(decode(following)))
    for cut in [*range(0, len(broken), 97), *range(len(broken) - 500, len(broken))]:
        stream = broken[:cut] + resync(PAPER_80MM) + following
        assert plain_text(rows(decode(stream))).endswith(wanted), cut


@settings(max_examples=300, deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=6), PROFILES, st.booleans())
def test_whatever_is_typed_no_byte_but_ours_steers_the_printer(parts, profile, drawn):
    stream = encode(
        Document(tuple(parts)), profile=profile, typeface=find_typeface() if drawn else None
    )
    tokens = decode(stream)
    assert all(isinstance(token, OURS) for token in tokens), tokens
    for token in tokens:
        if isinstance(token, Letters):
            assert min(token.raw) >= 0x20
            assert 0x7F not in token.raw
    assert RealTime().feed(stream)[1] == []
    laid = rows(tokens, dots=profile.dots)
    assert not [row for row in laid if isinstance(row, TextRow) and row.spilled]
    assert all(
        row.picture.across * 8 <= profile.dots for row in laid if isinstance(row, PictureRow)
    )
    cuts = sum(isinstance(part, Cut) for part in parts) if profile.cut else 0
    assert sum(isinstance(token, CutPaper) for token in tokens) == cuts
    payloads = [part.payload for part in parts if isinstance(part, QR)]
    if profile.native_qr:
        assert [token.payload for token in tokens if isinstance(token, QrCode)] == payloads


GBK = [chr(p) for p in range(0x20, 0xFFE6) if PAPER_80MM.code_of(chr(p))]


@settings(max_examples=300)
@given(st.text(st.sampled_from(GBK), max_size=120), st.sampled_from([PAPER_80MM, PAPER_58MM]))
def test_every_character_of_the_rom_comes_out_as_itself(text, profile):
    shown = words(Document((Text(text),)), profile)
    assert "".join(shown.split()) == "".join(clean(text).split())
