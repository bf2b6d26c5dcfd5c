"""Primitive types: what they are, how they promote, and text ⇄ Python value.

Python values: Boolean bool · integers int · Decimal decimal.Decimal · Single, Double float · String str ·
Guid lower-case str · Binary bytes · Date 'YYYY-MM-DD' · DateTimeOffset 'YYYY-MM-DDTHH:MM:SS[.f…]Z' (UTC, no
trailing zeros in the fraction) · TimeOfDay 'HH:MM:SS[.f…]' · Duration int (ticks of 100 ns) · Geo* dict (GeoJSON).

`parse` reads the ABNF value form (URL literal content, body string, default value); `write` gives it back.
Both raise ValueError with a sentence. CSDL §4.4, JSON Format §7.1, ABNF primitiveValue.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import decimal
import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

INTEGER_RANGES: dict[str, tuple[int, int]] = {
    "Edm.Byte": (0, 255),
    "Edm.SByte": (-128, 127),
    "Edm.Int16": (-(2**15), 2**15 - 1),
    "Edm.Int32": (-(2**31), 2**31 - 1),
    "Edm.Int64": (-(2**63), 2**63 - 1),
}

GEO_SHAPES = ("", "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "Collection")
GEO = frozenset(f"Edm.{family}{shape}" for family in ("Geography", "Geometry") for shape in GEO_SHAPES)

PRIMITIVES = frozenset({
    "Edm.Binary", "Edm.Boolean", "Edm.Byte", "Edm.Date", "Edm.DateTimeOffset", "Edm.Decimal", "Edm.Double",
    "Edm.Duration", "Edm.Guid", "Edm.Int16", "Edm.Int32", "Edm.Int64", "Edm.SByte", "Edm.Single", "Edm.Stream",
    "Edm.String", "Edm.TimeOfDay"}) | GEO

ABSTRACT = frozenset({
    "Edm.PrimitiveType", "Edm.ComplexType", "Edm.EntityType", "Edm.Untyped", "Edm.AnnotationPath",
    "Edm.AnyPropertyPath", "Edm.ModelElementPath", "Edm.NavigationPropertyPath", "Edm.PropertyPath"})

INTEGERS = frozenset(INTEGER_RANGES)
NUMBERS = INTEGERS | {"Edm.Decimal", "Edm.Double", "Edm.Single"}
TEMPORAL = frozenset({"Edm.DateTimeOffset", "Edm.Duration", "Edm.TimeOfDay"})
KEYS = frozenset({"Edm.Boolean", "Edm.Byte", "Edm.Date", "Edm.DateTimeOffset", "Edm.Decimal", "Edm.Duration",
                  "Edm.Guid", "Edm.Int16", "Edm.Int32", "Edm.Int64", "Edm.SByte", "Edm.String", "Edm.TimeOfDay"})

# The order of promotion: the first of these that occurs is the common type (URL Conventions §5.1.1.18).
PROMOTION = ("Edm.Double", "Edm.Single", "Edm.Decimal", "Edm.Int64", "Edm.Int32", "Edm.Int16", "Edm.Byte", "Edm.SByte")

TICKS = 10_000_000   # ticks a second: a duration counts 100 ns
EXACT = decimal.Context(prec=100, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)


def promote(left: str, right: str) -> str | None:
    """The common type of two numeric types, or None where there is none (URL Conventions §5.1.1.18)."""
    if left not in NUMBERS or right not in NUMBERS:
        return None
    if left == right:
        return left
    if {left, right} == {"Edm.Byte", "Edm.SByte"}:
        return "Edm.Int16"
    return next(name for name in PROMOTION if name in (left, right))


# --- readers ---------------------------------------------------------------------------------------------

_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_GUID = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")
_DATE = re.compile(r"(-?(?:0\d{3}|[1-9]\d{3,}))-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d|60)(?:\.(\d{1,12}))?)?", re.ASCII)
_INSTANT = re.compile(rf"({_DATE.pattern})[Tt]({_TIME.pattern})([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)?", re.ASCII)
# instants that are canonical as they are; only the last days of months take the calendar
_CANONICAL = re.compile(r"(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3])(?::[0-5]\d){2}"
                        r"(?:\.\d{0,11}[1-9])?Z", re.ASCII)
_DURATION = re.compile(r"([+-])?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d+))?S)?)?", re.IGNORECASE | re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9_-]*={0,2}")


def _boolean(text: str) -> bool:
    folded = text.lower()
    if folded not in ("true", "false"):
        raise ValueError(f"'{text}' is neither true nor false")
    return folded == "true"


def _integer(name: str) -> Callable[[str], int]:
    low, high = INTEGER_RANGES[name]

    def read(text: str) -> int:
        if len(text) > 40 or not _INTEGER.fullmatch(text):
            raise ValueError(f"'{text[:40]}' is not an integer")
        value = int(text)
        if not low <= value <= high:
            raise ValueError(f"{text} is outside the range of {name}, {low} to {high}")
        return value
    return read


def _decimal(text: str) -> Decimal:
    if text in ("INF", "-INF", "NaN"):
        return Decimal(text.replace("INF", "Infinity"))
    if len(text) > 400 or not _DECIMAL.fullmatch(text):
        raise ValueError(f"'{text[:40]}' is not a decimal number")
    value = Decimal(text)
    if value and not -4000 < value.adjusted() < 4000:
        raise ValueError(f"{text[:40]} is outside the range of Edm.Decimal")
    return value


def _double(text: str) -> float:
    if text in ("INF", "-INF", "NaN"):
        return float(text)
    if len(text) > 400 or not _DECIMAL.fullmatch(text):
        raise ValueError(f"'{text[:40]}' is not a number")
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:40]} is outside the range of Edm.Double")
    return value


def _single(text: str) -> float:
    return single(_double(text))


def single(value: float) -> float:
    """The double that prints as the nearest Edm.Single prints; ValueError outside its range."""
    if math.isnan(value) or math.isinf(value):
        return value
    import struct
    try:
        packed: float = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        raise ValueError(f"{value!r} is outside the range of Edm.Single") from None
    for digits in range(6, 10):   # the shortest text that reads back as the same single
        short = float(f"{packed:.{digits}g}")
        if struct.pack("<f", short) == struct.pack("<f", packed):
            return short
    return packed


def _string(text: str) -> str:
    return checked_string(text)


def checked_string(text: str) -> str:
    """The text itself; ValueError for U+0000 and lone surrogates, which no store can keep (DESIGN §4)."""
    if "\0" in text:
        raise ValueError("a string must not contain U+0000")
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("a string must not contain lone surrogates") from None
    return text


def _guid(text: str) -> str:
    if not _GUID.fullmatch(text):
        raise ValueError(f"'{text[:60]}' is not a GUID")
    return text.lower()


def _binary(text: str) -> bytes:
    if not _BASE64.fullmatch(text):
        raise ValueError("the value is not base64url")
    bare = text.rstrip("=")
    if len(bare) % 4 == 1 or (text != bare and len(text) % 4):
        raise ValueError("the value is not base64url")
    try:
        return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except (binascii.Error, ValueError):
        raise ValueError("the value is not base64url") from None


def _date(text: str) -> str:
    match = _DATE.fullmatch(text)
    if not match:
        raise ValueError(f"'{text[:40]}' is not a date")
    _calendar(match[1], match[2], match[3])
    return text


def _calendar(year: str, month: str, day: str) -> datetime.date:
    if len(year) != 4 or year == "0000":
        raise ValueError(f"year {year} is outside the range of this service, 0001 to 9999")
    try:
        return datetime.date(int(year), int(month), int(day))
    except ValueError:
        raise ValueError(f"{year}-{month}-{day} is not a day of the calendar") from None


def _time(text: str) -> str:
    match = _TIME.fullmatch(text)
    if not match:
        raise ValueError(f"'{text[:40]}' is not a time of day")
    if match[3] == "60":
        raise ValueError("second 60 cannot be stored by this service")
    return f"{match[1]}:{match[2]}:{match[3] or '00'}" + _fraction(match[4])


def _fraction(digits: str | None) -> str:
    bare = (digits or "").rstrip("0")
    return "." + bare if bare else ""


def _instant(text: str) -> str:
    if _CANONICAL.fullmatch(text):
        return text
    match = _INSTANT.fullmatch(text)
    if not match:
        raise ValueError(f"'{text[:40]}' is not a date and time")
    day = _calendar(match[2], match[3], match[4])
    hour, minute, second, fraction, zone = match[6], match[7], match[8] or "00", match[9], match[10] or "Z"
    if second != "60" and (zone in "Zz" or zone[1:] == "00:00"):
        return f"{match[1]}T{hour}:{minute}:{second}{_fraction(fraction)}Z"
    ahead = datetime.timedelta() if zone in "Zz" else datetime.timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    local = datetime.datetime(day.year, day.month, day.day, int(hour), int(minute))
    try:        # a leap second is the first second of the next minute: no store counts them
        moment = (local + ahead if zone[0] == "-" else local - ahead) + datetime.timedelta(seconds=int(second))
    except OverflowError:
        raise ValueError(f"{text} is outside the years 0001 to 9999 in UTC") from None
    return f"{moment.isoformat()}{_fraction(fraction)}Z"


def offset_minutes(text: str) -> int:
    """The offset from UTC in the text of a DateTimeOffset, 0 where it has none."""
    zone = re.search(r"([+-])(\d\d):(\d\d)$", text)
    return 0 if zone is None else int(zone[1] + "1") * (60 * int(zone[2]) + int(zone[3]))


def has_offset(text: str) -> bool:
    """Whether the text of a DateTimeOffset names a zone."""
    return text.endswith(("Z", "z")) or bool(re.search(r"[+-]\d\d:\d\d$", text))


def _duration(text: str) -> int:
    match = _DURATION.fullmatch(text)
    if not match or not any(match.group(2, 3, 4, 5)) or text[-1] in "Tt":
        raise ValueError(f"'{text[:40]}' is not a duration")
    sign, days, hours, minutes, seconds, fraction = match.groups()
    if any(len(part) > 18 for part in (days, hours, minutes, seconds) if part):
        raise ValueError(f"'{text[:40]}' is outside the range of Edm.Duration")
    digits = (fraction or "").rstrip("0")
    if len(digits) > 7:
        raise ValueError("a duration is kept to 7 fractional digits of a second")
    whole = int(days or 0) * 86400 + int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    ticks = whole * TICKS + int(digits.ljust(7, "0") or 0)
    if ticks > 2**63 - 1:
        raise ValueError(f"'{text[:40]}' is outside the range of Edm.Duration")
    return -ticks if sign == "-" else ticks


_READERS: dict[str, Callable[[str], Any]] = {
    "Edm.Boolean": _boolean, "Edm.Decimal": _decimal, "Edm.Double": _double, "Edm.Single": _single,
    "Edm.String": _string, "Edm.Guid": _guid, "Edm.Binary": _binary, "Edm.Date": _date,
    "Edm.TimeOfDay": _time, "Edm.DateTimeOffset": _instant, "Edm.Duration": _duration,
    **{name: _integer(name) for name in INTEGER_RANGES},
}


def parse(name: str, text: str) -> Any:
    """The Python value of `text`, the ABNF value form of the primitive type `name`.

    Raises ValueError (with a sentence) when the text is not of the type or outside what the service keeps.
    """
    reader = _READERS.get(name)
    if reader is None:
        raise ValueError(f"{name} has no text form")
    return reader(text)


# --- writers ---------------------------------------------------------------------------------------------

def write_decimal(value: Decimal) -> str:
    """Shortest form without exponent: equal by value (DESIGN §4)."""
    if value.is_nan():
        return "NaN"
    if value.is_infinite():
        return "INF" if value > 0 else "-INF"
    if not value:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def write_double(value: float) -> str:
    """Shortest text that reads back as the same number; INF, -INF, NaN."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "INF" if value > 0 else "-INF"
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


def write_duration(ticks: int) -> str:
    """The xs:dayTimeDuration of a number of ticks."""
    sign, ticks = ("-", -ticks) if ticks < 0 else ("", ticks)
    seconds, rest = divmod(ticks, TICKS)
    days, seconds = divmod(seconds, 86400)
    hours, seconds = divmod(seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    time = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    if seconds or rest:
        time += f"{seconds}" + (f".{rest:07d}".rstrip("0") if rest else "") + "S"
    if not days and not time:
        return "PT0S"
    return f"{sign}P" + (f"{days}D" if days else "") + (f"T{time}" if time else "")


def write_binary(value: bytes) -> str:
    """base64url without line breaks, padded."""
    return base64.urlsafe_b64encode(value).decode("ascii")


_WRITERS: dict[str, Callable[[Any], str]] = {
    "Edm.Boolean": lambda value: "true" if value else "false",
    "Edm.Decimal": write_decimal, "Edm.Double": write_double, "Edm.Single": write_double,
    "Edm.Duration": write_duration, "Edm.Binary": write_binary,
}


def write(name: str, value: Any) -> str:
    """The ABNF value form of a Python value of the primitive type `name`."""
    writer = _WRITERS.get(name)
    return writer(value) if writer else str(value)


def literal(name: str, value: Any) -> str:
    """The URL literal of a value (null, quotes and prefixes included), not percent-encoded."""
    if value is None:
        return "null"
    text = write(name, value)
    if name == "Edm.String":
        return "'" + text.replace("'", "''") + "'"
    if name == "Edm.Duration":
        return f"duration'{text}'"
    if name == "Edm.Binary":
        return f"binary'{text}'"
    return text


def scaled_fraction(text: str, digits: int) -> str:
    """A DateTimeOffset or TimeOfDay value with exactly `digits` fraction digits (the stored form, DESIGN §4)."""
    zone = "Z" if text.endswith("Z") else ""
    head, _, fraction = text.removesuffix("Z").partition(".")
    return head + ("." + fraction[:digits].ljust(digits, "0") if digits else "") + zone


def fraction_digits(text: str) -> int:
    """How many fraction digits a canonical DateTimeOffset or TimeOfDay value has."""
    return len(text.removesuffix("Z").partition(".")[2])


def cut_fraction(text: str, digits: int) -> str:
    """A canonical DateTimeOffset value with no more fraction digits than these; what is cut is lost."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    fraction = fraction[:digits].rstrip("0")
    return f"{whole}.{fraction}Z" if fraction else whole + "Z"
