"""Principals, policy files, views of a model, and the scopes that annotations name (DESIGN §9; conformance V-Cap-23)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app import csdl
from app.edm import Model
from app.errors import ConfigurationError, Forbidden
from app.service import policies, view
from app.service.access import Access, Policy, Principal, properties
from app.service.view import Hidden
from app.store.mapping import map_model

NORTHWIND = csdl.load(Path(__file__).parent.parent / "models" / "northwind.xml")
TABLES = map_model(NORTHWIND)


def rules(*found: dict[str, Any], **more: Any) -> policies.Rules:
    return policies.read(json.dumps({"rules": found, **more}), NORTHWIND, TABLES)


def access(*found: dict[str, Any], **more: Any) -> Access:
    return Access(NORTHWIND, TABLES, rules(*found, **more), scoped=True)


# --- principals ------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("claim", "type", "value"), [
    ("x", "Edm.String", "x"), (7, "Edm.String", "7"), (7, "Edm.Int32", 7), ("7", "Edm.Int64", 7), ("x", "Edm.Int32", None), (True, "Edm.Int32", None), (None, "Edm.String", None),
    ("F8B4D2A1-0000-0000-0000-00000000000A", "Edm.Guid", "f8b4d2a1-0000-0000-0000-00000000000a"), ({"a": 1}, "Edm.String", None), (["a", "b"], "Collection(Edm.String)", ["a", "b"]), ("a", "Collection(Edm.String)", ["a"]),
    (["a", {}], "Collection(Edm.String)", None), ([], "Collection(Edm.String)", []), ([1, "2"], "Collection(Edm.Int32)", [1, 2]), (["a"], "Edm.String", None), ("2024-02-30", "Edm.Date", None)])
def test_values_of_a_principal(claim: Any, type: str, value: Any) -> None:
    assert Principal(claims={"c": claim}).value("c", type) == value


def test_own_values_go_before_claims() -> None:
    found = Principal("me", tenant="t", claims={"id": "other", "tenant": "other", "x": "y"})
    assert [found.value(name, "Edm.String") for name in ("id", "tenant", "x", "z")] == ["me", "t", "y", None]
    assert Principal().value("id", "Edm.String") is None


# --- policy files ----------------------------------------------------------------------------------------

@pytest.mark.parametrize(("document", "says"), [
    ("{", "no JSON"), ("[]", "an object is expected"), ('{"rule": []}', "'rule' means nothing"), ('{"rules": {}}', "a list is expected"), ('{"rules": [{"sets": {"Order": {}}}]}', "did you mean 'Orders'"),
    ('{"rules": [{"sets": {"Orders": {"allow": ["fly"]}}}]}', "'fly' is no right"), ('{"rules": [{"sets": {"Orders": {"rows": "Frei gt 1"}}}]}', "cannot be understood"), ('{"rules": [{"sets": {"Orders": {"rows": "Freight"}}}]}', "must be Boolean"),
    ('{"rules": [{"sets": {"Orders": {"rows": "CustomerID eq @principal.desk"}}}]}', "no value of a principal"), ('{"rules": [{"sets": {"Orders": {"rows": {"read": 1}}}}]}', "text of a $filter"), ('{"rules": [{"sets": {"Orders": {"hide": ["Frei"]}}}]}', "no property"),
    ('{"rules": [{"sets": {"*": {"rows": "true"}}}]}', "'*' has no rows"), ('{"rules": [{"sets": {"*": {"hide": ["ID"]}}}]}', "'*' hides nothing"), ('{"rules": [{"hide": {"types": ["X.Y"]}}]}', "no type"), ('{"rules": [{"operations": ["Nope"]}]}', "no operation"),
    ('{"rules": [{"roles": [1]}]}', "a list of names"), ('{"values": {"a": "Edm.Duration"}, "rules": []}', "is no type for the value"), ('{"rules": [{"sets": {"Warehouses/Shelf": {}}}]}', "no containment"),
    ('{"rules": [{"hide": {"properties": {"Northwind.Model.OrderStatus": ["Draft"]}}}]}', "has no properties"), ('{"rules": [{"sets": {"Orders": {"rows": {"fly": "true"}}}}]}', "'fly' means nothing")])
def test_what_a_policy_file_cannot_say(document: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        policies.read(document, NORTHWIND, TABLES)
    assert says in error.value.text and error.value.target == "ODATA_POLICY"


@pytest.mark.parametrize(("hidden", "says"), [({"sets": {"Orders": {"hide": ["OrderID"]}}}, "part of the key"), ({"sets": {"Customers": {"hide": ["CreditLimit"]}}}, "is open"),
                                              ({"hide": {"properties": {"Northwind.Model.Employee": ["EmployeeID"]}}}, "part of the key")])
def test_what_cannot_be_hidden(hidden: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        access(hidden)
    assert says in error.value.text


def test_which_rules_concern_whom() -> None:
    found = rules({"roles": ["a"]}, {"scopes": ["s"]}, {}, {"roles": ["a", "b"], "scopes": ["t"]}).rules

    def who(roles: str, scopes: str) -> list[int]:
        return [index for index, each in enumerate(found) if each.concerns(frozenset(roles), frozenset(scopes))]

    assert [who("", ""), who("a", ""), who("b", "s"), who("", "t"), who("x", "x")] == [[2], [0, 2, 3], [1, 2, 3], [2, 3], [2]]


def test_policies_are_shared_by_class_and_never_by_person() -> None:
    found = access({"roles": ["clerk"], "sets": {"Orders": {"rows": "CustomerID eq @principal.tenant"}}}, {"roles": ["admin"], "sets": {"*": {}}})
    clerk = found.policy(Principal("a", roles=frozenset({"clerk"}), tenant="t"))
    assert found.policy(Principal("b", roles=frozenset({"clerk", "other"}), scopes=frozenset({"s"}), tenant="u")) is clerk
    assert found.policy(Principal("b", roles=frozenset({"clerk"}))).id != clerk.id          # no tenant: no rows
    admin = found.policy(Principal(roles=frozenset({"admin"})))
    assert admin.open and admin.id == "" and not clerk.open
    assert clerk.of(Principal("a", tenant="t")) == ("a", "t")
    with pytest.raises(Forbidden):
        clerk.grants["Products"]
    assert "Orders" in clerk.grants and clerk.rows.get("Products") is None and not clerk.readable("Products") and clerk.readable("Orders")


def test_rules_add_up_and_what_one_hides_is_hidden() -> None:
    found = access({"roles": ["a"], "sets": {"Orders": {"allow": ["read"], "rows": "Freight gt 1", "hide": ["ShipTo"]}}},
                   {"roles": ["b"], "sets": {"Orders": {"allow": ["read", "update"], "rows": {"read": "Freight gt 5"}}}})

    def of(roles: str) -> Policy:
        return found.policy(Principal(roles=frozenset(roles)))

    both = of("ab")
    assert both.rows["Orders"] not in (of("a").rows["Orders"], of("b").rows["Orders"])
    assert ("update", "Orders") not in both.refused and ("update", "Orders") in of("a").refused and ("delete", "Orders") in both.refused
    assert "ShipTo" not in both.model.properties("Northwind.Model.Order") and "ShipTo" in of("b").model.properties("Northwind.Model.Order")
    assert ("update", "Orders") not in both.limits


# --- views -----------------------------------------------------------------------------------------------

def seen(**hidden: Any) -> Model:
    return view.view(NORTHWIND, view.closed(NORTHWIND, TABLES, Hidden(**hidden)))


def text(model: Model) -> str:
    return csdl.write(model, "xml", "4.01").decode()


def test_an_ordinary_model_is_left() -> None:
    assert seen() is NORTHWIND
    found = seen(sets=frozenset({"Shippers"}), types=frozenset({"Northwind.Model.Word"}), operations=frozenset({"Northwind.Model.Turnover"}),
                 members={"Northwind.Model.Product": frozenset({"Ean", "CategoryID"}), "Northwind.Model.Employee": frozenset({"Badge"})})
    assert "Shippers" not in found.sets and "Words" not in found.sets and found.type("Northwind.Model.Word") is None
    assert "Shipper" not in found.navigations("Northwind.Model.Order")
    assert found.properties("Northwind.Model.PerishableProduct").keys() >= {"ID", "Name"} and "Ean" not in found.properties("Northwind.Model.PerishableProduct")
    assert found.navigations("Northwind.Model.Product")["Category"].constraints == ()
    written = text(found)
    for gone in ("Ean", "barcode", "CategoryID", "Turnover", "Badge/Number", "Shippers", 'Name="Words"'):
        assert gone not in written, gone
    assert "Northwind.Model.Product" in found.narrowed and "Northwind.Model.PerishableProduct" in found.narrowed


def test_operations_go_with_the_types_of_their_signatures() -> None:
    found = seen(types=frozenset({"Northwind.Model.Product"}))
    assert "Northwind.Model.Discontinue" not in found.operations and "Northwind.Model.TopProducts" not in found.operations
    assert "TopProducts" not in found.function_imports and "Products" not in found.sets and found.type("Northwind.Model.PerishableProduct") is None
    assert "Product" not in found.navigations("Northwind.Model.OrderDetail")
    assert "Northwind.Model.PriceWithTax" in found.operations


# --- scopes ----------------------------------------------------------------------------------------------

def permission(*scopes: tuple[str, str | None]) -> str:
    records = "".join(f'<Record><PropertyValue Property="Scope" String="{name}"/>' + (f'<PropertyValue Property="RestrictedProperties" String="{text}"/>' if text else "") + "</Record>"
                      for name, text in scopes)
    return f'<Record><PropertyValue Property="SchemeName" String="x"/><PropertyValue Property="Scopes"><Collection>{records}</Collection></PropertyValue></Record>'


def restriction(term: str, *permissions: str, more: str = "") -> str:
    return (f'<Annotation Term="Org.OData.Capabilities.V1.{term}"><Record><PropertyValue Property="Permissions"><Collection>{"".join(permissions)}</Collection></PropertyValue>{more}'
            "</Record></Annotation>")


def scoped(*annotations: str, operation: str = "") -> Access:
    document = f"""<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.01"><edmx:DataServices>
      <Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="s">
        <EntityType Name="T"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/><Property Name="A" Type="Edm.String"/><Property Name="B" Type="Edm.String"/></EntityType>
        <Action Name="Do">{operation}</Action>
        <EntityContainer Name="C"><EntitySet Name="Ts" EntityType="s.T">{"".join(annotations)}</EntitySet><ActionImport Name="Do" Action="s.Do"/></EntityContainer>
      </Schema></edmx:DataServices></edmx:Edmx>"""
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "m.xml"
        file.write_text(document)
        model = csdl.load(file)
    return Access(model, map_model(model), None, scoped=True)


def having(found: Access, *scopes: str) -> Policy:
    return found.policy(Principal(scopes=frozenset(scopes)))


def allowed(policy: Policy, right: str) -> bool:
    return (right, "Ts") not in policy.refused


def test_one_set_of_scopes_suffices_whole() -> None:
    found = scoped(restriction("ReadRestrictions", permission(("a", None), ("b", None)), permission(("c", None))))
    assert [allowed(having(found, *each), "read") for each in ("", "a", "b", "ab", "c", "xc")] == [False, False, False, True, True, True]
    with pytest.raises(Forbidden) as error:
        having(found, "a").grants["Ts"]
    assert error.value.text == "To read 'Ts' you need the scope a and b or c."
    assert allowed(having(found), "insert") and having(found, "c").open


def test_single_entities_have_scopes_of_their_own() -> None:
    keyed = f'<PropertyValue Property="ReadByKeyRestrictions"><Record><PropertyValue Property="Permissions"><Collection>{permission(("k", None))}</Collection></PropertyValue></Record></PropertyValue>'
    found = scoped(restriction("ReadRestrictions", permission(("a", None)), more=keyed))
    only = having(found, "k")
    assert not allowed(only, "read") and only.readable("Ts") and only.grants.one("Ts") is None
    assert allowed(having(found, "a"), "read") and not having(found, "a").readable("Ts")
    same = scoped(restriction("ReadRestrictions", permission(("a", None))))
    assert having(same, "a").readable("Ts") and not having(same).readable("Ts")


@pytest.mark.parametrize(("text", "left"), [(None, "ABC"), ("", "ABC"), ("*", "ABC"), ("A", "A"), ("A,B", "AB"), ("-A", "BC"), ("*,-A", "BC"), ("A , B,-B", "A"), ("X", "")])
def test_restricted_properties(text: str | None, left: str) -> None:
    assert properties(text, set("ABC")) == set(left)


def test_scopes_may_leave_some_properties() -> None:
    found = scoped(restriction("ReadRestrictions", permission(("some", "A")), permission(("all", None))), restriction("UpdateRestrictions", permission(("u", "-B"))))
    some = having(found, "some", "u")
    assert set(some.model.properties("s.T")) == {"ID", "A"} and set(having(found, "all", "u").model.properties("s.T")) == {"ID", "A", "B"}
    assert set(having(found, "all", "some", "u").model.properties("s.T")) == {"ID", "A", "B"}
    assert having(found, "all", "u").writable["update", "Ts"] == {"ID", "A"}


def test_operations_have_scopes() -> None:
    found = scoped(operation=restriction("OperationRestrictions", permission(("o", None))))
    with pytest.raises(Forbidden, match="'s.Do' you need the scope o"):
        having(found).invoke("s.Do")
    having(found, "o").invoke("s.Do")


def test_the_flagship_names_its_scopes() -> None:
    model = csdl.load(Path(__file__).parent.parent.parent / "edmx" / "industryData.xml")
    found = Access(model, map_model(model), None, scoped=True)
    assert not having(found).open
    named = {scope for text in having(found).refused.values() for scope in text.split() if "." in scope}
    assert "IndustryData-Run.Read.All" in named and having(found, *found.scope_names).open
