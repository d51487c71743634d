"""The option of commands that take up what the second medium has."""

from __future__ import annotations

from pathlib import Path

import click

mirror_option = click.option(
    "--mirror",
    "mirrored",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The second medium to which the old box wrote what nobody else had.",
)
