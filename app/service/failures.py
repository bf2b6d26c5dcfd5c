"""Errors as answers: the OData error object, its headers, and what never leaves the service (JSON Format §21.1)."""

from __future__ import annotations

import logging
from dataclasses import fields, is_dataclass
from typing import Any

from app.errors import ODataError
from app.payload.values import dumps
from app.service.response import Response
from app.url import nodes as url

EXPRESSIONS = ("filter", "orderby", "compute", "expand", "apply", "search")

LOG = logging.getLogger("odata")


def as_odata(error: BaseException, request_id: str) -> ODataError:
    """The error itself, or for anything unforeseen a 500 that says nothing; the cause goes to the log."""
    if isinstance(error, ODataError):
        return error
    if isinstance(error, RecursionError):
        return ODataError("The request is nested too deeply", status=400, code="limitExceeded")
    LOG.error("request %s failed", request_id, exc_info=error)
    return ODataError("The service failed; the request id names the entry in its log", code="internalError")


def option_at(options: url.Options, position: int | None) -> str | None:
    """The query option that a literal at `position` stands in, or the only one that holds expressions; None in doubt."""
    given = [(name, value) for name in EXPRESSIONS if (value := getattr(options, name)) is not None]
    if position is not None and len(given) > 1:
        given = [(name, value) for name, value in given if _has_literal(value, position)]
    return f"${given[0][0]}" if len(given) == 1 else None


def _has_literal(node: Any, position: int) -> bool:
    if isinstance(node, url.Literal):
        return node.position == position
    if isinstance(node, tuple):
        return any(_has_literal(each, position) for each in node)
    return is_dataclass(node) and any(_has_literal(getattr(node, field.name), position) for field in fields(node))


def failure(error: ODataError, version: str, request_id: str, now: str, inner_name: str | None,
            client_request_id: str | None = None) -> Response:
    """The answer of an error. `inner_name`: a further name for the inner error (Store.InnerErrorName)."""
    body: dict[str, Any] = {"code": error.code, "message": error.text}
    if error.target is not None:
        body["target"] = error.target
    body["details"] = [{"code": each.code, "message": each.message, **({"target": each.target} if each.target else {})}
                       for each in error.details]
    inner: dict[str, Any] = {"date": now.partition(".")[0].removesuffix("Z"), "request-id": request_id}
    if client_request_id:
        inner["client-request-id"] = client_request_id[:128]
    if error.position is not None:
        inner["position"] = error.position
    body["innererror"] = inner
    if inner_name:
        body[inner_name] = inner
    prefix = "odata." if version == "4.0" else ""
    headers = {"Content-Type": f"application/json;{prefix}metadata=minimal", "Content-Language": "en", **error.headers}
    return Response(error.status, headers, dumps({"error": body}))
