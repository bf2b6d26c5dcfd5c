"""What terms and types mean to a CSDL JSON reader: the document itself and our own vocabularies.

JSON writes dates, enumeration members, paths and texts alike as strings; the declared type tells which.
"""

from __future__ import annotations

from app.csdl.load import vocabulary
from app.edm.index import Model
from app.edm.model import ComplexType, EntityType, EnumType, SchemaType, Term, TypeDefinition, TypeRef


class Known:
    """Looks names up in `own` first (it may be a skeleton without annotations), then in the vocabularies."""

    def __init__(self, own: Model) -> None:
        self.own = own

    def _model(self, name: str) -> Model | None:
        namespace = name.rpartition(".")[0]
        return self.own if namespace in self.own.namespaces else vocabulary(namespace)

    def term(self, name: str) -> TypeRef | None:
        """The type of a term."""
        model = self._model(name)
        found: Term | None = model.terms.get(name) if model else None
        return found.type if found else None

    def type(self, name: str) -> SchemaType | None:
        model = self._model(name)
        return model.types.get(name) if model else None

    def member(self, kind: str, name: str) -> TypeRef | None:
        """The type of a member of a structured type, its bases included."""
        seen: set[str] = set()
        current: str | None = kind
        while current and current not in seen:
            seen.add(current)
            found = self.type(current)
            if not isinstance(found, EntityType | ComplexType):
                return None
            for own in found.properties:
                if own.name == name:
                    return own.type
            for link in found.navigation:
                if link.name == name:
                    return TypeRef(link.type, link.collection)
            current = found.base
        return None

    def enum(self, kind: str) -> EnumType | None:
        found = self.type(kind)
        return found if isinstance(found, EnumType) else None

    def primitive(self, kind: str) -> str:
        """The primitive type behind a type definition; other names as they are."""
        found = self.type(kind) if not kind.startswith("Edm.") else None
        return found.type.name if isinstance(found, TypeDefinition) else kind
