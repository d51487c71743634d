"""What the commands of both sides ask for and say alike around backups."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from core.backup.sealing import RecoveryKey, read_recovery_key
from core.clock import BusinessDay

SHOWN_IN = BusinessDay("Asia/Shanghai")

key_option = click.option(
    "--key",
    "keys",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The recovery key, as recovery-key printed it.",
)


def keys_of(paths: tuple[Path, ...]) -> list[RecoveryKey]:
    """Read recovery keys. Raises UsageError."""
    try:
        return [read_recovery_key(path.read_text(encoding="utf-8")) for path in paths]
    except (ValueError, OSError) as error:
        raise click.UsageError(f"这不是恢复密钥 no recovery key: {error}") from error


def program_version() -> str:
    """Return the version that a backup names; empty where nothing was installed."""
    try:
        return version("dianshu")
    except PackageNotFoundError:
        return ""


def moment_shown(at: int) -> str:
    """Return an instant (ms) as the operator's commands print it."""
    return SHOWN_IN.local(at).strftime("%Y-%m-%d %H:%M")
