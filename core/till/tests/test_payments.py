"""How a bill may be paid: the sum must match, cash gives change, nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Refused
from core.money import AMOUNT_MAX
from core.organisation import Settings
from core.till import Offered, check_payments

SHOP = Settings()
tenders = st.sampled_from(["cash", "bank_card", "stored_value", "wechat"])
offers = st.lists(
    st.builds(
        Offered,
        tender=tenders,
        amount=st.integers(min_value=-10, max_value=30_000),
        tendered=st.none() | st.integers(min_value=-10, max_value=40_000),
    ),
    max_size=5,
)


@given(offers, st.integers(min_value=0, max_value=60_000))
def test_accepted_payments_sum_to_what_is_due_and_only_cash_gives_change(offered, due):
    try:
        paid = check_payments(offered, due, SHOP, stored_value=True)
    except Refused as refused:
        assert refused.code in {
            "amount_wrong",
            "tender_unknown",
            "tendered_short",
            "payments_differ",
        }
        return
    assert sum(payment.amount for payment in paid) == due
    for payment in paid:
        assert payment.amount > 0
        assert payment.change == 0 or payment.tender == "cash"
        if payment.tender != "stored_value":
            assert payment.tendered - payment.change == payment.amount


def test_two_hundred_on_one_twenty_eight_gives_seventy_two():
    [cash] = check_payments(
        [Offered(tender="cash", amount=12_800, tendered=20_000)],
        12_800,
        SHOP,
        stored_value=False,
    )
    assert cash.change == 7_200


@pytest.mark.parametrize(
    ("offered", "code"),
    [
        (Offered(tender="cash", amount=0), "amount_wrong"),
        (Offered(tender="cash", amount=AMOUNT_MAX + 1), "amount_wrong"),
        (Offered(tender="bank_card", amount=100, tendered=200), "amount_wrong"),
        (Offered(tender="cash", amount=100, tendered=99), "tendered_short"),
        (Offered(tender="gold", amount=100), "tender_unknown"),
        (Offered(tender="stored_value", amount=100), "tender_unknown"),
        (Offered(tender="cash", amount=99), "payments_differ"),
    ],
)
def test_a_tender_that_cannot_be_is_refused(offered, code):
    with pytest.raises(Refused, match=code):
        check_payments([offered], 100, SHOP, stored_value=False)
