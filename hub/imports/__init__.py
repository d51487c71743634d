"""Lists of the system before, taken in: dry run first, each row once, bad rows told apart."""

from hub.imports.service import Tally, add_categories, post_batch, post_item, post_member

__all__ = ["Tally", "add_categories", "post_batch", "post_item", "post_member"]
