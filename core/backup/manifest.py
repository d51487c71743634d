"""What a backup says of itself: which streams it holds how far, and a digest of each file."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from core.crypto import verify_log
from core.sqlite import Reader

FORMAT = 1
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*){0,3}")
FILES_MAX = 100_000
_CONTEXT = b"H1 backup\0"

Count = Annotated[int, msgspec.Meta(ge=0)]


class BadBackup(Exception):
    """This file is no backup, or not all of it, or not what its manifest vouches for."""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the backup."""

    name: str
    size: Count
    sha256: str


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """How far a journal reaches in one of the databases, and the chain's head there."""

    database: str
    origin: str
    epoch: Count
    seq: Count
    head: bytes


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A backup's own words; what is signed are its exact bytes."""

    kind: str
    """cloud or hub."""
    of: str
    """Which one: a hub's id; for head office the fingerprint of its authority."""
    number: Count
    """Counts the backups of one incarnation."""
    incarnation: Count = 0
    previous: str = ""
    """The digest of the manifest before, in hex: a backup that was taken away shows."""
    made_at: Count
    version: str = ""
    signer: str
    """The public key that signed it, base64url."""
    files: tuple[Item, ...]
    streams: tuple[Stream, ...] = ()
    counts: dict[str, int] = {}
    """How many rows of what, for whoever restores to compare."""
    format: int = FORMAT


def signed_bytes(raw: bytes) -> bytes:
    """Return what the signature over a manifest covers."""
    return _CONTEXT + raw


def read_manifest(raw: bytes, signature: bytes) -> Manifest:
    """Read a manifest and check that its signer made it. Raises BadBackup.

    That proves that it is whole. Whose it is, is for the reader to compare: `signer`.
    """
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
        sound = verify_log(
            public=manifest.signer, message=signed_bytes(raw), signature=signature
        )
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        raise BadBackup(f"the manifest cannot be read: {error}") from error
    if not sound:
        raise BadBackup("the manifest is not what was signed")
    if manifest.format != FORMAT:
        raise BadBackup(f"format {manifest.format} is from another version")
    names = [item.name for item in manifest.files]
    if len(names) > FILES_MAX or len(set(names)) != len(names):
        raise BadBackup("the manifest names a file twice, or too many")
    if not all(NAME.fullmatch(name) for name in names):
        raise BadBackup("the manifest names a file that is none")
    return manifest


def read_streams(db: Reader, database: str) -> list[Stream]:
    """Return how far every journal of a database reaches."""
    rows = db.all(
        """SELECT o.origin, o.epoch, j.seq, j.head FROM origin o JOIN journal j
              ON j.origin = o.origin AND j.epoch = o.epoch AND j.seq = (
                SELECT MAX(seq) FROM journal WHERE origin = o.origin AND epoch = o.epoch)
            ORDER BY o.origin, o.epoch"""
    )
    return [
        Stream(
            database=database,
            origin=row["origin"],
            epoch=row["epoch"],
            seq=row["seq"],
            head=row["head"],
        )
        for row in rows
    ]
