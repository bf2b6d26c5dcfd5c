"""Batches as people read them, in both formats, and their answers taken apart by a parser that is not ours.

A request is a text: an optional id before a colon, the request line, header lines, a blank line and the body; or all on
one line with the JSON body behind the URL. A list of requests is a change set, an atomicity group in JSON.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.policy import HTTP
from typing import Any

from tests.protocol.exchange import Answer, Client

Text = str | bytes
Items = Sequence["Text | Sequence[Text]"]
LINE = re.compile(r"(?:(?P<id>[\w.~-]+): )?(?P<method>[A-Za-z]+) (?P<url>.*?)(?: (?P<body>[\[{\"].*))?", re.DOTALL)


@dataclass(frozen=True)
class Asked:
    """One request of a batch."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str = ""
    id: str | None = None


def asked(text: str) -> Asked:
    head, _, body = text.partition("\n\n")
    line, *headers = head.split("\n")
    found = LINE.fullmatch(line)
    assert found is not None, text
    fields = dict(header.split(": ", 1) for header in headers)
    body = body or found["body"] or ""
    if body and "Content-Type" not in fields:
        fields["Content-Type"] = "application/json"
    return Asked(found["method"], found["url"], fields, body, found["id"])


# --- writing -------------------------------------------------------------------------------------------

def multipart(items: Items, boundary: str = "b") -> bytes:
    """A multipart/mixed body; bytes stand for a part as it is, its headers included."""
    out = b""
    for item in items:
        out += f"--{boundary}\r\n".encode()
        if isinstance(item, (str, bytes)):
            out += item if isinstance(item, bytes) else embedded(asked(item))
        else:
            inner = "in" + boundary
            out += f"Content-Type: multipart/mixed; boundary={inner}\r\n\r\n".encode() + multipart(item, inner)
        out += b"\r\n"
    return out + f"--{boundary}--\r\n".encode()


def embedded(part: Asked) -> bytes:
    head = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
    head += f"Content-ID: {part.id}\r\n" if part.id else ""
    head += f"\r\n{part.method} {part.url} HTTP/1.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in part.headers.items())
    return (head + "\r\n" + part.body).encode()


def in_json(items: Items, depends: Mapping[str, list[str]] | None = None) -> bytes:
    """The JSON body of the same batch; requests without an id get one that nothing refers to."""
    requests: list[str] = []
    for number, item in enumerate(items):
        for text in [item] if isinstance(item, str) else item:
            assert isinstance(text, str)
            part = asked(text)
            entry: dict[str, Any] = {"id": part.id or f"r{len(requests)}", "method": part.method.lower(), "url": part.url}
            if not isinstance(item, str):
                entry["atomicityGroup"] = f"g{number}"
            if depends and part.id in depends:
                entry["dependsOn"] = depends[part.id]
            if part.headers:
                entry["headers"] = {name.lower(): value for name, value in part.headers.items()}
            raw = json.dumps(entry)
            requests.append(raw[:-1] + f', "body": {json_body(part)}}}' if part.body else raw)
    return f'{{"requests": [{", ".join(requests)}]}}'.encode()


def json_body(part: Asked) -> str:
    kind = part.headers["Content-Type"]
    if "json" in kind:
        return part.body
    return json.dumps(part.body if kind.startswith("text/") else urlsafe_b64encode(part.body.encode()).decode().rstrip("="))


# --- sending -------------------------------------------------------------------------------------------

def send_multipart(client: Client, items: Items, headers: Mapping[str, str] | None = None) -> Answer:
    return client.send("POST $batch", {"Content-Type": "multipart/mixed; boundary=b", **(headers or {})}, multipart(items))


def send_json(client: Client, items: Items, headers: Mapping[str, str] | None = None,
              depends: Mapping[str, list[str]] | None = None) -> Answer:
    return client.send("POST $batch", {"Content-Type": "application/json", **(headers or {})}, in_json(items, depends))


# --- reading -------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Got(Answer):
    """The answer to one request, with its id and group."""

    id: str | None = None
    group: str | None = None


def answers(answer: Answer) -> list[Got | list[Got]]:
    """The answers of a batch, change sets and groups as lists."""
    assert answer.status == 200, answer.text
    kind = answer.headers["content-type"]
    if kind.startswith("multipart/mixed"):
        message = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + answer.body, policy=HTTP)
        assert not message.defects, message.defects
        return [[got(inner) for inner in parts(part)] if part.get_content_maintype() == "multipart" else got(part)
                for part in parts(message)]
    assert kind == "application/json"
    found: list[Got | list[Got]] = []
    for entry in answer.json["responses"]:
        one = from_json(entry)
        last = found[-1] if found else None
        if one.group is None:
            found.append(one)
        elif isinstance(last, list) and last[0].group == one.group:
            last.append(one)
        else:
            found.append([one])
    return found


def parts(message: Message) -> Iterator[Message]:
    payload = message.get_payload()
    if isinstance(payload, list):
        for part in payload:
            assert isinstance(part, Message)
            yield part


def got(part: Message) -> Got:
    assert part.get_content_type() == "application/http" and part["Content-Transfer-Encoding"] == "binary"
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    head, _, body = content.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    assert re.fullmatch(r"HTTP/1\.1 \d{3} \w[\w -]*", status), status
    headers = dict(line.split(": ", 1) for line in lines)
    assert int(headers.pop("Content-Length", "0")) == len(body)
    return Got(int(status.split()[1]), lowered(headers), body, part["Content-ID"])


def from_json(entry: dict[str, Any]) -> Got:
    headers = entry.get("headers", {})
    assert all(name == name.lower() for name in headers)
    kind = headers.get("content-type", "application/json")
    body = b""
    if "body" in entry:
        body = json.dumps(entry["body"], default=float).encode() if "json" in kind else entry["body"].encode()
    return Got(entry["status"], headers, body, entry["id"], entry.get("atomicityGroup"))


def lowered(headers: Mapping[str, str]) -> dict[str, str]:
    found = {name.lower(): value for name, value in headers.items()}
    assert len(found) == len(headers)
    return found
