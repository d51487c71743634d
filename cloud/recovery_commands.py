"""`dianshu cloud admin backup|verify-backup|restore`, and whom a recovery waits for."""

from __future__ import annotations

from pathlib import Path

import click

from cloud.app import open_cloud
from cloud.command_line import data_option, opened
from cloud.platform import Platform
from cloud.recovery import (
    Backup,
    NotEmpty,
    State,
    add_recipient,
    backups_of,
    hubs_in_recovery,
    make_backup,
    make_recovery_key,
    recipients_of,
    recovery_of,
    release_hub,
    restore,
    verify_backup,
)
from core.backup import BadBackup, key_option, keys_of, moment_shown, program_version

UNSEALED = (
    "备份没有加密：拿到它的人就有了总部的一切。先用 recovery-key 做一把恢复密钥 "
    "the backup is not sealed: whoever has it has all of head office; make a recovery-key"
)


@click.command("recovery-key")
@data_option
@click.option("--recipient", help="Seal for this key (age1…) that was made elsewhere.")
def recovery_key(*, data: Path, recipient: str | None) -> None:
    """Make the key that opens backups, and print it once: it is kept nowhere here."""
    with opened(data) as platform:
        if recipient:
            add_recipient(platform, recipient)
            return
        click.echo(make_recovery_key(platform).written(), nl=False)
    click.echo(
        "请打印出来，放在服务器以外的地方；丢了它，备份就打不开 "
        "print it and keep it away from this server: without it no backup opens",
        err=True,
    )


@click.command("backup")
@data_option
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def backup(*, data: Path, folder: Path) -> None:
    """Back head office up into FOLDER while it runs, read it back, and print the file."""
    with opened(data) as platform:
        write_backup(platform, folder)


@click.command("backups")
@data_option
def list_backups(*, data: Path) -> None:
    """Show the newest backups: which were read back, and which are sealed."""
    with opened(data) as platform, platform.door.read() as db:
        for one in backups_of(db):
            click.echo(_line_of(one))


@click.command("verify-backup")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@key_option
def verify(*, file: Path, keys: tuple[Path, ...]) -> None:
    """Put FILE back into a folder of its own, check every chain in it, and remove it again."""
    try:
        manifest = verify_backup(file, keys=keys_of(keys), open_at=open_cloud)
    except BadBackup as error:
        raise click.ClickException(f"备份不能用 the backup is no good: {error}") from error
    events = sum(n for name, n in manifest.counts.items() if name.endswith("/journal"))
    made = moment_shown(manifest.made_at)
    merchants = manifest.counts["merchant"]
    click.echo(f"可用 good: {made}, merchants {merchants}, events {events}")


@click.command("restore")
@data_option
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@key_option
def restore_all(*, data: Path, file: Path, keys: tuple[Path, ...]) -> None:
    """Put head office back from FILE into an empty folder; then start its programs.

    No value moves until every store's hub has been heard: they give back what happened since.
    """
    try:
        done = restore(file, data, keys=keys_of(keys), open_at=open_cloud)
    except NotEmpty as error:
        raise click.ClickException(f"{data} 不是空的，不会覆盖 is not empty") from error
    except BadBackup as error:
        raise click.ClickException(f"备份不能用 the backup is no good: {error}") from error
    click.echo(
        f"已恢复到 restored as of {moment_shown(done.manifest.made_at)}: "
        f"merchants {done.merchants}, incarnation {done.incarnation}"
    )
    click.echo(
        "备份之后停用过的主机要再停用一次，改过的密码已是旧的 "
        "revoke again what was revoked since the backup; passwords are as they were then",
        err=True,
    )


@click.group("recovery")
def recovery() -> None:
    """Merchants whose value does not move until their hubs were heard."""


@recovery.command("list")
@data_option
def list_recoveries(*, data: Path) -> None:
    """Show for which hubs each merchant's recovery waits."""
    with opened(data) as platform, platform.door.read() as db:
        for merchant_id in platform.merchant_ids():
            known = recovery_of(db, merchant_id)
            if known is None:
                continue
            click.echo(f"{merchant_id}  {known.why}  since {moment_shown(known.began_at)}")
            for one in hubs_in_recovery(db, merchant_id):
                what = f"  {one.reason}" if one.state is State.RELEASED else ""
                click.echo(f"  {one.hub}  {one.state}  {moment_shown(one.since)}{what}")


@recovery.command("release")
@data_option
@click.argument("merchant_id")
@click.argument("hub_id")
@click.option("--reason", required=True, help="Why nobody waits for it any longer.")
def release(*, data: Path, merchant_id: str, hub_id: str, reason: str) -> None:
    """Go on without a hub that was not heard for 72 hours; what it holds is booked as lost."""
    with opened(data) as platform:
        merchant = platform.merchant(merchant_id)
        release_hub(platform, merchant, hub=hub_id, reason=reason, actor=None)


RECOVERY_COMMANDS: tuple[click.Command, ...] = (
    recovery_key,
    backup,
    list_backups,
    verify,
    restore_all,
    recovery,
)


def _line_of(one: Backup) -> str:
    read_back = "read back" if one.verified_at is not None else "NOT read back"
    sealed = "sealed" if one.sealed else "NOT sealed"
    return (
        f"{one.incarnation}-{one.number}  {moment_shown(one.made_at)}  {read_back}  {sealed}  "
        f"{one.size} bytes  {one.file}"
    )


def write_backup(platform: Platform, folder: Path) -> None:
    """Back head office up, read it back, and print the file. Raises ClickException."""
    with platform.door.read() as db:
        sealed = recipients_of(db)
    if not sealed:
        click.echo(UNSEALED, err=True)
    try:
        made = make_backup(platform, folder, open_at=open_cloud, version=program_version())
    except BadBackup as error:
        raise click.ClickException(f"备份不能用 the backup is no good: {error}") from error
    click.echo(made.file)
