"""Lists of the system before, taken in: dry run first, each row once, bad rows told apart."""

from hub.imports.commands import import_group
from hub.imports.exporting import export_group
from hub.imports.service import post_batch, post_member

__all__ = ["export_group", "import_group", "post_batch", "post_member"]
