"""`$select`: paths of structural and navigation properties, stars, operations, annotations, computed names.

URL Conventions §5.1.4; Protocol §11.2.5.1.
"""

from __future__ import annotations

from collections.abc import Callable

from app import errors
from app.bind import nodes, operations
from app.bind.member import cast_name, unknown_member
from app.bind.scope import Scope
from app.edm.model import Property
from app.url import nodes as url

Nested = Callable[[url.Options, Scope, str, str, frozenset[str]], nodes.Options]

LIST = frozenset({"filter", "search", "count", "orderby", "skip", "top"})
SHAPE = frozenset({"compute", "select"})


class Selection:
    """The items of one `$select`; `nested` binds the options in their parentheses."""

    def __init__(self, nested: Nested, scope: Scope) -> None:
        self.nested, self.scope, self.model = nested, scope, scope.model

    def bind(self, items: tuple[url.SelectItem, ...]) -> tuple[nodes.SelectItem, ...]:
        """The union of the items: each once; what does not apply to the type (operations) is dropped."""
        bound: list[nodes.SelectItem] = []
        with_options: set[tuple[str, ...]] = set()
        for item in items:
            found = self.item(item)
            if found is None or found in bound:
                if found is None or found.options is None:
                    continue
            if found.options is not None:
                if found.path in with_options:
                    raise errors.BindError(f"'{'/'.join(found.path)}' has options in two places",
                                           position=item.position)
                with_options.add(found.path)
            bound.append(found)
        return tuple(bound)

    def item(self, item: url.SelectItem) -> nodes.SelectItem | None:
        """One item; None where it is to be ignored."""
        path = item.path
        if len(path) == 1 and item.options is None and item.parameters is None:
            name = path[0]
            declared = self.model.properties(self.scope.type).get(name)
            if declared is not None and not self.scope.closed and name not in self.scope.names:
                return nodes.SelectItem(path, "stream" if declared.type.name == "Edm.Stream" else "property")
            if name == "*":
                return nodes.SelectItem(path, "star")
        if path[-1].endswith(".*"):
            return self.namespace(item)
        if self.scope.names or self.scope.closed:
            found = self.added(item)
            if found is not None or self.scope.closed and self.gone(item):
                return found
        return self.walk(item)

    def namespace(self, item: url.SelectItem) -> nodes.SelectItem:
        """`NS.*`: all operations of a schema."""
        name = item.path[-1][:-2]
        full = self.model.aliases.get(name, name)
        if full not in self.model.namespaces and full not in self.model.aliases.values():
            known = [*self.model.namespaces, *self.model.aliases]
            raise errors.BindError(f"There is no schema '{name}'", hint=errors.closest(name, known),
                                   position=item.position)
        return nodes.SelectItem((*item.path[:-1], full + ".*"), "operations")

    def added(self, item: url.SelectItem) -> nodes.SelectItem | None:
        """A name of `$compute` or of a row after `$apply`."""
        path = tuple(self.model.full(name) if "." in name else name for name in item.path)
        joined = "/".join(path)
        if joined in self.scope.names:
            if item.options is not None:
                raise errors.BindError(f"'{joined}' takes no options", position=item.position)
            return nodes.SelectItem(path, "computed")
        if path[0] in self.scope.names or any(name.startswith(joined + "/") for name in self.scope.names):
            return nodes.SelectItem(path, "property")
        return None

    def gone(self, item: url.SelectItem) -> bool:
        """Whether the item is declared but was aggregated away (then ignored); raises UnknownProperty for others."""
        self.walk(item)
        return True

    def walk(self, item: url.SelectItem) -> nodes.SelectItem | None:
        """A path of declared or dynamic properties and casts."""
        model, type_name, many = self.model, self.scope.type, False
        path: list[str] = []
        last = len(item.path) - 1
        for index, name in enumerate(item.path):
            if name.startswith("@"):
                return nodes.SelectItem((*path, name), "annotation")
            if name == "*":
                return nodes.SelectItem((*path, name), "star")
            cast = cast_name(name, type_name, model) if "." in name or model.default_namespaces else None
            if cast is not None:
                if not model.is_a(cast, type_name):
                    raise errors.TypeMismatch(reason=f"{cast} does not derive from {type_name}", position=item.position)
                type_name = cast
                path.append(cast)
                continue
            if "." in name:
                return self.operation(item, tuple(path), name, type_name)
            path.append(name)
            declared = model.properties(type_name).get(name)
            if declared is not None:
                ref = model.underlying(declared.type)
                many = ref.collection
                if index == last or item.path[index + 1].startswith("@"):
                    if index < last:
                        continue
                    return self.property(item, tuple(path), declared, ref.name, many)
                if model.complex_type(ref.name) is None and ref.name != "Edm.Untyped":
                    raise errors.BindError(f"'{item.path[index + 1]}' cannot follow '{name}', which is not complex",
                                           position=item.position)
                type_name = ref.name
            elif name in model.navigations(type_name):
                if index < last or item.options is not None or item.parameters is not None:
                    raise errors.BindError(f"'{name}' is a navigation property: use $expand for what it leads to",
                                           position=item.position)
                return nodes.SelectItem(tuple(path), "navigation")
            elif model.is_open(type_name) or type_name == "Edm.Untyped":
                rest = (*path, *item.path[index + 1:])
                if item.options is None:
                    return nodes.SelectItem(rest, "dynamic")
                options = self.nested(item.options, self.scope, "Edm.Untyped", f"the dynamic property '{rest[-1]}'", LIST)
                return nodes.SelectItem(rest, "dynamic", options)
            elif operations.named(model, name, operations.Binding(type_name, False)):
                return self.operation(item, tuple(path[:-1]), name, type_name)
            else:
                raise unknown_member(type_name, name, model, item.position)
        raise errors.BindError(f"'{'/'.join(item.path)}' does not end in a property", position=item.position)

    def property(self, item: url.SelectItem, path: tuple[str, ...], declared: Property, type_name: str,
                 many: bool) -> nodes.SelectItem:
        """A structural property, with the options that its type takes."""
        if item.parameters is not None:
            raise errors.BindError(f"'{declared.name}' is no function: its parentheses take options, such as $select",
                                   position=item.position)
        if type_name == "Edm.Stream":
            if item.options is not None:
                raise errors.BindError(f"'{declared.name}' takes no options", position=item.position)
            return nodes.SelectItem(path, "stream")
        if item.options is None:
            return nodes.SelectItem(path, "property")
        structured = self.model.complex_type(type_name) is not None
        allowed = (LIST if many else frozenset()) | (SHAPE if structured else frozenset())
        what = f"'{declared.name}' of type {self.model.full(str(declared.type))}"
        return nodes.SelectItem(path, "property", self.nested(item.options, self.scope, type_name, what, allowed))

    def operation(self, item: url.SelectItem, path: tuple[str, ...], name: str,
                  type_name: str) -> nodes.SelectItem | None:
        """`NS.Op` or `NS.F(p,q)`; ignored where it cannot be bound to the type (§5.1.4)."""
        model = self.model
        full = model.full(name)
        candidates = operations.named(model, name, operations.Binding(type_name, False))
        if item.parameters is not None:
            wanted = set(item.parameters)
            candidates = tuple(each for each in candidates if {p.name for p in operations.parameters(each)} == wanted)
        if candidates:
            return nodes.SelectItem((*path, candidates[0].name), "operations")
        if model.operations.get(full):
            return None
        known = [*model.types, *model.operations]
        raise errors.UnknownType(f"There is no type or operation '{name}'", hint=errors.closest(name, known),
                                 position=item.position)
