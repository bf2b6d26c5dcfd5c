"""Trees on one line, for tests, logs and explain: operators in prefix form, paths and literals as in URLs."""

from __future__ import annotations

import dataclasses

from app.url import nodes as n

_OPTION = {"from_": "from", "to_inclusive": "toInclusive"}
_PLAIN = frozenset({"null", "boolean", "number", "guid", "date", "timeOfDay", "dateTimeOffset"})


def show(node: object) -> str:
    """Any node on one line: `(eq a/b 'x')`, `(contains a 'b')`, `a/any(x:…)`, `?0:string` for a lifted literal; a node
    without a form of its own as `(Class field …)`. Positions and fields that hold their default are left out."""
    match node:
        case n.Literal() | n.Parameter() | n.ParameterList() | n.Alias():
            return _value(node)
        case n.Path(root, steps):
            return "/".join([root] * bool(root) + [_step(step) for step in steps]).replace("/(", "(")
        case n.Binary(operator, left, right):
            return f"({operator} {show(left)} {show(right)})"
        case n.Unary(operator, operand):
            return f"({operator} {show(operand)})"
        case n.Call(name, arguments):
            return "(" + " ".join([name, *map(show, arguments)]) + ")"
        case n.CaseCall(branches):
            return "(case " + " ".join(f"{show(test)}:{show(value)}" for test, value in branches) + ")"
        case n.TypeName(name, collection):
            return f"Collection({name})" if collection else name
        case n.ListExpression(items):
            return "(list" + "".join(" " + show(item) for item in items) + ")"
        case n.ArrayLiteral(items):
            return "[" + ",".join(map(show, items)) + "]"
        case n.ObjectLiteral(members):
            return "{" + ",".join(f"{name}:{show(value)}" for name, value in members) + "}"
        case n.SearchTerm() | n.SearchPrefix() | n.SearchNot() | n.SearchAnd() | n.SearchOr():
            return _search(node)
        case n.Target(segments, options):
            return "/".join(map(show, segments)) + f"?{show(options)}"
    return _rest(node)


def _value(node: n.Literal | n.Parameter | n.ParameterList | n.Alias) -> str:
    match node:
        case n.Literal(kind, text, type_name):
            if kind in _PLAIN:
                return text
            prefix = "" if kind == "string" else type_name or kind
            return prefix + "'" + text.replace("'", "''") + "'"
        case n.Parameter(index):
            return f"?{index}:" + ":".join(part for part in (node.kind, node.type, node.range) if part)
        case n.ParameterList(index, kinds, has_null):
            inside = [":".join(part for part in kind if part) for kind in kinds] + ["null"] * has_null
            return f"?{index}:[{' '.join(inside)}]"
    return "@" + node.name


def _step(step: n.Step) -> str:
    match step:
        case n.NameStep(name, arguments):
            return name + _arguments(arguments)
        case n.AnnotationStep(term, qualifier):
            return f"@{term}#{qualifier}" if qualifier else "@" + term
        case n.CountStep(predicate, search):
            parts = [show(part) for part in (predicate, search) if part is not None]
            return f"$count({';'.join(parts)})" if parts else "$count"
        case n.FilterStep(predicate):
            return f"$filter({show(predicate)})"
        case n.LambdaStep(operator, variable, predicate):
            return f"{operator}({variable}:{show(predicate)})" if variable else operator + "()"
        case n.AggregateStep(expressions):
            return "aggregate(" + ",".join(map(show, expressions)) + ")"
        case n.RefStep(name):
            return "$" + name


def _arguments(arguments: tuple[n.Argument, ...] | None) -> str:
    if arguments is None:
        return ""
    return "(" + ",".join((f"{item.name}=" if item.name else "") + show(item.value) for item in arguments) + ")"


def _search(node: n.Search) -> str:
    match node:
        case n.SearchTerm(text, phrase):
            return f'"{text}"' if phrase else text
        case n.SearchPrefix(text):
            return f"prefix'{text}'"
        case n.SearchNot(operand):
            return f"(not {show(operand)})"
        case n.SearchAnd(operands):
            return "(and " + " ".join(map(show, operands)) + ")"
        case n.SearchOr(operands):
            return "(or " + " ".join(map(show, operands)) + ")"


def _rest(node: object) -> str:
    match node:
        case n.Segment(text, name, arguments, key):
            if node.value is not None:
                return show(node.value)
            if node.problem is not None or not name:
                return f"<{text}>"
            inside = f"({show(node.predicate)})" if node.predicate is not None else _arguments(arguments)
            return name + inside + _arguments(key)
        case n.OrderItem(expression, descending):
            return show(expression) + " desc" * descending
        case n.ComputeItem(expression, name):
            return f"{show(expression)} as {name}"
        case n.SelectItem(path, parameters, options):
            inside = f"({','.join(parameters)})" if parameters else f"({show(options)})" if options else ""
            return "/".join(path) + inside
        case n.ExpandItem(path, suffix, options):
            return "/".join(path) + ("/" + suffix if suffix else "") + (f"({show(options)})" if options else "")
        case n.AliasDefinition(name, value):
            return f"@{name}={'?' if value is None else show(value)}"
        case n.AggregateExpression():
            return _aggregate(node)
        case n.Options():
            return _options(node)
        case tuple():
            return ",".join(map(show, node))
        case _ if dataclasses.is_dataclass(node) and not isinstance(node, type):
            return "(" + " ".join([type(node).__name__, *_fields(node)]) + ")"
    return str(node).lower() if isinstance(node, bool) else str(node)


def _options(node: n.Options) -> str:
    given = [(field.name, getattr(node, field.name)) for field in dataclasses.fields(node)
             if field.name not in ("aliases", "custom", "texts")]
    parts = [f"${_OPTION.get(name, name)}={show(value)}" for name, value in given if value is not None]
    return "&".join([*parts, *map(show, node.aliases), *(f"{name}={value}" for name, value in node.custom)])


def _aggregate(node: n.AggregateExpression) -> str:
    what = show(node.expression) if node.expression is not None else "/".join((*node.path, node.custom or "$count"))
    parts = [what] + [f"with {node.method}"] * (node.method is not None)
    for item in node.from_:
        parts.append("from " + ",".join("/".join(path) for path in item.properties))
        parts += [f"with {item.method}"] * (item.method is not None)
    return "(" + " ".join(parts + [f"as {node.alias}"] * (node.alias is not None)) + ")"


def _fields(node: object) -> list[str]:
    """The fields of a node of `$apply`: paths with slashes, sequences in brackets."""
    parts: list[str] = []
    for field in dataclasses.fields(node):  # type: ignore[arg-type]
        value = getattr(node, field.name)
        if field.name == "position" or (field.default is not dataclasses.MISSING and value == field.default):
            continue
        parts.append(_nested(value))
    return parts


def _nested(value: object) -> str:
    if not isinstance(value, tuple):
        return show(value)
    if value and all(isinstance(item, str) for item in value):
        return "/".join(value)
    return "[" + " ".join(map(_nested, value)) + "]"
