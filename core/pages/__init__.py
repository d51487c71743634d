"""Forms that the pages of store and head office share: what is typed, and the fields for it.

`SHARED` carries their templates (`pages/…`) and no address; the capability that edits the
catalogue registers it.
"""

from core.pages.bill_words import (
    PASS_TENDERS,
    RULE_NAMES,
    good_for,
    tender_label,
    units_label,
)
from core.pages.blueprint import SHARED
from core.pages.catalog_forms import (
    COLOURS,
    KIND_NAMES,
    NEW,
    OFFER_KIND_NAMES,
    category_options,
    filled_category,
    filled_item,
    filled_offer,
    new_item_form,
    new_offer_form,
    store_names,
    typed_category,
    typed_item,
    typed_offer,
    wanted_of,
)
from core.pages.pass_forms import pass_choices
from core.pages.points_form import WEEKDAYS, filled_rule, tried_rule, typed_rule

__all__ = [
    "COLOURS",
    "KIND_NAMES",
    "NEW",
    "OFFER_KIND_NAMES",
    "PASS_TENDERS",
    "RULE_NAMES",
    "SHARED",
    "WEEKDAYS",
    "category_options",
    "filled_category",
    "filled_item",
    "filled_offer",
    "filled_rule",
    "good_for",
    "new_item_form",
    "new_offer_form",
    "pass_choices",
    "store_names",
    "tender_label",
    "tried_rule",
    "typed_category",
    "typed_item",
    "typed_offer",
    "typed_rule",
    "units_label",
    "wanted_of",
]
