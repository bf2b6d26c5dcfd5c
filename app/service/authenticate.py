"""Authentication: a request in, a principal out, before anything else is looked at (DESIGN §9).

`ODATA_AUTH` names the kind: `none` (everyone is anonymous). Raises Unauthorized with a challenge that clients know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from app.errors import ConfigurationError
from app.service.access import ANONYMOUS, Principal
from app.service.request import Request
from app.service.settings import Settings

Authenticate: TypeAlias = Callable[[Request], Principal]


def anonymous(request: Request) -> Principal:
    """Everyone is nobody in particular."""
    return ANONYMOUS


def authenticator(settings: Settings) -> Authenticate:
    """The authentication that the settings name; ConfigurationError for one that this service does not have."""
    if settings.auth in ("", "none"):
        return anonymous
    raise ConfigurationError(reason=f"ODATA_AUTH '{settings.auth.partition(':')[0]}' is not one of: none",
                             target="ODATA_AUTH")
