"""The untyped tree of a request target: what the text says, before any model is asked.

Frozen data; names are kept as written, positions are zero-based offsets into the decoded text of the part
(path segment or option value) that they stand in. `notation.show` prints any node on one line. Over 600 lines, because it is
data without code and its unions refer to one another: the whole language at one look.

URL Conventions 4.01 (Part 2); Data Aggregation 4.0 for `$apply`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, TypeAlias


def _offset() -> Any:
    """The field `position`: two trees that differ in offsets only are equal and hash alike (plan cache)."""
    return dataclasses.field(default=0, compare=False)


# --- expressions (Part 2 §5.1.1) ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Literal:
    """A primitive literal.

    `kind`: null, boolean, number, string, guid, date, timeOfDay, dateTimeOffset, duration, binary, enum,
    geography, geometry. `text`: the content without prefix and quotes, quotes undoubled (for `number` the
    digits as written, INF, -INF, NaN; for `boolean` 'true' or 'false'; for `geo*` 'SRID=n;WKT').
    `type`: the qualified name before the quote of an enum literal, else None.
    """

    kind: str
    text: str
    type: str | None = None
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A literal that `shape.lift` took out: `index` into the lifted values.

    `kind`, `type`: those of the literal; a dateTimeOffset whose offset is not zero has the kind 'dateTimeOffset+';
    the text of a path segment that can only be a key or an ordinal has the kind 'segment', a `$skiptoken` the kind
    'skiptoken'. `range`: of a number the smallest of 'int32', 'int64', 'decimal', 'double' that holds it ('double':
    written with an exponent); of a segment 'integer' when it is digits with an optional minus; else ''.
    """

    index: int
    kind: str
    type: str | None = None
    range: str = ""
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class ParameterList:
    """The literals of an `in` list that `shape.lift` took out as one value (a tuple of literals without the nulls).

    `kinds`: the distinct (kind, type, range) of the members, sorted; empty when all are null.
    """

    index: int
    kinds: tuple[tuple[str, str | None, str], ...]
    has_null: bool = False
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class Alias:
    """A parameter alias `@name` (Part 1 §11.2.6.1.3); `name` without the @."""

    name: str
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class Argument:
    """One item in parentheses: positional (`name` None) or `name=value`."""

    name: str | None
    value: Expression
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class NameStep:
    """A step of a member path: a simple name, a qualified name (contains a dot: a cast, a bound operation or a
    function), optionally with arguments, which may be function parameters, a key predicate or, after
    `$root/Set`, a key. Without a name: a key predicate after other parentheses, as in `F(p=1)(2)` or
    `$filter(…)(2)`. A name that is no identifier (`Set/17`) is a key written as segment."""

    name: str
    arguments: tuple[Argument, ...] | None = None
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class AnnotationStep:
    """`@NS.Term#qualifier` in a path."""

    term: str
    qualifier: str | None = None
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class CountStep:
    """`/$count`, with its optional `($filter=…;$search=…)` (Part 2 §4.8)."""

    filter: Expression | None = None
    search: Search | None = None
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class FilterStep:
    """`/$filter(expr)` inside a path."""

    predicate: Expression
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class LambdaStep:
    """`/any(v:predicate)`, `/any()`, `/all(v:predicate)`."""

    operator: str
    variable: str | None
    predicate: Expression | None
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class AggregateStep:
    """`/aggregate(…)` on a collection inside an expression (Aggregation §3.6)."""

    expressions: tuple[AggregateExpression, ...]
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class RefStep:
    """`/$ref` or `/$value` at the end of a path; `name` tells which."""

    name: str
    position: int = _offset()


Step: TypeAlias = NameStep | AnnotationStep | CountStep | FilterStep | LambdaStep | AggregateStep | RefStep


@dataclass(frozen=True, slots=True)
class Path:
    """A member path. `root`: '' (the current instance), '$it', '$this', '$root', '$these', or '@alias' (an alias
    followed by steps). A single name may turn out to be a lambda variable: binding decides."""

    root: str
    steps: tuple[Step, ...]
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class Call:
    """A canonical function `name(arguments)`, as far as syntax can tell: `name` in lower case as the table of
    canonical functions has it ('geo.distance' too). A qualified name with arguments is a `Path` of one step."""

    name: str
    arguments: tuple[Expression, ...]
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type as an argument of `cast` or `isof`: a qualified name, with collection flag and facets as written
    (`Edm.String(MaxLength=5)` is not in the grammar; facets stay empty in URLs)."""

    name: str
    collection: bool = False
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class CaseCall:
    """`case(condition:value,…)` (Part 2 §5.1.1.12)."""

    branches: tuple[tuple[Expression, Expression], ...]
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class Binary:
    """`left operator right`; operator in lower case: eq ne gt ge lt le and or has in add sub mul div divby mod.

    A chain `a or b or c …` (and `and`) is a balanced tree, so that no reader of it recurses deeper than log n.
    """

    operator: str
    left: Expression
    right: Expression
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class Unary:
    """`not x` or `-x` (operator 'not' or 'neg')."""

    operator: str
    operand: Expression
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class ListExpression:
    """`(a,b)` to the right of `in` (a list even with one item), possibly empty."""

    items: tuple[Expression, ...]
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class ArrayLiteral:
    """A JSON array with nested expressions (Part 2 §5.1.1.14.2)."""

    items: tuple[Expression, ...]
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class ObjectLiteral:
    """A JSON object with nested expressions; member names as written."""

    members: tuple[tuple[str, Expression], ...]
    position: int = _offset()


Expression: TypeAlias = (Literal | Parameter | ParameterList | Alias | Path | Call | TypeName | CaseCall | Binary
                         | Unary | ListExpression | ArrayLiteral | ObjectLiteral)


# --- $search (Part 2 §5.1.8) -------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class SearchTerm:
    """A word, or a phrase when `phrase`."""

    text: str
    phrase: bool = False


@dataclass(frozen=True, slots=True)
class SearchPrefix:
    """An incomplete search string `'ab'`."""

    text: str


@dataclass(frozen=True, slots=True)
class SearchNot:
    """`NOT term`."""

    operand: Search


@dataclass(frozen=True, slots=True)
class SearchAnd:
    """Operands between which there is `AND`, or nothing."""

    operands: tuple[Search, ...]


@dataclass(frozen=True, slots=True)
class SearchOr:
    """`a OR b`."""

    operands: tuple[Search, ...]


Search: TypeAlias = SearchTerm | SearchPrefix | SearchNot | SearchAnd | SearchOr


# --- resource path (Part 2 §4) -----------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Segment:
    """One path segment between slashes, percent-decoded once.

    `text`: all of it (what key-as-segment reads). `name`: the identifier, qualified name or `$`-name before the
    first parenthesis; '' when the text starts with none. `arguments`: the first parentheses, None without.
    `key`: the second parentheses, as in `F(p=1)(2)` and `$filter(…)(2)`. `problem`: why the parentheses could not be parsed (the
    binder raises it unless the segment is read as a key), else None. `predicate`: the expression of `$filter(…)`.
    `value`: in a lifted target, what stands for `text` when the segment can only be a key or an ordinal; `text` is
    then empty.
    """

    text: str
    name: str = ""
    arguments: tuple[Argument, ...] | None = None
    key: tuple[Argument, ...] | None = None
    predicate: Expression | None = None
    problem: str | None = None
    value: Parameter | None = None
    position: int = _offset()


# --- system query options (Part 2 §5.1) --------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class OrderItem:
    """One item of `$orderby`."""

    expression: Expression
    descending: bool = False


@dataclass(frozen=True, slots=True)
class ComputeItem:
    """`expression as name`."""

    expression: Expression
    name: str


@dataclass(frozen=True, slots=True)
class SelectItem:
    """One item of `$select`.

    `path`: names, qualified names, '*', 'NS.*', '@NS.Term'; `parameters`: the parameter names of `NS.F(p,q)`;
    `options`: those in its own parentheses, None without.
    """

    path: tuple[str, ...]
    parameters: tuple[str, ...] | None = None
    options: Options | None = None
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class ExpandItem:
    """One item of `$expand`.

    `path`: names, qualified names (casts), '*', '@NS.Term', '$value'; `suffix`: '', '$ref' or '$count';
    `levels`: a number, or 0 for `max`, None when not given (only through `options.levels`).
    """

    path: tuple[str, ...]
    suffix: str = ""
    options: Options | None = None
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class AliasDefinition:
    """`@name=value` in the query part or nested options; `value` None when the text is not an expression
    (an alias that nobody uses is no error: `problem` says what was wrong)."""

    name: str
    value: Expression | None
    text: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """The system query options of one resource, selected property or expanded property.

    None: not given. `levels`: a positive number, or 'max'. `custom`: other options in order, decoded.
    `texts`: (canonical name, decoded value text) of every option in the order of the URL, for next links.
    `top`, `skip`: numbers beyond Int64 are cut to its maximum. `at`, `from_`, `to`, `to_inclusive`: the Temporal
    extension. A `Parameter` stands only in lifted targets.
    """

    select: tuple[SelectItem, ...] | None = None
    expand: tuple[ExpandItem, ...] | None = None
    filter: Expression | None = None
    search: Search | None = None
    orderby: tuple[OrderItem, ...] | None = None
    compute: tuple[ComputeItem, ...] | None = None
    apply: tuple[Transformation, ...] | None = None
    top: int | Parameter | None = None
    skip: int | Parameter | None = None
    count: bool | None = None
    levels: int | str | None = None
    index: int | None = None
    format: str | None = None
    id: str | None = None
    schemaversion: str | None = None
    skiptoken: str | Parameter | None = None
    deltatoken: str | None = None
    at: Expression | None = None
    from_: Expression | None = None
    to: Expression | None = None
    to_inclusive: Expression | None = None
    aliases: tuple[AliasDefinition, ...] = ()
    custom: tuple[tuple[str, str], ...] = ()
    texts: tuple[tuple[str, str], ...] = ()


NO_OPTIONS = Options()


@dataclass(frozen=True, slots=True)
class Target:
    """A whole request target: segments of the path below the service root, and the options."""

    segments: tuple[Segment, ...]
    options: Options


# --- $apply (Aggregation §3) -------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class AggregateExpression:
    """`expression with method from … as alias`, `path/$count as alias`, or a custom aggregate `Name`.

    `expression` None for `$count`; `path` names a prefix for `path/$count` and custom aggregates.
    """

    expression: Expression | None
    method: str | None
    alias: str | None
    path: tuple[str, ...] = ()
    custom: str | None = None
    from_: tuple[AggregateFrom, ...] = ()
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class AggregateFrom:
    """`from groupingProperties with method`."""

    properties: tuple[tuple[str, ...], ...]
    method: str | None
    custom: str | None = None


@dataclass(frozen=True, slots=True)
class GroupingPath:
    """A grouping property path."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rollup:
    """`rollup($all|path, …)`; `all` when it starts with `$all`."""

    paths: tuple[tuple[str, ...], ...]
    all: bool = False


@dataclass(frozen=True, slots=True)
class RollupRecursive:
    """`rolluprecursive(H,Q,p[,T…][,keep start])`."""

    hierarchy: Path
    qualifier: str
    property: tuple[str, ...]
    before: tuple[Transformation, ...] = ()
    keep_start: bool = False


GroupingItem: TypeAlias = GroupingPath | Rollup | RollupRecursive


@dataclass(frozen=True, slots=True)
class AggregateT:
    """`aggregate(expression, …)`."""

    expressions: tuple[AggregateExpression, ...]
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class GroupByT:
    """`groupby((items)[,then])`."""

    items: tuple[GroupingItem, ...]
    then: tuple[Transformation, ...] = ()
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class FilterT:
    """`filter(predicate)`."""

    predicate: Expression
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class SearchT:
    """`search(expression)`."""

    search: Search
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class ComputeT:
    """`compute(expression as name, …)`."""

    items: tuple[ComputeItem, ...]
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class OrderByT:
    """`orderby(item, …)`."""

    items: tuple[OrderItem, ...]
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class TopSkipT:
    """`top(n)` or `skip(n)`: `kind` tells."""

    kind: str
    count: int
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class IdentityT:
    """`identity`."""

    position: int = _offset()


@dataclass(frozen=True, slots=True)
class ConcatT:
    """`concat(sequence,sequence, …)`."""

    sequences: tuple[tuple[Transformation, ...], ...]
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class TopBottomT:
    """topcount, topsum, toppercent, bottomcount, bottomsum, bottompercent: `kind(amount,value)`."""

    kind: str
    amount: Expression
    value: Expression
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class NestT:
    """`nest(T… as name, …)`, and `addnested(path,T… as name,…)` when `path` is given."""

    path: tuple[str, ...] | None
    items: tuple[tuple[tuple[Transformation, ...], str], ...]
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class JoinT:
    """`join(path as name[,T…])` or `outerjoin(…)`."""

    outer: bool
    path: tuple[str, ...]
    alias: str
    then: tuple[Transformation, ...] = ()
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class HierarchyT:
    """`ancestors` or `descendants(H,Q,p,T[,d][,keep start])`."""

    kind: str
    hierarchy: Path
    qualifier: str
    property: tuple[str, ...]
    start: tuple[Transformation, ...]
    distance: int | None = None
    keep_start: bool = False
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class TraverseT:
    """`traverse(H,Q,p,preorder|postorder[,S…][,orderitem…])`."""

    hierarchy: Path
    qualifier: str
    property: tuple[str, ...]
    order: str
    start: tuple[Transformation, ...] = ()
    orderby: tuple[OrderItem, ...] = ()
    position: int = _offset()


@dataclass(frozen=True, slots=True)
class FunctionT:
    """A service-defined set function as transformation."""

    step: NameStep
    position: int = _offset()


Transformation: TypeAlias = (AggregateT | GroupByT | FilterT | SearchT | ComputeT | OrderByT | TopSkipT | IdentityT
                             | ConcatT | TopBottomT | NestT | JoinT | HierarchyT | TraverseT | FunctionT)
