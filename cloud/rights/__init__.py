"""What stores may do on their own, what it may cost, and what members owe."""

from cloud.rights.service import REFUSALS, Correction, agree, correct, give_up, set_rights
from cloud.rights.tables import PART, CorrectionAsked, CorrectionEnded
from cloud.rights.views import pages
from core.errors import N_
from core.journal import Part
from core.web import Capability, NavItem

__all__ = [
    "CAPABILITY",
    "PART",
    "Correction",
    "CorrectionAsked",
    "CorrectionEnded",
    "agree",
    "correct",
    "give_up",
    "set_rights",
]

CAPABILITY = Capability(
    name="rights",
    parts=(PART, Part(name="corrections", refusals=REFUSALS)),
    blueprints=(pages,),
    nav=(
        NavItem(
            endpoint="rights.index",
            label=N_("额度"),
            icon="wallet",
            permission="card.adjust",
            order=60,
        ),
    ),
)
