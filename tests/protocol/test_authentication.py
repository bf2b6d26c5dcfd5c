"""Who asks: API keys, Basic, bearer tokens, functions of an embedding application, and the scopes that a model demands.

RFC 7617, RFC 6750; Capabilities vocabulary PermissionType; DESIGN §9.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from app.errors import ConfigurationError, ServiceUnavailable, Unauthorized
from app.service import bearer
from app.service.access import Principal
from app.service.authenticate import Basic, authenticator, hash_key, hash_password, parse
from app.service.request import Request
from app.service.service import Service
from app.service.settings import Settings
from tests.protocol.conftest import files
from tests.protocol.exchange import Client
from tests.protocol.rights import ask, credentials, guarded

ISSUER, AUDIENCE = "https://issuer.example/", "api://odata"
RSA, RSA2, RSA3 = (RSAKey.generate_key(2048, {"kid": name}) for name in ("one", "two", "three"))
EC = ECKey.generate_key("P-256", {"kid": "curve"})
OCT = OctKey.import_key("a-secret-of-thirty-two-characters!!", {"kid": "shared"})


def request(**headers: str) -> Request:
    return Request("GET", "", headers={name.replace("_", "-"): value for name, value in headers.items()})


def settings(auth: str) -> Settings:
    return Settings(model=Path("m.xml"), database="sqlite:///x.db", auth=auth)


def refused(check: Any, asked: Request) -> str:
    """The challenge of a refusal."""
    with pytest.raises(Unauthorized) as error:
        check(asked)
    return error.value.headers["WWW-Authenticate"]


# --- keys ------------------------------------------------------------------------------------------------

def test_api_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "keys"
    file.write_text("# who may\n" + credentials({"ada": "roles=a,b;scopes=s;tenant=t;desk=7", "bob": ""}))
    check = authenticator(settings(f"apikey:{file}"))
    assert check(request(x_api_key="ada")) == Principal("ada", frozenset({"s"}), frozenset({"a", "b"}), "t")
    assert check(request(x_api_key="ada")).claims == {"desk": "7"}
    assert check(request(x_api_key="bob")) == Principal("bob")
    for wrong in (request(), request(x_api_key=""), request(x_api_key="eve"), request(x_api_key=hash_key("ada")), request(authorization="ada")):
        assert refused(check, wrong).startswith("ApiKey ")
    other = authenticator(settings(f"apikey:file={file};header=X-Token"))
    assert other(request(x_token="bob")).id == "bob" and refused(other, request(x_api_key="bob"))
    monkeypatch.setenv("KEYS", f"ada:{hash_key('ada')}: bob:{hash_key('bob')}:roles=x")
    assert authenticator(settings("apikey:env=KEYS"))(request(x_api_key="bob")).roles == {"x"}


def test_basic(tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    file.write_text(f"ada:{hash_password('söcret:1')}:roles=r\nbob:{hash_key('weak')}:\n")
    check = authenticator(settings(f"basic:{file}"))

    def sent(user: str, password: str, scheme: str = "Basic") -> Request:
        return request(authorization=f"{scheme} " + base64.b64encode(f"{user}:{password}".encode()).decode())

    for _ in range(2):                                  # the second time from memory
        assert check(sent("ada", "söcret:1")).roles == {"r"}
        assert check(sent("bob", "weak", "bAsIc")).id == "bob"
        for wrong in (sent("ada", "söcret"), sent("ada", ""), sent("eve", "söcret:1"), sent("bob", "söcret:1"), request(), request(authorization="Basic %%%"),
                      request(authorization="Basic " + base64.b64encode(b"ada").decode()), request(authorization="Bearer x")):
            assert refused(check, wrong) == 'Basic realm="OData", charset="UTF-8"'


def test_a_password_is_hashed_with_a_salt_of_its_own() -> None:
    first, second = hash_password("same"), hash_password("same")
    assert first != second and "same" not in first
    assert Basic(parse(f"a:{first}:\nb:{second}:"))(request(authorization="Basic " + base64.b64encode(b"b:same").decode())).id == "b"


@pytest.mark.parametrize("text", ["", "ada", "ada:secret", "ada:secret:", "ada:sha256$12:", "ada:md5$0:", ":sha256$" + "0" * 64, "ada:scrypt$1$x$1$a$b:"])
def test_credentials_that_cannot_be_used(text: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        parse(text)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("auth", ["apikey", "apikey:", "apikey:/none", "basic:/none", "apikey:colour=red", "magic", "bearer:", "bearer:issuer=x", "bearer:issuer=x;audience=y;jwks=/none",
                                  "bearer:issuer=x;audience=y;jwks=http://keys.example/;algorithms=RS256", "bearer:issuer=x;audience=y;jwks=k;algorithms=none", "bearer:issuer=x;audience=y;jwks=k;colour=red"])
def test_configurations_that_cannot_be_used(auth: str) -> None:
    with pytest.raises(ConfigurationError):
        authenticator(settings(auth))


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    assert "hush" not in repr(settings("apikey:hush"))
    entry = parse(f"ada:{hash_password('x')}:roles=r")["ada"]
    assert "scrypt" not in repr(entry)


# --- bearer tokens ---------------------------------------------------------------------------------------

@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "jwks.json"
    publish(file, RSA, EC)
    yield file


def publish(file: Path, *found: Any) -> None:
    file.write_text(json.dumps(KeySet(list(found)).as_dict(private=False) if OCT not in found else KeySet(list(found)).as_dict(private=True)))


def token(key: Any = RSA, alg: str = "RS256", head: dict[str, Any] | None = None, **claims: Any) -> str:
    now = int(time.time())
    made = {"iss": ISSUER, "aud": AUDIENCE, "exp": now + 300, "sub": "ada", "scp": "a b", "roles": ["clerk"], "tid": "t1", **claims}
    return jwt.encode({"alg": alg, "kid": key.kid, **(head or {})}, {name: value for name, value in made.items() if value is not None}, key,
                      algorithms=list(bearer.KNOWN))


def unsigned(**claims: Any) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
    return f"{part({'alg': 'none'})}.{part({'iss': ISSUER, 'aud': AUDIENCE, 'exp': int(time.time()) + 300, **claims})}."


def confused() -> str:
    """A token whose HMAC key is the public key of the issuer."""
    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")
    head = part(json.dumps({"alg": "HS256", "kid": "one"}).encode())
    body = part(json.dumps({"iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 300}).encode())
    return f"{head}.{body}.{part(hmac.digest(RSA.as_pem(private=False), f'{head}.{body}'.encode(), hashlib.sha256))}"


def checker(keys: Path, more: str = "") -> Any:
    return authenticator(settings(f"bearer:issuer={ISSUER};audience={AUDIENCE};jwks={keys}{more}"))


def test_a_token_says_who_asks(keys: Path) -> None:
    check = checker(keys)
    found = check(request(authorization="Bearer " + token()))
    assert found == Principal("ada", frozenset({"a", "b"}), frozenset({"clerk"}), "t1")
    assert found.value("sub", "Edm.String") == "ada" and found.value("roles", "Collection(Edm.String)") == ["clerk"]
    assert check(request(authorization="bearer " + token(EC, "ES256", scp=None, scope="c"))).scopes == {"c"}
    assert check(request(authorization="Bearer " + token(aud=["x", AUDIENCE]))).id == "ada"
    other = checker(keys, ";scopes=permissions;roles=groups;tenant=org")
    found = other(request(authorization="Bearer " + token(permissions=["p"], groups="g h", org="o")))
    assert (found.scopes, found.roles, found.tenant) == ({"p"}, {"g", "h"}, "o")


BAD = {
    "another issuer": lambda: token(iss="https://evil.example/"), "no issuer": lambda: token(iss=None), "another audience": lambda: token(aud="x"), "no audience": lambda: token(aud=None),
    "expired": lambda: token(exp=int(time.time()) - 90), "no expiry": lambda: token(exp=None), "not yet": lambda: token(nbf=int(time.time()) + 90),
    "another key": lambda: token(RSA2), "another key under a known name": lambda: token(RSA2, head={"kid": "one"}), "not signed": lambda: unsigned(), "none with a signature": lambda: unsigned() + "x",
    "key confusion": confused, "an algorithm not configured": lambda: token(RSA, "RS512"), "a shared key not configured": lambda: token(OCT, "HS256"), "no token": lambda: "x.y", "nothing in it": lambda: "..",
    "changed": lambda: token()[:-6] + "AAAAAA", "too long": lambda: "x" * 20_000, "text for a time": lambda: token(exp="tomorrow"),
}


@pytest.mark.parametrize("name", BAD)
def test_tokens_that_are_refused(name: str, keys: Path) -> None:
    challenge = refused(checker(keys), request(authorization="Bearer " + BAD[name]()))
    assert challenge == 'Bearer realm="OData", error="invalid_token"'


def test_without_a_token(keys: Path) -> None:
    for asked in (request(), request(authorization="Basic eDp5"), request(authorization="Bearer"), request(authorization="Bearer ")):
        assert refused(checker(keys), asked) == 'Bearer realm="OData"'


def test_clocks_may_differ_by_a_minute(keys: Path) -> None:
    now = int(time.time())
    assert checker(keys)(request(authorization="Bearer " + token(exp=now - 30, nbf=now + 30))).id == "ada"


def test_keys_may_change(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(bearer.time, "monotonic", lambda: clock[0])
    check = checker(keys)
    assert refused(check, request(authorization="Bearer " + token(RSA2)))
    publish(keys, RSA, RSA2)
    assert refused(check, request(authorization="Bearer " + token(RSA2)))       # read a moment ago
    clock[0] += bearer.AGAIN
    assert check(request(authorization="Bearer " + token(RSA2))).id == "ada"
    assert check(request(authorization="Bearer " + token(RSA))).id == "ada"
    keys.write_text("broken")                                                   # the keys known stay
    clock[0] += bearer.AGAIN
    assert refused(check, request(authorization="Bearer " + token(RSA3)))
    assert check(request(authorization="Bearer " + token(RSA2))).id == "ada"


class Published(http.server.BaseHTTPRequestHandler):
    """The keys of an issuer at an address."""

    body = b""
    status = 200
    asked = 0

    def do_GET(self) -> None:
        Published.asked += 1
        self.send_response(self.status)
        if 300 <= self.status < 400:
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Published)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    Published.body, Published.status, Published.asked = public(RSA, EC), 200, 0
    yield f"http://127.0.0.1:{server.server_port}/keys"
    server.shutdown()
    server.server_close()
    thread.join()


def public(*found: Any) -> bytes:
    return json.dumps(KeySet(list(found)).as_dict(private=False)).encode()


def test_keys_from_an_address(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read when they are first needed, and again for a key that is not known, at most every ten seconds."""
    clock = [0.0]
    monkeypatch.setattr(bearer.time, "monotonic", lambda: clock[0])
    check = checker(address)                                            # type: ignore[arg-type]
    assert Published.asked == 0
    for _ in range(3):
        assert check(request(authorization="Bearer " + token())).id == "ada"
    assert Published.asked == 1
    Published.body = public(RSA2)                                       # rotated
    for _ in range(3):
        assert refused(check, request(authorization="Bearer " + token(RSA2)))
    assert Published.asked == 1
    clock[0] += bearer.AGAIN
    assert check(request(authorization="Bearer " + token(RSA2))).id == "ada"
    assert Published.asked == 2
    assert refused(check, request(authorization="Bearer " + token(RSA)))        # withdrawn
    for name in BAD.keys() - {"another key"}:
        assert refused(check, request(authorization="Bearer " + BAD[name]())) == 'Bearer realm="OData", error="invalid_token"', name
    assert Published.asked == 2


@pytest.mark.parametrize(("status", "body"), [(500, b""), (404, b"{}"), (302, b""), (200, b"<html>"), (200, b'{"keys": [{"kty": "x"}]}'), (200, b"x" * (bearer.KEYS_BYTES + 1))])
def test_keys_that_cannot_be_had(status: int, body: bytes, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 while there are none; those that are known stay. An issuer that is down is not asked at every request."""
    clock = [0.0]
    monkeypatch.setattr(bearer.time, "monotonic", lambda: clock[0])
    Published.status, good = status, Published.body
    Published.body = body
    check = checker(address)                                            # type: ignore[arg-type]
    for _ in range(3):
        with pytest.raises(ServiceUnavailable) as error:
            check(request(authorization="Bearer " + token()))
        assert "127.0.0.1" not in error.value.text
    assert Published.asked == 1
    Published.status, Published.body = 200, good
    clock[0] += bearer.AGAIN
    assert check(request(authorization="Bearer " + token())).id == "ada"
    Published.status, Published.body = status, body
    clock[0] += bearer.AGAIN
    assert refused(check, request(authorization="Bearer " + token(RSA3)))
    assert check(request(authorization="Bearer " + token())).id == "ada"


def test_a_missing_scope_is_a_challenge(address: str, service_of: Any) -> None:
    """RFC 6750 §3.1: 403 with insufficient_scope and the scopes that would do."""
    model, data, operations = files("industryData")
    client = Client(service_of(model, data, operations, auth=f"bearer:issuer={ISSUER};audience={AUDIENCE};jwks={address}"))

    def asked(scopes: str, line: str) -> Any:
        return client.send(line, {"authorization": "Bearer " + token(scp=scopes)})

    assert asked("IndustryData-Run.Read.All", "incomingFlowRuns?$top=1").status == 200
    answer = asked("other", "incomingFlowRuns?$top=1")
    assert answer.status == 403 and "IndustryData-Run.Read.All" in answer.json["error"]["message"]
    assert answer.headers["www-authenticate"] == 'Bearer realm="OData", error="insufficient_scope", scope="IndustryData-Run.Read.All"'
    assert client.send("incomingFlowRuns").headers["www-authenticate"] == 'Bearer realm="OData"'


def test_shared_keys_where_configured(keys: Path) -> None:
    publish(keys, OCT)
    assert checker(keys, ";algorithms=HS256")(request(authorization="Bearer " + token(OCT, "HS256"))).id == "ada"
    assert refused(checker(keys), request(authorization="Bearer " + token(OCT, "HS256")))


# --- before anything else --------------------------------------------------------------------------------

TARGETS = ["", "$metadata", "Products", "Nonesuch", "Products(", "Products?$filter=", "$batch", "Products?$top=x", "Products(99999)", "-"]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE", "HEAD"])
def test_nobody_learns_anything(method: str, target: str, locked: Client) -> None:
    for sent in ({}, {"x-api-key": "wrong"}):
        answer = locked.handled(method, target, sent, b"{}" if method in ("POST", "PATCH") else b"")
        assert answer.status == 401 and answer.headers["www-authenticate"].startswith("ApiKey ")
        body = answer.json["error"]
        assert body["code"] == "unauthorized" and body["message"] == "This service needs to know who you are." and not body["details"]
        assert answer.headers["odata-version"] == "4.0"


@pytest.fixture
def locked(service_of: Any, tmp_path: Path) -> Client:
    return guarded(service_of, tmp_path, "northwind")


def test_every_request_is_asked(locked: Client) -> None:
    """What the caches know is for those who may."""
    assert ask(locked, "admin", "Products?$top=1").status == 200
    assert locked.send("Products?$top=1").status == 401
    assert ask(locked, "nobody", "Products?$top=1").status == 200       # without a policy whoever is known has every right


def test_an_embedding_application_says_who_asks(tmp_path: Path) -> None:
    from app import create_app
    models = Path(__file__).parent.parent / "models"
    own = Settings(model=models / "northwind.xml", database=f"sqlite:///{tmp_path}/x.db", data=models / "northwind.data.json", page_size=0)
    asked: list[str] = []

    def authenticate(found: Request) -> Principal | None:
        asked.append(found.path)
        return Principal("ada") if found.header("x-user") == "ada" else None

    app = create_app(own, authenticate=authenticate)        # type: ignore[arg-type]
    client = app.test_client()
    assert client.get("/Products(1)", headers={"X-User": "ada"}).status_code == 200
    assert client.get("/Products(1)").status_code == 401
    assert client.get("/-/health").status_code == 200
    assert asked == ["Products(1)", "Products(1)"]
    app.extensions["odata"].close()


# --- scopes ----------------------------------------------------------------------------------------------

SCOPED = {
    "none": "scopes=", "runs": "scopes=IndustryData-Run.Read.All", "flows": "scopes=IndustryData-InboundFlow.Read.All",
    "both": "scopes=IndustryData-Run.Read.All,IndustryData-InboundFlow.Read.All", "writer": "scopes=IndustryData-InboundFlow.ReadWrite.All",
    "starter": "scopes=IndustryData-Run.Start", "basic": "scopes=IndustryData.ReadBasic.All",
}
# who, request, the scope that is missing (None: none is)
SCOPES: list[tuple[str, str, str | None]] = [
    ("none", "incomingFlowRuns", "IndustryData-Run.Read.All"), ("runs", "incomingFlowRuns?$top=1", None), ("runs", "incomingFlowRuns/$count", None), ("none", "incomingFlowRuns/$count", "IndustryData-Run.Read.All"),
    ("flows", "incomingFlowRuns('x')", "IndustryData-Run.Read.All"), ("flows", "incomingFlows?$expand=runs", "IndustryData-Run.Read.All"), ("both", "incomingFlows?$expand=runs&$top=1", None),
    ("flows", "incomingFlows?$filter=runs/any()", "IndustryData-Run.Read.All"), ("flows", "incomingFlows?$filter=runs/$count gt 1", "IndustryData-Run.Read.All"), ("both", "incomingFlows?$filter=runs/any()&$top=1", None),
    ("flows", "incomingFlows?$apply=aggregate(runs/$count as N)", "IndustryData-Run.Read.All"), ("runs", "incomingFlowRuns?$orderby=process/displayName", "IndustryData-InboundFlow.Read.All"), ("runs", "incomingFlowRuns?$filter=process/displayName eq 'x'", "IndustryData-InboundFlow.Read.All"),
    ("none", "roleGroups", "IndustryData.ReadBasic.All"), ("basic", "roleGroups?$top=1", None), ("basic", "operations?$top=1", None), ("none", "", None), ("none", "$metadata", None),
    ("flows", "POST incomingFlows|{}", "IndustryData-InboundFlow.ReadWrite.All"), ("flows", "DELETE incomingFlows('x')", "IndustryData-InboundFlow.ReadWrite.All"),
]


@pytest.fixture(scope="module")
def industry(databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    from tests.conftest import open_service
    opened: list[Any] = []

    def service_of(*files: Any, **values: Any) -> Any:
        opened.extend(open_service(databases, *files, values))
        return opened[0]

    yield guarded(service_of, tmp_path_factory.mktemp("scopes"), "industryData", people=SCOPED)
    opened[0].close()
    databases.drop(opened[1])


@pytest.mark.parametrize(("who", "line", "missing"), SCOPES)
def test_scopes(who: str, line: str, missing: str | None, industry: Client) -> None:
    line, _, body = line.partition("|")
    answer = ask(industry, who, line, json.loads(body) if body else None)
    if missing is None:
        assert answer.status == 200, answer.text
        return
    assert answer.status == 403, answer.text
    assert missing in answer.json["error"]["message"]


def test_without_authentication_scopes_do_not_count(clients: Any) -> None:
    client = clients["industryData"]
    assert isinstance(client.service, Service) and client.service.access.policy(Principal()).open
    assert client.send("incomingFlowRuns?$top=1").status == 200


# who, request, the scope that is missing: what a singleton says of the containments below it
PLACED: list[tuple[str, str, str | None]] = [
    ("runs", "external/industryData/runs?$top=1", None), ("none", "external/industryData/runs", "IndustryData-Run.Read.All"), ("runs", "external/industryData/runs/$count", None), ("none", "external/industryData/runs/$count", "IndustryData-Run.Read.All"),
    ("runs", "external/industryData", "IndustryData.ReadBasic.All"), ("basic", "external/industryData", None), ("basic", "external/industryData?$expand=runs", "IndustryData-Run.Read.All"), ("none", "external?$expand=industryData", "IndustryData.ReadBasic.All"), ("none", "external", None),
    ("runs", "external/industryData/inboundFlows", "IndustryData-InboundFlow.Read.All"), ("flows", "external/industryData/inboundFlows?$top=1", None), ("flows", "external/industryData/inboundFlows?$filter=year/displayName eq 'x'&$top=1", "IndustryData-TimePeriod.Read.All"),
    ("none", "external/industryData/runs('x')", "IndustryData-Run.Read.All"), ("none", "external/industryData/runs('x')/activities", "IndustryData-Run.Read.All"), ("flows", "POST external/industryData/inboundFlows|{}", "IndustryData-InboundFlow.ReadWrite.All"),
    ("flows", "DELETE external/industryData/inboundFlows('x')", "IndustryData-InboundFlow.ReadWrite.All"), ("flows", "PATCH external/industryData/inboundFlows('x')|{}", "IndustryData-InboundFlow.ReadWrite.All"), ("runs", "external/industryData/runs?$expand=activities&$top=1", None),
]


@pytest.fixture(scope="module")
def published(databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    from tests.conftest import open_service
    opened: list[Any] = []

    def service_of(*files: Any, **values: Any) -> Any:
        opened.extend(open_service(databases, *files, values))
        return opened[0]

    yield guarded(service_of, tmp_path_factory.mktemp("placed"), "industryData-beta", people=SCOPED)
    opened[0].close()
    databases.drop(opened[1])


@pytest.mark.parametrize(("who", "line", "missing"), PLACED)
def test_scopes_of_containments(who: str, line: str, missing: str | None, published: Client) -> None:
    test_scopes(who, line, missing, published)
