"""Who may come into head office: accounts, sessions, rights; and whose merchant that opens."""

from cloud.access.accounts import (
    ROLES,
    Account,
    Invitation,
    account_by_email,
    accounts_of,
    pepper,
)
from cloud.access.callers import keep_visit, look, may, rights, session, to_login
from cloud.access.house import Bulletins, CallersMerchant, here, platform
from cloud.access.live import Lookout, Mark, follow
from cloud.access.pace import neighbourhood
from cloud.access.people import add_account, close_account, invite_again, make_ready
from cloud.access.shown import (
    account_name,
    ago,
    branch_name,
    branches,
    day_of,
    install,
    moment,
    phone_shown,
    span,
)
from cloud.access.tables import MIGRATIONS, PART
from cloud.access.views import pages
from core.errors import N_
from core.web import Capability, NavItem

__all__ = [
    "CAPABILITY",
    "MIGRATIONS",
    "PART",
    "ROLES",
    "Account",
    "Bulletins",
    "CallersMerchant",
    "Invitation",
    "Lookout",
    "Mark",
    "account_by_email",
    "account_name",
    "accounts_of",
    "add_account",
    "ago",
    "branch_name",
    "branches",
    "close_account",
    "day_of",
    "follow",
    "here",
    "install",
    "invite_again",
    "keep_visit",
    "look",
    "make_ready",
    "may",
    "moment",
    "neighbourhood",
    "pepper",
    "phone_shown",
    "platform",
    "rights",
    "session",
    "span",
    "to_login",
]

CAPABILITY = Capability(
    name="access",
    parts=(PART,),
    blueprints=(pages,),
    nav=(
        NavItem(
            endpoint="access.listed",
            label=N_("账号"),
            icon="key",
            permission="account.edit",
            order=90,
        ),
    ),
)
