"""Resource paths: segments become steps, from the service root to what the request addresses.

Behind a collection of entities a segment is, in this order: a `$`-name, a qualified type or operation, one in a default
namespace, a key (§4.3.6). Unknown names are 404, keys and parameters of the wrong kind 400.
URL Conventions §4; Protocol §11.5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app import errors
from app.bind import bindings, expression, key, member, nodes, operations
from app.bind.bindings import Place
from app.bind.literal import DIGITS
from app.bind.scope import DEFAULT_LIMITS, Limits, Scope, default_type
from app.edm import vocabularies
from app.edm.index import Import, Model, Operation
from app.edm.model import Action, Function, NavigationProperty, Property, TypeRef
from app.url import nodes as url
from app.url import parse_expression

COLLECTIONS = ("collection", "complexCollection", "primitiveCollection")


def bind_path(segments: Sequence[url.Segment], model: Model, options: url.Options = url.Options(), method: str = "GET",
              limits: Limits = DEFAULT_LIMITS) -> nodes.Resource:
    """What a resource path addresses. `options` holds the parameter aliases and the implicit parameters of functions.

    Raises UnknownResource (404), BindError (400), MethodNotAllowed for `$query` without POST, the segment as target.
    """
    scope = Scope(model, "", nodes.This(""), limits=limits).with_aliases(options.aliases)
    return _Walk(model, scope, segments, options, method).run()


def bind_reference(segments: Sequence[url.Segment], model: Model, base: nodes.Resource | None = None) -> nodes.Resource:
    """The single entity that an entity-id names (`@odata.bind`, `@odata.id`, `$id`), by a path below the service root,
    else below `base`. Raises BindError where the path leads to anything else."""
    scope = Scope(model, "", nodes.This(""))
    try:
        found = _Walk(model, scope, segments, url.Options(), "GET").run()
    except errors.NotFound:
        if base is None:
            raise
        found = _Walk(model, scope, segments, url.Options(), "GET").continue_from(base)
    if found.kind != "entity" or found.suffix or found.operation():
        text = "/".join(segment.text for segment in segments)
        raise errors.BindError(f"'{text}' does not address a single entity", target=text)
    return found


class _Walk:
    """One pass over the segments: the state is what has been reached so far."""

    def __init__(self, model: Model, scope: Scope, segments: Sequence[url.Segment], options: url.Options,
                 method: str) -> None:
        self.model, self.scope, self.segments, self.options, self.method = model, scope, segments, options, method
        self.index = 0
        self.steps: list[nodes.PathStep] = []
        self.kind = "service"
        self.suffix = ""
        self.type = self.declared = ""
        self.collection = self.contained = self.nullable = False
        self.property: Property | None = None
        self.source: str | None = None
        self.place = Place()
        self.known: dict[str, nodes.Expression | None] = {}   # key parts that the way here fixes
        self.key: nodes.Key | None = None                     # of the entity reached
        self.each = False
        self.final: str | None = None                         # why nothing may follow

    # --- the way -----------------------------------------------------------------------------------------

    def run(self) -> nodes.Resource:
        if self.segments:
            self.guarded(self.first)
        return self.follow()

    def continue_from(self, base: nodes.Resource) -> nodes.Resource:
        self.steps = list(base.steps)
        self.kind, self.type, self.declared, self.collection = base.kind, base.type, base.declared, base.collection
        self.source, self.contained = base.source, base.contained
        self.place = bindings.place_of(base, self.model)
        return self.follow()

    def follow(self) -> nodes.Resource:
        while self.index < len(self.segments):
            self.guarded(self.next)
        sets = tuple(step.set.name for step in self.steps if isinstance(step, nodes.SetStep)) \
            if self.kind == "crossjoin" else ()
        return nodes.Resource(self.kind, tuple(self.steps), self.suffix, self.type, self.declared or self.type,
                              self.collection, self.source, self.contained, self.nullable, self.property, sets)

    def guarded(self, step: Callable[[url.Segment], None]) -> None:
        segment = self.segments[self.index]
        self.index += 1
        try:
            step(segment)
        except errors.ODataError as error:
            raise error.with_target(segment.text or segment.name)

    def first(self, segment: url.Segment) -> None:
        name, model = segment.name, self.model
        if name.startswith("$"):
            return self.first_system(segment)
        self.complain(segment)
        source = model.sets.get(name)
        if source is not None:
            self.steps.append(nodes.SetStep(source))
            self.enter("collection", source.type, True)
            self.source, self.place = name, Place(source)
            return self.maybe_key(segment.arguments, segment)
        singleton = model.singletons.get(name)
        if singleton is not None:
            self.steps.append(nodes.SingletonStep(singleton))
            self.enter("entity", singleton.type, False, singleton.nullable)
            self.source, self.place = name, Place(singleton)
            return self.no_key(segment)
        action, function = model.action_imports.get(name), model.function_imports.get(name)
        if action is not None:
            self.operate(segment, operations.named(model, action.action, None), action)
        elif function is not None:
            self.operate(segment, operations.named(model, function.function, None), function)
        else:
            known = [*model.sets, *model.singletons, *model.action_imports, *model.function_imports]
            raise errors.UnknownResource(name=name or segment.text, hint=errors.closest(name, known))

    def first_system(self, segment: url.Segment) -> None:
        name = segment.name
        if name in ("$metadata", "$batch", "$entity", "$all"):
            if segment.arguments is not None or segment.problem is not None:
                raise errors.UnknownResource(name=segment.text)
            self.kind = "entityReference" if name == "$entity" else name[1:]
            self.collection = name == "$all"
            self.type = self.declared = "Edm.EntityType" if name in ("$entity", "$all") else ""
            if name in ("$metadata", "$batch"):
                self.final = name
        elif name == "$crossjoin":
            for argument in segment.arguments or ():
                path = argument.value
                assert isinstance(path, url.Path) and isinstance(path.steps[0], url.NameStep)
                source = self.model.sets.get(path.steps[0].name)
                if source is None:
                    raise errors.UnknownResource(name=path.steps[0].name,
                                                 hint=errors.closest(path.steps[0].name, self.model.sets))
                if nodes.SetStep(source) in self.steps:
                    raise errors.BindError(f"'{source.name}' is joined with itself")
                self.steps.append(nodes.SetStep(source))
            self.kind, self.collection, self.type = "crossjoin", True, "Edm.ComplexType"
            if not self.steps:
                raise errors.BindError("$crossjoin needs the names of entity sets")
        elif name == "$query" and len(self.segments) == 1:
            self.query()
        else:
            raise errors.UnknownResource(name=segment.text)

    def next(self, segment: url.Segment) -> None:
        if self.final is not None:
            raise errors.UnknownResource(f"Nothing can follow '{self.final}'")
        name = segment.name
        if name.startswith("$"):
            return self.system(segment)
        operation = self.steps[-1] if self.steps else None
        if isinstance(operation, nodes.OperationStep):
            self.check_composable(operation.operation)
        if self.kind in ("crossjoin", "service"):
            raise errors.UnknownResource(name=segment.text)
        if self.kind in ("all", "entityReference"):
            return self.cast(segment)
        if self.each:
            return self.each_operation(segment)
        if self.kind in COLLECTIONS:
            return self.in_collection(segment)
        self.in_value(segment)

    def enter(self, kind: str, type_name: str, collection: bool, nullable: bool = False) -> None:
        """What has been reached now."""
        self.kind, self.type, self.declared = kind, type_name, type_name
        self.collection, self.nullable = collection, nullable
        self.property = None
        self.known, self.key = {}, None

    def complain(self, segment: url.Segment) -> None:
        if segment.problem is not None:
            raise errors.UrlError(reason=segment.problem)

    def no_key(self, segment: url.Segment) -> None:
        if segment.arguments is not None or segment.key is not None:
            raise errors.BindError(f"'{segment.name}' is not a collection and takes no key")

    # --- behind a collection -----------------------------------------------------------------------------

    def in_collection(self, segment: url.Segment) -> None:
        if segment.value is None and segment.name and self.named(segment):
            return
        if self.kind == "collection":
            return self.segment_key(segment)
        self.ordinal(segment)
        self.kind = "complex" if self.kind == "complexCollection" else "primitive"
        self.collection = self.nullable = False

    def ordinal(self, segment: url.Segment) -> None:
        """An item of an ordered collection by its position (§4.10)."""
        literal = self.text(segment)
        digits = segment.value.range == "integer" if segment.value is not None else bool(DIGITS.fullmatch(segment.text))
        if not digits or segment.text.startswith("+"):
            raise errors.UnknownResource(name=segment.text)
        if isinstance(literal, url.Parameter):
            self.steps.append(nodes.OrdinalStep(nodes.Parameter(literal.index, "Edm.Int64")))
        else:
            self.steps.append(nodes.OrdinalStep(int(literal.text)))

    def named(self, segment: url.Segment) -> bool:
        """Takes the segment as a type or an operation, if that is what its name says."""
        name, model = segment.name, self.model
        found = model.structured(name if "." in name else default_type(name, model) or "")
        if found is not None and self.kind != "primitiveCollection":
            self.complain(segment)
            self.cast_to(found.name)
            self.maybe_key(segment.arguments, segment)
            return True
        candidates = operations.named(model, name, self.binding(self.collection))
        if candidates:
            self.complain(segment)
            self.operate(segment, candidates, None)
        return bool(candidates)

    def text(self, segment: url.Segment) -> url.Literal | url.Parameter:
        """The segment as a key; a lifted one has lost the text of its parentheses."""
        if segment.value is None and not segment.text:
            raise errors.BindError(f"'{segment.name}(…)' as a key needs the text of the path")
        return segment.value if segment.value is not None else url.Literal("segment", segment.text)

    def segment_key(self, segment: url.Segment) -> None:
        """Key-as-segment: as many segments as there are parts to give."""
        if not vocabularies.supported(self.model, "KeyAsSegmentSupported"):
            raise errors.UnknownResource(f"'{segment.text[:60]}' cannot follow a collection: keys stand in parentheses here")
        wanted = [name for name in key.key_types(self.type, self.model) if name not in self.known]
        texts = [self.text(segment)]
        while len(texts) < len(wanted):
            if self.index == len(self.segments) or self.segments[self.index].name.startswith("$"):
                raise errors.BindError(f"The key of {self.type} has {len(wanted)} parts")
            texts.append(self.text(self.segments[self.index]))
            self.index += 1
        if not wanted:
            raise errors.UnknownResource(name=segment.text)
        if "." in segment.name and "Edm.String" not in [
                self.model.underlying(ref).name for ref in key.key_types(self.type, self.model).values()]:
            raise self.unknown_qualified(segment)
        try:
            self.keyed(key.bind_segments(texts, self.type, self.scope, self.known))
        except errors.UnknownResource as error:
            known = [*self.model.properties(self.type), *self.model.navigations(self.type)]
            if segment.name in known:
                raise errors.UnknownResource(f"'{segment.name}' cannot follow a collection: give a key first") from None
            raise error

    def maybe_key(self, arguments: tuple[url.Argument, ...] | None, segment: url.Segment) -> None:
        """The key predicate behind the name of a collection, if there is one."""
        if arguments is segment.arguments and segment.key is not None:
            raise errors.BindError(f"'{segment.name}' takes one key")
        if arguments is None:
            return
        if self.kind != "collection":
            raise errors.BindError(f"'{segment.name}' is not a collection of entities and takes no key")
        if arguments == ():
            raise errors.BindError(f"'{segment.name}()' is no key predicate")
        self.keyed(key.bind_key(arguments, self.type, self.scope, segment.position, self.known))

    def keyed(self, step: nodes.KeyStep) -> None:
        self.steps.append(step)
        property_, declared = self.property, self.declared
        self.enter("entity", self.type, False)
        self.property, self.declared = property_, declared
        self.key = None if step.alternate else step.key

    # --- behind a single value ---------------------------------------------------------------------------

    def in_value(self, segment: url.Segment) -> None:
        name, model = segment.name, self.model
        self.complain(segment)
        if self.kind == "dynamic":
            return self.steps.append(nodes.DynamicStep(name)) if name else self.ordinal(segment)
        if not name:
            raise errors.UnknownResource(name=segment.text)
        declared = model.properties(self.type).get(name)
        if declared is not None:
            self.no_key(segment)
            return self.structural(declared)
        navigation = model.navigations(self.type).get(name)
        if navigation is not None:
            return self.navigate(navigation, segment)
        if self.named(segment):
            return
        if "." in name:
            raise self.unknown_qualified(segment)
        if self.kind in ("entity", "complex") and model.is_open(self.type) and segment.arguments is None:
            self.steps.append(nodes.DynamicStep(name))
            self.enter("dynamic", "Edm.Untyped", False, True)
            return
        known = [*model.properties(self.type), *model.navigations(self.type)]
        called = (each.name for each in model.bound_to(self.type, False) if each.name.rpartition(".")[2] == name)
        hint = next(called, None) or errors.closest(name, known)
        if self.kind not in ("entity", "complex"):
            raise errors.UnknownResource(f"'{name}' cannot follow a value of type {self.type}")
        raise errors.UnknownResource(f"{self.type} has no property '{name}'", hint=hint)

    def structural(self, declared: Property) -> None:
        owner, ref = self.type, self.model.underlying(declared.type)
        self.steps.append(nodes.PropertyStep(declared, owner))
        self.place = self.place.below(declared.name)
        self.enter(self.value_kind(ref), self.model.full(ref.name), ref.collection, declared.type.nullable is not False)
        self.property = declared

    def value_kind(self, ref: TypeRef) -> str:
        """The kind of a resource of this type."""
        kind = self.model.kind(ref.name)
        if kind == "entity":
            return "collection" if ref.collection else "entity"
        if kind == "complex":
            return "complexCollection" if ref.collection else "complex"
        if ref.collection:
            return "primitiveCollection"
        if ref.name == "Edm.Stream":
            return "stream"
        return "dynamic" if ref.name == "Edm.Untyped" else "primitive"

    def navigate(self, navigation: NavigationProperty, segment: url.Segment) -> None:
        model, owner, parent = self.model, self.type, self.key
        self.steps.append(nodes.NavigationStep(navigation, owner))
        self.place, self.source = self.place.follow(navigation, model)
        self.contained = navigation.contains_target
        if navigation.collection:
            self.enter("collection", navigation.type, True)
            self.known = key.fixed_parts(navigation, owner, navigation.type, parent, model)
            return self.maybe_key(segment.arguments, segment)
        self.enter("entity", navigation.type, False, navigation.nullable is not False)
        self.no_key(segment)

    # --- casts -------------------------------------------------------------------------------------------

    def cast(self, segment: url.Segment) -> None:
        """`$all/NS.Type`, `$entity/NS.Type`."""
        name = segment.name if "." in segment.name else default_type(segment.name, self.model) or ""
        found = self.model.entity_type(name)
        if found is None or segment.arguments is not None:
            raise self.unknown_qualified(segment)
        self.cast_to(found.name)

    def cast_to(self, type_name: str) -> None:
        if not (self.model.is_a(type_name, self.type) or self.model.is_a(self.type, type_name)):
            raise errors.UnknownResource(f"{type_name} does not derive from {self.type}")
        self.steps.append(nodes.CastStep(type_name))
        self.place = self.place.below(type_name)
        self.declared, self.type = self.type, type_name

    def unknown_qualified(self, segment: url.Segment) -> errors.ODataError:
        model = self.model
        if model.operations.get(model.full(segment.name)):
            many = f"Collection({self.type})" if self.collection else self.type
            return errors.UnknownResource(f"'{segment.name}' is not bound to {many}")
        known = [*model.types, *model.operations]
        return errors.UnknownResource(f"There is no type or operation '{segment.name}'",
                                      hint=errors.closest(segment.name, known))

    # --- $-segments --------------------------------------------------------------------------------------

    def system(self, segment: url.Segment) -> None:
        name = segment.name
        handler = {"$count": self.count, "$ref": self.reference, "$value": self.raw_value, "$query": self.query,
                   "$each": self.each_member}.get(name)
        if name == "$filter" and segment.predicate is not None:
            self.filter(segment.predicate)
            return self.maybe_key(segment.key, segment)
        if handler is None or segment.arguments is not None:
            raise errors.UnknownResource(name=segment.text)
        handler()

    def filter(self, predicate: url.Expression) -> None:
        if self.kind not in COLLECTIONS:
            raise errors.BindError("$filter applies to collections")
        scope = Scope(self.model, self.type, nodes.This(self.type), limits=self.scope.limits)
        scope = scope.with_aliases(self.options.aliases)
        self.steps.append(nodes.FilterStep(expression.bind_boolean(predicate, scope)))

    def count(self) -> None:
        if self.kind not in (*COLLECTIONS, "all", "crossjoin", "dynamic"):
            raise errors.BindError("$count applies to collections")
        self.suffix = self.final = "$count"

    def reference(self) -> None:
        if self.kind not in ("collection", "entity"):
            raise errors.UnknownResource("$ref applies to entities only")
        self.suffix = self.final = "$ref"

    def raw_value(self) -> None:
        if self.kind == "entity":
            if not any(self.model.has_stream(each) for each in (self.type, *self.model.derived(self.type))):
                raise errors.BindError(f"{self.type} is not a media entity type and has no $value")
        elif self.kind not in ("primitive", "dynamic"):
            raise errors.BindError("$value applies to single primitive values and media entities")
        self.suffix = self.final = "$value"

    def query(self) -> None:
        if self.method != "POST":
            raise errors.MethodNotAllowed(method=self.method, resource="$query", allow=["POST"])
        if self.index < len(self.segments):
            raise errors.UnknownResource("Nothing can follow '$query'")
        if not self.suffix:
            self.suffix = "$query"
        self.final = "$query"

    def each_member(self) -> None:
        if self.kind not in COLLECTIONS:
            raise errors.BindError("$each applies to collections")
        self.steps.append(nodes.EachStep())
        self.each = True

    def each_operation(self, segment: url.Segment) -> None:
        candidates = operations.named(self.model, segment.name, self.binding(False))
        if not candidates:
            raise self.unknown_qualified(segment)
        self.complain(segment)
        self.operate(segment, candidates, None)
        self.final = segment.name

    # --- operations --------------------------------------------------------------------------------------

    def binding(self, collection: bool) -> operations.Binding:
        """What an operation would be bound to here."""
        link = None
        for step in self.steps:
            match step:
                case nodes.NavigationStep(declared, owner) | nodes.PropertyStep(declared, owner):
                    link = owner, declared.name
                case nodes.SetStep() | nodes.SingletonStep() | nodes.OperationStep():
                    link = None
        return operations.Binding(self.type, collection, self.source, link)

    def operate(self, segment: url.Segment, candidates: tuple[Operation, ...], imported: Import | None) -> None:
        """A call of an operation: the overload, its arguments, what it gives."""
        if not candidates:
            raise errors.UnknownResource(name=segment.text)
        if isinstance(candidates[0], Action):
            return self.act(segment, candidates[0], imported)
        arguments, implicit = segment.arguments, False
        if arguments is not None and any(each.name is None for each in arguments):
            self.call(operations.choose(self.model, candidates, (), segment.position), (), imported, False)
            self.check_composable(self.last_operation())
            return self.maybe_key(arguments, segment)
        if arguments is None:
            arguments = self.implicit(candidates) if self.index == len(self.segments) else ()
            implicit = bool(arguments)
        chosen = operations.choose(self.model, candidates, [each.name or "" for each in arguments], segment.position)
        self.call(chosen, member.bind_arguments(chosen, arguments, self.scope), imported, implicit)
        if segment.key is not None:
            self.check_composable(chosen)
            self.maybe_key(segment.key, segment)

    def act(self, segment: url.Segment, action: Action, imported: Import | None) -> None:
        if segment.arguments or segment.key is not None:
            raise errors.BindError(f"The parameters of the action {action.name} belong in the body")
        self.call(action, (), imported, False)
        self.kind, self.final = "action", segment.name

    def last_operation(self) -> Operation:
        return next(step.operation for step in reversed(self.steps) if isinstance(step, nodes.OperationStep))

    def check_composable(self, operation: Operation) -> None:
        if isinstance(operation, Function) and not operation.composable:
            raise errors.BindError(f"The function {operation.name} is not composable: nothing can follow it")

    def implicit(self, candidates: tuple[Operation, ...]) -> tuple[url.Argument, ...]:
        """Implicit parameter aliases: `F?p=1` and `F?@p=1` (Protocol §11.5.4.1.1)."""
        custom = dict(self.options.custom)
        defined = {each.name for each in self.options.aliases}
        found: dict[str, url.Argument] = {}
        for name in (parameter.name for each in candidates for parameter in operations.parameters(each)):
            if name in defined:
                found.setdefault(name, url.Argument(name, url.Alias(name)))
            elif name in custom:
                found.setdefault(name, url.Argument(name, parse_expression(custom[name])))
        return tuple(found.values())

    def call(self, operation: Operation, arguments: tuple[tuple[str, nodes.Expression], ...], imported: Import | None,
             implicit: bool) -> None:
        self.steps.append(nodes.OperationStep(operation, imported, arguments, implicit))
        returned = operation.returns.type if operation.returns is not None else None
        each = self.each
        self.source, self.place, self.contained = self.result_source(operation, imported)
        if returned is None:
            return self.enter("action", "", False, True)
        ref = self.model.underlying(returned)
        if each:
            ref = TypeRef(ref.name, True, ref.nullable)
        self.enter(self.value_kind(ref), self.model.full(ref.name), ref.collection, returned.nullable is not False)

    def result_source(self, operation: Operation, imported: Import | None) -> tuple[str | None, Place, bool]:
        """The set of the entities that an operation returns, by its import or its entity set path (CSDL §12.6)."""
        if imported is not None:
            name = (imported.entity_set or "").rpartition("/")[2]
            found = self.model.source_of(name)
            return (name if found is not None else None), Place(found), False
        path = operation.entity_set_path
        if path is None or not operation.bound:
            return None, Place(), False
        source, place, contained, type_name = self.source, self.place, self.contained, self.type
        for step in path.split("/")[1:]:
            navigation = self.model.navigations(type_name).get(step)
            if navigation is not None:
                place, source = place.follow(navigation, self.model)
                type_name, contained = navigation.type, navigation.contains_target
                continue
            place = place.below(step)
            declared = self.model.properties(type_name).get(step)
            type_name = declared.type.name if declared is not None else self.model.full(step)
        return source, place, contained
