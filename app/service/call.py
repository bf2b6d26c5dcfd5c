"""`Call`: one request on its way through the service, everything a handler needs, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.bind import nodes as typed
from app.service.request import Request
from app.service.wishes import Wishes
from app.url import nodes as url

if TYPE_CHECKING:
    from app.edm import Model
    from app.service.access import Policy, Principal
    from app.payload.bodies import BodyReader
    from app.service.service import Service
    from app.service.sight import Sight
    from app.store.database import Store
    from app.store.mapping import Mapping


@dataclass(frozen=True, slots=True)
class Call:
    """A bound request. `values`: the literals lifted out of its URL, in the order of their parameters; `model`: the view
    of the policy; `syntax`: the target as it was written."""

    service: Service
    request: Request
    wishes: Wishes
    bound: typed.Request
    values: tuple[Any, ...]
    principal: Principal
    policy: Policy
    syntax: url.Target

    def again(self, request: Request, principal: Principal) -> Call:
        """The same call for another request of the same text."""
        return Call(self.service, request, self.wishes, self.bound, self.values, principal, self.policy, self.syntax)

    def skiptoken(self) -> str | None:
        """The text of `$skiptoken`."""
        token = self.syntax.options.skiptoken
        return token if isinstance(token, str) else None

    @property
    def model(self) -> Model:
        """The model as the policy lets it be seen."""
        return self.policy.model

    @property
    def sight(self) -> Sight:
        """The service as the policy lets it be seen."""
        return self.service.sight(self.policy)

    @property
    def reader(self) -> BodyReader:
        """The reader of bodies, which knows what the policy does not hide."""
        return self.service.sight(self.policy).reader

    @property
    def mapping(self) -> Mapping:
        """The tables of the whole model."""
        return self.service.mapping

    @property
    def store(self) -> Store:
        """The database of the service."""
        return self.service.store

    @property
    def resource(self) -> typed.Resource:
        """What the URL addresses."""
        return self.bound.resource

    @property
    def options(self) -> typed.Options:
        """The query options, bound."""
        return self.bound.options
