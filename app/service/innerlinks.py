"""Inner links: the links of navigation properties of complex values, written at full metadata (JSON Format §8.1, §8.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app.edm.index import Model

if TYPE_CHECKING:
    from app.service.rows import Node


class InnerLinks:
    """The links inside the complex values of the entities of one query; an item of a collection is addressed by its
    position."""

    def __init__(self, node: Node) -> None:
        self.node, self.format = node, node.format
        self.model: Model = node.environment.model
        self.known: dict[str, bool] = {}
        self.needed = self.format.metadata == "full" and any(
            self.leads_on(member.type) for members in node.shape.variants.values() for member in members)

    def attach(self, rows: Sequence[Sequence[Any]], made: Sequence[dict[str, Any]], base: str | Sequence[str]) -> None:
        """Adds links to the complex values of the objects made of `rows`."""
        for row, target, path in zip(rows, made, self.node.paths(rows, base), strict=True):
            type = self.node.writer.type_of(row)
            for name, member in self.model.properties(type).items():
                if self.leads_on(member.type.name):
                    declared = name in self.model.properties(self.node.writer.table.type)
                    start = path if declared else f"{path}/{type}"
                    self.link(target.get(name), member.type.name, f"{self.node.root}{start}/{name}")

    def leads_on(self, type: str) -> bool:
        """Whether values of a type, or values in them, can have navigation properties."""
        found = self.known.get(type)
        if found is None:
            self.known[type] = False
            kinds = (type, *self.model.derived(type)) if self.model.complex_type(type) is not None else ()
            found = any(self.model.navigations(each) or any(
                self.leads_on(member.type.name) for member in self.model.properties(each).values()) for each in kinds)
            self.known[type] = found
        return found

    def link(self, value: Any, declared: str, url: str) -> None:
        """Adds the links of a value at `url`, and of the values in it."""
        if isinstance(value, list):
            for index, item in enumerate(value):
                self.link(item, declared, f"{url}/{index}")
        if not isinstance(value, dict):
            return
        given = value.get(self.format.control("type"))
        actual = self.model.full(given.removeprefix("#")) if isinstance(given, str) else declared
        below = url if actual == declared else f"{url}/{actual}"
        for name, member in self.model.properties(actual).items():
            if name in value and self.leads_on(member.type.name):
                self.link(value[name], member.type.name, f"{below}/{name}")
        for name in self.model.navigations(actual):
            value[self.format.control("associationLink", name)] = f"{below}/{name}/$ref"
            value[self.format.control("navigationLink", name)] = f"{below}/{name}"
