"""The functions that SQLite lacks, in Python, registered on every connection under names with the prefix `odata_`.

Decimals come and go as the text of `decimals`, instants in expression form, NaN as the text 'NaN'. A null argument
gives null. OverflowError and ZeroDivisionError are translated by the driver; an error of `app.errors` goes through as
it is.
"""

from __future__ import annotations

import datetime
import math
from collections import Counter
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from app.edm import types
from app.store import casing, forms, geo, patterns
from app.store.decimals import EXACT, QUOTIENT_SCALE, WHOLE, decode, encode

LOW, HIGH = -2**63, 2**63 - 1
DAY = 86_400 * types.TICKS
EPOCH = datetime.datetime(1, 1, 1)

FUNCTIONS: list[tuple[str, int, Callable[..., Any]]] = []
AGGREGATES: list[tuple[str, int, type]] = []


def strict(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, null where an argument is null."""
    def run(*arguments: Any) -> Any:
        return None if None in arguments else function(*arguments)
    return run


def _register(arity: int, **functions: Callable[..., Any]) -> None:
    FUNCTIONS.extend((f"odata_{name}", arity, strict(function)) for name, function in functions.items())


# --- text ------------------------------------------------------------------------------------------------

_register(1, lower=casing.lower, upper=casing.upper, trim=casing.trim)
_register(2, matches=lambda text, pattern: patterns.compiled(pattern).search(text) is not None)


# --- integers --------------------------------------------------------------------------------------------

def whole(value: int) -> int:
    """The integer, if 64 bits hold it."""
    if not LOW <= value <= HIGH:
        raise OverflowError
    return value


def truncated(left: int, right: int) -> int:
    """The quotient cut toward zero."""
    found = abs(left) // abs(right)
    return whole(found if (left < 0) == (right < 0) else -found)


_register(2, int_add=lambda a, b: whole(a + b), int_sub=lambda a, b: whole(a - b), int_mul=lambda a, b: whole(a * b),
          int_div=truncated, int_mod=lambda a, b: a - b * truncated(a, b) if b else truncated(a, b))


# --- doubles ---------------------------------------------------------------------------------------------

def double(compute: Callable[[float, float], float]) -> Callable[[Any, Any], Any]:
    """A function of two doubles; an infinite result of finite operands is out of range."""
    def run(left: Any, right: Any) -> Any:
        left, right = float(left), float(right)
        found = compute(left, right)
        if math.isinf(found) and math.isfinite(left) and math.isfinite(right) and (compute is not quotient or right):
            raise OverflowError
        return "NaN" if found != found else found + 0.0
    return run


def quotient(left: float, right: float) -> float:
    """Division of doubles: by zero INF, -INF or NaN, by the sign of the left side."""
    if right == 0:
        return math.nan if left == 0 or left != left else math.copysign(math.inf, left)
    return left / right


def remainder(left: float, right: float) -> float:
    """`mod` of doubles, with the sign of the left side."""
    if right == 0:
        raise ZeroDivisionError
    return math.nan if math.isinf(left) else math.fmod(left, right)


def rounded(value: Any) -> Any:
    """The nearest whole double, halves away from zero."""
    number = float(value)
    if not math.isfinite(number):
        return value
    size = abs(number)
    cut = math.floor(size)
    return math.copysign(cut + (size - cut >= 0.5), number) + 0.0


def stepped(step: Callable[[float], int]) -> Callable[[Any], Any]:
    return lambda value: float(step(number)) if math.isfinite(number := float(value)) else value


_register(2, dbl_add=double(lambda a, b: a + b), dbl_sub=double(lambda a, b: a - b), dbl_mul=double(lambda a, b: a * b),
          dbl_div=double(quotient), dbl_mod=double(remainder))
_register(1, dbl_round=rounded, dbl_floor=stepped(math.floor), dbl_ceiling=stepped(math.ceil))


# --- decimals --------------------------------------------------------------------------------------------

def decimal(compute: Callable[..., Decimal]) -> Callable[..., str | None]:
    """A function of decimals as text."""
    def run(*arguments: str) -> str | None:
        try:
            return encode(compute(*map(decode, arguments)))
        except InvalidOperation:
            return encode(Decimal("NaN"))
    return run


def scaled(value: Decimal, rounding: str = ROUND_HALF_UP, scale: int = 0) -> Decimal:
    """Rounded to fraction digits; a number too large to have any is as it is."""
    if not value.is_finite() or value.adjusted() >= EXACT.prec - scale:
        return value
    return value.quantize(Decimal(1).scaleb(-scale), rounding, EXACT)


def decimal_quotient(left: Decimal, right: Decimal) -> Decimal:
    """`div`: rounded to twenty fraction digits; by zero an error."""
    if not right:
        raise ZeroDivisionError
    return scaled(EXACT.divide(left, right), scale=QUOTIENT_SCALE)


def decimal_fraction(left: Decimal, right: Decimal) -> Decimal:
    """`divby`: as `div`, by zero INF, -INF or NaN."""
    if not right:
        return Decimal("NaN") if not left or left.is_nan() else Decimal("Infinity").copy_sign(left)
    return decimal_quotient(left, right)


def decimal_remainder(left: Decimal, right: Decimal) -> Decimal:
    """`mod`, with the sign of the left side."""
    if not right:
        raise ZeroDivisionError
    return WHOLE.remainder(left, right)


def from_text(text: Any) -> str | None:
    """A number in JSON or digits as decimal text; null where it is none."""
    try:
        return encode(types.parse("Edm.Decimal", str(text)))
    except ValueError:
        return None


def native(value: Decimal) -> Any:
    """A decimal as SQLite's own number: an integer where it is one, else a double."""
    whole_number = value.is_finite() and value == value.to_integral_value() and LOW <= value <= HIGH
    return int(value) if whole_number else float(value)


_register(2, dec_add=decimal(EXACT.add), dec_sub=decimal(EXACT.subtract), dec_mul=decimal(EXACT.multiply),
          dec_div=decimal(decimal_quotient), dec_divby=decimal(decimal_fraction), dec_mod=decimal(decimal_remainder))
_register(1, dec_round=decimal(scaled), dec_floor=decimal(lambda value: scaled(value, ROUND_FLOOR)),
          dec_ceiling=decimal(lambda value: scaled(value, ROUND_CEILING)), dec_int=encode, dec_text=from_text,
          dec_double=lambda text: forms.nan_to_text(float(decode(text) or 0)))
_register(1, dec_number=lambda text: native(decode(text) or Decimal(0)))
_register(2, dec_scaled=lambda number, digits: encode(Decimal(number).scaleb(-digits, EXACT)))


# --- dates and durations ---------------------------------------------------------------------------------

def ticks(instant: str) -> int:
    """100 ns since the year 1, of an instant in expression form."""
    moment = datetime.datetime.fromisoformat(instant[:19])
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * types.TICKS + int(instant[20:27])


def instant(count: int) -> str:
    """The instant in expression form."""
    seconds, rest = divmod(count, types.TICKS)
    moment = EPOCH + datetime.timedelta(seconds=seconds)
    return f"{moment.isoformat()}.{rest:07d}Z"


def days(date: str) -> int:
    return datetime.date.fromisoformat(date).toordinal()


def later_date(date: str, duration: int) -> str:
    """A date plus a duration: counted from midnight, then cut to the day."""
    try:
        return datetime.date.fromordinal(days(date) + duration // DAY).isoformat()
    except ValueError:
        raise OverflowError from None


def duration_times(duration: int, number: Any) -> int:
    """A duration times a double or decimal text, rounded to ticks."""
    factor = decode(number) if isinstance(number, str) and number != "NaN" else Decimal(float(number))
    return _duration(EXACT.multiply(Decimal(duration), factor or Decimal(0)))


def duration_over(duration: int, number: Any) -> int:
    """A duration divided by a double or decimal text, rounded to ticks."""
    factor = decode(number) if isinstance(number, str) and number != "NaN" else Decimal(float(number))
    if not factor:
        raise ZeroDivisionError
    return _duration(EXACT.divide(Decimal(duration), factor))


def _duration(value: Decimal) -> int:
    if not value.is_finite():
        raise OverflowError
    return whole(int(scaled(value)))


_register(2, dto_add=lambda at, duration: instant(ticks(at) + duration), dto_diff=lambda a, b: ticks(a) - ticks(b),
          date_add=later_date, date_diff=lambda a, b: (days(a) - days(b)) * DAY, dur_mul=duration_times,
          dur_div=duration_over)


# --- casts -----------------------------------------------------------------------------------------------

_TEXT_WRITERS: dict[str, Callable[[Any], str]] = {
    "Edm.Boolean": lambda value: types.write("Edm.Boolean", bool(value)),
    "Edm.Decimal": lambda value: types.write_decimal(decode(value) or Decimal(0)),
    "Edm.Double": lambda value: types.write_double(float(value)),
    "Edm.Single": lambda value: types.write_double(float(value)),
    "Edm.Duration": types.write_duration,
    "Edm.DateTimeOffset": lambda value: forms.strip_fraction(value) or "",
    "Edm.TimeOfDay": lambda value: forms.strip_fraction(value) or "",
    "Edm.Binary": types.write_binary}
_TEXT_READERS: dict[str, Callable[[Any], Any]] = {
    "Edm.Decimal": encode, "Edm.Double": forms.nan_to_text, "Edm.Single": forms.nan_to_text,
    "Edm.DateTimeOffset": lambda value: (forms.fixed(forms.DIGITS)(value) or "")[:28],
    "Edm.TimeOfDay": lambda value: (forms.fixed(forms.DIGITS)(value) or "")[:16]}


def to_text(value: Any, kind: str) -> str:
    """A value in expression form as text (ABNF value form)."""
    writer = _TEXT_WRITERS.get(kind)
    return writer(value) if writer else str(value)


def parsed(text: str, kind: str) -> Any:
    """The value that a text stands for, in expression form; null where it is none."""
    try:
        found = types.parse(kind, text)
    except ValueError:
        return None
    reader = _TEXT_READERS.get(kind)
    return reader(found) if reader else found


def to_integer(value: Any, low: int, high: int) -> int | None:
    """A number (a decimal as text) rounded to an integer; null outside the range."""
    number = decode(value) if isinstance(value, str) and value != "NaN" else Decimal(value)
    if number is None or not number.is_finite() or not low - 1 < number < high + 1:
        return None
    found = int(scaled(number))
    return found if low <= found <= high else None


def to_single(value: Any) -> Any:
    """The nearest Edm.Single; null outside its range."""
    try:
        return forms.nan_to_text(types.single(float(value)))
    except ValueError:
        return None


def to_decimal(value: Any) -> str | None:
    """A double as decimal text, by its shortest digits."""
    return encode(Decimal(repr(float(value))))


_register(2, to_text=to_text, parsed=parsed, dec_to_scale=lambda text, scale: encode(scaled(decode(text) or Decimal(0),
                                                                                            scale=scale)))
_register(3, to_integer=to_integer)
_register(1, to_single=to_single, to_decimal=to_decimal)


# --- geography -------------------------------------------------------------------------------------------

_register(3, geo_distance=geo.distance)
_register(2, geo_length=geo.length, geo_intersects=geo.intersects)


# --- aggregates ------------------------------------------------------------------------------------------

class DecimalSum:
    """SUM of decimal text, also over windows; INF and NaN are counted apart, since what leaves a window is subtracted."""

    def __init__(self) -> None:
        self.finite = Decimal(0)
        self.special: Counter[str] = Counter()
        self.count = 0

    def step(self, value: str | None) -> None:
        self._take(value, 1)

    def inverse(self, value: str | None) -> None:
        self._take(value, -1)

    def _take(self, value: str | None, sign: int) -> None:
        number = decode(value)
        if number is None:
            return
        self.count += sign
        if number.is_finite():
            self.finite = (EXACT.add if sign > 0 else EXACT.subtract)(self.finite, number)
        else:
            self.special[str(number)] += sign

    def total(self) -> Decimal:
        """The sum of what is there."""
        kinds = +self.special
        if not kinds:
            return self.finite
        return Decimal("NaN" if len(kinds) > 1 else next(iter(kinds)))

    def value(self) -> str | None:
        return encode(self.total()) if self.count else None

    finalize = value


class DecimalAverage(DecimalSum):
    """AVG of decimal text, rounded like a quotient."""

    def value(self) -> str | None:
        total = self.total()
        return encode(decimal_quotient(total, Decimal(self.count)) if total.is_finite() else total) if self.count else None

    finalize = value


AGGREGATES.extend([("odata_dec_sum", 1, DecimalSum), ("odata_dec_avg", 1, DecimalAverage)])
