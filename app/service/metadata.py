"""The service document and `$metadata`, in every form, made once per version and format (Protocol §11.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, TypeAlias

from app import csdl
from app.edm import Model, vocabularies
from app.errors import NotAcceptable, PreconditionFailed
from app.payload.values import dumps
from app.service.call import Call
from app.service.conditions import matches
from app.service.request import Request
from app.service.response import Response
from app.service.wishes import json_range, understood
from app.url.headers import MediaRange

UI5 = "x-sap-security-session"
POWER_QUERY = "Microsoft.Data.Mashup"
VARY = "OData-MaxVersion, Accept, X-SAP-Security-Session, User-Agent"
Document: TypeAlias = tuple[bytes, str]
XML_RANGES = (("application", "xml"), ("text", "xml"), ("application", "*"), ("*", "*"), ("text", "*"))


def service_document(call: Call) -> Response:
    """Sets, singletons and function imports of the model view (JSON Format §5)."""
    if call.wishes.ranges and json_range(
            call.wishes.ranges, call.service.settings.strict or call.wishes.format_option) is None:
        raise NotAcceptable(reason="the service document is JSON")
    container, form = call.model.container, call.wishes.format
    items: list[dict[str, Any]] = []
    if container is not None:
        for each in container.sets:
            if each.in_service_document:
                items.append({"name": each.name, "kind": "EntitySet", "url": each.name})
        for singleton in container.singletons:
            items.append({"name": singleton.name, "kind": "Singleton", "url": singleton.name})
        for function in container.function_imports:
            if function.in_service_document:
                items.append({"name": function.name, "kind": "FunctionImport", "url": function.name})
    head = {} if form.metadata == "none" else {form.control("context"): f"{call.request.root}$metadata"}
    if form.metadata == "full":
        head[form.control("metadataEtag")] = call.service.metadata_tag(call)
    return Response(200, {"Content-Type": form.content_type}, dumps({**head, "value": items}))


def wanted_form(ranges: tuple[MediaRange, ...], strict: bool, old: bool = False) -> str:
    """'xml' or 'json': XML unless JSON is asked for by name and liked better (DESIGN §7). For an `old` client, whose
    OData-MaxVersion is 4.0, XML wherever it takes that: CSDL JSON is of 4.01, and Power Query likes JSON better but
    cannot read it here."""
    if not ranges:
        return "xml"
    wanted = [each for each in ranges if each.q > 0]
    if old and any((each.type, each.subtype) in XML_RANGES[:2] for each in wanted):
        return "xml"
    for each in wanted:
        if (each.type, each.subtype) == ("application", "json"):
            if strict and not understood(each):
                continue
            return "json"
        if (each.type, each.subtype) in XML_RANGES[:4]:
            return "xml"
    raise NotAcceptable(reason="$metadata is application/xml or application/json")


def metadata(call: Call, write: Callable[[str, csdl.Notation | None], Document]) -> Response:
    """`$metadata`; `write(form, notation)` gives the document, which is cached by the caller."""
    form = wanted_form(call.wishes.ranges, call.service.settings.strict or call.wishes.format_option,
                       call.request.header("odata-maxversion") == "4.0")
    offered = {each.partition(";")[0] for each in vocabularies.media_types(call.model, "SupportedMetadataFormats")}
    if offered and f"application/{form}" not in offered:
        raise NotAcceptable(reason=f"$metadata is {' or '.join(sorted(offered))}")
    notation = csdl.Notation(call.wishes.format.ieee754, call.wishes.format.metadata) if form == "json" else None
    body, tag = write(form, notation)
    headers = {"Content-Type": media_type(notation, call.wishes.version), "ETag": tag, "Vary": VARY}
    wanted, known = call.request.header("if-match"), call.request.header("if-none-match")
    if wanted is not None and not matches(wanted, tag):
        raise PreconditionFailed(target="If-Match")
    if known is not None and matches(known, tag):
        return Response(304, {"ETag": tag, "Vary": VARY})
    return Response(200, headers, body)


def media_type(notation: csdl.Notation | None, version: str) -> str:
    """The media type of a metadata document, with the parameters that shaped it (CSDL JSON §2.1)."""
    if notation is None:
        return "application/xml"
    prefix = "odata." if version == "4.0" else ""
    types = f";{prefix}metadata={notation.types}" if notation.types != "minimal" else ""
    return f"application/json{types}{';IEEE754Compatible=true' if notation.ieee754 else ''}"


def plain(request: Request, strict: bool) -> bool:
    """Whether a request for `$metadata` gets the simpler form: it came by the BI view, or from OpenUI5, which follows no
    base types and says who it is by a header of its own, or from Power Query, whose first reader fails on navigation
    properties in complex types."""
    return request.plain or not strict and (
        UI5 in request.headers or request.headers.get("user-agent", "").startswith(POWER_QUERY))


def document(model: Model, form: str, version: str, root: str, simple: bool, notation: csdl.Notation | None) -> Document:
    """The bytes and the entity tag of the metadata document: without the terms of our own that steer the store, references
    served here; `simple`: of the view for readers that know little of OData."""
    body = csdl.write(csdl.safe(model) if simple else model, form, version, full_names=True,
                      notation=notation or csdl.Notation(),
                      omit_namespaces=frozenset({vocabularies.STORE_NAMESPACE}),
                      reference_uri=lambda namespace: f"{root}-/vocabularies/{namespace}.{form}"
                      if csdl.vocabulary_document(namespace) is not None else None)
    return body, f'W/"{hashlib.sha256(body).hexdigest()[:16]}"'
