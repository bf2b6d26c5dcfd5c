"""Sight: the service as one policy lets it be seen: its view of the model, behind what all of them share."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from app.edm import Model
from app.payload.bodies import BodyReader
from app.service.advertised import Advertised, advertised
from app.sql import Statement

if TYPE_CHECKING:
    from app.service.access import Policy
    from app.service.service import Service


class Sight:
    """What compiling a read and reading a body need, under one policy."""

    def __init__(self, service: Service, policy: Policy) -> None:
        self._service, self.model, self._policy = service, policy.reading, policy.id
        self._written: Model = policy.model
        self.mapping, self.store = service.mapping, service.store
        self._advertised: dict[tuple[str, bool, str], list[Advertised]] = {}

    @cached_property
    def reader(self) -> BodyReader:
        """Reads bodies; what is hidden is unknown to it."""
        return self._service.catalogue.reader if self._written is self._service.model else BodyReader(self._written)

    def ready(self, statement: Statement) -> Statement:
        """The statement, once what it reads is there."""
        return self._service.ready(statement)

    def advertised(self, type_name: str, collection: bool = False, id: str = "") -> list[Advertised]:
        """The operations bound to a type, or to collections of it, in a table, for metadata=full."""
        key = type_name, collection, id
        known = self._advertised.get(key)
        if known is None:
            known = self._advertised[key] = advertised(self.model, type_name, collection, id)
        return known

    def next_token(self, path: str, texts: tuple[tuple[str, str], ...], values: list[Any], snapshot: str | None = None) -> str:
        """A token for the page of `path` with these options, in a snapshot."""
        return self._service.next_token(path, texts, values, self._policy, snapshot)
