"""Errors: everything that can go wrong, as a class with a status, a code and a sentence.

    ODataError                      status, code, message (a format string over its parameters)
    ├── UrlError        400         the URL is not OData syntax (carries a position)
    ├── BindError       400         the URL does not fit the model
    │   ├── UnknownProperty, UnknownType, UnknownFunction, UnknownOption …
    ├── BadRequest      400         what an operation or a rule refuses
    ├── NotFound        404         no such resource
    ├── MethodNotAllowed 405        carries Allow
    ├── NotAcceptable   406
    ├── Conflict        409         violated state or reference
    ├── Gone            410
    ├── PreconditionFailed 412
    ├── PayloadTooLarge 413
    ├── UnsupportedMediaType 415
    ├── RangeNotSatisfiable 416     carries Content-Range
    ├── FailedDependency 424
    ├── PreconditionRequired 428
    ├── BodyError       400         the body does not fit the model (details: one entry a fault)
    ├── ModelError                  the CSDL file is not valid (start-up, `odata check`)
    ├── ConfigurationError          settings that cannot be served (start-up)
    ├── Unauthorized    401, Forbidden 403
    ├── NotImplementedByService 501 well-formed, and not offered: names the feature
    └── ServiceUnavailable 503      carries Retry-After

JSON Format 4.01 §21.1: an error has `code` and `message`, may have `target`, `details`, `innererror`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Detail:
    """One entry of `details`: a fault of its own (JSON Format §21.1)."""

    code: str
    message: str
    target: str | None = None


def closest(name: str, known: Iterable[str]) -> str | None:
    """The name out of `known` that `name` was most likely meant to be, or None."""
    names = list(known)
    folded = {candidate.casefold(): candidate for candidate in names}
    if name.casefold() in folded:
        return folded[name.casefold()]
    found = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return found[0] if found else None


class ODataError(Exception):
    """An answer that is an error.

    `message` is a format string over the keyword parameters; `target` names the query option, path
    segment, member or header at fault; `hint` is the closest valid name and becomes a "Did you mean"
    sentence; `position` is a zero-based offset into the text at fault; `headers` go out with the answer.
    """

    status: int = 500
    code: str = "internalError"
    message: str = "The service failed"

    def __init__(self, message: str | None = None, *, code: str | None = None, target: str | None = None,
                 hint: str | None = None, details: Iterable[Detail] = (), position: int | None = None,
                 headers: Mapping[str, str] | None = None, status: int | None = None, **values: object) -> None:
        text = message if message is not None else self.message.format(**values)
        if not text.endswith((".", "?", "!")):
            text += "."
        if hint is not None:
            text += f" Did you mean '{hint}'?"
        super().__init__(text)
        self.text = text
        self.code = code or type(self).code
        self.status = status or type(self).status
        self.target = target
        self.details = tuple(details)
        self.position = position
        self.headers = dict(headers or {})

    def with_target(self, target: str | None) -> ODataError:
        """The same error, its target set where it had none."""
        if self.target is None:
            self.target = target
        return self


# --- the URL -------------------------------------------------------------------------------------

class UrlError(ODataError):
    """The URL is not OData syntax; `position` says where (URL Conventions, ABNF)."""

    status, code, message = 400, "syntaxError", "The URL is malformed: {reason}"


class BindError(ODataError):
    """The URL does not fit the model, or asks for what does not go together."""

    status, code, message = 400, "bindError", "The URL does not fit the model: {reason}"


class UnknownProperty(BindError):
    """A name that the type does not declare."""

    code, message = "unknownProperty", "{type} has no property '{name}'"


class UnknownType(BindError):
    """A qualified name that the model does not declare."""

    code, message = "unknownType", "There is no type '{name}'"


class UnknownFunction(BindError):
    """A call of a function that is neither canonical nor declared."""

    code, message = "unknownFunction", "There is no function '{name}'"


class UnknownOption(BindError):
    """A system query option that the standard does not have."""

    code, message = "unknownOption", "There is no query option '{name}'"


class OptionNotAllowed(BindError):
    """A system query option on a resource that it does not apply to (Protocol §11.2.1)."""

    code, message = "optionNotAllowed", "'{name}' does not apply to {resource}"


class TypeMismatch(BindError):
    """Operands, arguments or literals of types that do not go together."""

    code, message = "typeMismatch", "{reason}"


class LimitExceeded(BindError):
    """More of something than this service takes in one request."""

    code, message = "limitExceeded", "The {limit} is limited to {allowed}"


class InvalidToken(BindError):
    """A skip or delta token that was changed, or belongs to another request."""

    code, message = "invalidToken", "The token in {name} was not issued by this service for this request"


# --- the resource --------------------------------------------------------------------------------

class NotFound(ODataError):
    """There is no such resource, or none that the client may see."""

    status, code, message = 404, "notFound", "{reason}"


class UnknownResource(NotFound):
    """A path segment that names nothing in the model."""

    code, message = "unknownResource", "There is no resource '{name}'"


class MethodNotAllowed(ODataError):
    """The resource is there, and not for this method; `allow`: the methods that it is there for (RFC 9110 §15.5.6)."""

    status, code, message = 405, "methodNotAllowed", "{method} is not possible on {resource}"

    def __init__(self, message: str | None = None, *, allow: Iterable[str] = (), **rest: object) -> None:
        super().__init__(message, headers={"Allow": ", ".join(allow)}, **rest)  # type: ignore[arg-type]


class NotAcceptable(ODataError):
    """None of the forms asked for by Accept or `$format` is there (Protocol §8.2.1, §11.2.11)."""

    status, code, message = 406, "notAcceptable", "No acceptable representation: {reason}"


class BadRequest(ODataError):
    """For operations and rules: what the client asked for makes no sense here."""
    status, code, message = 400, "badRequest", "{reason}"


class Conflict(ODataError):
    """What is stored does not allow the change: keys, references, a state."""

    status, code, message = 409, "conflict", "{reason}"


class DuplicateKey(Conflict):
    """A key, or other unique values, that an entity has already; `names`: of its columns or properties, where known."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = tuple(names)
        super().__init__(f"There is already an entity with this {', '.join(self.names) or 'key'}", code="duplicateKey")


class Gone(ODataError):
    """A delta link or a result that is kept no longer."""

    status, code, message = 410, "gone", "{reason}"


class PreconditionFailed(ODataError):
    """If-Match or If-None-Match is not met (Protocol §8.2.4, §8.2.5)."""

    status, code, message = 412, "preconditionFailed", "The entity changed since it was read"


class PayloadTooLarge(ODataError):
    """A body beyond the limits of the settings."""

    status, code, message = 413, "payloadTooLarge", "The body is larger than {allowed} bytes"


class UnsupportedMediaType(ODataError):
    """A body, or its content coding, of a type that cannot be read here."""

    status, code, message = 415, "unsupportedMediaType", "A body of type '{name}' cannot be read here"


class RangeNotSatisfiable(ODataError):
    """A Range of a stream of which the stream has nothing (RFC 9110 §15.5.17)."""

    status, code, message = 416, "rangeNotSatisfiable", "The content has {length} bytes, none of which is in a range asked for"


class FailedDependency(ODataError):
    """A request of a batch that was not carried out since one before it failed (JSON Format §19)."""

    status, code, message = 424, "failedDependency", "Request {name} failed"


class PreconditionRequired(ODataError):
    """A change without If-Match where the model requires one (Core.OptimisticConcurrency)."""

    status, code, message = 428, "ifMatchRequired", "Changing an entity of this set requires the If-Match header"


# --- the body ------------------------------------------------------------------------------------

class BodyError(ODataError):
    """The body does not fit the model; `details` has one entry for each fault."""

    status, code, message = 400, "invalidBody", "The body is not valid: {reason}"


# --- who may -------------------------------------------------------------------------------------

class Unauthorized(ODataError):
    """Nobody was named, or not so that it can be believed."""

    status, code, message = 401, "unauthorized", "This service needs to know who you are"


class MissingScope(str):
    """The reason of a refusal that the scopes `wanted` (separated by blanks) would lift."""

    __slots__ = ("wanted",)
    wanted: str

    def __new__(cls, text: str, wanted: str) -> MissingScope:
        made = super().__new__(cls, text)
        made.wanted = wanted
        return made


class Forbidden(ODataError):
    """`wanted`: the scopes that would be enough, where it is scopes that are missing."""

    status, code, message = 403, "forbidden", "{reason}"

    def __init__(self, message: str | None = None, **rest: Any) -> None:
        super().__init__(message, **rest)
        self.wanted = message.wanted if isinstance(message, MissingScope) else ""


# --- the service ---------------------------------------------------------------------------------

class NotImplementedByService(ODataError):
    """Well-formed, and not offered here: `feature` names it (Protocol §9.3.1)."""

    status, code, message = 501, "notImplemented", "{feature} is not implemented by this service"


class ServiceUnavailable(ODataError):
    """Not now; `retry_after`: seconds after which it is worth another try."""

    status, code, message = 503, "serviceUnavailable", "{reason}"

    def __init__(self, message: str | None = None, *, retry_after: int = 1, **rest: object) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after)}, **rest)  # type: ignore[arg-type]


# --- start-up ------------------------------------------------------------------------------------

class ModelError(ODataError):
    """The CSDL file is not valid: raised at start and by `odata check`, never by a request."""

    status, code, message = 500, "invalidModel", "{reason}"


class ConfigurationError(ODataError):
    """Settings, or files that they name, that cannot be served: raised at start, never by a request."""

    status, code, message = 500, "invalidConfiguration", "{reason}"
