"""Authentication: a request in, a principal out, before anything else is looked at (DESIGN §9; RFC 7617, RFC 6750).

`ODATA_AUTH` names the kind: `none` (everyone is nobody in particular), `apikey:FILE`, `basic:FILE`, `bearer:issuer=…;…`.
Raises Unauthorized with a challenge that clients know; why a credential was refused is told to nobody. Secrets are compared
in constant time and are in no message, log or repr. docs/security.md describes the files.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from app.errors import ConfigurationError, Unauthorized
from app.service.access import ANONYMOUS, Principal
from app.service.cache import Bounded
from app.service.request import Request
from app.service.settings import Settings

Authenticate: TypeAlias = Callable[[Request], Principal]

TARGET = "ODATA_AUTH"
REALM = "OData"
SCRYPT = (2 ** 14, 8, 1)
REMEMBERED = 1000           # credentials whose slow hash need not be computed again
LISTS = {"roles", "scopes"}


def anonymous(request: Request) -> Principal:
    """Everyone is nobody in particular."""
    return ANONYMOUS


def authenticator(settings: Settings) -> Authenticate:
    """The authentication that the settings name; ConfigurationError for one that this service does not have."""
    kind, _, rest = settings.auth.partition(":")
    match kind:
        case "" | "none":
            return anonymous
        case "apikey":
            return ApiKey.from_text(rest)
        case "basic":
            return Basic(entries(Path(rest)))
        case "bearer":
            from app.service.bearer import Bearer
            return Bearer.from_text(rest)
    raise ConfigurationError(reason=f"'{kind[:20]}' is not one of: none, apikey, basic, bearer", target=TARGET)


def identified(principal: object) -> Principal:
    """What the function of an embedding application found; nobody is refused."""
    if not isinstance(principal, Principal):
        raise Unauthorized()
    return principal


# --- files of credentials --------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a file of credentials: `name:hash:roles=a,b;scopes=c;tenant=d;other=…`. What is kept is the hash."""

    hash: str = field(repr=False)
    principal: Principal


def entries(path: Path) -> dict[str, Entry]:
    """The entries of a file by name. Raises ConfigurationError naming the line, never its content."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"The file of credentials {path} cannot be read: {error.strerror}", target=TARGET) from None


def parse(text: str) -> dict[str, Entry]:
    """The entries of the text of such a file; lines that begin with # are remarks."""
    found: dict[str, Entry] = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, _, rest = line.partition(":")
        hash, _, about = rest.partition(":")
        if not name or not valid(hash) or name in found:
            raise ConfigurationError(f"Line {number} of the credentials is not of the form name:hash:about", target=TARGET)
        found[name] = Entry(hash, principal_of(name, about, number))
    if not found:
        raise ConfigurationError("The file of credentials has no entry", target=TARGET)
    return found


def principal_of(name: str, about: str, number: int) -> Principal:
    lists: dict[str, frozenset[str]] = {}
    claims: dict[str, str] = {}
    for part in filter(None, about.split(";")):
        key, equals, value = part.partition("=")
        if not equals:
            raise ConfigurationError(f"Line {number} of the credentials: what is known of '{name}' has the form name=value",
                                     target=TARGET)
        if key in LISTS:
            lists[key] = frozenset(filter(None, value.split(",")))
        else:
            claims[key] = value
    return Principal(name, lists.get("scopes", frozenset()), lists.get("roles", frozenset()), claims.pop("tenant", None), claims)


def hash_password(text: str) -> str:
    """The hash of a password for a file of credentials: scrypt, with a salt of its own."""
    n, r, p = SCRYPT
    salt = os.urandom(16)
    return f"scrypt${n}${r}${p}${encoded(salt)}${encoded(scrypt(text, salt, n, r, p))}"


def hash_key(text: str) -> str:
    """The hash of an API key for a file of credentials. Keys have to be random: nothing slows guessing down."""
    return "sha256$" + hashlib.sha256(text.encode()).hexdigest()


def scrypt(text: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(text.encode(), salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=32)


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def valid(hash: str) -> bool:
    """Whether a hash is of a form that can be compared with."""
    match hash.split("$"):
        case ["sha256", digest]:
            return len(digest) == 64 and all(each in "0123456789abcdef" for each in digest)
        case ["scrypt", n, r, p, salt, digest]:
            return all(each.isdigit() for each in (n, r, p)) and bool(salt) and bool(digest)
    return False


def matches(text: str, hash: str) -> bool:
    """Whether a secret has this hash; as long for a wrong one as for the right one."""
    kind, *rest = hash.split("$")
    if kind == "sha256":
        return hmac.compare_digest(hashlib.sha256(text.encode()).hexdigest(), rest[0])
    n, r, p, salt, digest = rest
    return hmac.compare_digest(encoded(scrypt(text, base64.b64decode(salt), int(n), int(r), int(p))), digest)


# --- kinds -----------------------------------------------------------------------------------------------

class ApiKey:
    """A key in a header. `digests`: hash → principal."""

    def __init__(self, found: Mapping[str, Entry], header: str = "x-api-key") -> None:
        self.header = header.lower()
        self._entries = tuple((each.hash, each.principal) for each in found.values())
        if any(not hash.startswith("sha256$") for hash, _ in self._entries):
            raise ConfigurationError("API keys are kept as sha256 hashes", target=TARGET)

    @classmethod
    def from_text(cls, text: str) -> ApiKey:
        """`FILE`, or `file=FILE`, `env=VARIABLE` (its text is that of a file), `header=NAME`, separated by ';'."""
        options = dict(each.split("=", 1) for each in text.split(";") if "=" in each)
        unknown = set(options) - {"file", "env", "header"}
        if unknown:
            raise ConfigurationError(f"apikey has no option '{min(unknown)}': file, env, header", target=TARGET)
        if "env" in options:
            found = parse(os.environ.get(options["env"], "").replace(" ", "\n"))
        else:
            found = entries(Path(options.get("file") or text))
        return cls(found, options.get("header", "x-api-key"))

    def __call__(self, request: Request) -> Principal:
        given = request.header(self.header)
        found: Principal | None = None
        wanted = hash_key(given or "")
        for hash, principal in self._entries:           # all of them, whichever it is
            if hmac.compare_digest(hash, wanted):
                found = principal
        if given is None or found is None:
            raise Unauthorized(headers={"WWW-Authenticate": f'ApiKey realm="{REALM}", header="{self.header}"'})
        return found


class Basic:
    """User and password (RFC 7617), the passwords kept as salted hashes."""

    def __init__(self, found: Mapping[str, Entry]) -> None:
        self._entries = dict(found)
        self._nobody = hash_password(secrets.token_hex(8))
        self._secret = os.urandom(32)
        self._remembered: Bounded[tuple[str, bytes], bool] = Bounded(REMEMBERED)

    def __call__(self, request: Request) -> Principal:
        scheme, _, text = (request.header("authorization") or "").partition(" ")
        refused = Unauthorized(headers={"WWW-Authenticate": f'Basic realm="{REALM}", charset="UTF-8"'})
        if scheme.lower() != "basic":
            raise refused
        try:
            user, colon, password = base64.b64decode(text.strip(), validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            raise refused from None
        entry = self._entries.get(user)
        known = hmac.digest(self._secret, f"{user}:{password}".encode(), "sha256")
        if entry is not None and self._remembered.get((user, known)):
            return entry.principal
        if not matches(password, self._nobody if entry is None else entry.hash) or entry is None or not colon:
            raise refused
        self._remembered.put((user, known), True)
        return entry.principal
