"""Money is integer fen; parts always sum to the whole."""

from __future__ import annotations

import re
from typing import NewType

Cents = NewType("Cents", int)
"""Fen, one hundredth of a yuan. Positive unless a docstring says otherwise."""

AMOUNT_MAX = Cents(1_000_000_000)
"""Ten million yuan: no single amount in a shop is larger, so a larger one is a typing error."""

_YUAN = re.compile(
    r"""[¥￥]?(?P<sign>[-−]?)[¥￥]?
        (?P<yuan>\d{1,9}|\d{1,3}(?:[,，]\d{3}){1,2})
        (?:\.(?P<fen>\d{1,2}))?元?""",
    re.VERBOSE,
)


def yuan(amount: int) -> str:
    """Write fen as yuan: 128050 -> 1,280.50; the minus is U+2212."""
    whole, fen = divmod(abs(amount), 100)
    return f"{'−' if amount < 0 else ''}{whole:,}.{fen:02d}"


def parse_yuan(text: str) -> Cents:
    """Read what a person types for yuan into fen; raise ValueError with the text otherwise.

    Spaces, thousands commas (both widths), a leading ¥ and a trailing 元 are allowed; each in
    its place, because 3元5 and 12,50 are not what they would be without the sign between.
    """
    match = _YUAN.fullmatch(re.sub(r"\s", "", text))
    if not match:
        raise ValueError(text)
    yuan_digits, fen_digits = re.sub("[,，]", "", match["yuan"]), match["fen"] or "0"
    cents = int(yuan_digits) * 100 + int(fen_digits.ljust(2, "0"))
    return Cents(-cents if match["sign"] else cents)


def split(amount: Cents, weights: list[int]) -> list[Cents]:
    """Share an amount by weights; the largest fractions get the left-over fen, ties in order.

    The parts sum to the amount exactly. Weights are not negative; all zero counts as equal.
    """
    if not weights:
        raise ValueError("no weights")
    total = sum(weights)
    if total == 0:
        weights, total = [1] * len(weights), len(weights)
    parts = [amount * weight // total for weight in weights]
    left = amount - sum(parts)
    by_fraction = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % total), i))
    for i in by_fraction[:left]:
        parts[i] += 1
    return [Cents(part) for part in parts]
