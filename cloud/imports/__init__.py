"""Lists of the system before, taken in for all stores at once, and all members out again.

Members' value is opened with head office, from where it follows the member. A page keeps the
uploaded list and what became of it (`import_run`); the rows are posted by a thread of the web
process, each batch together with the note of how far it is, so that a run that was cut goes on
where it stopped.
"""

from cloud.imports.exporting import note_export, rows_of
from cloud.imports.posting import BATCH_ROWS, SCHEMAS, Poster, add_categories_of, post_batch
from cloud.imports.running import mark
from cloud.imports.tables import PART, READING
from cloud.imports.views import pages
from core.errors import N_
from core.web import Capability, NavItem

CAPABILITY = Capability(
    name="lists",
    parts=(PART, READING),
    blueprints=(pages,),
    nav=(
        NavItem(
            endpoint="lists.index",
            label=N_("导入导出"),
            icon="upload",
            permission="member.bulk_import",
            order=80,
        ),
    ),
)

__all__ = [
    "BATCH_ROWS",
    "CAPABILITY",
    "PART",
    "SCHEMAS",
    "Poster",
    "add_categories_of",
    "mark",
    "note_export",
    "post_batch",
    "rows_of",
]
