import re
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.crypto import dummy_verify, hash_pin, is_trivial, make_pin, verify_pin
from core.crypto.pins import HASHES_AT_ONCE_MAX

PEPPER = bytes(range(32))
GOLDEN = (
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
    "EW2TQLEFFj3yFwAMrqJEmQbirQ9tLGxoVfp3ShrCOfE"
)


def test_the_right_pin_opens_and_a_wrong_one_does_not():
    hashed = hash_pin("483920", pepper=PEPPER)
    assert verify_pin("483920", hashed, pepper=PEPPER)
    assert not verify_pin("483921", hashed, pepper=PEPPER)


def test_a_stolen_table_is_worth_nothing_without_the_pepper():
    hashed = hash_pin("483920", pepper=PEPPER)
    assert not verify_pin("483920", hashed, pepper=bytes(32))


def test_the_same_pin_of_two_people_looks_different():
    assert hash_pin("483920", pepper=PEPPER) != hash_pin("483920", pepper=PEPPER)


def test_a_hash_says_its_costs_and_not_the_pin():
    hashed = hash_pin("483920", pepper=PEPPER)
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert "483920" not in hashed


def test_a_hash_of_an_earlier_release_still_opens():
    assert hash_pin("483920", pepper=PEPPER, random_bytes=bytes) == GOLDEN
    assert verify_pin("483920", GOLDEN, pepper=PEPPER)


@pytest.mark.parametrize(
    "pin", ["", "12345", "1234567", "48392a", "４８３９２０", " 83920", "48392\n"]
)
def test_only_six_ascii_digits_are_hashed(pin):
    with pytest.raises(ValueError, match="six digits"):
        hash_pin(pin, pepper=PEPPER)
    assert not verify_pin(pin, GOLDEN, pepper=PEPPER)


@settings(max_examples=25, deadline=None)
@given(pin=st.text(max_size=12))
def test_whatever_is_typed_is_answered(pin):
    assert verify_pin(pin, GOLDEN, pepper=PEPPER) is (pin == "483920")


@pytest.mark.parametrize(
    "hashed",
    [
        "",
        "483920",
        "$argon2i$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43,
        GOLDEN + "A",
        GOLDEN.replace("m=19456", "m=999999"),
        GOLDEN.replace("t=2", "t=99"),
        GOLDEN.replace("t=2", "t=0"),
        GOLDEN.replace("p=1", "p=8"),
    ],
)
def test_a_damaged_record_is_not_taken_for_a_wrong_pin(hashed):
    with pytest.raises(ValueError, match="not a PIN hash"):
        verify_pin("483920", hashed, pepper=PEPPER)


def test_a_short_pepper_is_refused_everywhere():
    with pytest.raises(ValueError, match="pepper"):
        hash_pin("483920", pepper=b"short")
    with pytest.raises(ValueError, match="pepper"):
        verify_pin("483920", GOLDEN, pepper=b"short")
    with pytest.raises(ValueError, match="pepper"):
        dummy_verify(pepper=b"short")


def processor_time(act):
    """The least of a few runs: what the work costs, without what the machine did beside it."""

    def once():
        start = time.process_time()
        act()
        return time.process_time() - start

    return min(once() for _ in range(4))


def test_an_unknown_person_and_a_mistyped_pin_cost_what_a_wrong_pin_costs():
    wrong = processor_time(lambda: verify_pin("111111", GOLDEN, pepper=PEPPER))
    mistyped = processor_time(lambda: verify_pin("abc", GOLDEN, pepper=PEPPER))
    unknown = processor_time(lambda: dummy_verify(pepper=PEPPER))
    assert 0.5 < mistyped / wrong < 2
    assert 0.5 < unknown / wrong < 2


def test_all_tills_at_once_wait_their_turn_and_get_right_answers():
    pins = ["483920", "000000"] * 4
    with ThreadPoolExecutor(len(pins)) as tills:
        answers = list(tills.map(lambda pin: verify_pin(pin, GOLDEN, pepper=PEPPER), pins))
    assert answers == [True, False] * 4
    assert len(pins) > HASHES_AT_ONCE_MAX


TRIVIAL = [
    *("000000", "111111", "999999", "123456", "234567", "654321", "987654", "890123"),
    *("135791", "121212", "696969", "123123", "520520", "112233", "889900", "123321"),
    *("147258", "159357", "520131", "666888"),
]


@pytest.mark.parametrize("pin", TRIVIAL)
def test_trivial_pins_are_known(pin):
    assert is_trivial(pin)


@pytest.mark.parametrize("pin", ["483920", "100000", "001234", "909091", "271828"])
def test_ordinary_pins_are_not_trivial(pin):
    assert not is_trivial(pin)


def test_few_pins_are_refused_so_that_a_guess_stays_a_guess():
    refused = sum(is_trivial(f"{number:06d}") for number in range(1_000_000))
    assert 2000 < refused < 5000


def drawing(*values):
    drawn = iter(values)
    return lambda size: next(drawn).to_bytes(size)


def test_a_trivial_draw_is_drawn_again():
    assert make_pin(drawing(0, 123_456, 111_111, 483_920)) == "483920"


def test_a_draw_that_would_favour_some_pins_is_drawn_again():
    assert make_pin(drawing(16_483_920, 16_777_215, 15_999_998)) == "999998"


def test_made_pins_have_six_digits_and_leading_zeros():
    assert make_pin(drawing(1_000_042)) == "000042"
    for _ in range(200):
        assert re.fullmatch(r"\d{6}", make_pin())


def test_every_value_of_the_dice_gives_a_fair_share():
    # Every PIN that is not trivial has exactly sixteen draws that lead to it.
    dice = count(483_920, 1_000_000)
    made = [make_pin(lambda size: next(dice).to_bytes(size)) for _ in range(16)]
    assert made == ["483920"] * 16
    assert list(islice(dice, 1)) == [16_483_920]


def test_dice_that_always_fall_alike_are_reported():
    with pytest.raises(RuntimeError, match="randomness"):
        make_pin(bytes)
