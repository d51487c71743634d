"""Readings of cards and barcodes that a device sends to a till."""

from __future__ import annotations

import msgspec

from core.web import Asked, Endpoint, write
from hub.access import till
from hub.api.blueprint import api
from hub.api.shapes import ShortText
from hub.attempts import Answer
from hub.devices import put_scan


class Reading(Asked, frozen=True, kw_only=True):
    """What a reader read; without a till it is for the token's own."""

    value: ShortText
    till: ShortText = ""


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    scan: str
    till: str


@api.post("/scans")
@Endpoint(
    permission="device.swipe",
    body=Reading,
    answer=Scan,
    status=201,
    refusals=("scan_malformed",),
)
def put_reading(asked: Reading) -> Answer:
    """Put a reading before the tablet of a till."""
    place = asked.till or till()
    scan = write(lambda tx, act: put_scan(tx, act, till=place, value=asked.value))
    return {"scan": scan, "till": place}
