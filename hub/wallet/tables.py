"""What this store was told of value that lies elsewhere, and what it asked to be sent."""

from __future__ import annotations

from typing import Any

import msgspec

from core.journal import Part
from core.sqlite import Migration, Writer
from core.wallet import Lot
from hub.wallet.advancing import REFUSALS


def _take(tx: Writer, member: str, content: dict[str, Any] | None) -> None:
    """Keep where a member's value lies, as head office sums it up, this store included."""
    tx.run("DELETE FROM wallet_elsewhere WHERE member = :member", member=member)
    told = content or {}
    places, moved = told.get("places", {}), told.get("moved", {})
    for place in sorted({*places, *moved}):
        held, came = places.get(place, {}), moved.get(place, {})
        for asset in sorted({*held, *came}):
            tx.run(
                """INSERT INTO wallet_elsewhere (member, place, asset, amount, moved)
                   VALUES (:member, :place, :asset, :amount, :moved)""",
                member=member,
                place=place,
                asset=asset,
                amount=held.get(asset, 0),
                moved=came.get(asset, 0),
            )
    tx.run("DELETE FROM pass_elsewhere WHERE member = :member", member=member)
    for lot in msgspec.convert(told.get("lots", ()), tuple[Lot, ...]):
        tx.run(
            "INSERT INTO pass_elsewhere (member, lot, content)"
            " VALUES (:member, :lot, :content)",
            member=member,
            lot=lot.lot,
            content=msgspec.json.encode(lot),
        )


LOCAL = Part(
    name="wallet_elsewhere",
    migrations=(
        Migration(
            "wallet_elsewhere/1",
            (
                # In fen or points. The own place stands here too, as head office knew it then:
                # what came or went since is told by the own table of transfers.
                """CREATE TABLE wallet_elsewhere (
                     member TEXT NOT NULL,
                     place TEXT NOT NULL,
                     asset TEXT NOT NULL,
                     amount INTEGER NOT NULL,
                     moved INTEGER NOT NULL,
                     PRIMARY KEY (member, place, asset)
                   ) STRICT, WITHOUT ROWID""",
                # The newest wish for each member: asked until head office answers, and then
                # what it answered.
                """CREATE TABLE follow_request (
                     id TEXT PRIMARY KEY,
                     member TEXT NOT NULL UNIQUE,
                     asked_at INTEGER NOT NULL,
                     state TEXT NOT NULL
                       CHECK (state IN ('asked', 'granted', 'recalling', 'nothing')),
                     why TEXT NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                """CREATE INDEX follow_request_asked ON follow_request (asked_at)
                    WHERE state = 'asked'""",
            ),
        ),
        Migration(
            "wallet_elsewhere/2",
            (
                # Why nothing came, where head office gave a reason.
                "ALTER TABLE follow_request ADD COLUMN reason TEXT NOT NULL DEFAULT ''",
            ),
        ),
        Migration(
            "wallet_elsewhere/3",
            (
                # What a member's passes are that may never have been here.
                """CREATE TABLE pass_elsewhere (
                     member TEXT NOT NULL,
                     lot TEXT NOT NULL,
                     content BLOB NOT NULL,
                     PRIMARY KEY (member, lot)
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
    ),
    tables={
        "wallet_elsewhere": ("member", "place", "asset"),
        "pass_elsewhere": ("member", "lot"),
    },
    feeds={"wallet": _take},
    refusals=REFUSALS,
)
