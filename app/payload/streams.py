"""Streams inside JSON: the content of an expanded stream property or media entity as a member (JSON Format §9, §10)."""

from __future__ import annotations

from email.message import Message
from typing import Any

import orjson

from app.edm import types


def inline(content_type: str, data: bytes) -> Any:
    """Content as what orjson writes: JSON as it is, text as a string, anything else, or what is neither after all, as
    base64url."""
    message = Message()
    message["Content-Type"] = content_type
    kind = message.get_content_type()
    try:
        if kind == "application/json" or kind.endswith("+json"):
            orjson.loads(data)
            return orjson.Fragment(data)
        if message.get_content_maintype() == "text":
            return data.decode(str(message.get_param("charset") or "utf-8"))
    except (ValueError, LookupError):
        pass
    return types.write_binary(data)
