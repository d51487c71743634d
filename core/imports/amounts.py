"""Cells as money: fen, or a refusal where a fen would have to be guessed."""

from __future__ import annotations

import re

from core.imports.cells import Cell, clipped
from core.imports.fields import CellRefused, Context
from core.imports.texts import compact, words
from core.money import AMOUNT_MAX, Cents

FEN_TOLERANCE = 1_000_000
"""How many parts of a fen: an error of one such part is a float's, a larger one is not."""
FLOAT_DIGITS = 10
"""Enough behind the point to see that part, and fewer than a float can keep of a price."""

_CURRENCY = r"(?:¥|rmb|cny|人民币)?"
_AMOUNT = re.compile(
    rf"(?P<open>\()?(?P<sign>[-−+]?){_CURRENCY}(?P<inner>[-−+]?)"
    r"(?P<yuan>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,15})(?:\.(?P<part>[0-9]{0,30}))?"
    r"(?:元整?|圆整?|块|rmb|cny)?(?(open)\))",
    re.IGNORECASE,
)


def amount(cell: Cell, _: Context) -> Cents | None:
    """Read yuan, typed or from a spreadsheet's float, as fen; None for a blank."""
    typed = f"{cell:.{FLOAT_DIGITS}f}" if isinstance(cell, float) else words(cell)
    text = compact(typed)
    if not text:
        return None
    match = _AMOUNT.fullmatch(text)
    if not match:
        raise CellRefused("amount_unreadable", value=clipped(cell))
    fen = int(match["yuan"].replace(",", "")) * 100 + _fen(match["part"] or "", cell)
    if fen > AMOUNT_MAX:
        raise CellRefused("amount_too_large", value=clipped(cell), limit_cents=AMOUNT_MAX)
    negative = match["open"] or (match["sign"] + match["inner"]).strip("+")
    if fen and negative:
        raise CellRefused("amount_negative", amount_cents=Cents(-fen))
    return Cents(fen)


def _fen(part: str, cell: Cell) -> int:
    """Return the digits behind the point as fen."""
    fen, rest = int(part[:2].ljust(2, "0")), part[2:]
    if not rest:
        return fen
    above, scale = int(rest), 10 ** len(rest)
    if above * FEN_TOLERANCE <= scale:
        return fen
    if (scale - above) * FEN_TOLERANCE <= scale:
        return fen + 1
    raise CellRefused("amount_below_fen", value=clipped(cell))
