"""Literals of constant expressions: whether a text has the syntax of its kind (CSDL §14.3, ABNF).

Wider than `types.parse`, which also asks whether the service can keep the value.
"""

from __future__ import annotations

import re

_DAY = r"-?(?:0\d{3}|[1-9]\d{3,})-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,12})?)?"
_NUMBER = r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|-?INF|NaN"
_HEX = "[0-9A-Fa-f]"

_SYNTAX = {
    "Binary": r"(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048]=?|[A-Za-z0-9_-][AQgw](?:==)?)?",
    "Bool": "true|false", "Date": _DAY, "DateTimeOffset": rf"{_DAY}T{_CLOCK}(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    "Decimal": _NUMBER, "Float": _NUMBER, "Int": r"[+-]?\d{1,19}", "TimeOfDay": _CLOCK,
    "Duration": r"-?P(?=.)(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?",
    "Guid": f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}",
}
_PATTERNS = {kind: re.compile(text) for kind, text in _SYNTAX.items()}


def is_literal(kind: str, text: str) -> bool:
    """Whether a text is a constant of this kind; every text is a String."""
    pattern = _PATTERNS.get(kind)
    return pattern is None or pattern.fullmatch(text) is not None
