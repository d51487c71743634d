"""What stands on paper: sales, top-ups and shift reports, in the language of the store."""

from hub.receipts.build import Printed, cash_up_slip, sale_receipt, test_page, topup_receipt

__all__ = ["Printed", "cash_up_slip", "sale_receipt", "test_page", "topup_receipt"]
