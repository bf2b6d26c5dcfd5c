"""`show`: any bound node on one line, for tests and explain.

Operations in prefix form, paths as written: `(eq status:ns.Status 'running')`. Parameters print as `?0:Edm.Int32`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from app.bind import nodes
from app.bind.scope import describe
from app.edm import types


def show(node: Any) -> str:
    """One line for a node of `app.bind.nodes`, or a tuple of them."""
    match node:
        case None:
            return "-"
        case str():
            return node
        case tuple():
            return "[" + " ".join(show(each) for each in node) + "]"
        case nodes.Options() | nodes.Resource() | nodes.Request() | nodes.SelectItem() | nodes.ExpandItem() \
                | nodes.OrderItem() | nodes.ComputedProperty():
            return _request(node)
        case nodes.Literal(None, _):
            return "null"
        case nodes.Literal(value, name):
            plain = types.literal(name, value) if name in types.PRIMITIVES - types.GEO else f"{value}"
            return plain if name in ("Edm.Boolean", "Edm.String", "Edm.Duration", "Edm.Binary") else f"{plain}:{name}"
        case nodes.Parameter(index, name):
            return f"?{index}:{name}"
        case nodes.ParameterList(index, name, has_null):
            return f"?{index}:Collection({name})" + ("+null" if has_null else "")
        case nodes.Compare(operator, left, right, operand_type):
            return f"({operator} {show(left)} {show(right)}" + _as(operand_type, left, right) + ")"
        case nodes.In(operand, items, operand_type):
            return f"(in {show(operand)} {show(items)} as {operand_type})"
        case nodes.Has(left, right):
            return f"(has {show(left)} {show(right)})"
        case nodes.Logic(operator, operands):
            return f"({operator} {' '.join(show(each) for each in operands)})"
        case nodes.Not(operand):
            return f"(not {show(operand)})"
        case nodes.Negate(operand):
            return f"(neg {show(operand)})"
        case nodes.Arithmetic(operator, left, right, name):
            return f"({operator} {show(left)} {show(right)}):{name}"
        case nodes.Call(name, arguments, result):
            return f"({' '.join((name, *map(show, arguments)))}):{_named(result, node.collection)}"
        case nodes.Cast(operand, name, facets, collection):
            return f"(cast {show(operand)} {_named(name, collection)}" + (" …" if facets else "") + ")"
        case nodes.IsOf(operand, name, collection):
            return f"(isof {show(operand)} {_named(name, collection)})"
        case nodes.Case(branches, name):
            return "(case " + " ".join(f"{show(when)}:{show(then)}" for when, then in branches) + f"):{name}"
        case nodes.FunctionCall(function, binding, arguments, name, collection):
            given = " ".join(f"{each}={show(value)}" for each, value in arguments)
            bound = f" on {show(binding)}" if binding is not None else ""
            return f"(call {function.name}({given}){bound}):{_named(name, collection)}"
        case nodes.ListValue(items, name):
            return f"[{' '.join(map(show, items))}]:{name}"
        case nodes.ObjectValue(members, name):
            return "{" + " ".join(f"{each}={show(value)}" for each, value in members) + f"}}:{name}"
        case nodes.Stored(branches, name, collection):
            given = " ".join(text if test is None else f"{show(test)}:{text}" for test, text in branches)
            return f"(stored {given}):{_named(name, collection)}"
        case nodes.Lambda(operator, collection, variable, predicate):
            return f"({operator} {_path(collection)}" + (f" {variable}: {show(predicate)}" if variable else "") + ")"
        case nodes.Count(collection, predicate, search):
            extra = f" where {show(predicate)}" if predicate is not None else ""
            return f"(count {_path(collection)}{extra}{' search' if search else ''})"
        case nodes.AggregateValue(collection, inner):
            return f"(aggregate {_path(collection)} {_apply(inner)})"
        case nodes.It() | nodes.This() | nodes.These() | nodes.Variable() | nodes.Root() | nodes.PropertyPath() \
                | nodes.DynamicPath() | nodes.NavigationPath() | nodes.CastPath() | nodes.AliasPath() \
                | nodes.AnnotationPath() | nodes.Filtered():
            return f"{_path(node)}:{describe(node)}"
        case _:
            return _step(node) or _apply(node)


def _named(name: str, collection: bool) -> str:
    return f"Collection({name})" if collection else name


def _as(operand_type: str, left: Any, right: Any) -> str:
    return "" if operand_type == left.type == right.type else f" as {operand_type}"


def _path(node: Any) -> str:
    """A path without its type."""
    match node:
        case nodes.This():
            return "$this"
        case nodes.It():
            return "$it"
        case nodes.These():
            return "$these"
        case nodes.Variable(name) | nodes.AliasPath(name):
            return name
        case nodes.Root(source, key):
            return f"$root/{source}{_key(key)}"
        case nodes.PropertyPath(base, declared):
            return _below(base) + declared.name
        case nodes.DynamicPath(base, name):
            return f"{_below(base)}{name}"
        case nodes.NavigationPath(base, navigation):
            return _below(base) + navigation.name + _key(node.key)
        case nodes.CastPath(base, name):
            return _below(base) + name
        case nodes.AnnotationPath(base, term):
            return f"{_below(base)}@{term}"
        case nodes.Filtered(collection, predicate):
            return f"{_path(collection)}/$filter({show(predicate)})"
        case _:
            return show(node)


def _below(base: Any) -> str:
    return "" if isinstance(base, nodes.This) else _path(base) + "/"


def _key(key: nodes.Key) -> str:
    return "(" + ",".join(f"{name}={show(value)}" for name, value in key) + ")" if key else ""


def _step(node: Any) -> str:
    """A step of a resource path."""
    match node:
        case nodes.SetStep(source) | nodes.SingletonStep(source):
            return source.name
        case nodes.KeyStep(key, alternate):
            return _key(key) + ("*" if alternate else "")
        case nodes.NavigationStep(navigation):
            return navigation.name
        case nodes.PropertyStep(declared):
            return declared.name
        case nodes.DynamicStep(name):
            return name + "?"
        case nodes.CastStep(name):
            return name
        case nodes.FilterStep(predicate):
            return f"$filter{show(predicate)}"
        case nodes.EachStep():
            return "$each"
        case nodes.OrdinalStep(index):
            return f"#{index if isinstance(index, int) else show(index)}"
        case nodes.OperationStep(operation, imported, arguments, implicit):
            given = ",".join(f"{name}={show(value)}" for name, value in arguments)
            return (imported.name if imported else operation.name) + f"({given})" + ("~" if implicit else "")
        case _:
            return ""


def _request(node: Any) -> str:
    match node:
        case nodes.Request(resource, options):
            return " ".join(each for each in (show(resource), show(options)) if each != "()")
        case nodes.Resource():
            return _resource(node)
        case nodes.OrderItem(inner, descending):
            return show(inner) + (" desc" if descending else "")
        case nodes.ComputedProperty(name, inner):
            return f"{name}={show(inner)}"
        case nodes.SelectItem(path, kind, options):
            mark = "" if kind == "property" else f"<{kind}>"
            return "/".join(path) + mark + (show(options) if options is not None else "")
        case nodes.ExpandItem():
            parts = ["/".join(node.path), *(f"/{each}" for each in (node.cast, node.suffix) if each)]
            parts += [f"^{node.levels or 'max'}" if node.levels != 1 else "", "" if node.explicit else "*"]
            nested = show(node.options)
            return "".join(parts) + (f"→{node.source}" if node.source else "") + (nested if nested != "()" else "")
        case _:
            found = []
            for field in dataclasses.fields(node):
                value = getattr(node, field.name)
                if value is not None and value != () and value is not False:
                    shown = "…" if field.name == "search" else show(value) if not isinstance(value, int) else str(value)
                    found.append(field.name if value is True else f"{field.name}={shown}")
            return f"({'; '.join(found)})"


def _resource(node: nodes.Resource) -> str:
    steps = "/".join(_step(step) for step in node.steps).replace("/(", "(").replace("/#", "#")
    marks = [name for name in ("contained", "nullable") if getattr(node, name)]
    text = f"{node.kind} {steps}".rstrip() + (f" {node.suffix}" if node.suffix else "")
    text += f" : {_named(node.type, node.collection)}" if node.type else ""
    return text + (f" in {node.source}" if node.source else "") + "".join(f" {mark}" for mark in marks)


def _apply(node: Any) -> str:
    """A node of `$apply`."""
    match node:
        case nodes.Apply(transformations, row):
            shown = " / ".join(_apply(each) for each in transformations)
            if row is None:
                return shown
            columns = (f"{'/'.join(each.path)}:{_named(each.type, each.collection)}" for each in row)
            return f"{shown} → {' '.join(columns)}"
        case nodes.RowProperty(path):
            return "/".join(path)
        case nodes.AggregateExpression(inner, method, alias, name, over, from_):
            text = f"{method} {show(inner)}" + (f" over {show(over)}" if over is not None else "")
            text += "".join(f" from {' '.join(map(_apply, each.properties))} with {each.method}" for each in from_)
            return f"{alias}={text}:{name}" if alias else f"{text}:{name}"
        case _ if dataclasses.is_dataclass(node) and not isinstance(node, type):
            parts = [type(node).__name__]
            for field in dataclasses.fields(node):
                value = getattr(node, field.name)
                if isinstance(value, bool):
                    parts += [field.name] if value else []
                elif value is not None:
                    shown = str(value) if isinstance(value, int) else show(value)
                    parts.append("…" if field.name == "search" else shown)
            return "(" + " ".join(parts) + ")"
        case _:
            return str(node)
