"""What commands ask for that open what was sealed: the recovery key, and the second medium."""

from __future__ import annotations

from pathlib import Path

import click

from core.backup import RecoveryKey, read_recovery_key

key_option = click.option(
    "--key",
    "keys",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The recovery key, as recovery-key printed it.",
)
mirror_option = click.option(
    "--mirror",
    "mirrored",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The second medium to which the old box wrote what nobody else had.",
)


def keys_of(paths: tuple[Path, ...]) -> list[RecoveryKey]:
    """Read recovery keys. Raises UsageError."""
    try:
        return [read_recovery_key(path.read_text(encoding="utf-8")) for path in paths]
    except (ValueError, OSError) as error:
        raise click.UsageError(f"这不是恢复密钥 no recovery key: {error}") from error
