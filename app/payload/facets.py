"""Facets and Validation terms as checks of canonical values, which raise the fault that they find (CSDL §7.2; Validation.V1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import re2

from app.edm import geo, types, vocabularies
from app.edm.model import TypeRef
from app.payload.faults import refuse


def facets(ref: TypeRef, version: str) -> tuple[Callable[[Any], None], ...]:
    """Checks of the facets of a primitive type (CSDL §7.2) in bodies of a version."""
    if ref.name == "Edm.String" and ref.unicode is False:
        def ascii(value: str) -> None:
            if not value.isascii():
                refuse("valueOutOfRange", "The value has characters beyond ASCII, which are not allowed.")
        return (ascii, *facets(replace(ref, unicode=None), version))
    if isinstance(ref.max_length, int) and ref.name in ("Edm.String", "Edm.Binary"):
        most, what = ref.max_length, "characters" if ref.name == "Edm.String" else "bytes"

        def length(value: Any) -> None:
            if len(value) > most:
                refuse("valueTooLong", f"The value has {len(value)} {what}, {most} are allowed.")
        return (length,)
    if ref.name in ("Edm.DateTimeOffset", "Edm.TimeOfDay"):
        digits = 7 if ref.precision is None else ref.precision

        def fraction(value: str) -> None:
            if types.fraction_digits(value) > digits:
                refuse("valueOutOfRange", f"'{value}' has more than {digits} fractional digits of a second.")
        return (fraction,)
    if ref.name == "Edm.Duration" and ref.precision is not None and ref.precision < 7:
        unit = 10 ** (7 - ref.precision)

        def ticks(value: int) -> None:
            if value % unit:
                refuse("valueOutOfRange", f"The duration has more than {ref.precision} fractional digits of a second.")
        return (ticks,)
    if ref.name in types.GEO and ref.srid != "variable":
        srid = geo.system(ref.name, ref.srid)

        def reference(value: dict[str, Any]) -> None:
            if (named := geo.named(value)) not in (None, str(srid)):
                refuse("valueOutOfRange", f"The reference system of the value is {named[:40]}, that of the property is {srid}.")
        return (reference,)
    return (_decimal_check(ref, version != "4.0" and ref.scale == "floating"),) if ref.name == "Edm.Decimal" else ()


def _decimal_check(ref: TypeRef, special: bool) -> Callable[[Any], None]:
    """The check of a decimal; `special`: INF, -INF and NaN are values of it."""
    def check(value: Any) -> None:
        if special and not value.is_finite():
            return
        if not value.is_finite():
            refuse("valueOutOfRange", f"{types.write_decimal(value)} cannot be stored as Edm.Decimal.")
        text = types.write_decimal(value).lstrip("-")
        whole, _, fraction = text.partition(".")
        scale = 0 if ref.scale is None else ref.scale
        digits = len(whole.lstrip("0")) + len(fraction)
        if scale == "floating":
            digits = len((whole + fraction).strip("0"))
        if isinstance(scale, int) and len(fraction) > scale:
            refuse("valueOutOfRange", f"{text} has more than {scale} digits after the decimal point.")
        if ref.precision is not None:
            room = ref.precision - scale if isinstance(scale, int) else ref.precision
            if (len(whole.lstrip("0")) if isinstance(scale, int) else digits) > room:
                refuse("valueOutOfRange", f"{text} has more digits than the precision {ref.precision} allows.")
    return check


def checks_of(rules: vocabularies.Validation) -> tuple[Callable[[Any], None], ...]:
    """Checks of the Validation terms of a property (Validation.V1)."""
    found: list[Callable[[Any], None]] = []
    if rules.pattern is not None:
        search = _search(rules.pattern)

        def pattern(value: Any) -> None:
            if isinstance(value, str) and not search(value):
                refuse("patternMismatch", f"The value does not match the pattern {rules.pattern}.")
        found.append(pattern)
    if rules.minimum is not None or rules.maximum is not None:
        found.append(lambda value: _range(value, rules))
    if rules.allowed:
        allowed = set(map(str, rules.allowed))

        def member(value: Any) -> None:
            if str(value) not in allowed:
                refuse("valueNotAllowed", f"The value is none of {', '.join(map(str, rules.allowed))}.")
        found.append(member)
    if rules.multiple_of:
        unit = types.parse("Edm.Decimal", str(rules.multiple_of))

        def multiple(value: Any) -> None:
            if types.parse("Edm.Decimal", repr(value) if isinstance(value, float) else str(value)) % unit:
                refuse("valueOutOfRange", f"The value is not a multiple of {rules.multiple_of}.")
        found.append(multiple)
    return tuple(found)


def _range(value: Any, rules: vocabularies.Validation) -> None:
    for limit, exclusive, sign, word in ((rules.minimum, rules.exclusive_minimum, 1, "greater"),
                                         (rules.maximum, rules.exclusive_maximum, -1, "less")):
        if limit is None:
            continue
        if isinstance(value, str):
            order = (value > str(limit)) - (value < str(limit))
        else:
            order = (value > limit) - (value < limit)
        if order * sign < 0 or exclusive and not order:
            refuse("valueOutOfRange", f"The value must be {word} than {'' if exclusive else 'or equal to '}{limit}.")


def _search(pattern: str) -> Callable[[str], object]:
    """A regular expression as a search; Python's own engine only for what RE2 cannot express (look-around)."""
    try:
        found: Callable[[str], object] = re2.compile(pattern).search
        return found
    except re2.error:
        return re.compile(pattern).search
