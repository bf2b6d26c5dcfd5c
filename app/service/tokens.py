"""Tokens that clients carry and cannot change: signed with the service's secret, bound to the request that they continue.

A token is base64url of a JSON array and a truncated HMAC-SHA-256. `scope` binds it (path, options, policy, schema): a token
taken to another request is refused. Raises InvalidToken for anything that this service did not sign.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

from app.errors import InvalidToken

SIGNATURE_BYTES = 12


class Tokens:
    """Signs and reads tokens under one secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        return "Tokens(…)"

    def _sign(self, scope: str, data: bytes) -> bytes:
        message = len(scope).to_bytes(4, "big") + scope.encode("utf-8", "surrogatepass") + data
        return hmac.new(self._secret, message, hashlib.sha256).digest()[:SIGNATURE_BYTES]

    def write(self, scope: str, values: list[Any]) -> str:
        """A token over JSON values for one scope."""
        data = json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
        return base64.urlsafe_b64encode(self._sign(scope, data) + data).decode("ascii").rstrip("=")

    def read(self, scope: str, token: str, name: str = "$skiptoken") -> list[Any]:
        """The values of a token of this scope; InvalidToken otherwise."""
        try:
            raw = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        except (binascii.Error, UnicodeEncodeError, ValueError):
            raise InvalidToken(name=name, target=name) from None
        signature, data = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(scope, data)):
            raise InvalidToken(name=name, target=name)
        values = json.loads(data)
        if not isinstance(values, list):
            raise InvalidToken(name=name, target=name)
        return values
