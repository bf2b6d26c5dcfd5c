"""An OData 4.01 service from a CSDL file.

`create_app(settings)` gives the WSGI application, `Service` the same without a web framework; `Operations` registers
operations and rules, whose handlers get a `Context`, an `Entity`, a `Selection` of entities or a `Change`. The error classes
are what they raise to answer with a status of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.errors import (BadRequest, BodyError, Conflict, Forbidden, Gone, NotFound, NotImplementedByService,
                            ODataError, PreconditionFailed, ServiceUnavailable, Unauthorized)
    from app.service.access import Principal
    from app.service.entities import Change, Entity
    from app.service.operations import Operations
    from app.service.request import Request
    from app.service.selections import Context, Selection
    from app.service.service import Service
    from app.service.settings import Settings
    from app.web import create_app
    from app.web.observed import Observation

# Imported when first asked for: `odata check` needs no web server, `import app.edm` no database.
_HOMES = {
    "create_app": "app.web",
    "Change": "app.service.entities",
    "Context": "app.service.selections",
    "Entity": "app.service.entities",
    "Observation": "app.web.observed",
    "Operations": "app.service.operations",
    "Principal": "app.service.access",
    "Request": "app.service.request",
    "Selection": "app.service.selections",
    "Service": "app.service.service",
    "Settings": "app.service.settings",
    **dict.fromkeys(("BadRequest", "BodyError", "Conflict", "Forbidden", "Gone", "NotFound",
                     "NotImplementedByService", "ODataError", "PreconditionFailed", "ServiceUnavailable", "Unauthorized"),
                    "app.errors"),
}

__all__ = [
    "BadRequest", "BodyError", "Change", "Conflict", "Context", "Entity", "Forbidden", "Gone", "NotFound",
    "NotImplementedByService", "ODataError", "Observation", "Operations", "PreconditionFailed", "Principal", "Request",
    "Selection", "Service", "ServiceUnavailable", "Settings", "Unauthorized", "create_app",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'app' has no attribute '{name}'")
    import importlib
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
