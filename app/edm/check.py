"""What the rules share: a hit, the scope of names, the look-up of types and terms in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from app.edm import types
from app.edm.index import Model
from app.edm.model import ComplexType, EntityType, NavigationProperty, Property, SchemaType, Term, TypeRef
from app.errors import closest

PATH_TYPES = frozenset({"Edm.AnnotationPath", "Edm.AnyPropertyPath", "Edm.ModelElementPath",
                        "Edm.NavigationPropertyPath",
                        "Edm.PropertyPath"})
OLD_TYPES = {"Edm.DateTime": "Edm.DateTimeOffset", "Edm.Time": "Edm.TimeOfDay or Edm.Duration",
             "Edm.Float": "Edm.Single"}


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that an element violates, with the values of its sentence."""

    rule: str
    element: object
    values: dict[str, object] = field(default_factory=dict)


def hit(rule: str, element: object, /, **values: object) -> Hit:
    """The violation of a rule by an element."""
    return Hit(rule, element, values)


class Check:
    """One check of one model."""

    def __init__(self, model: Model, vocabulary: Callable[[str], Model | None]) -> None:
        self.model = model
        self.old = model.version == "4.0"
        self.vocabulary = vocabulary
        included = {each.namespace for reference in model.references for each in reference.includes}
        self.unresolved = included - model.namespaces
        self.scope = model.namespaces | included
        self._stand_ins: dict[str, object] = {}

    def stand_in(self, path: str) -> object:
        """One object a path, for what the model keeps no object of."""
        return self._stand_ins.setdefault(path, object())

    def structured(self) -> Iterator[EntityType | ComplexType]:
        """The structured types of the document."""
        for schema in self.model.schemas:
            for kind in schema.types:
                if isinstance(kind, EntityType | ComplexType):
                    yield kind

    # --- look-up -----------------------------------------------------------------------------------------

    def is_open_question(self, name: str) -> bool:
        """Whether a name belongs to a schema that is included and was not found."""
        return name.rpartition(".")[0] in self.unresolved

    def type(self, name: str) -> SchemaType | None:
        """A type of the model or of a vocabulary."""
        return self.model.types.get(name) or ((other := self.vocabulary(name.rpartition(".")[0]))
                                              and other.types.get(name)) or None

    def term(self, name: str) -> Term | None:
        """A term of the model or of a vocabulary."""
        return self.model.terms.get(name) or ((other := self.vocabulary(name.rpartition(".")[0]))
                                              and other.terms.get(name)) or None

    def kind(self, name: str) -> str:
        """'primitive', 'enum', 'definition', 'complex', 'entity', 'untyped', 'path' or 'unknown'."""
        if name in PATH_TYPES:
            return "path"
        found = self.model.kind(name)
        if found == "unknown" and (other := self.vocabulary(name.rpartition(".")[0])) is not None:
            return other.kind(name)
        return found

    def unknown_type(self, element: object, name: str) -> Iterator[Hit]:
        """The hit for a type name that means nothing; none where it may mean something elsewhere."""
        if not name:
            return    # its absence was reported by the reader
        if name in OLD_TYPES:
            yield hit("type-old", element, name=name, other=OLD_TYPES[name])
        elif self.kind(name) == "unknown" and not self.is_open_question(name):
            namespace = name.rpartition(".")[0]
            if namespace and namespace != "Edm" and namespace not in self.scope and "(" not in name:
                yield hit("type-scope", element, name=name, namespace=namespace)
            else:
                known = closest(name, [*self.model.types, *types.PRIMITIVES])
                yield hit("type-unknown", element, name=name, known=f"; did you mean '{known}'" if known else "")

    def unresolved_lineage(self, name: str) -> bool:
        """Whether a type derives, somewhere up, from one that was not found."""
        chain = self.model.lineage(name)
        if not chain:
            return self.is_open_question(name)
        top = self.model.structured(chain[-1])
        return top is not None and top.base is not None and self.model.structured(top.base) is None

    def primitive(self, ref: TypeRef) -> str:
        """The primitive type behind a type reference; '' for others."""
        name = self.model.underlying(ref).name
        return name if name in types.PRIMITIVES else ""

    def member(self, kind: str, name: str) -> Property | NavigationProperty | None:
        """A property or navigation property of a type, inherited ones included."""
        return self.model.properties(kind).get(name) or self.model.navigations(kind).get(name)

    def walk(self, start: str, path: str) -> Iterator[tuple[str, Any]]:
        """The steps of a path from a type: each segment with its member, the type of a cast, or None where it ends."""
        current: str | None = start
        for segment in path.split("/"):
            if current is None:
                yield segment, None
                return
            if "." in segment:
                found: Any = segment if self.model.structured(segment) is not None else None
                current = segment
            else:
                found = self.member(current, segment)
                current = _target(found)
            yield segment, found
            if found is None:
                return


def _target(member: Property | NavigationProperty | None) -> str | None:
    if isinstance(member, NavigationProperty):
        return member.type
    return member.type.name if member is not None else None
