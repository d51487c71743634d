"""Every shape of event that was ever shipped is still read and projected.

`samples/` holds one event of each kind as its journal wrote it. A kind without a sample fails
here; a sample is never edited, because hubs in the field hold such bytes for ever.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from cloud.app import CORE_PARTS, LOCAL_PARTS
from core.journal import Parts, decode, kind_name, kind_of

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.json"))


PARTS = (*CORE_PARTS, *LOCAL_PARTS)
"""What head office knows: all that stores write, and its own."""


class Sample(msgspec.Struct, forbid_unknown_fields=True):
    """An event's exact bytes as text, with the documents that lay beside it."""

    event: str
    documents: dict[str, dict[str, object]]


def read(path: Path) -> Sample:
    return msgspec.json.decode(path.read_bytes(), type=Sample)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_shipped_event_is_read_and_projected(path):
    parts = Parts(PARTS)
    sample = read(path)
    event = decode(sample.event.encode())
    entry = parts.entry(event, sample.documents)
    assert entry is not None, "the kind is no longer known"
    assert path.stem.split("@")[0] == kind_of(event)
    parts.project_now(event, entry)
    parts.project_later(event, entry)


def test_every_kind_has_a_sample():
    known = {kind_name(body) for part in PARTS for body in (*part.now, *part.later)}
    assert known == {path.stem.split("@")[0] for path in SAMPLES}
