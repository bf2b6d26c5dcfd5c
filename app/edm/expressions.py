"""Annotation expressions: the constant and dynamic values of CSDL §14.3 and §14.4, as frozen data.

Constants keep the literal text of the document (`Constant.text`), so converting a document never changes
a number or a date; `Constant.kind` names its type. Qualified names inside are full, never by alias.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from app.edm.model import Annotation


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """A constant: `kind` is Binary, Bool, Date, DateTimeOffset, Decimal, Duration, Float, Guid, Int, String,
    TimeOfDay; `text` its literal as CSDL XML writes it.

    Numbers are equal when their texts are, whatever XML calls them: CSDL JSON writes them alike.
    """

    kind: str
    text: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Constant) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[str, str]:
        return "Number" if self.kind in ("Int", "Decimal", "Float") else self.kind, self.text


@dataclass(frozen=True, slots=True)
class EnumMember:
    """One or more members of an enumeration: ('ns.Enum/A', 'ns.Enum/B')."""

    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PathExpression:
    """A path: `kind` is Path, PropertyPath, NavigationPropertyPath, AnnotationPath or ModelElementPath.

    All but Path stand for the path itself and are equal when their paths are: CSDL JSON writes them alike.
    """

    kind: str
    path: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PathExpression) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[bool, str]:
        return self.kind == "Path", self.path


@dataclass(frozen=True, slots=True)
class Null:
    """The null expression."""

    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class PropertyValue:
    """One member of a Record; `explicit` False: the document left the value out (read as the default, else true)."""

    name: str
    value: Expression | None
    annotations: tuple[Annotation, ...] = ()
    explicit: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class Record:
    """A structured value; `type` None: the type of the term or member that holds it."""

    properties: tuple[PropertyValue, ...] = ()
    type: str | None = None
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class Collection:
    """A list of values."""

    items: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Apply:
    """Client-side function: odata.concat, odata.fillUriTemplate, odata.matchesPattern, odata.uriEncode …"""

    function: str
    arguments: tuple[Expression, ...] = ()
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class Cast:
    """Cast to a type; facets are kept as (name, text) pairs in the order of the schema."""

    type: str
    value: Expression | None
    collection: bool = False
    facets: tuple[tuple[str, str], ...] = ()
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class IsOf:
    """Type test."""

    type: str
    value: Expression | None
    collection: bool = False
    facets: tuple[tuple[str, str], ...] = ()
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class If:
    """Two or three operands."""

    condition: Expression
    then: Expression
    otherwise: Expression | None = None
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class Operator:
    """A logical (And, Or, Not), comparison (Eq, Ne, Gt, Ge, Lt, Le, Has, In) or arithmetic operator (Add, Sub, Neg,
    Mul, Div, DivBy, Mod)."""

    name: str
    operands: tuple[Expression, ...]
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class LabeledElement:
    """A value under a qualified name."""

    name: str
    value: Expression | None
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class LabeledElementReference:
    """The value of a labelled element elsewhere."""

    name: str


@dataclass(frozen=True, slots=True)
class UrlRef:
    """A URL, relative to the document."""

    value: Expression
    annotations: tuple[Annotation, ...] = ()


Expression: TypeAlias = (Constant | EnumMember | PathExpression | Null | Record | Collection | Apply | Cast | IsOf | If
                         | Operator | LabeledElement | LabeledElementReference | UrlRef)
