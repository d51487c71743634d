"""What bills call things that the journal names by code, at a store and at head office."""

from __future__ import annotations

from core.errors import N_
from core.organisation import Settings
from core.till import STORED_VALUE
from core.web import gettext as _

RULE_NAMES = {"list": N_("门市价"), "member": N_("会员价")}


def tender_label(tender: str, settings: Settings) -> str:
    """Return what people call a tender."""
    if tender == STORED_VALUE:
        return _("储值")
    if tender == "drawer":
        return _("钱箱")
    known = settings.tender(tender)
    return tender if known is None else _(known.name)
