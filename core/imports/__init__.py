"""Lists from a shop's old system: read with all their faults, each bad row with its reason.

A table gives rows; a schema's headings are found in it; every row becomes a typed row or a bad
row. Reading knows no database. `posting` keeps a hash of each row's `row_key`, so that a second
run adds nothing. What is exported is read back unchanged.
"""

from core.imports.cells import Cell
from core.imports.export import write_csv, write_xlsx
from core.imports.fields import BadRow, Field, RowError, Schema, TypedRow
from core.imports.headings import Column, Mapping, find_mapping
from core.imports.items import ITEMS, ItemRow
from core.imports.job import Job, Survey, survey, write_rejects
from core.imports.limits import FILE_BYTES_MAX, HEADING_ROWS, PREVIEW_ROWS, ROWS_MAX
from core.imports.lists import item_rows, member_rows
from core.imports.members import FEMALE, MALE, MEMBERS, MemberRow
from core.imports.posting import (
    Post,
    Tally,
    add_categories,
    post_item,
    post_member,
    post_rows,
)
from core.imports.refusals import REFUSALS, ROW_REFUSALS
from core.imports.report import Rejects, rejects_path, tell
from core.imports.rows import Preview, preview, read_rows
from core.imports.table import Table, read_table

__all__ = [
    "FEMALE",
    "FILE_BYTES_MAX",
    "HEADING_ROWS",
    "ITEMS",
    "MALE",
    "MEMBERS",
    "PREVIEW_ROWS",
    "REFUSALS",
    "ROWS_MAX",
    "ROW_REFUSALS",
    "BadRow",
    "Cell",
    "Column",
    "Field",
    "ItemRow",
    "Job",
    "Mapping",
    "MemberRow",
    "Post",
    "Preview",
    "Rejects",
    "RowError",
    "Schema",
    "Survey",
    "Table",
    "Tally",
    "TypedRow",
    "add_categories",
    "find_mapping",
    "item_rows",
    "member_rows",
    "post_item",
    "post_member",
    "post_rows",
    "preview",
    "read_rows",
    "read_table",
    "rejects_path",
    "survey",
    "tell",
    "write_csv",
    "write_rejects",
    "write_xlsx",
]
