"""Putting a box back from a backup, onto a machine that is no shop yet."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.backup import BadBackup, Manifest, RecoveryKey, open_package
from core.crypto import replace_private
from core.sqlite import Writer
from hub import fence
from hub.backup.making import (
    CERTIFICATES,
    DATABASE,
    LINK,
    SECRETS,
    Open,
    faults_in,
)
from hub.board import bind
from hub.box import Box
from hub.devices import drop_waiting

BELLS = ("web", "devices", "jobs", "sync")
RESTORED = "restored"
_HANDED = "CREDENTIALS_DIRECTORY"


class NotBlank(Exception):
    """There is a shop on this machine, or its programs run; somebody has to decide first."""


def restore(path: Path, folder: Path, *, keys: list[RecoveryKey], open_at: Open) -> Manifest:
    """Put a box back into `folder`; what blank box was there is set aside, never deleted.

    A box that is joined writes nothing before head office has said how far its journal goes:
    it has forgotten what came after the backup, and head office has not. Raises BadBackup,
    NotBlank, and then nothing has changed.
    """
    _check_blank(folder, open_at)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=folder, prefix=".restore-"))
    try:
        manifest = open_package(path, fresh / "new", keys=keys)
        shutil.copytree(fresh / "new", fresh / "look")
        with _own_secrets():
            if faults := list(faults_in(fresh / "look", manifest, open_at)):
                raise BadBackup("; ".join(faults[:20]))
        _set_aside(folder, manifest)
        _move_in(fresh / "new", folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    box = open_at(folder)
    try:
        box.door.write(lambda tx: _take_up(tx, box))
    finally:
        box.close()
    return manifest


def _take_up(tx: Writer, box: Box) -> None:
    # What waited for paper then was printed, or is of no use any more.
    drop_waiting(tx)
    bind(tx, box.board)
    if (box.folder / LINK).exists():
        since = box.journal.clock.read().at
        fence.put_up(tx, fence.TAKING_UP, reason=RESTORED, since=since)


# -- is it blank? ------------------------------------------------------------------------------


def _check_blank(folder: Path, open_at: Open) -> None:
    if running := [name for name in BELLS if _hears(folder / "run" / f"{name}.bell")]:
        raise NotBlank(f"{', '.join(running)}: systemctl stop 'dianshu-*'")
    database = folder / DATABASE
    if not database.exists() or not database.stat().st_size:
        return
    if (folder / LINK).exists():
        raise NotBlank(f"{folder} is joined to a head office")
    try:
        box = open_at(folder)
    except (RuntimeError, OSError) as error:
        raise NotBlank(str(error)) from error
    try:
        with box.door.read() as db:
            if box.store_id(db) or box.journal.head(db).seq:
                raise NotBlank(f"{folder} is a shop")
    finally:
        box.close()


def _hears(bell: Path) -> bool:
    """Say whether a program of this box has its ear at a bell."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ringing:
        try:
            ringing.connect(str(bell))
        except OSError:
            return False
    return True


# -- moving in ---------------------------------------------------------------------------------


@contextmanager
def _own_secrets() -> Iterator[None]:
    """Look at secrets in the folder, not at those that systemd handed to this command."""
    handed = os.environ.pop(_HANDED, None)
    try:
        yield
    finally:
        if handed is not None:
            os.environ[_HANDED] = handed


def _set_aside(folder: Path, manifest: Manifest) -> None:
    """Move away what a blank box has, so that nothing of it is mixed with what comes."""
    aside = folder / f"before-restore-{manifest.made_at}-{os.urandom(3).hex()}"
    names = [f"{DATABASE}{end}" for end in ("", "-wal", "-shm")]
    names += [LINK, *CERTIFICATES, *(f"secrets/{name}" for name in SECRETS)]
    for name in names:
        path = folder / name
        if path.exists() and path.stat().st_size:
            target = aside / name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if name == DATABASE:
                shutil.copy2(path, target)  # It stays, for the mode and owner that it has.
            else:
                path.rename(target)


def _move_in(fresh: Path, folder: Path) -> None:
    """Lay everything where it belongs, the database last: until then nothing is a shop."""
    handed = os.environ.get(_HANDED)
    for name, credential in SECRETS.items():
        source = fresh / "secrets" / name
        if source.exists():
            target = Path(handed, credential) if handed else folder / "secrets" / name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_private(target, source.read_bytes())
    for name in (LINK, *CERTIFICATES):
        if (fresh / name).exists():
            (folder / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_private(folder / name, (fresh / name).read_bytes())
    database = folder / DATABASE
    if database.exists():
        held = database.stat()
        (fresh / DATABASE).chmod(held.st_mode & 0o777)
        os.chown(fresh / DATABASE, held.st_uid, held.st_gid)
    (fresh / DATABASE).replace(database)
