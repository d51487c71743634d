"""What stands on paper: sales, top-ups and shift reports, in the language of the store."""

from core.pages import tender_label
from hub.receipts.build import (
    Left,
    PassLeft,
    Printed,
    cash_up_slip,
    exception_label,
    kind_label,
    returned,
    reversal_receipt,
    sale_receipt,
    test_page,
    topup_receipt,
)
from hub.receipts.proof import Proof, newest, printed, proof

__all__ = [
    "Left",
    "PassLeft",
    "Printed",
    "Proof",
    "cash_up_slip",
    "exception_label",
    "kind_label",
    "newest",
    "printed",
    "proof",
    "returned",
    "reversal_receipt",
    "sale_receipt",
    "tender_label",
    "test_page",
    "topup_receipt",
]
