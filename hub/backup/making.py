"""Making a backup of this box and reading it back."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

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
    write_package,
)
from core.crypto import LogKey, secret_file
from core.journal import Identity
from core.sqlite import Reader, Writer, looking_into
from hub.backup.tables import set_setting, setting
from hub.box import Box

KIND = "hub"
DATABASE = "hub.db"
LINK = "link.json"
SECRETS = {
    "database.key": "database-key",
    "log.key": "log-key",
    "pin.pepper": "pin-pepper",
    "card.key": "card-key",
    "link.key": "link-key",
}
"""Files in `secrets/`, and the names under which systemd hands the same to a unit."""
LINK_KEY = "link.key"
CERTIFICATES = ("certificates/ca.pem", "certificates/ca-key.pem")
COUNTED = ("journal", "document", "member", "holding", "feed_document")
RECIPIENTS = "recipients"
EXTENT = "extent"

Open = Callable[[Path], Box]
"""Opens the box in a folder: hub.app.open_hub."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeBackup:
    """A backup as this box remembers it; times in ms."""

    number: int
    made_at: int
    verified_at: int | None
    file: str
    size: int
    sha256: str
    manifest: str
    sealed: bool


def backup_signer(box: Box) -> LogKey:
    """Return the key by which this box's backups are known as its own."""
    return signer_of(box.database_key)


def make_recovery_key(box: Box) -> RecoveryKey:
    """Make a key for which backups are sealed from now on; its secret half is kept nowhere."""
    key = new_recovery_key(signer=backup_signer(box).public)
    add_recipient(box, key.recipient)
    return key


def add_recipient(box: Box, recipient: str) -> None:
    """Seal backups for one more key. Refused: bad_recipient."""
    check_recipient(recipient)

    def add(tx: Writer) -> None:
        known = dict.fromkeys([*recipients_of(tx), recipient])
        set_setting(tx, RECIPIENTS, " ".join(known))

    box.door.write(add)


def recipients_of(db: Reader) -> tuple[str, ...]:
    """Return for whom backups are sealed; nobody is: they are not."""
    return tuple(setting(db, RECIPIENTS).split())


def backups(db: Reader, *, limit: int = 30) -> list[MadeBackup]:
    """Return the newest backups, the newest first."""
    rows = db.all("SELECT * FROM backup ORDER BY number DESC LIMIT :limit", limit=limit)
    return [MadeBackup(**{**dict(row), "sealed": bool(row["sealed"])}) for row in rows]


def back_up(box: Box, folder: Path, *, open_at: Open, version: str) -> MadeBackup:
    """Back this box up into a folder while it sells, and read the file back.

    Raises BadBackup where what was written cannot be put back; the file then stays for somebody
    to look at, and is told as not read back. Refused: backup_folder_missing.
    """
    check_folder(folder)
    trial = new_recovery_key(signer=backup_signer(box).public)
    with box.door.read() as db:
        sealed_for = recipients_of(db)
        last = next(iter(backups(db, limit=1)), None)
    with tempfile.TemporaryDirectory(dir=box.folder, prefix=".backup-") as temporary:
        copy = Path(temporary) / DATABASE
        box.door.copy_to(copy)
        contents = list(_contents(box, copy))
        manifest = _manifest(box, copy, contents, last=last, version=version)
        written = write_package(
            folder / _name(manifest, sealed=bool(sealed_for)),
            manifest,
            contents,
            sign=backup_signer(box).sign,
            recipients=(*sealed_for, trial.recipient) if sealed_for else (),
        )
    made = _note(box, manifest, written, sealed=bool(sealed_for))
    verify_backup(written.path, keys=[trial], open_at=open_at, scratch=box.folder)
    at = box.journal.clock.read().at

    def note(tx: Writer) -> None:
        tx.run(
            "UPDATE backup SET verified_at = :at WHERE number = :number",
            at=at,
            number=made.number,
        )
        _note_extent(tx, box.journal.identity, manifest.streams)

    box.door.write(note)
    return replace(made, verified_at=at)


def backed_up(db: Reader, me: Identity) -> int:
    """Return up to which event the newest backup that was read back has this journal."""
    epoch, _colon, seq = setting(db, EXTENT).partition(":")
    return int(seq) if epoch == str(me.epoch) else 0


def _note_extent(tx: Writer, me: Identity, streams: tuple[Stream, ...]) -> None:
    for stream in streams:
        if (stream.origin, stream.epoch) == (me.origin, me.epoch):
            set_setting(tx, EXTENT, f"{me.epoch}:{stream.seq}")


def verify_backup(
    path: Path, *, keys: list[RecoveryKey], open_at: Open, scratch: Path | None = None
) -> Manifest:
    """Put a backup back into a folder of its own, check every chain there, and remove it.

    Raises BadBackup, with what does not hold.
    """
    with tempfile.TemporaryDirectory(dir=scratch, prefix=".verify-") as temporary:
        into = Path(temporary)
        manifest = open_package(path, into, keys=keys)
        if faults := list(faults_in(into, manifest, open_at))[:20]:
            raise BadBackup("; ".join(faults))
    return manifest


def faults_in(folder: Path, manifest: Manifest, open_at: Open) -> Iterator[str]:
    """Yield what in an unpacked backup is not as it should be. Opening it writes into it."""
    if manifest.kind != KIND:
        yield f"this is a backup of a {manifest.kind}"
        return
    try:
        key = (folder / "secrets" / "database.key").read_bytes()
        streams, counts = _extent(folder / DATABASE, key)
        box = open_at(folder)
    except (RuntimeError, OSError) as error:
        yield f"it does not open: {error}"
        return
    try:
        if streams != manifest.streams:
            yield "the journals do not reach as far as the manifest says"
        if counts != manifest.counts:
            yield "the tables hold other numbers of rows than the manifest says"
        yield from box.door.integrity()
        yield from map(str, box.findings())
    finally:
        box.close()


def _contents(box: Box, copy: Path) -> Iterator[Content]:
    yield Content(name=DATABASE, path=copy)
    for name, credential in SECRETS.items():
        if name == LINK_KEY and not (box.folder / LINK).exists():
            continue  # It would be made here, for a box that was never joined.
        raw = secret_file(box.folder / "secrets" / name, credential=credential)
        yield Content(name=f"secrets/{name}", raw=raw)
    for name in (LINK, *CERTIFICATES):
        path = box.folder / name
        try:
            raw = path.read_bytes()
        except (FileNotFoundError, PermissionError):
            # The authority is the web program's alone; without it tablets trust a new one.
            continue
        yield Content(name=name, raw=raw)


def _manifest(
    box: Box, copy: Path, contents: list[Content], *, last: MadeBackup | None, version: str
) -> Manifest:
    streams, counts = _extent(copy, box.database_key)
    return Manifest(
        kind=KIND,
        of=box.journal.identity.origin,
        number=1 if last is None else last.number + 1,
        previous="" if last is None else last.manifest,
        made_at=box.journal.clock.read().at,
        version=version,
        signer=backup_signer(box).public,
        files=tuple(content.item() for content in contents),
        streams=streams,
        counts=counts,
    )


def _extent(path: Path, key: bytes) -> tuple[tuple[Stream, ...], dict[str, int]]:
    with looking_into(path, key=key) as db:
        counts = {
            table: db.value(f"SELECT COUNT(*) FROM {table}")  # noqa: S608 - our own names
            for table in COUNTED
        }
        return tuple(read_streams(db, DATABASE)), counts


def _name(manifest: Manifest, *, sealed: bool) -> str:
    at = datetime.fromtimestamp(manifest.made_at / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    ending = "tar.zst.age" if sealed else "tar.zst"
    return f"dianshu-hub-{manifest.of}-{manifest.number:05}-{at}.{ending}"


def _note(box: Box, manifest: Manifest, written: Written, *, sealed: bool) -> MadeBackup:
    made = MadeBackup(
        number=manifest.number,
        made_at=manifest.made_at,
        verified_at=None,
        file=str(written.path),
        size=written.size,
        sha256=written.sha256,
        manifest=written.manifest,
        sealed=sealed,
    )
    box.door.write(
        lambda tx: tx.run(
            "INSERT INTO backup (number, made_at, file, size, sha256, manifest, sealed)"
            " VALUES (:number, :made_at, :file, :size, :sha256, :manifest, :sealed)",
            number=made.number,
            made_at=made.made_at,
            file=made.file,
            size=made.size,
            sha256=made.sha256,
            manifest=made.manifest,
            sealed=int(sealed),
        )
    )
    return made
