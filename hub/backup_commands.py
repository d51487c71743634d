"""`dianshu hub admin backup|backup-daily|verify-backup|restore|recovery-key`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from core.backup import (
    BadBackup,
    RecoveryKey,
    check_folder,
    key_option,
    keys_of,
    moment_shown,
    program_version,
)
from core.errors import Refused
from core.web import tell
from hub.app import open_hub
from hub.backup import (
    NotBlank,
    add_recipient,
    back_up,
    daily_folder,
    make_recovery_key,
    on_own_medium,
    recipients_of,
    restore,
    set_daily_folder,
    verify_backup,
)
from hub.backup import backups as backups_of
from hub.box import Box
from hub.command_line import data_option, use_credentials
from hub.mirror import (
    mirror_folder,
    mirror_option,
    mirror_told,
    read_tails,
    set_mirror_folder,
    take_mirrored,
)
from hub.sync import joined

UNSEALED = (
    "备份没有加密：拿到它的人就有了这家店的一切。先用 recovery-key 做一把恢复密钥 "
    "the backup is not sealed: whoever has it has all of this shop; make a recovery-key"
)
SAME_MEDIUM = (
    "这个文件夹和主机在同一块存储上：存储坏了，备份也没了 "
    "this folder is on the box's own medium: what breaks one breaks both"
)

MIRROR_STATES = {
    "kept": "已写到备份盘 kept",
    "missing": "备份盘不在 the medium is not there",
    "failing": "备份盘写不进去 the medium cannot be written",
}


@contextmanager
def _opened(data: Path) -> Iterator[Box]:
    if not (data / "hub.db").is_file():
        raise click.ClickException(f"{data} is no hub yet")
    use_credentials(data)
    try:
        box = open_hub(data)
    except (OSError, RuntimeError) as error:
        raise click.ClickException(str(error)) from error
    try:
        yield box
    except Refused as refused:
        raise click.ClickException(tell(refused, box.parts.refusals)) from refused
    except BadBackup as error:
        raise click.ClickException(f"备份不能用 the backup is no good: {error}") from error
    except OSError as error:
        raise click.ClickException(str(error)) from error
    finally:
        box.close()


@click.command("recovery-key")
@data_option
@click.option("--recipient", help="Seal for this key (age1…) that was made elsewhere.")
def recovery_key(*, data: Path, recipient: str | None) -> None:
    """Make the key that opens backups, and print it once: it is kept nowhere here."""
    with _opened(data) as box:
        if recipient:
            add_recipient(box, recipient)
            return
        click.echo(make_recovery_key(box).written(), nl=False)
    click.echo(
        "请打印出来，放在店外；丢了它，备份就打不开 "
        "print it and keep it away from the shop: without it no backup opens",
        err=True,
    )


@click.command("backup")
@data_option
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def backup(*, data: Path, folder: Path) -> None:
    """Back this shop up into FOLDER while it sells, read it back, and print the file."""
    with _opened(data) as box:
        with box.door.read() as db:
            if not recipients_of(db):
                click.echo(UNSEALED, err=True)
        made = back_up(box, folder, open_at=open_hub, version=program_version())
        _warn_of_same_medium(box, folder)
        click.echo(made.file)


@click.command("backup-daily")
@data_option
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--off", is_flag=True, help="Make no daily backup any more.")
def backup_daily(*, data: Path, folder: Path | None, off: bool) -> None:
    """Say where each day's backup goes, a USB medium for instance; without FOLDER, show it."""
    with _opened(data) as box:
        if folder is not None or off:
            place = None if off or folder is None else folder.resolve()
            if place is not None:
                check_folder(place)
            box.door.write(lambda tx: set_daily_folder(tx, box, place))
            if place is not None:
                _warn_of_same_medium(box, place)
        with box.door.read() as db:
            click.echo(daily_folder(db) or "每天不备份 no daily backup")
            for one in backups_of(db):
                read_back = "read back" if one.verified_at is not None else "NOT read back"
                sealed = "sealed" if one.sealed else "NOT sealed"
                made = moment_shown(one.made_at)
                click.echo(f"{one.number}  {made}  {read_back}  {sealed}  {one.file}")


@click.command("verify-backup")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@key_option
def verify(*, file: Path, keys: tuple[Path, ...]) -> None:
    """Put FILE back into a folder of its own, check every chain in it, and remove it again."""
    try:
        manifest = verify_backup(file, keys=keys_of(keys), open_at=open_hub)
    except BadBackup as error:
        raise click.ClickException(f"备份不能用 the backup is no good: {error}") from error
    made, events = moment_shown(manifest.made_at), manifest.counts["journal"]
    click.echo(f"可用 good: {manifest.of}, {made}, events {events}")


@click.command("restore")
@data_option
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@key_option
@mirror_option
def restore_shop(
    *, data: Path, file: Path, keys: tuple[Path, ...], mirrored: Path | None
) -> None:
    """Put a shop back from FILE onto a blank machine; the old box must not run any more."""
    use_credentials(data)
    try:
        manifest = restore(file, data, keys=keys_of(keys), open_at=open_hub)
    except BadBackup as error:
        raise click.ClickException(f"备份不能用 the backup is no good: {error}") from error
    except NotBlank as error:
        raise click.ClickException(
            f"这台主机不是空的，不会覆盖 this machine is not blank: {error}"
        ) from error
    except (OSError, RuntimeError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"已恢复到 restored as of {moment_shown(manifest.made_at)}: {manifest.of}")
    if mirrored is not None:
        _take_mirrored(data, mirrored, keys_of(keys))
    if joined(data):
        click.echo(
            "接通总部后，它先取回备份之后的记录，取完才能记账 "
            "it takes up from head office what came after the backup before it books anything",
            err=True,
        )
    elif mirrored is None:
        click.echo(
            "备份之后的单据不在里面，请按小票补记 "
            "what was sold after the backup is not in it: enter it from the receipts",
            err=True,
        )


@click.command("mirror")
@data_option
@click.argument(
    "folder", required=False, type=click.Path(path_type=Path, file_okay=False, exists=True)
)
@click.option("--off", is_flag=True, help="Keep nothing there any more.")
def mirror(*, data: Path, folder: Path | None, off: bool) -> None:
    """Keep what nobody else has yet in FOLDER, on a USB medium for instance, at each sale.

    Sealed for the recovery key. Without FOLDER, show where and how it does.
    """
    with _opened(data) as box:
        if folder is not None or off:
            place = None if off or folder is None else folder.resolve()
            box.door.write(lambda tx: set_mirror_folder(tx, box, place))
            if place is not None and not on_own_medium(box, place):
                click.echo(SAME_MEDIUM, err=True)
        with box.door.read() as db:
            click.echo(mirror_folder(db) or "没有备份盘 no second medium")
        told = mirror_told(box)
        if told is not None:
            click.echo(f"{MIRROR_STATES[told.state]}, {told.upto}")


BACKUP_COMMANDS: tuple[click.Command, ...] = (
    recovery_key,
    backup,
    backup_daily,
    verify,
    restore_shop,
    mirror,
)


def _warn_of_same_medium(box: Box, folder: Path) -> None:
    if not on_own_medium(box, folder):
        click.echo(SAME_MEDIUM, err=True)


def _take_mirrored(data: Path, folder: Path, keys: list[RecoveryKey]) -> None:
    with _opened(data) as box:
        count = take_mirrored(box, read_tails(folder, box.journal.identity.origin, keys))
    click.echo(f"从备份盘取回 from the second medium: events {count}")
