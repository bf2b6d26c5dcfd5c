"""The typed tree: every name has its declaration, every operand its type.

Types are qualified names ('Edm.Int32'); a type definition appears as the primitive type behind it, except inside
`Property`. `collection` tells a collection of `type`. The untyped null has the type 'null'.
`app.bind.show.show` prints any node on one line. Over 600 lines, because it is data without code and
its unions refer to one another: the whole language at one look.
URL Conventions 4.01 §5.1.1; Protocol 4.01 §11.2; Data Aggregation 4.0 §3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from app.edm.model import EntitySet, NavigationProperty, Property, Singleton, TypeRef
from app.edm.index import Import, Operation
from app.url import nodes as url

# --- expressions -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant that is part of the request's shape (null, booleans, geo, patterns …); `value` canonical."""

    value: Any = field(hash=False)              # a dict or a list in literals of Geo types
    type: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A literal lifted out of the text: `index` into the values of the request. `convert` is the Edm type to which
    the raw literal is turned before binding (equal to `type`)."""

    index: int
    type: str


@dataclass(frozen=True, slots=True)
class ParameterList:
    """The literals of an `in` list lifted out as one value; null members are kept apart in `has_null`. `kind`: where the
    value is found, as a `Slot` of the plan says it ('principal': in the values of who asks)."""

    index: int
    type: str
    has_null: bool = False
    kind: str = "list"


@dataclass(frozen=True, slots=True)
class It:
    """`$it`, where it is not `This`: the instance that the resource path addresses, seen from inside a nested option or
    a filtered collection. Elsewhere `$it` is bound as `This`."""

    type: str


@dataclass(frozen=True, slots=True)
class This:
    """The current instance (`$this`, or the implicit start of a path); of a structured or primitive type."""

    type: str


@dataclass(frozen=True, slots=True)
class These:
    """`$these`: the current collection (Aggregation §3.5)."""

    type: str
    collection: bool = True


@dataclass(frozen=True, slots=True)
class Variable:
    """A lambda variable."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Root:
    """`$root/Set(key)` or `$root/Singleton`; `source` names it; `key` is () for a singleton or a whole set."""

    source: str
    key: tuple[tuple[str, Expression], ...]
    type: str
    collection: bool = False


@dataclass(frozen=True, slots=True)
class PropertyPath:
    """A declared structural property of `base`."""

    base: Expression
    property: Property
    owner: str                     # the structured type it was found on (static type of base)
    type: str
    collection: bool = False


@dataclass(frozen=True, slots=True)
class DynamicPath:
    """A dynamic (undeclared) property of an open type; its type is only known per value."""

    base: Expression
    name: str
    type: str = "Edm.Untyped"
    collection: bool = False


@dataclass(frozen=True, slots=True)
class NavigationPath:
    """A navigation property of `base`; `key` when a member of a collection is addressed."""

    base: Expression
    navigation: NavigationProperty
    owner: str
    type: str
    collection: bool = False
    key: tuple[tuple[str, Expression], ...] = ()


@dataclass(frozen=True, slots=True)
class CastPath:
    """A type-cast segment: null (or dropped, in a collection) where the instance is not of `type`."""

    base: Expression
    type: str
    collection: bool = False


@dataclass(frozen=True, slots=True)
class AliasPath:
    """A value introduced by `$compute` or `$apply` under `name`, of the current instance; for a grouping property
    `name` is its path joined by '/'. `row`: a row that a transformation made, which has the names below its own only."""

    name: str
    type: str
    collection: bool = False
    row: bool = False


@dataclass(frozen=True, slots=True)
class Transformed:
    """What `addnested` adds to an instance under `name`: what `path` leads to, after a sequence of transformations."""

    name: str
    path: Expression
    apply: Apply
    type: str
    collection: bool = True


@dataclass(frozen=True, slots=True)
class AnnotationPath:
    """An instance annotation; this service stores none, so its value is null."""

    base: Expression
    term: str
    type: str = "Edm.Untyped"


@dataclass(frozen=True, slots=True)
class Count:
    """`Collection/$count`, with optional filter and search over its members (inside them `This` is the member)."""

    collection: Expression
    filter: Expression | None = None
    search: url.Search | None = None
    type: str = "Edm.Int64"


@dataclass(frozen=True, slots=True)
class Filtered:
    """`Collection/$filter(predicate)`: still a collection; inside the predicate `This` is the member."""

    collection: Expression
    predicate: Expression
    type: str


@dataclass(frozen=True, slots=True)
class Lambda:
    """`collection/any(variable: predicate)` or `all`; `predicate` None for `any()`."""

    operator: str
    collection: Expression
    variable: str | None
    predicate: Expression | None
    type: str = "Edm.Boolean"


@dataclass(frozen=True, slots=True)
class Compare:
    """eq ne gt ge lt le; both operands promoted to `operand_type`: a primitive or enumeration type, 'entity',
    'complex', 'collection', 'null' (both are null literals) or 'Edm.Untyped' (both dynamic)."""

    operator: str
    left: Expression
    right: Expression
    operand_type: str
    type: str = "Edm.Boolean"


@dataclass(frozen=True, slots=True)
class In:
    """Membership in a list of expressions (possibly empty), a lifted list, or a collection."""

    operand: Expression
    items: tuple[Expression, ...] | ParameterList | Expression
    operand_type: str
    type: str = "Edm.Boolean"


@dataclass(frozen=True, slots=True)
class Has:
    """All flags of the right operand are set on the left."""

    left: Expression
    right: Expression
    type: str = "Edm.Boolean"


@dataclass(frozen=True, slots=True)
class Logic:
    """and, or: flat, two or more operands."""

    operator: str
    operands: tuple[Expression, ...]
    type: str = "Edm.Boolean"


@dataclass(frozen=True, slots=True)
class Not:
    """`not`: null of null."""

    operand: Expression
    type: str = "Edm.Boolean"


@dataclass(frozen=True, slots=True)
class Negate:
    """The minus sign of numbers and durations."""

    operand: Expression
    type: str


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """add sub mul div divby mod. For temporal operands `type` tells the meaning (DateTimeOffset sub DateTimeOffset is
    a Duration …); numeric operands are to be promoted to `type` (for div and mod of integers an integer)."""

    operator: str
    left: Expression
    right: Expression
    type: str


@dataclass(frozen=True, slots=True)
class Call:
    """A canonical function, by lower-case name, with typed arguments."""

    name: str
    arguments: tuple[Expression, ...]
    type: str
    collection: bool = False


@dataclass(frozen=True, slots=True)
class Cast:
    """`cast(expression, type)`: null when it cannot."""

    operand: Expression
    type: str
    facets: TypeRef | None = None
    collection: bool = False


@dataclass(frozen=True, slots=True)
class IsOf:
    """`isof(expression,type)`."""

    operand: Expression
    of: str
    collection: bool = False
    type: str = "Edm.Boolean"


@dataclass(frozen=True, slots=True)
class Case:
    """`case(c1:v1, …)`: the first branch whose condition is true, else null."""

    branches: tuple[tuple[Expression, Expression], ...]
    type: str


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A service-defined function inside an expression; `binding` None when unbound."""

    function: Operation
    binding: Expression | None
    arguments: tuple[tuple[str, Expression], ...]
    type: str
    collection: bool = False


@dataclass(frozen=True, slots=True)
class ListValue:
    """A collection literal."""

    items: tuple[Expression, ...]
    type: str
    collection: bool = True


@dataclass(frozen=True, slots=True)
class ObjectValue:
    """A structured literal."""

    members: tuple[tuple[str, Expression], ...]
    type: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A complex value or a collection of values as JSON in the stored form: what a function gave. That of the first branch
    whose condition is true (None: always), else null."""

    branches: tuple[tuple[Expression | None, str], ...]
    type: str
    collection: bool = False


@dataclass(frozen=True, slots=True)
class AggregateValue:
    """`$these/aggregate(…)` or `path/aggregate(…)` inside an expression."""

    collection: Expression
    expression: AggregateExpression
    type: str


@dataclass(frozen=True, slots=True)
class Kinship:
    """A hierarchy function (Aggregation §5.5.2.1): isnode, isroot, isleaf of `node`, or issibling, isdescendant of `node` and
    `other`, which is the ancestor; at most `distance` steps away; `itself`: a node counts as its own descendant."""

    name: str
    hierarchy: RecursiveHierarchy
    node: Expression
    other: Expression | None = None
    distance: Expression | None = None
    itself: bool = False
    type: str = "Edm.Boolean"


Expression: TypeAlias = (Literal | Parameter | ParameterList | It | This | These | Variable | Root | PropertyPath
                         | DynamicPath | NavigationPath | CastPath | AliasPath | Transformed | AnnotationPath | Count | Filtered
                         | Lambda | Compare | In | Has | Logic | Not | Negate | Arithmetic | Call | Cast | IsOf | Case
                         | FunctionCall | ListValue | ObjectValue | Stored | AggregateValue | Kinship)


# --- options ---------------------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class OrderItem:
    """One item of `$orderby`."""

    expression: Expression
    descending: bool = False


@dataclass(frozen=True, slots=True)
class ComputedProperty:
    """`expression as name` of `$compute` (or of a compute transformation)."""

    name: str
    expression: Expression
    type: str
    collection: bool = False


@dataclass(frozen=True, slots=True)
class SelectItem:
    """One selected path of properties below the resource type.

    `path`: member names with cast steps as qualified names. `kind`: 'property', 'dynamic', 'navigation', 'stream',
    'computed', 'star' (all structural), 'operations' (NS.* or NS.Op), 'annotation'. `options`: nested options of a
    complex or collection property.
    """

    path: tuple[str, ...]
    kind: str
    options: Options | None = None


@dataclass(frozen=True, slots=True)
class ExpandItem:
    """One expanded navigation (or stream) property.

    `path`: the steps before the navigation property (complex properties, casts) and the property's name; `cast`: a
    derived type after it; `suffix`: '', '$ref', '$count'; `options` are bound against the target type; `levels`: 1 for
    no recursion, a number, or 0 for `max`; `source`: target set or singleton by binding, None when there is none or the
    target is contained. `explicit` False: from `*`. Below `$crossjoin` and for a join alias the navigation property is
    made up from the name; `at`: the path that a name added by `$apply` stands for. `navigation` None: a stream property
    (`stream`) or the media stream (path ('$value',)).
    """

    path: tuple[str, ...]
    navigation: NavigationProperty | None
    type: str
    cast: str | None
    suffix: str
    options: Options
    levels: int = 1
    stream: Property | None = None
    explicit: bool = True
    source: str | None = None
    at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """Bound options of one structured resource or collection. `top`/`skip`: a `Parameter` index into the values, or a
    number; `select` None: everything. After an `apply` whose `row` is not None the other options refer to that row."""

    select: tuple[SelectItem, ...] | None = None
    expand: tuple[ExpandItem, ...] = ()
    filter: Expression | None = None
    search: url.Search | None = None
    orderby: tuple[OrderItem, ...] = ()
    compute: tuple[ComputedProperty, ...] = ()
    apply: Apply | None = None
    top: int | Parameter | None = None
    skip: int | Parameter | None = None
    count: bool = False
    skiptoken: str | Parameter | None = None
    deltatoken: str | None = None
    index: int | None = None


# --- $apply (Data Aggregation §3) ------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class RowProperty:
    """A property of a row after a transformation: a group (path of names and casts) or an alias (one name); with an empty
    path all properties of an instance of the input type. `expression`: what it is on the input of the transformation, None
    for aliases of aggregates. `navigation`: it leads to entities. `partial`: some rows do not have it. `nested`: of a
    collection, the sequence that makes it."""

    path: tuple[str, ...]
    type: str
    expression: Expression | None = None
    collection: bool = False
    navigation: bool = False
    partial: bool = False
    nested: Apply | None = None


@dataclass(frozen=True, slots=True)
class FromClause:
    """`from p1,p2 with method`: the result so far, per group, is aggregated again with `method`."""

    properties: tuple[RowProperty, ...]
    method: str
    type: str


@dataclass(frozen=True, slots=True)
class AggregateExpression:
    """One aggregate: `method` is sum, min, max, average, countdistinct or count (for `$count`).

    `over`: the path up to its last navigation property; each entity reached by it counts once (§3.2.1.1), and
    `expression` is evaluated for each of them (`This`). `expression` None: the entities themselves. `type`: of the
    result. `custom`: the sequence that makes a custom aggregate, of one row with a property of its name.
    """

    expression: Expression | None
    method: str
    alias: str
    type: str
    over: Expression | None = None
    from_: tuple[FromClause, ...] = ()
    custom: Apply | None = None


@dataclass(frozen=True, slots=True)
class Apply:
    """A bound sequence of transformations, in order, over instances of `type`.

    `row`: the shape of the result; None while it still holds the instances of the input, to which `aliases` were added
    (their expressions refer to the instance; of a join alias: the navigation path).
    """

    transformations: tuple[Transformation, ...]
    row: tuple[RowProperty, ...] | None
    aliases: tuple[ComputedProperty, ...] = ()
    type: str = ""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`aggregate(…)`: one row."""

    expressions: tuple[AggregateExpression, ...]


@dataclass(frozen=True, slots=True)
class Rollup:
    """`rollup(p1,p2,…)`: groupings by the whole list, then without its last property, down to the first alone; down to
    none (the grand total) when `all`."""

    levels: tuple[RowProperty, ...]
    all: bool = False


@dataclass(frozen=True, slots=True)
class RecursiveHierarchy:
    """The nodes of a hierarchy: `nodes` a collection of entities, `node` the path of the node identifier in them,
    `parent` the path of the navigation property to the parent (Aggregation §5.5.2)."""

    nodes: Expression
    qualifier: str
    node: PropertyPath
    parent: NavigationPath


@dataclass(frozen=True, slots=True)
class RollupRecursive:
    """`rolluprecursive(H,Q,p[,T…][,keep start])`; `property`: the node identifier in the input; `shown`: what rows show of the
    node: the entity where the input is, or leads to, nodes, else its identifier (§6.2.2)."""

    hierarchy: RecursiveHierarchy
    property: RowProperty
    shown: RowProperty
    start: Apply | None = None
    keep_start: bool = False


@dataclass(frozen=True, slots=True)
class GroupBy:
    """`groupby((items)[,then])`; `then` None: the distinct combinations."""

    items: tuple[RowProperty | Rollup | RollupRecursive, ...]
    then: Apply | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """`filter(predicate)`."""

    predicate: Expression


@dataclass(frozen=True, slots=True)
class Search:
    """`search(expression)`."""

    search: url.Search


@dataclass(frozen=True, slots=True)
class Compute:
    """`compute(expression as name, …)`."""

    items: tuple[ComputedProperty, ...]


@dataclass(frozen=True, slots=True)
class OrderBy:
    """`orderby(item, …)`."""

    items: tuple[OrderItem, ...]


@dataclass(frozen=True, slots=True)
class TopSkip:
    """`kind` 'top' or 'skip'."""

    kind: str
    count: int | Parameter


@dataclass(frozen=True, slots=True)
class Identity:
    """`identity`: what was there before."""


@dataclass(frozen=True, slots=True)
class Concat:
    """`concat(sequence,sequence, …)`: the results of each, one behind the other."""

    sequences: tuple[Apply, ...]


@dataclass(frozen=True, slots=True)
class TopBottom:
    """topcount topsum toppercent bottomcount bottomsum bottompercent; `amount` is evaluated on the collection."""

    kind: str
    amount: Expression
    value: Expression


@dataclass(frozen=True, slots=True)
class Nest:
    """`nest(T as name,…)`: one row with a collection per sequence."""

    items: tuple[tuple[str, Apply], ...]


@dataclass(frozen=True, slots=True)
class AddNested:
    """`addnested(path,T as name,…)`: per instance a transformed copy of what `path` leads to."""

    path: Expression
    items: tuple[tuple[str, Apply], ...]


@dataclass(frozen=True, slots=True)
class Join:
    """`join(path as alias[,then])`: a row per instance and related instance."""

    outer: bool
    path: Expression
    alias: str
    then: Apply | None = None


@dataclass(frozen=True, slots=True)
class Relatives:
    """`ancestors` or `descendants` (`kind`) of the nodes that `start` yields; `distance` None: any."""

    kind: str
    hierarchy: RecursiveHierarchy
    property: RowProperty
    start: Apply
    distance: int | Parameter | None = None
    keep_start: bool = False


@dataclass(frozen=True, slots=True)
class Traverse:
    """`traverse`: `order` 'preorder' or 'postorder', siblings by `orderby`."""

    hierarchy: RecursiveHierarchy
    property: RowProperty
    order: str
    start: Apply | None = None
    orderby: tuple[OrderItem, ...] = ()


@dataclass(frozen=True, slots=True)
class SetFunction:
    """A service-defined function bound to the current collection."""

    call: FunctionCall


@dataclass(frozen=True, slots=True)
class Given:
    """Entities that a `function` found, in its order: row ids of a table. The collection before has had its part in it."""

    function: str
    table: str
    type: str
    rows: tuple[int, ...]


Transformation: TypeAlias = (Aggregate | GroupBy | Filter | Search | Compute | OrderBy | TopSkip | Identity | Concat
                             | TopBottom | Nest | AddNested | Join | Relatives | Traverse | SetFunction | Given)


# --- the resource path -----------------------------------------------------------------------------------

Key: TypeAlias = tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True)
class SetStep:
    """An entity set, whole."""

    set: EntitySet


@dataclass(frozen=True, slots=True)
class SingletonStep:
    """A singleton."""

    singleton: Singleton


@dataclass(frozen=True, slots=True)
class KeyStep:
    """One entity of the collection before; names are those of the key (or of an alternate key), values typed."""

    key: Key
    alternate: bool = False


@dataclass(frozen=True, slots=True)
class NavigationStep:
    """A navigation property, whole; `owner`: the type that declares it."""

    navigation: NavigationProperty
    owner: str


@dataclass(frozen=True, slots=True)
class PropertyStep:
    """A structural property (complex, primitive, collection, stream)."""

    property: Property
    owner: str


@dataclass(frozen=True, slots=True)
class DynamicStep:
    """An undeclared property of an open type."""

    name: str


@dataclass(frozen=True, slots=True)
class CastStep:
    """A type cast: of the instances before only those of `type`, or of a type derived from it."""

    type: str


@dataclass(frozen=True, slots=True)
class FilterStep:
    """`/$filter(expr)`."""

    predicate: Expression


@dataclass(frozen=True, slots=True)
class EachStep:
    """`/$each`."""


@dataclass(frozen=True, slots=True)
class OrdinalStep:
    """A zero-based index into an ordered collection property; negative from the end. A `Parameter` when lifted."""

    index: int | Parameter


@dataclass(frozen=True, slots=True)
class OperationStep:
    """A call of an operation; `imported` when by import; arguments of functions are typed expressions."""

    operation: Operation
    imported: Import | None
    arguments: tuple[tuple[str, Expression], ...] = ()
    implicit: bool = False


PathStep: TypeAlias = (SetStep | SingletonStep | KeyStep | NavigationStep | PropertyStep | DynamicStep | CastStep
                       | FilterStep | EachStep | OrdinalStep | OperationStep)


@dataclass(frozen=True, slots=True)
class Resource:
    """What a resource path addresses.

    `kind`: 'service', 'metadata', 'batch', 'all', 'crossjoin', 'entityReference' ($entity), 'collection' (of entities),
    'entity', 'complex', 'primitive', 'complexCollection', 'primitiveCollection', 'stream'. A function call has the kind
    of its result. An action has the kind 'action'; `type` ('' without a result) and `collection` tell the result. The
    operation called is `operation()`, also when more segments follow it.
    `suffix`: '', '$count', '$ref', '$value', '$query'. `type`: static type of instances, after casts; `declared`: that
    before the last cast. `source`: the entity set or singleton that holds the result, None when there is none.
    `contained`: reached over a containment navigation property. `nullable`: may be absent (204).
    `open_value`: a dynamic property.
    """

    kind: str
    steps: tuple[PathStep, ...] = ()
    suffix: str = ""
    type: str = ""
    declared: str = ""
    collection: bool = False
    source: str | None = None
    contained: bool = False
    nullable: bool = False
    property: Property | None = None
    sets: tuple[str, ...] = ()              # of $crossjoin

    def operation(self) -> OperationStep | None:
        """The last operation called on the way."""
        return next((step for step in reversed(self.steps) if isinstance(step, OperationStep)), None)

    def each(self) -> bool:
        """Whether the request works on each member of the collection by itself."""
        return any(isinstance(step, EachStep) for step in self.steps)


@dataclass(frozen=True, slots=True)
class Request:
    """A bound target: resource and options; `format` and `schemaversion` are handled by the service."""

    resource: Resource
    options: Options
    syntax: url.Target
