"""Documents: values inside JSON text, read in SQL (DESIGN §4: complex values, collections, dynamic properties).

What is kept is OData JSON: Int64 and Decimal as strings, durations and instants as text, enumerations by the names of
their members, the type of a dynamic value beside it under `name@odata.type`. Paths are literals in the statement, so
that an index over the same expression is found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import peewee as pw

from app.edm import types
from app.store.clauses import NULL, ZERO, JsonItems, Node, all_of, enclosed, infix, text, when, words


class Documents:
    """The part of a dialect that reads JSON."""

    json_kinds: Mapping[str, tuple[str, ...]] = {}      # string, number, boolean → the database's names

    def json_text(self, node: Node, steps: Sequence[str]) -> Node:
        """The scalar at a path of member names as text, strings without quotes; null where there is none."""
        raise NotImplementedError

    def json_part(self, node: Node, steps: Sequence[str]) -> Node:
        """The value at a path as JSON text; null where there is none."""
        raise NotImplementedError

    def json_kind(self, node: Node, steps: Sequence[str]) -> Node:
        """The database's name for the kind of the value at a path; null where there is none."""
        raise NotImplementedError

    def json_boolean(self, found: Node) -> Node:
        """The text of a JSON Boolean as a Boolean."""
        raise NotImplementedError

    def json_double(self, found: Node) -> Node:
        """The text of a JSON number, or of INF, -INF, NaN, as a double."""
        raise NotImplementedError

    def json_items(self, node: Node, steps: Sequence[str], alias: str) -> JsonItems:
        """The items of the array at a path as a table; none where there is no array."""
        raise NotImplementedError

    def json_item(self, value: Node, edm_type: str) -> Node:
        """A scalar item of `json_items` in expression form."""
        return self.json_value(value, edm_type)

    def json_length(self, node: Node, steps: Sequence[str]) -> Node:
        """How many items the array at a path has; null where there is none."""
        raise NotImplementedError

    def json_get(self, node: Node, steps: Sequence[str], edm_type: str) -> Node:
        """The scalar at a path in the expression form of its declared type. An enumeration is the text of its members
        (see `enum_value`); 'Edm.Untyped' is any text, for a test on null."""
        return self.json_value(self.json_text(node, steps), edm_type)

    def json_value(self, found: Node, edm_type: str) -> Node:
        """The text of a JSON scalar in the expression form of a type."""
        match edm_type:
            case "Edm.Boolean":
                return self.json_boolean(found)
            case "Edm.Double" | "Edm.Single":
                return self.json_double(found)
            case "Edm.Decimal":
                return self.decimal_of_text(found)
            case "Edm.Duration" | "Edm.DateTimeOffset" | "Edm.TimeOfDay":
                return self.parsed(found, edm_type)
        return self.integer(found) if edm_type in types.INTEGERS else found

    def json_dynamic(self, node: Node, steps: Sequence[str], wanted: str) -> Node:
        """The dynamic value at a path as a value of the type `wanted`; null where it is of another kind. What is kept
        as a JSON string is of the type written beside it (`name@odata.type`), or a String."""
        number, string = self._of_kind(node, steps, "number"), self._of_kind(node, steps, "string")
        if wanted in types.NUMBERS:
            said = self._said(node, steps, *(name[4:] for name in types.NUMBERS))
            kind = "Edm.Decimal" if wanted in types.INTEGERS else wanted        # 5.5 is no 5
            found = self.json_get(node, steps, kind)
            return self.dynamic_number(when(pw.NodeList((number, all_of(string, said)), " OR ", True), found), wanted)
        if wanted == "Edm.Boolean":
            return when(self._of_kind(node, steps, "boolean"), self.json_get(node, steps, wanted))
        if wanted == "Edm.PrimitiveType":               # whatever is kept as a string, to sort by
            return when(string, self.json_get(node, steps, "Edm.String"))
        return when(self.json_is(node, steps, wanted), self.json_get(node, steps, wanted))

    def dynamic_number(self, node: Node, wanted: str) -> Node:
        """A dynamic number read as a decimal, for an operand of the type `wanted`."""
        return node

    def json_is(self, node: Node, steps: Sequence[str], edm_type: str) -> Node:
        """Whether the dynamic value at a path is of a primitive type; never unknown."""
        said = self._said(node, steps, edm_type.removeprefix("Edm."))
        kind = {"Edm.String": "string", "Edm.Boolean": "boolean", "Edm.Double": "number"}.get(edm_type)
        if kind is None or not steps:
            return self.known(said if kind is None else self._of_kind(node, steps, kind))
        unsaid = infix(self._written(node, steps), "IS", NULL)
        return self.known(pw.NodeList((all_of(self._of_kind(node, steps, kind), unsaid), said), " OR ", True))

    def _of_kind(self, node: Node, steps: Sequence[str], kind: str) -> Node:
        names = pw.NodeList([text(name) for name in self.json_kinds[kind]], ", ", True)
        return infix(self.json_kind(node, steps), "IN", names)

    def _written(self, node: Node, steps: Sequence[str]) -> Node:
        return self.json_text(node, (*steps[:-1], ("" if steps[-1] == "@value" else steps[-1]) + "@odata.type"))

    def _said(self, node: Node, steps: Sequence[str], *names: str) -> Node:
        if not steps:
            return pw.SQL("1 = 0")
        wanted = [text(prefix + name) for name in sorted(names) for prefix in ("#", "#Edm.")]
        return infix(self._written(node, steps), "IN", pw.NodeList(wanted, ", ", True))

    def enum_value(self, found: Node, members: Mapping[str, int], flags: bool) -> Node:
        """The text of enumeration members as their integer: null for null, and for a name that is none of them."""
        if not flags:
            pairs = [words("WHEN", text(name), "THEN", pw.SQL(str(value))) for name, value in members.items()]
            return enclosed("CASE", found, *pairs, "END")
        listed = self.join_text(text(","), found, text(","))
        bits = [when(infix(self.position(listed, text(f",{name},")), ">", ZERO), pw.SQL(str(value)), ZERO)
                for name, value in members.items() if value]
        return when(infix(found, "IS NOT", NULL), self.integer(pw.NodeList(bits or [ZERO], " | ", True)))

    # --- of the dialect ----------------------------------------------------------------------------------

    def known(self, condition: Node) -> Node:
        raise NotImplementedError

    def parsed(self, node: Node, target: str) -> Node:
        raise NotImplementedError

    def integer(self, node: Node) -> Node:
        raise NotImplementedError

    def decimal_of_text(self, node: Node) -> Node:
        raise NotImplementedError

    def join_text(self, *parts: Node) -> Node:
        raise NotImplementedError

    def position(self, whole: Node, part: Node) -> Node:
        raise NotImplementedError
