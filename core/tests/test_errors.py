from __future__ import annotations

import pytest

from core.errors import N_, Refusal, Refused
from core.sqlite import REFUSALS


def test_a_refusal_carries_its_code_and_facts_and_reads_well_in_a_log():
    refused = Refused("insufficient_balance", available_cents=1250, member="m-1")
    assert refused.code == "insufficient_balance"
    assert refused.facts == {"available_cents": 1250, "member": "m-1"}
    assert str(refused) == "insufficient_balance(available_cents=1250, member='m-1')"


def test_a_refusal_is_raised_like_any_exception_but_is_no_error_of_python_s():
    with pytest.raises(Refused, match="card_lost"):
        raise Refused("card_lost")
    assert not issubclass(Refused, (ValueError, RuntimeError))


def test_a_marked_sentence_is_itself():
    assert N_("余额不足") == "余额不足"


@pytest.mark.parametrize("code", ["disk_full", "storage_failing"])
def test_the_door_tells_the_till_what_to_do(code):
    refusal = REFUSALS[code]
    assert isinstance(refusal, Refusal)
    assert refusal.status in {503, 507}
    assert "没有记账" in refusal.sentence
