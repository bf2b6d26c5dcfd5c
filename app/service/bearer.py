"""Bearer tokens: JSON Web Tokens of one issuer, checked against its keys (RFC 6750, RFC 7519, RFC 7517).

Keys come from a file or an address; a token with a key that is not known makes them be read again, at most every ten seconds,
so that an issuer may change its keys. Only the signatures that were configured count: `none` never does. The libraries are
the extra `auth`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

from app.errors import ConfigurationError, ServiceUnavailable, Unauthorized
from app.service.access import Principal
from app.service.request import Request

TARGET = "ODATA_AUTH"
REALM = "OData"
SKEW = 60                   # seconds that clocks may differ
AGAIN = 10                  # seconds between two readings of the keys
TIMEOUT = 5
KEYS_BYTES = 1_000_000
TOKEN_BYTES = 16_384
KNOWN = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512")
OPTIONS = ("issuer", "audience", "jwks", "algorithms", "scopes", "roles", "tenant")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Bearer:
    """Principals out of tokens. `claims`: which claim says scopes, roles, tenant."""

    def __init__(self, issuer: str, audience: str, keys: Keys, algorithms: tuple[str, ...] = ("RS256", "ES256"),
                 claims: Mapping[str, str] | None = None) -> None:
        from joserfc import jwt
        self.keys, self.algorithms = keys, list(algorithms)
        self.claims = {"scopes": "scp", "roles": "roles", "tenant": "tid", **(claims or {})}
        self.registry = jwt.JWTClaimsRegistry(
            leeway=SKEW, iss={"essential": True, "value": issuer}, aud={"essential": True, "value": audience},
            exp={"essential": True})

    @classmethod
    def from_text(cls, text: str) -> Bearer:
        """`issuer=…;audience=…;jwks=FILE-or-URL`, and `algorithms=RS256,ES256`, `scopes=CLAIM`, `roles=CLAIM`,
        `tenant=CLAIM`."""
        if importlib.util.find_spec("joserfc") is None:
            raise ConfigurationError("Bearer tokens need the extra: pip install 'odata-edm[auth]'", target=TARGET)
        options = dict(each.split("=", 1) for each in text.split(";") if "=" in each)
        for name in options:
            if name not in OPTIONS:
                raise ConfigurationError(f"bearer has no option '{name[:20]}': {', '.join(OPTIONS)}", target=TARGET)
        for name in OPTIONS[:3]:
            if not options.get(name):
                raise ConfigurationError(f"bearer needs {name}=…", target=TARGET)
        algorithms = tuple(options.get("algorithms", "RS256,ES256").split(","))
        for name in algorithms:
            if name not in KNOWN:
                raise ConfigurationError(f"'{name[:20]}' is no signature that can be checked: {', '.join(KNOWN)}", target=TARGET)
        return cls(options["issuer"], options["audience"], Keys(options["jwks"]), algorithms,
                   {name: options[name] for name in OPTIONS[4:] if name in options})

    def __call__(self, request: Request) -> Principal:
        scheme, _, token = (request.header("authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized(headers={"WWW-Authenticate": f'Bearer realm="{REALM}"'})
        claims = self.checked(token.strip())
        if claims is None:
            raise Unauthorized("The token is not valid here", code="invalidToken", headers={
                "WWW-Authenticate": f'Bearer realm="{REALM}", error="invalid_token"'})
        return self.principal(claims)

    def challenge(self, scopes: str) -> str:
        """What a client that lacks scopes is told (RFC 6750 §3.1)."""
        return f'Bearer realm="{REALM}", error="insufficient_scope", scope="{scopes}"'

    def checked(self, token: str) -> dict[str, Any] | None:
        """The claims of a token; None for one that is not signed by the issuer, meant for others, or out of date."""
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError, JoseError
        if len(token) > TOKEN_BYTES:
            return None
        for fresh in (False, True):
            try:
                found = jwt.decode(token, self.keys.read(fresh), algorithms=self.algorithms)
                self.registry.validate(found.claims)
                return dict(found.claims)
            except InvalidKeyIdError:
                continue
            except (JoseError, ValueError, TypeError, KeyError):
                return None
        return None

    def principal(self, claims: Mapping[str, Any]) -> Principal:
        """Who the claims of a token are about."""
        tenant = claims.get(self.claims["tenant"])
        scopes = texts(claims.get(self.claims["scopes"])) | texts(claims.get("scope"))
        return Principal(str(claims.get("sub", "")), scopes, texts(claims.get(self.claims["roles"])),
                         tenant if isinstance(tenant, str) else None, claims)


def texts(value: Any) -> frozenset[str]:
    """The names that a claim lists: an array, or one text separated by blanks."""
    listed = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
    return frozenset(each for each in listed if isinstance(each, str))


class _Straight(HTTPRedirectHandler):
    """The address of the keys is the one that was configured: nobody else says where they are."""

    def redirect_request(self, *arguments: Any) -> None:
        return None


class Keys:
    """The keys of an issuer, from a file or an address (https, or this machine)."""

    def __init__(self, place: str) -> None:
        self.place = place
        self._lock = threading.Lock()
        self._found: Any = None
        self._at = -float(AGAIN)
        parts = urlsplit(place)
        self.remote = parts.scheme in ("http", "https")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ConfigurationError("The address of the keys (jwks) has to be https", target=TARGET)
        if not self.remote:
            try:
                self.read(True)
            except ServiceUnavailable:
                raise ConfigurationError(f"The file of keys {place} cannot be read", target=TARGET) from None

    def read(self, fresh: bool = False) -> Any:
        """The keys; `fresh`: read again, unless that was just done. Raises ServiceUnavailable where there are none."""
        if self._found is not None and not fresh:
            return self._found
        with self._lock:
            if time.monotonic() - self._at >= AGAIN:
                self._at = time.monotonic()
                with contextlib.suppress(Exception):        # the keys that are known stay
                    self._found = self._read()
        if self._found is None:
            raise ServiceUnavailable(reason="The keys that tokens are checked with cannot be read", retry_after=AGAIN)
        return self._found

    def _read(self) -> Any:
        from joserfc.jwk import KeySet
        if self.remote:
            with build_opener(_Straight).open(self.place, timeout=TIMEOUT) as answer:
                text = answer.read(KEYS_BYTES)
        else:
            text = Path(self.place).read_bytes()
        return KeySet.import_key_set(json.loads(text))
