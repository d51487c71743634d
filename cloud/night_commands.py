"""`dianshu cloud admin backup-daily|verify-nightly|checks`: what timers run at night."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

import click

from cloud.command_line import DATA, data_option, opened
from cloud.platform import Check, Platform, last_checks, next_to_check, note_check
from cloud.recovery import backups_of, prune_backups
from cloud.recovery_commands import write_backup
from cloud.verify import NOT_TAKEN_IN, book_of
from core.backup import moment_shown
from core.verifying import NOT_PROJECTED, examine

BACKUPS = Path("/var/backups") / DATA.name
LEAST_URGENT = 19
TRIES, PAUSE_S = 5, 3.0
"""What came in a moment ago is kept and not yet taken in."""


@click.command("backup-daily")
@data_option
@click.option(
    "--into",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=BACKUPS,
    envvar="DIANSHU_CLOUD_BACKUPS",
    show_default=True,
    help="The folder of backups; better on another machine's disk.",
)
def backup_daily(*, data: Path, folder: Path) -> None:
    """Back head office up and read it back; of old ones 7 days, 4 weeks, 12 months stay."""
    with opened(data) as platform:
        write_backup(platform, folder)
        for path in prune_backups(platform, folder):
            click.echo(f"已删旧的 removed: {path.name}")


@click.command("verify-nightly")
@data_option
@click.option("--merchant", "merchant_id", help="Whose books; else whoever's turn it is.")
def verify_nightly(*, data: Path, merchant_id: str | None) -> None:
    """Make one merchant's tables again from the journal and compare, with least urgency."""
    with suppress(OSError):  # Under systemd its unit says so already, and it may not itself.
        os.nice(LEAST_URGENT)
    with opened(data) as platform:
        with platform.door.read() as db:
            merchants = platform.merchant_ids()
            chosen = merchant_id or next_to_check(db, merchants)
        if chosen is None:
            click.echo("还没有商户 no merchant yet")
            return
        check = _look_at(platform, chosen)
        platform.door.write(lambda tx: note_check(tx, check))
        click.echo(_line_of(check))
        if not check.fine:
            click.echo(check.problems, err=True)
            raise SystemExit(1)


@click.command("checks")
@data_option
def checks(*, data: Path) -> None:
    """Show when each merchant's books were last compared, what was found, and the backups."""
    with opened(data) as platform, platform.door.read() as db:
        seen = last_checks(db)
        for merchant_id in platform.merchant_ids():
            known = seen.get(merchant_id)
            click.echo(_line_of(known) if known else f"{merchant_id}  还没有核对过 not yet")
            if known and not known.fine:
                click.echo(known.problems)
        newest = next((b for b in backups_of(db) if b.verified_at is not None), None)
        when = "从来没有 never" if newest is None else moment_shown(newest.made_at)
        click.echo(f"最近一份可用的备份 newest good backup: {when}")


NIGHT_COMMANDS: tuple[click.Command, ...] = (backup_daily, verify_nightly, checks)


def _look_at(platform: Platform, merchant_id: str) -> Check:
    began, at = time.monotonic(), platform.clock.read().at
    book = book_of(platform, merchant_id)
    verdict, tries = examine(book), 1
    while tries < TRIES and any(NOT_TAKEN_IN in line for line in verdict.problems):
        time.sleep(PAUSE_S)
        verdict, tries = examine(book), tries + 1
    # What stands in the tray waits for a person who was told of it already.
    problems = [line for line in verdict.problems if NOT_PROJECTED not in line]
    return Check(
        merchant=merchant_id,
        at=at,
        took_ms=int((time.monotonic() - began) * 1000),
        events=next(iter(verdict.counts.values()), 0),
        problems="\n".join(problems),
    )


def _line_of(check: Check) -> str:
    found = "全部一致 all of it holds"
    if not check.fine:
        found = "账目与原始记录对不上，请联系维护 the tables are not what the journal says"
    return (
        f"{check.merchant}  {moment_shown(check.at)}  {found}"
        f"  ({check.events:,} events, {check.took_ms / 1000:.1f} s)"
    )
