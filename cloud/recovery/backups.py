"""Backups of head office: taken while it runs, sealed, read back, and only then relied on.

What is in one: the shared database and every merchant's, as they lie, encrypted by their own
keys; the key that opens the shared one, in which the merchants' keys lie; the certificate
authority with its key. So a backup is head office itself, and is sealed for a recovery key
that head office does not hold. What is not in one: lists sent for an import, and certificates
that are made again by themselves.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cloud.platform import Merchant, Platform, all_hubs, epochs_of
from cloud.recovery.standing import incarnation_of
from cloud.streams import cursor_of
from core.backup import (
    BadBackup,
    Content,
    Manifest,
    RecoveryKey,
    Stream,
    Written,
    check_folder,
    check_recipient,
    new_recovery_key,
    open_package,
    read_streams,
    signer_of,
    stale_backups,
    write_package,
)
from core.crypto import LogKey
from core.journal import signed_by_birth, verify
from core.sqlite import Reader, Row, Writer, looking_into

KIND = "cloud"
PLATFORM_DB, MERCHANTS = "platform.db", "merchants"
SECRET = "secrets/platform.key"  # noqa: S105 - where it lies in a backup, and no secret
AUTHORITY = ("pki/ca.pem", "pki/ca-key.pem")
RECIPIENTS = "backup-recipients"
FAULTS_TOLD_MAX = 20
PRUNED_OF = 1_000
"""So many backups back a folder is looked through."""

Open = Callable[[Path], Platform]
"""Opens head office in a folder: cloud.app.open_cloud."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A backup as head office remembers it; times in ms."""

    incarnation: int
    number: int
    made_at: int
    verified_at: int | None
    file: str
    size: int
    sha256: str
    manifest: str
    sealed: bool


def backup_signer(platform: Platform) -> LogKey:
    """Return the key by which this head office's backups are known as its own."""
    return signer_of(platform.secret)


def make_recovery_key(platform: Platform) -> RecoveryKey:
    """Make a key for which backups are sealed from now on; its secret half is kept nowhere."""
    key = new_recovery_key(signer=backup_signer(platform).public)
    add_recipient(platform, key.recipient)
    return key


def add_recipient(platform: Platform, recipient: str) -> None:
    """Seal backups for one more key. Refused: bad_recipient."""
    check_recipient(recipient)

    def add(tx: Writer) -> None:
        known = dict.fromkeys([*recipients_of(tx), recipient])
        tx.run(
            "INSERT INTO memory (name, value) VALUES (:name, :value)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            name=RECIPIENTS,
            value=" ".join(known),
        )

    platform.door.write(add)


def recipients_of(db: Reader) -> tuple[str, ...]:
    """Return for whom backups are sealed; nobody is: they are not."""
    held = db.value("SELECT value FROM memory WHERE name = :name", name=RECIPIENTS)
    return tuple(held.split()) if held else ()


def backups_of(db: Reader, *, limit: int = 30) -> list[Backup]:
    """Return the newest backups of this incarnation and those before, the newest first."""
    rows = db.all(
        "SELECT * FROM backup ORDER BY incarnation DESC, number DESC LIMIT :limit", limit=limit
    )
    return [Backup(**{**dict(row), "sealed": bool(row["sealed"])}) for row in rows]


def make_backup(platform: Platform, folder: Path, *, open_at: Open, version: str) -> Backup:
    """Back head office up into a folder, read the file back, and note what it has of each hub.

    It is sealed for the recovery keys and, for the reading back, for one that exists in this
    process alone. Raises BadBackup where what was written cannot be put back; then the file
    stays for somebody to look at, and nothing relies on it. Refused: backup_folder_missing.
    """
    check_folder(folder)
    trial = new_recovery_key(signer=backup_signer(platform).public)
    with _staged(platform) as staged:
        with platform.door.read() as db:
            sealed_for = recipients_of(db)
        manifest, contents = _describe(platform, staged, version=version)
        written = write_package(
            folder / _name(manifest, sealed=bool(sealed_for)),
            manifest,
            contents,
            sign=backup_signer(platform).sign,
            recipients=(*sealed_for, trial.recipient) if sealed_for else (),
        )
    backup = _note(platform, manifest, written, sealed=bool(sealed_for))
    verify_backup(written.path, keys=[trial], open_at=open_at, scratch=platform.folder)
    return _rely_on(platform, backup, manifest)


def prune_backups(platform: Platform, folder: Path) -> list[Path]:
    """Remove this head office's old backups from a folder; return which.

    The newest that was read back stays, wherever it lies. Another head office's in the same
    folder are not in its list, and stay.
    """
    with platform.door.read() as db:
        known = backups_of(db, limit=PRUNED_OF)
    kept = next((Path(one.file) for one in known if one.verified_at is not None), None)
    mine = [path for one in known if (path := folder / Path(one.file).name).is_file()]
    gone = list(stale_backups(mine, kept=kept))
    for path in gone:
        path.unlink()
    return gone


def verify_backup(
    path: Path, *, keys: list[RecoveryKey], open_at: Open, scratch: Path | None = None
) -> Manifest:
    """Put a backup back into a folder of its own, check every chain there, and remove it.

    Raises BadBackup, with what does not hold.
    """
    with tempfile.TemporaryDirectory(dir=scratch, prefix=".verify-") as temporary:
        into = Path(temporary)
        manifest = open_package(path, into, keys=keys)
        if manifest.kind != KIND:
            raise BadBackup(f"this is a backup of a {manifest.kind}")
        faults = list(_faults(into, manifest, open_at))[:FAULTS_TOLD_MAX]
    if faults:
        raise BadBackup("; ".join(faults))
    return manifest


# -- what is packed ----------------------------------------------------------------------------


@contextmanager
def _staged(platform: Platform) -> Iterator[Path]:
    """Lend a folder with copies of all databases, beside the living ones and as they are.

    The shared one first: what a merchant's copy has of its own streams beyond it goes on from
    there, while the other way round the two would contradict each other.
    """
    with tempfile.TemporaryDirectory(dir=platform.folder, prefix=".backup-") as temporary:
        staged = Path(temporary)
        platform.door.copy_to(staged / PLATFORM_DB)
        (staged / MERCHANTS).mkdir(mode=0o700)
        for merchant_id in platform.merchant_ids():
            merchant = platform.merchant(merchant_id)
            merchant.door.copy_to(staged / MERCHANTS / f"{merchant_id}.db")
        yield staged


def _describe(
    platform: Platform, staged: Path, *, version: str
) -> tuple[Manifest, list[Content]]:
    databases = sorted(path.relative_to(staged) for path in staged.rglob("*.db"))
    contents = [Content(name=path.as_posix(), path=staged / path) for path in databases]
    contents.append(Content(name=SECRET, raw=platform.secret))
    contents += [
        Content(name=name, raw=path.read_bytes())
        for name in AUTHORITY
        if (path := platform.folder / name).exists()
    ]
    streams, counts = _extent(staged, platform.secret)
    with platform.door.read() as db:
        incarnation = incarnation_of(db)
        last = next(iter(backups_of(db, limit=1)), None)
    mine = last if last is not None and last.incarnation == incarnation else None
    manifest = Manifest(
        kind=KIND,
        of=_fingerprint(platform),
        number=1 if mine is None else mine.number + 1,
        incarnation=incarnation,
        previous="" if last is None else last.manifest,
        made_at=platform.clock.read().at,
        version=version,
        signer=backup_signer(platform).public,
        files=tuple(content.item() for content in contents),
        streams=streams,
        counts=counts,
    )
    return manifest, contents


def _extent(folder: Path, secret: bytes) -> tuple[tuple[Stream, ...], dict[str, int]]:
    """Return how far everything in a copy reaches, and how much there is; nothing changes."""
    with looking_into(folder / PLATFORM_DB, key=secret) as db:
        streams = [_kept(row) for row in db.all(_CURSORS)]
        counts = _counted(db, "", ("merchant", "hub", "epoch", "segment"))
        keys = {row["merchant"]: row["value"] for row in db.all(_KEYS)}
    for path in sorted((folder / MERCHANTS).glob("*.db")):
        if path.stem not in keys:
            raise BadBackup(f"{path.name} is a merchant's that the shared database lacks")
        with looking_into(path, key=keys[path.stem]) as db:
            streams += read_streams(db, f"{MERCHANTS}/{path.name}")
            counts |= _counted(
                db, f"{path.stem}/", ("journal", "document", "feed_document", "holding")
            )
    return tuple(streams), counts


def _counted(db: Reader, before: str, tables: tuple[str, ...]) -> dict[str, int]:
    # The names are the ones above, never from outside.
    return {
        f"{before}{table}": db.value(f"SELECT COUNT(*) FROM {table}")  # noqa: S608
        for table in tables
    }


_KEYS = "SELECT merchant, value FROM merchant_secret WHERE name = 'database-key'"
_CURSORS = "SELECT origin, epoch, seq, head FROM stream_cursor ORDER BY origin, epoch"


def _kept(row: Row) -> Stream:
    return Stream(
        database=PLATFORM_DB,
        origin=row["origin"],
        epoch=row["epoch"],
        seq=row["seq"],
        head=row["head"],
    )


def _fingerprint(platform: Platform) -> str:
    root = platform.folder / AUTHORITY[0]
    return hashlib.sha256(root.read_bytes()).hexdigest()[:16] if root.exists() else ""


def _name(manifest: Manifest, *, sealed: bool) -> str:
    at = datetime.fromtimestamp(manifest.made_at / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    ending = "tar.zst.age" if sealed else "tar.zst"
    return f"dianshu-cloud-{manifest.incarnation}-{manifest.number:05}-{at}.{ending}"


# -- what is relied on -------------------------------------------------------------------------


def _note(platform: Platform, manifest: Manifest, written: Written, *, sealed: bool) -> Backup:
    backup = Backup(
        incarnation=manifest.incarnation,
        number=manifest.number,
        made_at=manifest.made_at,
        verified_at=None,
        file=str(written.path),
        size=written.size,
        sha256=written.sha256,
        manifest=written.manifest,
        sealed=sealed,
    )
    platform.door.write(
        lambda tx: tx.run(
            "INSERT INTO backup (incarnation, number, made_at, file, size, sha256, manifest,"
            " sealed) VALUES (:incarnation, :number, :made_at, :file, :size, :sha256,"
            " :manifest, :sealed)",
            incarnation=backup.incarnation,
            number=backup.number,
            made_at=backup.made_at,
            file=backup.file,
            size=backup.size,
            sha256=backup.sha256,
            manifest=backup.manifest,
            sealed=int(sealed),
        )
    )
    return backup


def _rely_on(platform: Platform, backup: Backup, manifest: Manifest) -> Backup:
    at = platform.clock.read().at

    def rely(tx: Writer) -> None:
        tx.run(
            "UPDATE backup SET verified_at = :at"
            " WHERE incarnation = :incarnation AND number = :number",
            at=at,
            incarnation=backup.incarnation,
            number=backup.number,
        )
        note_safe(tx, manifest)

    platform.door.write(rely)
    platform.ring("ingest")
    platform.ring("web")
    return Backup(
        **{name: getattr(backup, name) for name in Backup.__slots__ if name != "verified_at"},
        verified_at=at,
    )


def note_safe(tx: Writer, manifest: Manifest) -> None:
    """Note how far a backup that was read back holds every stream, in the others' place."""
    tx.run("DELETE FROM safe")
    for stream in manifest.streams:
        if stream.database == PLATFORM_DB:
            tx.run(
                "INSERT INTO safe (origin, epoch, seq) VALUES (:origin, :epoch, :seq)",
                origin=stream.origin,
                epoch=stream.epoch,
                seq=stream.seq,
            )


# -- what does not hold ------------------------------------------------------------------------


def _faults(folder: Path, manifest: Manifest, open_at: Open) -> Iterator[str]:
    """Yield what in an unpacked backup is not as it should be. Opening it writes into it."""
    try:
        streams, counts = _extent(folder, (folder / SECRET).read_bytes())
        opened = open_at(folder)
    except (RuntimeError, OSError) as error:
        yield f"it does not open: {error}"
        return
    try:
        if streams != manifest.streams:
            yield "the journals do not reach as far as the manifest says"
        if counts != manifest.counts:
            yield "the tables hold other numbers of rows than the manifest says"
        yield from _broken(opened)
    finally:
        opened.close()


def _broken(platform: Platform) -> Iterator[str]:
    yield from (f"{PLATFORM_DB}: {line}" for line in platform.door.integrity())
    for merchant_id in platform.merchant_ids():
        merchant = platform.merchant(merchant_id)
        yield from (f"{merchant_id}: {line}" for line in merchant.door.integrity())
        with merchant.door.read() as db:
            yield from (f"{merchant_id}: {found}" for found in verify(db, signed_by_birth))
        yield from _not_level(platform, merchant)


def _not_level(platform: Platform, merchant: Merchant) -> Iterator[str]:
    """Yield where a merchant's journal contradicts what is kept of the same stream."""
    with platform.door.read() as shared, merchant.door.read() as db:
        for hub in all_hubs(shared):
            for epoch in epochs_of(shared, hub.id) if hub.merchant == merchant.id else ():
                kept = cursor_of(shared, hub.id, epoch.epoch, epoch.birth)
                head = db.value(
                    "SELECT head FROM journal"
                    " WHERE origin = :hub AND epoch = :epoch AND seq = :seq",
                    hub=hub.id,
                    epoch=epoch.epoch,
                    seq=kept.have,
                )
                if head is not None and head != kept.head:
                    yield f"{merchant.id}: {hub.id} is another one at event {kept.have}"
