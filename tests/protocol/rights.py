"""Services with known clients and a policy, for the tests of who may do what: a key names the principal."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app.service.authenticate import hash_key
from tests.protocol.conftest import files
from tests.protocol.exchange import Answer, Client

PEOPLE = {
    "admin": "roles=admin;scopes=",
    "clerk": "roles=clerk;tenant=ALFKI",
    "other": "roles=clerk;tenant=ANATR",
    "lost": "roles=clerk",
    "guest": "roles=guest",
    "nobody": "",
}


def credentials(people: Mapping[str, str] = PEOPLE) -> str:
    """A file of credentials; the key of each is its name."""
    return "\n".join(f"{name}:{hash_key(name)}:{about}" for name, about in people.items())


def guarded(service_of: Callable[..., Any], folder: Path, model: str, policy: Any = None, data: Any = None,
            people: Mapping[str, str] = PEOPLE, **more: Any) -> Client:
    """A client of a service whose principals are `people`."""
    keys = folder / "keys"
    keys.write_text(credentials(people))
    settings: dict[str, Any] = {"auth": f"apikey:{keys}", "page_size": 0, **more}
    if policy is not None:
        settings["policy"] = folder / "policy.json"
        settings["policy"].write_text(json.dumps(policy))
    schema, loaded, operations = files(model)
    if data is not None:
        loaded = folder / "data.json"
        loaded.write_text(json.dumps(data))
    return Client(service_of(schema, loaded, operations, **settings))


def ask(client: Client, who: str, line: str, body: Any = None, **headers: str) -> Answer:
    """The answer to somebody."""
    sent = {"x-api-key": who, **{name.replace("_", "-"): value for name, value in headers.items()}}
    if body is not None:
        sent.setdefault("content-type", "application/json")
    return client.send(line, sent, b"" if body is None else json.dumps(body).encode())


VOLATILE = ("etag", "@odata.etag", "request-id", "innererror", "@odata.nextLink", "@nextLink", "@odata.deltaLink", "@etag")


def stripped(value: Any) -> Any:
    """JSON without what differs from store to store."""
    if isinstance(value, dict):
        return {name: stripped(each) for name, each in value.items() if name.lower() not in VOLATILE}
    return [stripped(each) for each in value] if isinstance(value, list) else value


def content(answer: Answer) -> Any:
    """Status and body of an answer as they are the same in every store."""
    if answer.headers.get("content-type", "").startswith("application/json"):
        return answer.status, stripped(answer.json)
    return answer.status, answer.text
