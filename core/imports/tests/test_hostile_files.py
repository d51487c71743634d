"""Files made to harm: refused with a reason, fast and in little memory."""

import base64
import random
import time
import tracemalloc
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Refused
from core.imports import read_table
from core.imports.limits import PARTS_MAX, UNPACKED_BYTES_MAX
from core.imports.tests.raw_xlsx import CONTENT_TYPES, HEAD, MAIN, STYLES, write_workbook

MEGABYTE = 1024 * 1024
REFUSE_SECONDS = 1.0
REFUSE_BYTES = 100 * MEGABYTE
SHEET1 = "xl/worksheets/sheet1.xml"
BODY = f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1"><v>%s</v></c></row></sheetData></worksheet>'


def refusal(path):
    """Return the code with which a file is refused, asserting that it cost little."""
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(Refused) as caught, read_table(path) as table:
            for _ in table.rows():
                pass
        spent = time.process_time() - began
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert spent < REFUSE_SECONDS
    assert peak < REFUSE_BYTES
    return caught.value.code


@pytest.fixture
def path(tmp_path):
    return tmp_path / "list.xlsx"


def small(path, **parts):
    return write_workbook(path, {"会员": [["姓名", "手机"], ["张三", 138]]}, **parts)


def add_zeros(path, name, megabytes):
    with ZipFile(path, "a", ZIP_DEFLATED) as archive, archive.open(name, "w") as part:
        for _ in range(megabytes):
            part.write(b"0" * MEGABYTE)


@pytest.mark.parametrize("name", ["xl/media/picture.png", "xl/worksheets/sheet2.xml"])
def test_a_zip_bomb_is_refused(path, name):
    add_zeros(small(path), name, 200)
    assert refusal(path) == "import_unpacks_too_large"


def test_what_unpacks_beyond_the_limit_is_refused_however_well_it_hides_its_ratio(path):
    small(path)
    noise = random.Random(1).randbytes(8 * MEGABYTE)
    with ZipFile(path, "a", ZIP_STORED) as archive:
        archive.writestr("xl/media/noise.bin", noise)
    add_zeros(path, "xl/media/zeros.bin", UNPACKED_BYTES_MAX // MEGABYTE)
    assert refusal(path) == "import_unpacks_too_large"


def test_one_part_that_stands_for_many_is_refused(path):
    small(path)
    noise = base64.b64encode(random.Random(2).randbytes(3 * MEGABYTE))
    with ZipFile(path, "a", ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/noise.txt", noise)
        entry = archive.infolist()[-1]
        archive.filelist.extend([entry] * 200)
    assert refusal(path) == "import_unpacks_too_large"


def test_a_million_parts_are_refused(path):
    with ZipFile(path, "w") as archive:
        for number in range(PARTS_MAX + 1):
            archive.writestr(ZipInfo(f"p{number}"), b"")
    assert refusal(path) == "import_unpacks_too_large"


def test_a_size_that_lies_gains_nothing(path):
    small(path)
    with ZipFile(path, "a", ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet9.xml", b"0" * 3 * MEGABYTE)
    content = path.read_bytes()
    real = (3 * MEGABYTE).to_bytes(4, "little")
    path.write_bytes(content.replace(real, (1000).to_bytes(4, "little")))
    with read_table(path) as table:
        assert len(list(table.rows())) == 2
    with ZipFile(path) as archive:
        assert archive.getinfo("xl/worksheets/sheet9.xml").file_size == 1000


LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]>"
)
OUTSIDE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
OUTSIDE_DTD = '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/evil.dtd">'
PARAMETER = '<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>'


@pytest.mark.parametrize("declaration", [LAUGHS, OUTSIDE, OUTSIDE_DTD, PARAMETER])
@pytest.mark.parametrize(
    "name",
    [
        SHEET1,
        "xl/sharedStrings.xml",
        "xl/styles.xml",
        "xl/workbook.xml",
        "xl/_rels/workbook.xml.rels",
        "_rels/.rels",
    ],
)
def test_a_document_type_is_refused_in_every_part_that_is_read(path, declaration, name):
    with ZipFile(small(path)) as archive:
        sound = archive.read(name).decode().removeprefix(HEAD)
    path.unlink()
    small(path, parts={name: HEAD + declaration + sound})
    assert refusal(path) == "import_xlsx_unsafe"


def test_a_document_type_in_another_encoding_is_refused(path):
    sound = '<?xml version="1.0" encoding="UTF-16"?>' + OUTSIDE + BODY % "&e;"
    small(path, parts={SHEET1: sound.encode("utf-16")})
    assert refusal(path) == "import_xlsx_unsafe"


def test_a_word_of_many_megabytes_is_refused(path):
    noise = base64.b64encode(random.Random(3).randbytes(6 * MEGABYTE)).decode()
    for sound in (f"<!--{noise}-->{BODY % 1}", BODY % noise, f'<a b="{noise}"/>'):
        small(path, parts={SHEET1: HEAD + sound})
        assert refusal(path) == "import_unpacks_too_large"
        path.unlink()


def test_elements_within_elements_without_end_are_refused(path):
    for name in (SHEET1, "xl/sharedStrings.xml", "xl/workbook.xml"):
        small(path, parts={name: HEAD + "<a>" * 200_000})
        assert refusal(path) == "import_unpacks_too_large"
        path.unlink()


def test_a_description_that_is_larger_than_any_real_one_is_refused(path):
    noise = base64.b64encode(random.Random(4).randbytes(13 * MEGABYTE)).decode()
    small(path, parts={"xl/styles.xml": f"{STYLES}<!--{noise}-->"})
    assert refusal(path) == "import_unpacks_too_large"


def test_more_sheets_than_any_real_workbook_has_are_refused(path):
    sheets = '<sheet name="x" r:id="rId1"/>' * 501
    outline = f'<workbook xmlns="{MAIN}" xmlns:r="x"><sheets>{sheets}</sheets></workbook>'
    small(path, parts={"xl/workbook.xml": HEAD + outline})
    assert refusal(path) == "import_unpacks_too_large"


def test_an_encrypted_workbook_is_told_apart_from_an_old_one(tmp_path):
    magic = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    old = tmp_path / "old.xls"
    old.write_bytes(magic + b"\0" * 2000 + "Workbook".encode("utf-16-le"))
    assert refusal(old) == "import_is_old_excel"
    locked = tmp_path / "locked.xlsx"
    locked.write_bytes(magic + b"\0" * 2000 + "EncryptedPackage".encode("utf-16-le"))
    assert refusal(locked) == "import_is_encrypted"


def test_an_encrypted_part_is_refused(path):
    small(path)
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert refusal(path) == "import_is_encrypted"


def test_a_packing_that_no_spreadsheet_uses_is_refused(path):
    with ZipFile(path, "w", ZIP_BZIP2) as archive:
        archive.writestr("[Content_Types].xml", CONTENT_TYPES)
    assert refusal(path) == "import_xlsx_broken"


@pytest.mark.parametrize("name", ["readme.txt", "xl/workbook.bin", "content.xml"])
def test_a_zip_that_is_no_workbook_is_refused(path, name):
    with ZipFile(path, "w") as archive:
        archive.writestr(name, b"hello")
    assert refusal(path) == "import_is_no_table"


def test_every_truncation_is_refused(path):
    whole = small(path).read_bytes()
    for length in range(8, len(whole), 37):
        path.write_bytes(whole[:length])
        assert refusal(path) == "import_xlsx_broken"


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=8), st.data())
def test_any_damage_to_a_workbook_is_refused_or_harmless(tmp_path_factory, damage, data):
    path = tmp_path_factory.getbasetemp() / "damaged.xlsx"
    stored = data.draw(st.booleans(), label="stored")
    if not (kept := path.with_suffix(f".{stored}")).exists():
        with ZipFile(small(path)) as packed, ZipFile(kept, "w") as plain:
            for entry in packed.infolist():
                method = ZIP_STORED if stored else ZIP_DEFLATED
                plain.writestr(entry.filename, packed.read(entry), method)
    content = bytearray(kept.read_bytes())
    for place, value in damage:
        content[place % len(content)] = value
    path.write_bytes(content)
    try:
        with read_table(path) as table:
            lines = [row.line for row in table.rows()]
    except Refused:
        return
    assert lines == sorted(set(lines))


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([SHEET1, "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml"]),
    st.lists(
        st.tuples(st.integers(0, 10**6), st.sampled_from('<>/"=0159 rcvsta&;')), max_size=5
    ),
)
def test_any_damage_to_its_xml_is_refused_or_harmless(tmp_path_factory, name, damage):
    path = tmp_path_factory.getbasetemp() / "damaged-xml.xlsx"
    with ZipFile(small(path)) as archive:
        content = list(archive.read(name).decode())
    for place, letter in damage:
        content[place % len(content)] = letter
    small(path, parts={name: "".join(content)})
    try:
        with read_table(path) as table:
            lines = [row.line for row in table.rows()]
    except Refused:
        return
    assert lines == sorted(set(lines))
