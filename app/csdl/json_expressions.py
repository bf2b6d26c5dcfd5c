"""Annotations and their expressions in CSDL JSON (§14.2 to §14.4)."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from app.csdl.implied import KINDS, NOTHING, PATH_KINDS
from app.csdl.json_source import Number, Positions
from app.csdl.known import Known
from app.csdl.names import Names
from app.csdl.source import MAX_DEPTH, Source
from app.csdl.xml_expressions import FACETS, OPERATORS
from app.edm import expressions as ex
from app.edm import model as edm
from app.edm.findings import Finding, finding

_INTEGER = re.compile(r"-?[0-9]+")
_KEYWORDS = {"$Path", "$Null", "$Apply", "$Cast", "$IsOf", "$If", "$LabeledElement", "$LabeledElementReference",
             "$UrlRef"} | {
    f"${name}" for name in OPERATORS}
_BESIDE = {"$Apply": {"$Function"}, "$LabeledElement": {"$Name"}}
_TYPED = {"$Type", "$Collection", *(f"${facet}" for facet in FACETS)}
_WORDS = {True: "true", False: "false"}
_SAID = "said"
CONTROL = ("@type", "@odata.type")

T = TypeVar("T")


def leaf(value: Any, kind: str, known: Known, names: Names, said: bool = False) -> ex.Expression:
    """A boolean, number or string as an expression of the type `kind` ('' where nobody declares one).

    `said`: the document itself names the type; one that nobody knows is then an enumeration.
    """
    if isinstance(value, bool):
        return ex.Constant("Bool", _WORDS[value])
    kind, text = known.primitive(kind), str(value)
    if enum := _members(kind, text, known):
        return enum
    if said and not kind.startswith("Edm."):
        return ex.EnumMember(tuple(f"{kind}/{name.strip()}" for name in text.split(",")))
    if isinstance(value, Number):
        name = KINDS.get(kind)
        if name not in ("Int", "Decimal", "Float"):
            name = "Int" if _INTEGER.fullmatch(text) else "Float" if "e" in text or "E" in text else "Decimal"
        return ex.Constant(name, text)
    if kind in PATH_KINDS:
        name = PATH_KINDS[kind]    # CSDL XML has no expression AnyPropertyPath
        return ex.PathExpression("PropertyPath" if name == "AnyPropertyPath" else name, names.path(text))
    return ex.Constant(KINDS.get(kind, "String"), text)


def _members(kind: str, text: str, known: Known) -> ex.EnumMember | None:
    """Members by name or number, where the type is an enumeration."""
    enum = known.enum(kind) if kind and not kind.startswith("Edm.") else None
    if enum is None:
        return None
    if not _INTEGER.fullmatch(text):
        return ex.EnumMember(tuple(f"{kind}/{name.strip()}" for name in text.split(",")))
    number = int(text) if len(text) < 30 else 0
    exact = [member.name for member in enum.members if member.value == number]
    names = exact[:1] or [member.name for member in enum.members if member.value
                          and member.value & number == member.value]
    return ex.EnumMember(tuple(f"{kind}/{name}" for name in names or [text]))


def hinted(text: str, names: Names) -> edm.TypeRef:
    """The type that control information names: '#Date', '#Collection(String)', '#ns.Type' (JSON Format §4.6.3)."""
    bare, collection = text.rpartition("#")[2], False
    if bare.startswith("Collection(") and bare.endswith(")"):
        bare, collection = bare[11:-1], True
    return edm.TypeRef(names.name(bare) if "." in bare else f"Edm.{bare}", collection, spelling=(_SAID,))


class ValueReader:
    """Members with checked types, annotations, expressions; collects findings instead of raising."""

    def __init__(self, source: Source, positions: Positions | None) -> None:
        self.source = source
        self.positions = positions
        self.names = Names({})
        self.namespace = ""
        self.known: Known | None = None    # None: a first pass that leaves annotations out
        self.findings: list[Finding] = []
        self.places: dict[int, tuple[int, int]] = {}
        self._depth = 0

    # --- places and faults -------------------------------------------------------------------------------

    def at(self, made: T, container: object, member: str | int | None = None) -> T:
        """The object made; remembers where it stood when places are asked for."""
        if self.positions is not None:
            self.places[id(made)] = self.positions.place(container, member)
        return made

    def line(self, container: object, member: str | int | None = None) -> int:
        return self.positions.place(container, member)[0] if self.positions is not None else 0

    def report(self, rule: str, container: object, member: str | int | None = None, **values: object) -> None:
        place = self.positions.place(container, member) if self.positions is not None else (0, 0)
        self.findings.append(finding(rule, self.source.name, *place, **values))

    def wrong(self, container: object, member: str | int, expected: str) -> None:
        self.report("doc-member-value", container, member, name=member, expected=expected)

    # --- members -----------------------------------------------------------------------------------------

    def text(self, holder: dict[str, Any], name: str) -> str | None:
        value = holder.get(name)
        if value is None and name not in holder:
            return None
        if not isinstance(value, str) or isinstance(value, Number):
            self.wrong(holder, name, "a string")
            return None
        return value

    def required(self, holder: dict[str, Any], name: str, parent: str) -> str:
        if name not in holder:
            self.report("doc-missing-member", holder, name=name, parent=parent)
        return self.text(holder, name) or ""

    def flag(self, holder: dict[str, Any], name: str, default: bool = False) -> bool:
        value = holder.get(name, default)
        if not isinstance(value, bool):
            self.wrong(holder, name, "true or false")
            return default
        return value

    def items(self, holder: dict[str, Any], name: str) -> list[Any]:
        value = holder.get(name, [])
        if not isinstance(value, list):
            self.wrong(holder, name, "an array")
            return []
        return value

    def object(self, holder: Any, name: str | int, default: Any = None) -> dict[str, Any]:
        value = holder[name] if isinstance(name, int) else holder.get(name, {} if default is None else default)
        if not isinstance(value, dict):
            self.wrong(holder, name, "an object")
            return {}
        return value

    def only(self, holder: dict[str, Any], parent: str, known: frozenset[str]) -> None:
        """Report members starting with $ that are not known, and members that are neither annotations nor known."""
        for name in holder:
            if name not in known and "@" not in name:
                self.report("doc-unknown-member", holder, name, name=name, parent=parent)

    # --- annotations -------------------------------------------------------------------------------------

    def annotations(self, holder: dict[str, Any], prefix: str = "", owners: Container[str] = ()
                    ) -> tuple[edm.Annotation, ...]:
        """The annotations of an object, or with a prefix those of one of its members; `owners`: the members of the object
        whose annotations stand beside them."""
        if self.known is None:
            return ()
        for key in () if prefix else holder:
            owner, at, _ = key.partition("@")
            if owner and at and not (owner in owners and owner in holder) and not key.endswith(CONTROL):
                self.report("doc-stray-member", holder, key, name=key)
        size = len(prefix)
        keys = [key for key in holder if "@" in key and key.startswith(prefix) and key[size] == "@"]
        if not keys:
            return ()
        paths = {tuple(key[size + 1:].split("@")): key for key in keys if not key.endswith(CONTROL)}
        return tuple(self._annotation(holder, path, paths) for path in paths if self._rooted(holder, path, paths))

    def _rooted(self, holder: dict[str, Any], path: tuple[str, ...], paths: dict[tuple[str, ...], str]) -> bool:
        if len(path) == 1:
            return True
        if path[:-1] not in paths:
            self.report("doc-stray-annotation", holder, paths[path], name=paths[path])
        return False

    def _annotation(self, holder: dict[str, Any], path: tuple[str, ...],
                    paths: dict[tuple[str, ...], str]) -> edm.Annotation:
        key = paths[path]
        name, _, qualifier = path[-1].partition("#")
        term = self.names.name(name)
        assert self.known is not None
        value = self.expression(holder, key, self.hint(holder, key) or self.known.term(term))
        nested = tuple(self._annotation(holder, each, paths) for each in paths if len(each) == len(path) + 1
                       and each[:-1] == path)
        return self.at(edm.Annotation(term, qualifier or None, value, nested, self.line(holder, key)), holder, key)

    def hint(self, holder: dict[str, Any], key: str) -> edm.TypeRef | None:
        """The type that control information of a member names."""
        control = next((key + end for end in CONTROL if key + end in holder), None)
        text = self.text(holder, control) if control else None
        return hinted(text, self.names) if text else None

    # --- expressions -------------------------------------------------------------------------------------

    def expression(self, holder: Any, member: str | int, expected: edm.TypeRef | None) -> ex.Expression:
        """The expression that a member holds, read as the expected type says."""
        self._depth += 1
        try:
            if self._depth > MAX_DEPTH:
                offset = self.positions.offsets.get((id(holder), member), 0) if self.positions else 0
                raise self.source.broken("doc-depth", offset, allowed=MAX_DEPTH)
            return self.at(self._expression(holder, member, expected), holder, member)
        finally:
            self._depth -= 1

    def _expression(self, holder: Any, member: str | int, expected: edm.TypeRef | None) -> ex.Expression:
        value = holder[member]
        if isinstance(value, dict):
            return self._object(value, expected)
        if isinstance(value, list):
            item = replace(expected, collection=False) if expected is not None and expected.collection else None
            return ex.Collection(tuple(self.expression(value, index, item) for index in range(len(value))))
        if value is None:
            return ex.Null()
        assert self.known is not None
        said = expected is not None and _SAID in expected.spelling
        return leaf(value, expected.name if expected is not None else "", self.known, self.names, said)

    def _object(self, value: dict[str, Any], expected: edm.TypeRef | None) -> ex.Expression:
        word = next((key for key in value if key in _KEYWORDS), None)
        if word is None:
            return self._record(value, expected)
        self.only(value, word, frozenset({word}) | _BESIDE.get(word, set())
                  | (_TYPED if word in ("$Cast", "$IsOf") else set()))
        annotations = self.annotations(value)
        name = word[1:]
        if word == "$Path":
            return ex.PathExpression("Path", self.names.path(self.text(value, word) or ""))
        if word == "$Null":
            return ex.Null(annotations)
        if word == "$LabeledElementReference":
            return ex.LabeledElementReference(self.names.name(self.text(value, word) or ""))
        if word == "$LabeledElement":
            label = self.names.name(self.required(value, "$Name", name))
            return ex.LabeledElement(label if "." in label else f"{self.namespace}.{label}",
                                     self.expression(value, word, expected), annotations)
        if word == "$UrlRef":
            return ex.UrlRef(self.expression(value, word, edm.TypeRef("Edm.String")), annotations)
        if word == "$Apply":
            return ex.Apply(self.required(value, "$Function", name), tuple(self._operands(value, word, None)),
                            annotations)
        if word in ("$Cast", "$IsOf"):
            return self._cast(value, word, annotations)
        if word == "$If":
            return self._if(value, expected, annotations)
        if OPERATORS[name] == 1:
            return ex.Operator(name, (self.expression(value, word, None),), annotations)
        operands = tuple(self._operands(value, word, None))
        if len(operands) != 2:
            self.report("doc-operands", value, word, name=name, count=len(operands), expected=2)
        return ex.Operator(name, operands, annotations)

    def _operands(self, value: dict[str, Any], word: str, expected: edm.TypeRef | None) -> Iterator[ex.Expression]:
        found = self.items(value, word)
        return (self.expression(found, index, expected) for index in range(len(found)))

    def _if(self, value: dict[str, Any], expected: edm.TypeRef | None,
            annotations: tuple[edm.Annotation, ...]) -> ex.If:
        found = self.items(value, "$If")
        if len(found) not in (2, 3):
            self.report("doc-operands", value, "$If", name="If", count=len(found), expected="2 or 3")
            return ex.If(NOTHING, NOTHING, NOTHING, annotations)
        return ex.If(self.expression(found, 0, None), self.expression(found, 1, expected),
                     self.expression(found, 2, expected) if len(found) == 3 else None, annotations)

    def _cast(self, value: dict[str, Any], word: str, annotations: tuple[edm.Annotation, ...]) -> ex.Cast | ex.IsOf:
        make = ex.Cast if word == "$Cast" else ex.IsOf
        facets = tuple((facet, _WORDS[found] if isinstance(found, bool) else str(found)) for facet in FACETS
                       if (found := value.get(f"${facet}")) is not None)
        return make(self.names.name(self.text(value, "$Type") or "Edm.String"), self.expression(value, word, None),
                    self.flag(value, "$Collection"), facets, annotations)

    def _record(self, value: dict[str, Any], expected: edm.TypeRef | None) -> ex.Record:
        kind = self.hint(value, "")
        name = kind.name if kind else None
        holder = name or (expected.name if expected is not None else None)
        members: list[ex.PropertyValue] = []
        for key in value:
            if "@" not in key:
                declared = self.hint(value, key) or (self.known.member(holder, key) if holder and self.known else None)
                members.append(self.at(ex.PropertyValue(key, self.expression(value, key, declared),
                                                        self.annotations(value, key)),
                                       value, key))
        return ex.Record(tuple(members), name, self.annotations(value, owners=value))
