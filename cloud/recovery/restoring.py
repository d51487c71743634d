"""Putting head office back from a backup: into an empty folder, as its next incarnation."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cloud.feed import position
from cloud.platform import Merchant, Platform
from cloud.recovery.backups import KIND, SECRET, Open, note_safe
from cloud.recovery.standing import Why, begin_anew, next_incarnation
from cloud.streams import keep_theirs
from core.backup import BadBackup, Manifest, RecoveryKey, open_package
from core.sqlite import Writer


class NotEmpty(Exception):
    """There is something in that folder; to put head office in its place is for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was put back."""

    manifest: Manifest
    incarnation: int
    merchants: int


def restore(path: Path, folder: Path, *, keys: list[RecoveryKey], open_at: Open) -> Restored:
    """Put a backup back into `folder`, which must be empty or not there.

    Head office then is its next incarnation, and every merchant is in recovery: no value moves
    until its hubs have given back what happened since the backup. The folder appears whole or
    not at all. Raises BadBackup, NotEmpty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise NotEmpty(str(folder))
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        manifest = open_package(path, beside, keys=keys)
        if manifest.kind != KIND:
            raise BadBackup(f"this is a backup of a {manifest.kind}")
        if not (beside / SECRET).exists():
            raise BadBackup("the key is missing")
        restored = _begin_anew(beside, manifest, open_at)
        if folder.exists():
            folder.rmdir()
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return restored


def _begin_anew(folder: Path, manifest: Manifest, open_at: Open) -> Restored:
    platform = open_at(folder)
    try:
        merchants = [platform.merchant(one) for one in platform.merchant_ids()]
        fed = {merchant.id: _fed(merchant) for merchant in merchants}
        for merchant in merchants:
            # What a merchant's copy has beyond the shared one, which was copied before it.
            keep_theirs(merchant, at=platform.clock.read().at)
        incarnation = platform.door.write(lambda tx: _mark(tx, platform, manifest, fed=fed))
    finally:
        platform.close()
    return Restored(manifest=manifest, incarnation=incarnation, merchants=len(fed))


def _mark(tx: Writer, platform: Platform, manifest: Manifest, *, fed: dict[str, int]) -> int:
    at = platform.clock.read().at
    incarnation = next_incarnation(tx, at=at)
    note_safe(tx, manifest)
    for merchant, feed_after in fed.items():
        begin_anew(tx, merchant, why=Why.RESTORED, at=at, feed_after=feed_after)
    return incarnation


def _fed(merchant: Merchant) -> int:
    with merchant.door.read() as db:
        return position(db)
