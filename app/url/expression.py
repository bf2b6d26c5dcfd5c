"""Common expressions: operators by precedence, literals, member paths, calls, lambdas, JSON with expressions.

Operators and canonical functions in any case, names as written. URL Conventions 4.01 §5.1.1; ABNF sections 4 and 5.
"""

from __future__ import annotations

import re

from app import errors
from app.url.lexer import (DATE, DATE_TIME_OFFSET, GUID, IDENTIFIER, NUMBER, QUALIFIED, STRING, TIME_OF_DAY,
                           is_enum_content, prefixed_literal)
from app.url.member import MemberReader, match_empty, match_named
from app.url.nodes import (Alias, ArrayLiteral, Binary, Call, CaseCall, Expression, ListExpression, Literal, NameStep,
                           ObjectLiteral, Path, TypeName, Unary)

# Precedence (Part 2 §5.1.1.17): the higher binds tighter; equal rank groups to the left.
LEVELS = {"or": 1, "and": 2, "eq": 3, "ne": 3, "gt": 4, "ge": 4, "lt": 4, "le": 4, "add": 5, "sub": 5,
          "mul": 6, "div": 6, "divby": 6, "mod": 6, "has": 8, "in": 8}
_CHAINED = 2
_UNARY = 7

# Canonical functions (Part 2 §5.1.1.5 ff.) and how many arguments they take.
FUNCTIONS = {
    "concat": (2, 2), "contains": (2, 2), "endswith": (2, 2), "indexof": (2, 2), "length": (1, 1),
    "startswith": (2, 2), "substring": (2, 3), "hassubset": (2, 2), "hassubsequence": (2, 2),
    "matchespattern": (2, 2), "tolower": (1, 1), "toupper": (1, 1), "trim": (1, 1), "date": (1, 1), "day": (1, 1),
    "fractionalseconds": (1, 1), "hour": (1, 1), "maxdatetime": (0, 0), "mindatetime": (0, 0), "minute": (1, 1),
    "month": (1, 1), "now": (0, 0), "second": (1, 1), "time": (1, 1), "totaloffsetminutes": (1, 1),
    "totalseconds": (1, 1), "year": (1, 1), "ceiling": (1, 1), "floor": (1, 1), "round": (1, 1),
    "geo.distance": (2, 2), "geo.intersects": (2, 2), "geo.length": (1, 1), "isdefined": (1, 1),
    "cast": (1, 2), "isof": (1, 2), "case": (1, 0),
}
_WORDS = {"null": "null", "true": "boolean", "false": "boolean", "INF": "number", "NaN": "number"}
_LITERALS = frozenset(map(str.lower, _WORDS))

_match_operand = re.compile(rf"""
    (?P<string>{STRING}) | (?P<guid>{GUID}) | (?P<name>{QUALIFIED}) | (?P<dateTimeOffset>{DATE_TIME_OFFSET})
  | (?P<date>{DATE}) | (?P<timeOfDay>{TIME_OF_DAY}) | (?P<number>{NUMBER}|-INF(?![0-9A-Za-z_])) | (?P<open>\()
  | \$(?P<root>it|this|these|root)(?![0-9A-Za-z_]) | @(?P<at>{QUALIFIED}(?:\#{IDENTIFIER})?) | (?P<minus>-)
  | (?P<json>[\[{{])""", re.VERBOSE).match
_match_operator = re.compile(
    r"[ \t]++(or|and|eq|ne|g[te]|l[te]|add|sub|mul|div|divby|mod|has|in)[ \t]++", re.IGNORECASE | re.ASCII).match
_match_string = re.compile(STRING).match
_match_type = re.compile(rf"(?:(?P<collection>Collection)\((?P<item>{QUALIFIED})\)|(?P<single>{QUALIFIED}))"
                         r"(?=[ \t]*+\))").match
_match_list_end = re.compile(r"[ \t]*+[,)]").match


class ExpressionReader(MemberReader):
    """The rules of common expressions."""

    __slots__ = ()

    # --- operators -----------------------------------------------------------------------------------

    def expression(self, minimum: int = 1) -> Expression:
        """An expression whose operators are of rank `minimum` or above."""
        self.nest()
        left = self.operand()
        while (found := _match_operator(self.text, self.position)) is not None:
            operator = found[1]
            if operator not in LEVELS:
                operator = operator.lower()
            level = LEVELS[operator]
            if level < minimum:
                break
            start, height = found.start(1), self.height
            self.position = found.end()
            if level <= _CHAINED:
                left = self._chain(left, operator, level, start)
                continue
            if operator == "in":
                right = self._members()
            elif operator == "has":
                right = self._enumeration()
            else:
                right = self.expression(level + 1)
            left = Binary(operator, left, right, start)
            self.grow(max(height, self.height))
        self.level -= 1
        return left

    def _chain(self, left: Expression, operator: str, level: int, start: int) -> Expression:
        """`left and b and c …` from behind the first operator, as a balanced tree."""
        operands, height = [left], self.height
        while True:
            operands.append(self.expression(level + 1))
            height = max(height, self.height)
            found = _match_operator(self.text, self.position)
            if found is None or found[1].lower() != operator:
                break
            self.position = found.end()
        self.grow(height)
        return _balanced(operator, operands, start)

    def _enumeration(self) -> Expression:
        """The right side of `has`: an enumeration literal, an alias, or the bare name of a member."""
        start = self.position
        operand = self.operand()
        if isinstance(operand, Alias) or self._is_member(operand):
            return operand
        if isinstance(operand, Literal) and (operand.kind == "enum" or operand.kind == "string"
                                             and is_enum_content(operand.text)):
            return operand
        self.fail("an enumeration literal", start)

    def _is_member(self, node: Expression) -> bool:
        return not self.limits.strict and is_bare_name(node)

    def _is_alias(self, node: Expression) -> bool:
        """An alias stands wherever a literal does (OData-URL 5.3), which the grammar of lists leaves out."""
        return not self.limits.strict and isinstance(node, Alias)

    def _members(self) -> Expression:
        """The right side of `in`: a list of literals, or an expression that gives a collection."""
        if self.peek() != "(" or not self._at_list():
            return self.operand()
        start = self.position
        self.position += 1
        self.blanks()
        items: list[Expression] = []
        nodes = self.nodes
        while not self.take(")"):
            at = self.position
            item = self.operand()
            if not isinstance(item, Literal) and not self._is_member(item) and not self._is_alias(item):
                self.fail("a literal", at)
            items.append(item)
            self.blanks()
            if self.peek() != ")":
                self.expect(",")
                self.blanks()
                if self.peek() == ")":
                    self.fail("a literal")
            if len(items) > self.limits.list_items:
                self.exceed("number of items in a list", self.limits.list_items)
            self.nodes = nodes
        return ListExpression(tuple(items), start)

    def _at_list(self) -> bool:
        """Whether a list of literals begins here, and not an expression in parentheses."""
        text, start = self.text, self.position
        if match_empty(text, start):
            return True
        position = start + 1
        while text[position:position + 1] in (" ", "\t"):
            position += 1
        found = _match_operand(text, position)
        if found is None or found.lastgroup in ("open", "root", "minus", "json"):
            return False
        end = found.end()
        if found.lastgroup == "name" and text[end:end + 1] == "'":
            quoted = _match_string(text, end)
            end = quoted.end() if quoted else end
        elif found.lastgroup == "at" or found.lastgroup == "name" and found[0].lower() not in _LITERALS:
            after = _match_list_end(text, end)
            return not self.limits.strict and after is not None and after[0][-1] == ","
        return _match_list_end(text, end) is not None

    # --- operands ------------------------------------------------------------------------------------

    def operand(self) -> Expression:
        """A literal, path, call, parenthesis, negation, or JSON array or object."""
        start = self.position
        found = _match_operand(self.text, start)
        if found is None:
            self.fail("a closing quote" if self.peek() == "'" else "an expression")
        self.count("operands in an expression")
        self.position = found.end()
        self.height = 1
        kind = found.lastgroup
        if kind == "name":
            return self._named(found[0], start)
        if kind == "string":
            return Literal("string", found[0][1:-1].replace("''", "'"), None, start)
        if kind == "number":
            return Literal("number", found[0].replace(" ", "+"), None, start)
        if kind == "dateTimeOffset":
            return self._date_time_offset(found[0], start)
        if kind in ("guid", "date", "timeOfDay"):
            return Literal(kind, found[0], None, start)
        if kind == "open":
            self.blanks()
            inner = self.expression()
            self.blanks()
            self.expect(")")
            return inner
        if kind == "root":
            return self.path("$" + found["root"], [], start)
        if kind == "at":
            return self._annotation_or_alias(found["at"], start)
        if kind == "minus":
            self.blanks()
            return self._unary("neg", start)
        self.position = start
        return self._json()

    def _date_time_offset(self, text: str, start: int) -> Literal:
        if text[-1] not in "Zz" and text[-6] not in "+- ":
            if not self.limits.zoneless:
                self.fail("an offset such as Z or %2B01:00")
            text += "Z"
        return Literal("dateTimeOffset", text.upper().replace(" ", "+"), None, start)

    def _named(self, name: str, start: int) -> Expression:
        """What begins with a name: a word literal, `not`, a call, an enumeration literal, a path."""
        self.checked(name, start)
        following = self.text[self.position:self.position + 1]
        if following == "(":
            return self._call(name, start)
        if following == "'":
            return self._prefixed(name, start)
        kind = _WORDS.get(name) or _WORDS.get(name.lower())
        if kind == "boolean":
            return Literal(kind, name.lower(), None, start)
        if kind is not None and name in _WORDS:
            return Literal(kind, name, None, start)
        if following in (" ", "\t") and name.lower() == "not":
            self.blanks()
            return self._unary("not", start)
        return self.path("", [NameStep(name, None, start)], start)

    def _unary(self, operator: str, start: int) -> Unary:
        self.nest()
        operand = self.expression(_UNARY)
        self.level -= 1
        self.grow(self.height)
        return Unary(operator, operand, start)

    def _prefixed(self, name: str, start: int) -> Literal:
        quoted = _match_string(self.text, self.position)
        if quoted is None:
            self.fail("a closing quote", len(self.text))
        literal = prefixed_literal(name, quoted[0][1:-1], start)
        if literal is None or (self.limits.strict and literal.kind == "enum" and "." not in name):
            self.fail(f"a valid {name}'…' literal", start)
        self.position = quoted.end()
        return literal

    def _annotation_or_alias(self, name: str, start: int) -> Expression:
        """`@name` is an alias, `@NS.Term` and `@Term#qualifier` annotations (Part 2 §5.1.1.16)."""
        if "." in name or "#" in name:
            return self.path("", [self.annotation(name, start)], start)
        self.checked(name, start + 1)
        if self.peek() == "/":
            return self.path("@" + name, [], start)
        return Alias(name, start)

    # --- calls ---------------------------------------------------------------------------------------

    def _call(self, name: str, start: int) -> Expression:
        """`name(…)`: a canonical function, else the beginning of a path."""
        lowered = name.lower()
        arity = FUNCTIONS.get(lowered)
        if lowered == "not":
            if self.limits.strict:
                self.fail("a blank behind 'not'")
            return self._unary("not", start)
        if arity is None or self._at_named_argument():
            step = NameStep(name, self.arguments(several=True), start)
            return self.path("", [step], start, self.height)
        self.position += 1
        self.blanks()
        self.nest()
        if lowered == "case":
            call: Expression = self._case(start)
        elif lowered in ("cast", "isof"):
            call = self._cast(lowered, start)
        else:
            call = self._canonical(lowered, arity, start)
        self.level -= 1
        return call

    def _at_named_argument(self) -> bool:
        position = self.position + 1
        while self.text[position:position + 1] in (" ", "\t"):
            position += 1
        return match_named(self.text, position) is not None

    def _canonical(self, name: str, arity: tuple[int, int], start: int) -> Call:
        arguments: list[Expression] = []
        height = 0
        if not self.take(")"):
            while True:
                arguments.append(self.expression())
                height = max(height, self.height)
                self.blanks()
                if self.take(")"):
                    break
                if not self.take(","):
                    self.fail("',' or ')'")
                self.blanks()
        if not arity[0] <= len(arguments) <= arity[1]:
            wanted = str(arity[0]) if arity[0] == arity[1] else f"{arity[0]} or {arity[1]}"
            raise errors.UrlError(position=start, reason=f"{name}(…) at position {start} has {len(arguments)} "
                                  f"arguments instead of {wanted}")
        self.grow(height)
        return Call(name, tuple(arguments), start)

    def _cast(self, name: str, start: int) -> Call:
        """`cast(type)` or `cast(expression,type)`; likewise `isof`."""
        arguments: list[Expression] = []
        if _match_type(self.text, self.position) is None:
            arguments.append(self.expression())
            self.blanks()
            self.expect(",")
            self.blanks()
        found = _match_type(self.text, self.position)
        if found is None:
            self.fail("a type name and ')'")
        type_name = self.checked(found["item"] or found["single"], found.start("item" if found["item"] else "single"))
        arguments.append(TypeName(type_name, found["item"] is not None, found.start()))
        self.position = found.end()
        self.blanks()
        self.expect(")")
        self.grow(self.height)
        return Call(name, tuple(arguments), start)

    def _case(self, start: int) -> CaseCall:
        branches: list[tuple[Expression, Expression]] = []
        height = 0
        while True:
            condition = self.expression()
            height = max(height, self.height)
            self.blanks()
            if self.peek() != ":":
                condition = self._split_time(condition)
            self.expect(":")
            self.blanks()
            branches.append((condition, self.expression()))
            height = max(height, self.height)
            self.blanks()
            if self.take(")"):
                break
            if not self.take(","):
                self.fail("',' or ')'")
            self.blanks()
        self.grow(height)
        return CaseCall(tuple(branches), start)

    def _split_time(self, condition: Expression) -> Expression:
        """In `case(X gt 10:20)` the colon ends the condition: what was read as a time are two numbers."""
        if isinstance(condition, Literal) and condition.kind == "timeOfDay":
            self.position = condition.position + 2
            return Literal("number", condition.text[:2], None, condition.position)
        if isinstance(condition, Binary):
            right = self._split_time(condition.right)
            return Binary(condition.operator, condition.left, right, condition.position)
        return condition

    # --- JSON with expressions (ABNF section 5) ------------------------------------------------------

    def _json(self) -> ArrayLiteral | ObjectLiteral:
        start = self.position
        self.nest()
        result = self._array(start) if self.take("[") else self._object(start)
        self.level -= 1
        return result

    def _array(self, start: int) -> ArrayLiteral:
        items: list[Expression] = []
        height = 0
        self.blanks()
        while not self.take("]"):
            items.append(self._json_value())
            height = max(height, self.height)
            self.blanks()
            if self.peek() != "]":
                self.expect(",")
                self.blanks()
                if self.peek() == "]":
                    self.fail("a value")
        self.grow(height)
        return ArrayLiteral(tuple(items), start)

    def _object(self, start: int) -> ObjectLiteral:
        members: dict[str, Expression] = {}
        height = 0
        self.position += 1
        self.blanks()
        while not self.take("}"):
            at = self.position
            name = self.json_string()
            if name in members:
                self.twice(name, at)
            self.blanks()
            self.expect(":")
            self.blanks()
            members[name] = self._json_value()
            height = max(height, self.height)
            self.blanks()
            if self.peek() != "}":
                self.expect(",")
                self.blanks()
                if self.peek() == "}":
                    self.fail("a member")
        self.grow(height)
        return ObjectLiteral(tuple(members.items()), start)

    def _json_value(self) -> Expression:
        if self.peek() != '"':
            return self.expression()
        start = self.position
        self.count("operands in an expression")
        self.height = 1
        return Literal("string", self.json_string(), None, start)


def is_bare_name(node: Expression) -> bool:
    """A path of one simple name: what may be the member of an enumeration."""
    if not isinstance(node, Path) or node.root or len(node.steps) != 1:
        return False
    step = node.steps[0]
    return isinstance(step, NameStep) and step.arguments is None and "." not in step.name


def _balanced(operator: str, operands: list[Expression], start: int) -> Expression:
    if len(operands) == 1:
        return operands[0]
    middle = (len(operands) + 1) // 2
    return Binary(operator, _balanced(operator, operands[:middle], start),
                  _balanced(operator, operands[middle:], start), start)
