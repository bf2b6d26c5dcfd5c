"""Hypothesis strategies: models that CSDL XML and CSDL JSON can both say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from app.csdl.source import by_name
from app.edm import expressions as ex
from app.edm import model as edm
from app.edm.index import Model

NAMES = ["A", "b", "C1", "d_e", "Ünï", "select", "in", "x" * 20]
NAME = st.sampled_from(NAMES)
NAMESPACES = ["ns", "org.example.two", "three"]
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn"), include_characters="\n\t"), max_size=12)
KINDS = {"String": TEXT, "Int": st.sampled_from(["0", "-7", "42", "99999999999999999999"]),
         "Bool": st.sampled_from(["true", "false"]), "Date": st.sampled_from(["2000-01-01", "-0004-02-03", "x"]),
         "Decimal": st.sampled_from(["1.50", "-0", "INF", "1e5", "007"]), "Float": st.sampled_from(["1.5", "NaN", "-2E-7"]),
         "Guid": st.just("21EC2020-3AEA-1069-A2DD-08002B30309D"), "Binary": st.sampled_from(["", "T0RhdGE"]),
         "Duration": st.just("P7DT0.5S"), "DateTimeOffset": st.just("2000-01-01T16:00:00.000Z"),
         "TimeOfDay": st.just("21:45:00")}
PATHS = st.sampled_from(["A", "A/b", "ns.A/b", "A/@org.voc.T#q", "$count"])
PATH_KINDS = ["Path", "PropertyPath", "NavigationPropertyPath", "AnnotationPath", "ModelElementPath"]
TYPES = ["Edm.String", "Edm.Int32", "Edm.Decimal", "Edm.DateTimeOffset", "ns.A", "ns.C1", "other.T", "Edm.GeographyPoint",
         "Edm.Untyped", "Edm.Binary"]
TERMS = [f"org.voc.{name}" for name in NAMES[:4]]


def unique(element: st.SearchStrategy[Any], key: Any = lambda each: each.name, most: int = 3) -> st.SearchStrategy[Any]:
    return st.lists(element, max_size=most, unique_by=key).map(tuple)


# --- annotations -----------------------------------------------------------------------------------------

def constants(kind: str) -> st.SearchStrategy[ex.Expression]:
    return KINDS[kind].map(lambda text: ex.Constant(kind, text))


ENUMS = st.lists(st.sampled_from(["ns.Color/Red", "ns.Color/Green"]), min_size=1, max_size=2, unique=True).map(
    lambda members: ex.EnumMember(tuple(members)))
LEAVES = st.one_of(*map(constants, KINDS), ENUMS, st.builds(ex.PathExpression, st.sampled_from(PATH_KINDS), PATHS),
                   st.just(ex.Null()))
# Inside operators and functions CSDL JSON does not say the types of constants.
BARE = st.one_of(constants("String"), constants("Int"), constants("Bool"), st.builds(ex.PathExpression, st.just("Path"), PATHS))
ITEMS = st.one_of(*(st.lists(constants(kind), max_size=3) for kind in KINDS), st.lists(ENUMS, max_size=2),
                  st.lists(st.builds(ex.PathExpression, st.just("PropertyPath"), PATHS), max_size=2))
FACETS = st.sampled_from([(), (("MaxLength", "5"),), (("Precision", "5"), ("Scale", "variable")), (("Unicode", "false"),),
                          (("SRID", "0"),)])


def composed(inner: st.SearchStrategy[ex.Expression]) -> st.SearchStrategy[ex.Expression]:
    """One level around expressions that need no hint of a type."""
    notes = st.just(()) | annotations(constants("String"))
    cast = {"type": st.sampled_from(TYPES), "value": inner, "collection": st.booleans(), "facets": FACETS, "annotations": notes}
    return st.one_of(
        st.builds(ex.Apply, st.sampled_from(["odata.concat", "org.f.x"]), st.lists(inner, max_size=3).map(tuple), notes),
        st.builds(ex.Cast, **cast), st.builds(ex.IsOf, **cast),
        st.builds(ex.If, inner, inner, st.none() | inner, notes),
        st.builds(ex.Operator, st.sampled_from(["And", "Or", "Eq", "Ne", "Gt", "Ge", "Lt", "Le", "In", "Has", "Add", "Sub", "Mul", "Div",
                                                "DivBy", "Mod"]), st.tuples(inner, inner), notes),
        st.builds(ex.Operator, st.sampled_from(["Not", "Neg"]), st.tuples(inner), notes),
        st.builds(ex.UrlRef, inner, notes), st.builds(ex.Null, notes),
        st.builds(ex.LabeledElementReference, st.just("ns.label")),
        st.lists(inner, max_size=2).map(lambda items: ex.Collection(tuple(items))))


def records(value: st.SearchStrategy[ex.Expression]) -> st.SearchStrategy[ex.Expression]:
    notes = st.just(()) | annotations(constants("Int"))
    return st.builds(ex.Record, unique(st.builds(ex.PropertyValue, NAME, value, notes)),
                     st.none() | st.sampled_from(["ns.A", "other.R"]), notes)


def annotations(value: st.SearchStrategy[ex.Expression], nested: Any = st.just(())) -> st.SearchStrategy[Any]:
    return unique(st.builds(edm.Annotation, st.sampled_from(TERMS), st.none() | NAME, value, nested),
                  lambda each: (each.term, each.qualifier), 2)


def labelled(namespace: str) -> st.SearchStrategy[Any]:
    """An annotation with a name for its value, which stands in the namespace of its schema."""
    notes = st.just(()) | annotations(constants("Int"))
    return st.builds(lambda value, notes: (edm.Annotation("org.voc.Labelled", None, ex.LabeledElement(f"{namespace}.l", value, notes)),),
                     BARE, notes)


DEEP = st.recursive(BARE, composed, max_leaves=6)
VALUES = st.one_of(LEAVES, DEEP, ITEMS.map(lambda items: ex.Collection(tuple(items))), records(st.one_of(LEAVES, DEEP)))
NONE: st.SearchStrategy[Any] = st.just(())
NOTES = NONE | NONE | NONE | annotations(VALUES, NONE | NONE | annotations(LEAVES))


# --- elements --------------------------------------------------------------------------------------------

NUMBER = st.none() | st.integers(1, 40)
SCALE = st.integers(0, 9) | st.sampled_from(["variable", "floating"])
SCALES = {True: SCALE, False: st.none() | SCALE}
FLAG, MAYBE = st.booleans(), st.none() | st.booleans()
SRID = st.none() | st.just("variable") | st.integers(0, 9999)
PATH = st.none() | PATHS


@st.composite
def type_refs(draw: st.DrawFn, names: st.SearchStrategy[str]) -> edm.TypeRef:
    name = draw(names)
    return edm.TypeRef(name, draw(FLAG), draw(FLAG), draw(NUMBER), draw(NUMBER), draw(SCALES[name == "Edm.Decimal"]),
                       draw(MAYBE), draw(SRID))


REFS = type_refs(st.sampled_from(TYPES))
PRIMITIVES = type_refs(st.sampled_from(["Edm.String", "Edm.Decimal"])).map(
    lambda ref: edm.TypeRef(ref.name, False, True, ref.max_length, ref.precision, ref.scale, ref.unicode, ref.srid))
ACTIONS_ON_DELETE = st.none() | st.sampled_from(["Cascade", "None"])
CONSTRAINTS = unique(st.builds(edm.ReferentialConstraint, st.sampled_from(["A", "A/b", "ns.A/b"]), PATHS, NOTES),
                     lambda each: each.property)
TARGETS = st.sampled_from(["ns.A", "other.E"])


@st.composite
def navigations(draw: st.DrawFn) -> edm.NavigationProperty:
    collection, action = draw(FLAG), draw(ACTIONS_ON_DELETE)
    return edm.NavigationProperty(draw(NAME), draw(TARGETS), collection, None if collection else draw(FLAG), draw(PATH), draw(FLAG),
                                  draw(CONSTRAINTS), action, draw(NOTES) if action else (), draw(NOTES))


def shared(*strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Members of several kinds under different names."""
    return unique(st.one_of(*strategies), most=4)


def split(members: tuple[Any, ...], kind: type) -> tuple[Any, ...]:
    return tuple(each for each in members if isinstance(each, kind))


MEMBERS = shared(st.builds(edm.Property, NAME, REFS, st.none() | TEXT, NOTES), navigations())
KEYS = st.lists(st.builds(edm.PropertyRef, st.sampled_from(["A", "A/b"]), st.none() | NAME), max_size=2).map(tuple)
BASE = st.none() | st.just("other.B")


@st.composite
def structured(draw: st.DrawFn) -> edm.StructuredType:
    members = draw(MEMBERS)
    parts = (draw(NAME), draw(BASE), draw(FLAG), draw(FLAG))
    rest = (split(members, edm.Property), split(members, edm.NavigationProperty), draw(NOTES))
    return edm.EntityType(*parts, draw(FLAG), draw(KEYS), *rest) if draw(FLAG) else edm.ComplexType(*parts, *rest)


SOURCES: dict[str, Any] = {"bindings": unique(st.builds(edm.Binding, PATHS, PATHS), lambda each: each.path), "annotations": NOTES}
CHILDREN = shared(
    st.builds(edm.EntitySet, NAME, st.just("ns.A"), FLAG, **SOURCES), st.builds(edm.Singleton, NAME, st.just("ns.A"), FLAG, **SOURCES),
    st.builds(edm.ActionImport, NAME, st.just("ns.b"), PATH, NOTES),
    st.builds(edm.FunctionImport, NAME, st.just("ns.b"), PATH, FLAG, NOTES))
BOX_KINDS = (edm.EntitySet, edm.Singleton, edm.ActionImport, edm.FunctionImport)


@st.composite
def containers(draw: st.DrawFn) -> edm.EntityContainer:
    children = draw(CHILDREN)
    return edm.EntityContainer(draw(NAME), draw(BASE), *(split(children, kind) for kind in BOX_KINDS), draw(NOTES))


PARAMETERS = unique(st.builds(edm.Parameter, NAME, REFS, NOTES))
RETURNS = st.none() | st.builds(edm.ReturnType, REFS, NOTES)
SCHEMA_CHILDREN = shared(
    structured(), containers(), st.builds(edm.TypeDefinition, NAME, PRIMITIVES, NOTES),
    st.builds(edm.EnumType, NAME, st.sampled_from(["Edm.Int32", "Edm.Byte"]), FLAG,
              unique(st.builds(edm.Member, NAME, st.integers(-9, 300), NOTES)), NOTES),
    st.builds(edm.Term, NAME, REFS, BASE, st.none() | TEXT,
              st.lists(st.sampled_from(["Property", "EntityType"]), max_size=2, unique=True).map(tuple), NOTES),
    st.builds(edm.Action, NAME, FLAG, PARAMETERS, RETURNS, PATH, NOTES),
    st.builds(edm.Function, NAME, FLAG, FLAG, PARAMETERS, RETURNS, PATH, NOTES))
TYPE_KINDS = (edm.EntityType, edm.ComplexType, edm.EnumType, edm.TypeDefinition)
EXTERNAL = unique(st.builds(edm.Annotations, st.sampled_from(["ns.A", "ns.A/b", "ns.b(ns.A)/$ReturnType"]), st.none(), NOTES),
                  lambda each: each.target, 2)


@st.composite
def schemas(draw: st.DrawFn, namespace: str, alias: str) -> edm.Schema:
    children = tuple(replace(each, name=f"{namespace}.{each.name}") for each in draw(SCHEMA_CHILDREN))
    boxes = split(children, edm.EntityContainer)
    return edm.Schema(namespace, alias if draw(FLAG) else None, tuple(each for each in children if isinstance(each, TYPE_KINDS)),
                      by_name(split(children, edm.Action)), by_name(split(children, edm.Function)), split(children, edm.Term),
                      boxes[0] if boxes else None, draw(EXTERNAL), draw(NOTES) + draw(NONE | labelled(namespace)))


INCLUDES = st.lists(st.builds(edm.Include, st.sampled_from(["org.voc", "other"]), st.none(), NOTES), max_size=1).map(tuple)
INCLUDED_NOTES = st.lists(st.builds(edm.IncludeAnnotations, st.just("org.voc"), st.none() | NAME, st.none() | st.just("ns")),
                          min_size=1, max_size=2).map(tuple)
REFERENCES = unique(st.builds(edm.Reference, st.sampled_from(["a.xml", "https://e.org/b?c=d&e"]), INCLUDES, INCLUDED_NOTES, NOTES),
                    lambda each: each.uri, 2)
SCHEMAS = [schemas(name, f"Alias{index}") for index, name in enumerate(NAMESPACES)]


@st.composite
def models(draw: st.DrawFn) -> Model:
    """A model of one to three schemas with references."""
    parts = [draw(SCHEMAS[0])]
    for each in SCHEMAS[1:]:
        if draw(FLAG):
            parts.append(draw(each))
    return Model(tuple(parts), draw(REFERENCES), draw(st.sampled_from(["4.0", "4.01"])))
