"""Entity-ids, expressions of rules, and where navigation properties lead.

URL Conventions 4.01 §4.3.4; JSON Format §8.5 (`@odata.bind`); CSDL §13.4.
"""

from __future__ import annotations

import pytest

from app import bind, url
from app.bind.bindings import binding, only_set
from tests.bind.answering import answer, model, shown

REFERENCES = [
    ("People(1)", None, "entity People(Number=1:Edm.Int64) : R.Person in People"),
    ("Ships('a%2Fb')", None, "entity Ships(Name='a/b') : R.Ship in Ships"),
    ("Me", None, "entity Me : R.Sailor in Me nullable"),
    ("People/1/Letters/2020-01-01/2", None,
     "entity People(Number=1:Edm.Int64)/Letters(Date=2020-01-01:Edm.Date,Serial=2:Edm.Int32) : R.Letter contained"),
    ("Boss", "People(1)", "entity People(Number=1:Edm.Int64)/Boss : R.Person in Chiefs"),
    ("Friends(2)", "People(1)",
     "entity People(Number=1:Edm.Int64)/Friends(Number=2:Edm.Int64) : R.Person in People"),
    ("Ships('x')", "People(1)", "entity Ships(Name='x') : R.Ship in Ships"),
    ("Nope(1)", None, "404 unknownResource @Nope(1): There is no resource 'Nope'. Did you mean 'People'?"),
    ("Nope(1)", "Ships('x')", "404 unknownResource @Nope(1): R.Ship has no property 'Nope'."),
    ("People", None, "400 bindError @People: 'People' does not address a single entity."),
    ("People(1)/Name", None, "400 bindError @People(1)/Name: 'People(1)/Name' does not address a single entity."),
    ("People(1)/$ref", None, "400 bindError @People(1)/$ref: 'People(1)/$ref' does not address a single entity."),
    ("Nearest(to=@p)", None, "400 typeMismatch @Nearest(to=@p): The parameter 'to' must not be null."),
]

BINDINGS = [
    ("People", "Friends", "People"),
    ("People", "Home/Country", "Countries"),
    ("People", "Places/Country", "Elsewhere"),
    ("People", "Home/R.Harbour/Country", "Countries"),
    ("People", "Home/Routes.Model.Harbour/Master", "Chiefs"),
    ("People", "Home/Master", "Chiefs"),
    ("People", "R.Sailor/Ship", "Ships"),
    ("People", "R.Sailor/Friends", "People"),
    ("People", "Letters/Reader", "People"),
    ("Chiefs", "Friends", "Chiefs"),
    ("Chiefs", "Boss", None),
]

FILTERS = [
    ("Name eq 'x'", "(eq Name:Edm.String 'x')"),
    ("Friends/any(f:f/Name eq Name)", "(any Friends f: (eq f/Name:Edm.String Name:Edm.String))"),
    ("Name", "400 typeMismatch: The expression must be Boolean, not Edm.String."),
]


@pytest.mark.parametrize(("text", "base", "expected"), REFERENCES, ids=[f"{row[0]} on {row[1]}" for row in REFERENCES])
def test_reference(text: str, base: str | None, expected: str) -> None:
    routes = model("routes")
    start = bind.bind_path(url.parse_path(base), routes) if base else None
    assert shown(lambda: bind.bind_reference(url.parse_path(text), routes, start)) == expected


@pytest.mark.parametrize(("source", "path", "expected"), BINDINGS, ids=[f"{row[0]} {row[1]}" for row in BINDINGS])
def test_binding(source: str, path: str, expected: str | None) -> None:
    routes = model("routes")
    found = routes.source_of(source)
    assert found is not None
    assert binding(routes, found, path.split("/")) == expected


@pytest.mark.parametrize(("type_name", "expected"), [
    ("Routes.Model.Ship", "Ships"), ("Routes.Model.Sailor", None), ("Routes.Model.Person", None),
    ("Routes.Model.Unset", None)])
def test_the_only_set(type_name: str, expected: str | None) -> None:
    assert only_set(model("routes"), type_name) == expected


@pytest.mark.parametrize(("text", "expected"), FILTERS, ids=[row[0] for row in FILTERS])
def test_filter(text: str, expected: str) -> None:
    assert shown(lambda: bind.bind_filter(text, "Routes.Model.Person", model("routes"))) == expected


def test_limits_name_themselves() -> None:
    nested = "Friends($expand=" * 3 + "Boss" + ")" * 3
    target = url.parse("People", f"$expand={nested}")
    few = bind.Limits(expand_depth=3)
    assert shown(lambda: bind.bind(target, model("routes"), limits=few)) \
        == "400 limitExceeded @$expand: The depth of $expand is limited to 3."
    wide = url.parse("People", "$expand=*($levels=3)")
    assert shown(lambda: bind.bind(wide, model("routes"), limits=bind.Limits(expands=20))) \
        == "400 limitExceeded @$expand: The number of expanded paths is limited to 20."


def test_a_model_without_default_namespace_knows_qualified_names_only() -> None:
    assert answer("northwind", "Orders(1)/Ship").endswith("Did you mean 'Northwind.Model.Ship'?")
    assert answer("northwind", "Customers('x')/Turnover") == (
        "dynamic Customers(CustomerID='x')/Turnover? : Edm.Untyped in Customers nullable")
    assert answer("northwind", "Customers('x')/Self.Turnover()") == (
        "primitive Customers(CustomerID='x')/Northwind.Model.Turnover() : Edm.Decimal")
