from __future__ import annotations

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.devices.printer import (
    QR,
    Beep,
    Columns,
    Document,
    Feed,
    Image,
    Kick,
    Pair,
    Text,
    from_json,
    to_json,
)
from hub.devices.printer.document import LOGO_BYTES_MAX, PARTS_MAX


def test_a_receipt_comes_back_from_the_spool_as_it_went_in(receipt):
    assert from_json(to_json(receipt)) == receipt
    assert from_json(to_json(receipt.as_copy("【补打】"))) == receipt.as_copy("【补打】")


def test_a_drawer_kick_is_a_job_and_cannot_be_part_of_a_receipt():
    assert from_json(to_json(Kick(pin=5))) == Kick(pin=5)
    with pytest.raises(ValueError, match="kick"):
        from_json(b'{"job":"document","parts":[{"part":"kick","pin":2}]}')


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"null",
        b'{"job":"document","parts":[]}',
        b'{"job":"kick","pin":3}',
        b'{"job":"document","parts":[{"part":"text","text":"a","size":3}]}',
        b'{"job":"document","parts":[{"part":"feed","lines":0}]}',
        b'{"job":"document","parts":[{"part":"qr","payload":""}]}',
    ],
)
def test_a_damaged_row_is_a_value_error(stored):
    with pytest.raises(ValueError):  # noqa: PT011 - msgspec words it
        from_json(stored)


def test_a_copy_needs_a_mark_that_can_be_read(receipt):
    with pytest.raises(ValueError, match="mark"):
        receipt.as_copy("\u202e ")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Feed(0),
        lambda: Feed(21),
        lambda: Beep(10),
        lambda: QR(""),
        lambda: QR("x" * 1001),
        lambda: QR("x", size=17),
        lambda: Columns((), ()),
        lambda: Columns(("a",) * 7, (1,) * 7),
        lambda: Columns(("a", "b"), (1,)),
        lambda: Columns(("a", "b"), (1, 0)),
        lambda: Columns(("a", "b"), (1, 1), ("left",)),
        lambda: Image("!!"),
        lambda: Image(base64.b64encode(b"GIF89a").decode()),
        lambda: Image(base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(LOGO_BYTES_MAX)).decode()),
        lambda: Document(()),
        lambda: Document((Text("a"),) * (PARTS_MAX + 1)),
    ],
)
def test_a_part_outside_its_limits_cannot_be_made(make):
    with pytest.raises(ValueError):  # noqa: PT011 - the making is the test
        make()


@given(st.text(st.characters()))
def test_whatever_a_member_is_called_the_spool_can_hold_it(name):
    document = Document((Text(name), Pair(name, name), Columns((name, name), (1, 8))))
    document = document.as_copy("补打" + name)
    assert from_json(to_json(document)) == document
    assert msgspec.json.decode(to_json(document))["job"] == "document"
