"""`dianshu hub admin replace`: a new box in the place of one that is gone, from one code."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from core.backup import BadBackup, key_option, keys_of
from core.errors import Refused
from core.money import yuan
from core.sqlite import Reader
from core.wallet import STORED_VALUE
from hub.app import open_hub
from hub.box import Born, Box
from hub.command_line import data_option, use_credentials
from hub.doorbell import ring
from hub.mirror import bring_mirrored, mirror_option, read_tails
from hub.sync import (
    LOCAL,
    Contradicts,
    Declined,
    Link,
    Replaced,
    Replacing,
    Told,
    Unreachable,
)
from hub.sync_program import REASONS, UNREACHABLE, both, program_version

STAGES = {
    "tail": "上传旧记录 bringing what was not sent",
    "past": "取回记录 the store's past",
    "feed": "取回资料 prices and people",
}
REPLACE_REASONS = {
    **REASONS,
    "join_code_joins": (
        "这是新店接入码，不是更换主机的代码",
        "this code joins a new hub: dianshu hub admin join",
    ),
}
WRONG = (
    "总部给的记录对不上，没有更换；请再试一次，仍不行就联系支持",
    "what head office keeps contradicts itself; nothing was replaced. Try again, then call us",
)


@click.command("replace")
@click.argument("url")
@click.argument("code")
@click.option(
    "--ca",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Trust this authority (PEM) for the address, and no other.",
)
@key_option
@mirror_option
@data_option
def replace_command(*, url: str, code: str, data: Path, **more: Any) -> None:
    """Make this machine a store's box again: from an empty folder, or after it was shut out.

    CODE is shown at head office, where the box is. What this machine already holds is brought
    to head office and kept beside the new database. Cut off anywhere, the same command goes on.
    """
    use_credentials(data)
    ca: Path | None = more["ca"]
    mirrored: Path | None = more["mirrored"]
    keys = keys_of(more["keys"])
    came: list[int] = []

    def bring(link: Link, context: ssl.SSLContext) -> None:
        if mirrored is not None:
            tail = read_tails(mirrored, link.hub, keys)
            came.append(bring_mirrored(tail, link, context=context))

    def opened(born: Born | None) -> Box:
        return open_hub(data, born=born)

    with _progress() as tell:
        work = Replacing(
            folder=data,
            open_box=opened,
            url=url,
            code=code,
            version=program_version(),
            ca="" if ca is None else ca.read_text(encoding="utf-8"),
            tell=tell,
            bring=bring,
        )
        done = _run(work)
    for events in came:
        click.echo(f"从备份盘补传 brought from the second medium: events {events:,}")
    _show(data, done)


def _run(work: Replacing) -> Replaced:
    try:
        return work.run()
    except Refused as refused:
        sentence = (
            LOCAL.refusals[refused.code].sentence if refused.code in LOCAL.refusals else ""
        )
        _fail(refused, sentence % refused.facts if sentence else str(refused))
    except Declined as declined:
        _fail(declined, declined.message or declined.code)
    except Contradicts as error:
        raise click.ClickException(f"{both(WRONG)}\n({error})") from error
    except Unreachable as error:
        raise click.ClickException(f"{both(UNREACHABLE)}\n({error})") from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except BadBackup as error:
        raise click.ClickException(f"备份盘打不开 the medium does not open: {error}") from error
    except (OSError, RuntimeError) as error:
        raise click.ClickException(str(error)) from error


def _fail(refusal: Refused | Declined, told: str) -> NoReturn:
    known = REPLACE_REASONS.get(refusal.code)
    raise click.ClickException(told if known is None else both(known)) from refusal


@contextmanager
def _progress() -> Iterator[Told]:
    """Show how far it is, on a terminal; elsewhere the end is enough."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as shown:
        tasks: dict[str, Any] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = shown.add_task(STAGES[stage], total=total)
            shown.update(tasks[stage], completed=done, total=total)

        yield tell


def _show(data: Path, done: Replaced) -> None:
    """Say what stands: somebody compares it with what they remember of the old box."""
    box = open_hub(data)
    try:
        with box.door.read() as db:
            lines = list(_standing(db, box))
        for name in ("sync", "web", "jobs"):
            ring(box.bells, name)
    finally:
        box.close()
    plan = done.plan
    click.echo(f"{plan.merchant_name} · {plan.store_name}: 主机已更换 the box is replaced")
    click.echo(f"第 {plan.epoch} 任 epoch · 事件 events {done.events:,}")
    for line in lines:
        click.echo(line)
    if plan.aside:
        click.echo(f"旧数据保存在 what was here is kept as hub-{plan.aside}.db")
    click.echo(
        "请启动主机程序，再重新配对平板 start the programs, then pair the tablets again:"
    )
    click.echo("  systemctl start 'dianshu-*' && dianshu hub admin pair --till 前台")


def _standing(db: Reader, box: Box) -> Iterator[str]:
    members = db.value("SELECT count(*) FROM member")
    yield f"会员 members {members:,}"
    stored = db.all(
        "SELECT asset, SUM(amount) AS amount FROM wallet_elsewhere WHERE place <> :here"
        " GROUP BY asset",
        here=box.journal.identity.place,
    )
    fen = sum(row["amount"] for row in stored if row["asset"] in STORED_VALUE)
    yield f"会员余额（在总部和别店） balances, all elsewhere now: ¥{yuan(fen)}"
    last = db.one("SELECT number, at FROM sale ORDER BY at DESC, id DESC LIMIT 1")
    yield f"最后一单 last bill {'—' if last is None else last['number']}"
    bills = db.value("SELECT count(*) FROM ticket WHERE state = 'open'")
    shifts = db.value("SELECT count(*) FROM till_period WHERE closed_at IS NULL")
    yield f"未结账单 open bills {bills:,} · 未交班 open shifts {shifts:,}"
