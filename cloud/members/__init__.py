"""Members of all stores, as head office sees them."""

from cloud.members.merge_pages import pages as merge_pages
from cloud.members.merging import (
    REFUSALS,
    Preview,
    merge,
    merge_empty,
    part_again,
    preview,
    unmerge,
)
from cloud.members.statements import pages as statement_pages
from cloud.members.views import pages
from core.errors import N_
from core.journal import Part
from core.members import SEARCH
from core.web import Capability, NavItem

__all__ = ["CAPABILITY", "Preview", "merge", "merge_empty", "part_again", "preview", "unmerge"]

CAPABILITY = Capability(
    name="members",
    parts=(SEARCH, Part(name="merging", refusals=REFUSALS)),
    blueprints=(merge_pages, pages, statement_pages),
    nav=(
        NavItem(
            endpoint="members.listed",
            label=N_("会员"),
            icon="users",
            permission="member.find",
            order=40,
        ),
    ),
)
