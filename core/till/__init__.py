"""The till: a drawer's period from float to cash-up, and how bills are paid into it."""

from core.till.events import (
    CashMoved,
    DrawerOpened,
    PeriodClosed,
    PeriodOpened,
    ReceiptReprinted,
)
from core.till.payments import STORED_VALUE, Offered, check_payments
from core.till.report import owed_between, takings, turnover
from core.till.tables import (
    CASH_IN,
    CASH_OUT,
    PART,
    REVERSAL,
    SALE,
    TOPUP,
    expected_cash,
    period_totals,
)

__all__ = [
    "CASH_IN",
    "CASH_OUT",
    "PART",
    "REVERSAL",
    "SALE",
    "STORED_VALUE",
    "TOPUP",
    "CashMoved",
    "DrawerOpened",
    "Offered",
    "PeriodClosed",
    "PeriodOpened",
    "ReceiptReprinted",
    "check_payments",
    "expected_cash",
    "owed_between",
    "period_totals",
    "takings",
    "turnover",
]
