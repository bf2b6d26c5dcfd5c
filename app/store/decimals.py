"""Decimals as text whose order is the order of the numbers (DESIGN §4, Decimal on SQLite).

One text for one value, so comparing, sorting, grouping and indexing are those of plain text. Form: a sign digit ('0'
negative, '1' zero, '2' positive), the exponent in four digits, the significant digits; of a negative number exponent
and digits are complemented and '~' ends it. '0' alone is -INF, '3' INF, '4' NaN.
"""

from __future__ import annotations

import decimal
from decimal import Decimal

EXACT = decimal.Context(prec=200, rounding=decimal.ROUND_HALF_UP, Emax=9999, Emin=-9999)
WHOLE = decimal.Context(prec=9999, Emax=9999, Emin=-9999)       # for quotients of which every digit is needed
QUOTIENT_SCALE = 20     # fraction digits of a quotient or an average, on every store
BIAS = 5000
_NINES = str.maketrans("0123456789", "9876543210")
_SPECIAL = {"0": Decimal("-Infinity"), "1": Decimal(0), "3": Decimal("Infinity"), "4": Decimal("NaN")}


def encode(value: Decimal | int | None) -> str | None:
    """The text of a number; None stays None. Raises OverflowError beyond four digits of exponent."""
    if value is None:
        return None
    if isinstance(value, int):
        value = Decimal(value)
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return "4" if exponent in ("n", "N") else "0" if sign else "3"
    text = "".join(map(str, digits)).lstrip("0")
    if not text:
        return "1"
    high = exponent + len(text)
    if not -BIAS < high < BIAS - 1:
        raise OverflowError("the number is outside the range of Edm.Decimal")
    text = text.rstrip("0")
    return f"0{BIAS - 1 - high:04d}{text.translate(_NINES)}~" if sign else f"2{BIAS + high:04d}{text}"


def decode(text: str | None) -> Decimal | None:
    """The number behind the text; None stays None."""
    if text is None:
        return None
    if text[0] == "2":
        return Decimal(f"0.{text[5:]}E{int(text[1:5]) - BIAS}")
    if len(text) == 1:
        return _SPECIAL[text]
    return Decimal(f"-0.{text[5:-1].translate(_NINES)}E{BIAS - 1 - int(text[1:5])}")
