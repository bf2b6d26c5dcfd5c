"""Keys: predicates in parentheses, key-as-segment texts, alternate keys, parts that a referential constraint fixes.

URL Conventions §4.3.1 to §4.3.6; ABNF keyPredicate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app import errors
from app.bind import expression, nodes
from app.bind.literal import Syntax, bind_exactly
from app.bind.scope import Scope
from app.edm import vocabularies
from app.edm.index import Model
from app.edm.model import NavigationProperty, TypeRef
from app.url import nodes as url

Known = Mapping[str, nodes.Expression | None]   # key parts that need not be given: name → value; None: by the relation


def key_types(type_name: str, model: Model) -> dict[str, TypeRef]:
    """The names of a key predicate in the order of the model, each with its type."""
    found = {}
    for ref in model.key(type_name):
        declared = model.property_at(type_name, ref.path)
        if declared is not None:
            found[ref.name] = declared.type
    return found


def bind_key(arguments: tuple[url.Argument, ...], type_name: str, scope: Scope, position: int = 0,
             known: Known | None = None) -> nodes.KeyStep:
    """The key predicate `(5)`, `(ID=5)`, `(a=1,b='x')` of an entity of `type_name`; also one by alternate key names.

    `known`: parts that may be left out. Raises BindError for wrong names or a wrong number, TypeMismatch for values.
    """
    model = scope.model
    wanted = key_types(type_name, model)
    known = known or {}
    open_parts = [name for name in wanted if name not in known] or list(wanted)
    if not wanted:
        raise errors.BindError(f"{type_name} has no key", position=position)
    if len(arguments) == 1 and arguments[0].name is None:
        if len(open_parts) != 1:
            raise errors.BindError(f"The key of {type_name} has the parts {', '.join(wanted)}: name them",
                                   position=position)
        given = {open_parts[0]: arguments[0]}
    else:
        given = {}
        for each in arguments:
            if each.name is None:
                raise errors.BindError(f"The parts of the key need their names: {', '.join(wanted)}", position=position)
            if each.name in given:
                raise errors.BindError(f"The key part '{each.name}' is given twice", position=position)
            given[each.name] = each
    if not set(given) <= set(wanted):
        return _alternate(given, type_name, wanted, scope, position)
    missing = [name for name in wanted if name not in given and name not in known]
    if missing:
        raise errors.BindError(f"The key of {type_name} lacks {', '.join(missing)}", position=position)
    parts = [(name, _value(given[name].value, name, ref, scope)) if name in given else (name, known[name])
             for name, ref in wanted.items()]
    return nodes.KeyStep(tuple((name, value) for name, value in parts if value is not None))


def _alternate(given: Mapping[str, url.Argument], type_name: str, wanted: Mapping[str, TypeRef], scope: Scope,
               position: int) -> nodes.KeyStep:
    model = scope.model
    alternates = vocabularies.alternate_keys(model, type_name)
    for alternate in alternates:
        if {name for name, _ in alternate} == set(given):
            parts = []
            for name, path in alternate:
                declared = model.property_at(type_name, path)
                if declared is not None:
                    parts.append((name, _value(given[name].value, name, declared.type, scope)))
            return nodes.KeyStep(tuple(parts), True)
    names = [*wanted, *(name for alternate in alternates for name, _ in alternate)]
    unknown = next((name for name in given if name not in names), None)
    if unknown is None:
        raise errors.BindError(f"{', '.join(given)} is neither the key nor an alternate key of {type_name}",
                               position=position)
    raise errors.BindError(f"The key of {type_name} has no part '{unknown}'", hint=errors.closest(unknown, names),
                           position=position)


def _value(value: url.Expression, name: str, ref: TypeRef, scope: Scope) -> nodes.Expression:
    required = TypeRef(ref.name, False, False, ref.max_length, ref.precision, ref.scale)
    literal = expression.literal_of(value, scope)
    if literal is None and not isinstance(value, url.Alias) and scope.model.enum_type(ref.name) is None:
        raise errors.BindError(f"The key part '{name}' must be a literal or a parameter alias",
                               position=expression.position_of(value))
    return expression.bind_value(value, required, scope, f"The key part '{name}'")


def bind_segments(texts: Sequence[Syntax], type_name: str, scope: Scope, known: Known | None = None) -> nodes.KeyStep:
    """The key out of path segments, one for each part that is not known, in the order of the model (§4.3.6).

    Raises UnknownResource (404) where a text is not of the type of its part: there can be no such entity.
    """
    wanted = key_types(type_name, scope.model)
    known = known or {}
    rest = iter(texts)
    parts: list[tuple[str, nodes.Expression]] = []
    for name, ref in wanted.items():
        if name in known:
            value = known[name]
            if value is not None:
                parts.append((name, value))
            continue
        literal = next(rest)
        try:
            parts.append((name, bind_exactly(literal, scope.model.underlying(ref).name, scope.model)))
        except errors.TypeMismatch as error:
            text = literal.text if isinstance(literal, url.Literal) else ""
            raise errors.UnknownResource(f"There is no resource '{text}': {error.text}") from None
    return nodes.KeyStep(tuple(parts))


def fixed_parts(navigation: NavigationProperty, owner: str, type_name: str, parent: nodes.Key | None,
                model: Model) -> dict[str, nodes.Expression | None]:
    """The key parts of the target that the partner's referential constraint takes from the entity before (§4.3.3):
    name → its value where the key of the parent is given, else None."""
    if navigation.partner is None:
        return {}
    partner = model.navigations(type_name).get(navigation.partner)
    if partner is None:
        return {}
    names = {ref.path: ref.name for ref in model.key(type_name)}
    values = dict(parent or ())
    principal = {ref.path: ref.name for ref in model.key(owner)}
    return {names[each.property]: values.get(principal.get(each.referenced, ""))
            for each in partner.constraints if each.property in names}
