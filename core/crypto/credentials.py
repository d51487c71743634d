"""Make the appliance's secrets on its first boot: `python -m core.crypto.credentials FOLDER`.

A box makes its own secrets when it first starts and not when its image is built, else all
boxes of one image would share them.
"""

from __future__ import annotations

from pathlib import Path

import click

from core.crypto.keys import CREDENTIALS, secret_file


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def make_credentials(folder: Path) -> None:
    """Make each secret that is missing in FOLDER; those that are there stay as they are."""
    for name in CREDENTIALS:
        secret_file(folder / name)


if __name__ == "__main__":
    make_credentials()
