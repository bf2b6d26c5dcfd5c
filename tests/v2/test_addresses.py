"""Addresses of OData 2.0 as those of 4.0 (OData 2.0, URI conventions), and keys the other way."""

from __future__ import annotations

import pytest

from app import csdl
from app.errors import BindError, NotImplementedByService, ODataError
from app.v2.literals import expression, key_literal, literal, split
from app.v2.urls import address, entity_id, entity_uri, next_link
from app.v2.view import view
from tests.protocol.conftest import files

SHOP = view(csdl.load(files("northwind")[0]))
HUB = view(csdl.load(files("industryData")[0]))
GUID = "6f9619ff-8b86-d011-b42d-00c04fc964ff"

LITERALS = [
    ("'O''Neil & Co'", "'O''Neil & Co'"), ("5", "5"), ("-5L", "-5"), ("1.5M", "1.5"), ("1.5d", "1.5"), ("2f", "2"), ("1e3D", "1e3"),
    ("true", "true"), ("null", "null"), (f"guid'{GUID}'", GUID), (GUID, GUID), ("X'0aff'", "binary'Cv8='"), ("binary'0AFF'", "binary'Cv8='"),
    ("datetime'2024-01-02T03:04'", "2024-01-02T03:04:00Z"), ("datetime'2024-01-02T03:04:05.000Z'", "2024-01-02T03:04:05.000Z"),
    ("datetimeoffset'2024-01-02T03:04:05+01:00'", "2024-01-02T03:04:05+01:00"), ("datetimeoffset'2024-01-02t03:04:05z'", "2024-01-02T03:04:05Z"),
    ("datetimeoffset'2024-01-02T03:04:05'", "2024-01-02T03:04:05Z"), ("time'PT13H20M'", "13:20:00"), ("time'PT5.25S'", "00:00:05.25"),
]


@pytest.mark.parametrize(("old", "new"), LITERALS)
def test_literals(old: str, new: str) -> None:
    assert literal(old) == new


@pytest.mark.parametrize("text", ["datetime'yesterday'", "time'13:20'", "X'0'", "binary'zz'"])
def test_malformed_literals(text: str) -> None:
    with pytest.raises(BindError):
        literal(text)


EXPRESSIONS = [
    ("substringof('a''b', Name) eq true", "contains(Name,'a''b') eq true"),
    ("substringof('x',tolower(Name))", "contains(tolower(Name),'x')"),
    ("not substringof('x',tolower(Name)) and (ID gt 1)", "not contains(tolower(Name),'x') and (ID gt 1)"),
    ("not (endswith(tolower(Name),'x'))", "not (endswith(tolower(Name),'x'))"),
    ("not(ID eq 1)", "not (ID eq 1)"),
    ("((substringof('run',cast(Name, 'Edm.String'))))", "((contains(cast(Name,Edm.String),'run')))"),
    ("ID gte 1 and ID lte 3", "ID ge 1 and ID le 3"),
    ("UnitPrice gt 1.5M or UnitPrice lt -2", "UnitPrice gt 1.5 or UnitPrice lt -2"),
    ("ReleaseDate ge datetime'2024-01-02T00:00:00'", "ReleaseDate ge 2024-01-02T00:00:00Z"),
    ("Founded eq datetime'2024-01-02T00:00:00'", "Founded eq 2024-01-02"),
    ("Category/Name eq ', ) ('", "Category/Name eq ', ) ('"), ("Name desc, ID", "Name desc, ID"), ("length(Name) desc,ID", "length(Name) desc,ID"),
    ("a) and b", "a) and b"), ("f(", "f()"), ("'open", "'open"), ("", ""),
]


@pytest.mark.parametrize(("old", "new"), EXPRESSIONS)
def test_expressions(old: str, new: str) -> None:
    """What is malformed stays so: the 4.0 parser says what is wrong with it."""
    assert expression(old, {"Founded": "Edm.Date", "ReleaseDate": "Edm.DateTimeOffset"}.get) == new


def test_replace_is_refused_by_name() -> None:
    with pytest.raises(NotImplementedByService, match="replace"):
        expression("replace(Name,'a','b') eq 'c'", lambda path: None)


ADDRESSES = [
    ("Products", "", "Products"), ("Products%281%29", "", "Products(1)"), ("Products(1)/$value/", "", "Products(1)/$value"),
    ("Products(ID=1L)/Category", "", "Products(ID=1)/Category"), (f"Shippers(guid'{GUID}')", "", f"Shippers({GUID})"),
    ("Orders(1)/$links/Details", "", "Orders(1)/Details/$ref"), ("Tags(1)/$links/Products(2)", "", "Tags(1)/Products(2)/$ref"),
    ("Products/$count", "%24filter=Name+eq+%27a+b%27", "Products/$count?$filter=Name%20eq%20'a%20b'"),
    ("Products", "$top=1&$inlinecount=allpages", "Products?$top=1&$count=true"), ("Products", "$inlinecount=none&$format=json", "Products"),
    ("Products", "$filter=Name eq 'a%26b%23c;d+e'", "Products?$filter=Name%20eq%20'a%26b%23c%3Bd%20e'"),
    ("Products", "$select=ID,Name&$expand=Category", "Products?$select=ID,Name&$expand=Category"),
    ("Products", "$select=ID,Category/Name&$expand=Category", "Products?$select=ID&$expand=Category($select=Name)"),
    ("Products", "$select=Category&$expand=Category", "Products?$select=ID&$expand=Category"), ("Products", "$select=Category", "Products?$select=Category"),
    ("Products", "$select=*&$expand=Category/Products,Supplier", "Products?$expand=Category($expand=Products),Supplier"),
    ("Products", "custom=x%26y", "Products?custom=x%26y"),
]


@pytest.mark.parametrize(("path", "query", "new"), ADDRESSES)
def test_addresses(path: str, query: str, new: str) -> None:
    found = address(SHOP, path, query)
    assert found.path + (f"?{found.query}" if found.query else "") == new


def test_an_operation_bound_to_an_entity_takes_its_key() -> None:
    found = address(HUB, "incomingFlowRun_collateExtractedData", "id='a''b'")
    assert found.path == "incomingFlowRuns(id='a''b')/microsoft.graph.industryData.collateExtractedData"
    assert found.operation is not None and found.operation.method == "POST" and found.arguments == {}


@pytest.mark.parametrize(("path", "query", "target"), [
    ("Products", "$search=a", "$search"), ("Products", "$inlinecount=yes", "$inlinecount"), ("Products", "$count=true", "$count"),
    ("incomingFlowRun_collateExtractedData", "", "id")])
def test_what_is_unknown_is_named(path: str, query: str, target: str) -> None:
    with pytest.raises(ODataError) as raised:
        address(HUB if "_" in path else SHOP, path, query)
    assert raised.value.status == 400 and raised.value.target == target


KEYS = [("5", "Edm.Int32", "5"), ("5", "Edm.Int64", "5L"), ("1.5", "Edm.Decimal", "1.5M"), (GUID, "Edm.Guid", f"guid'{GUID}'"),
        ("'a''b'", "Edm.String", "'a''b'"), ("ns.Enum'x'", "Edm.String", "'x'"), ("2024-01-02", "Edm.Date", "datetime'2024-01-02T00:00:00'"),
        ("13:20:00", "Edm.TimeOfDay", "time'PT13H20M00S'"), ("binary'Cv8='", "Edm.Binary", "X'0AFF'"),
        ("2024-01-02T03:04:05Z", "Edm.DateTimeOffset", "datetimeoffset'2024-01-02T03:04:05Z'")]


@pytest.mark.parametrize(("new", "type", "old"), KEYS)
def test_keys_come_back(new: str, type: str, old: str) -> None:
    assert key_literal(new, type) == old
    if not new.startswith("ns."):
        assert literal(old, type) == new


def test_links_lead_there_and_back() -> None:
    root, face = "http://h/", "http://h/v2/"
    uri = entity_uri(SHOP.model, f"http://h/Shippers({GUID})", root, face)
    assert uri == f"http://h/v2/Shippers(guid'{GUID}')"
    assert entity_id(SHOP, uri, root, face) == f"http://h/Shippers({GUID})"
    assert next_link(face, "Products", "$top=5&$filter=a eq 1", "http://h/Products?$filter=x&$skiptoken=a%3Db&$top=3") \
        == "http://h/v2/Products?$filter=a%20eq%201&$skiptoken=a=b&$top=3"


@pytest.mark.parametrize(("text", "parts"), [
    ("1", [(None, "1")]), ("'a,b=c'", [(None, "'a,b=c'")]), ("A=1,B='x,y'", [("A", "1"), ("B", "'x,y'")]), ("A = 1", [("A", "1")]),
    ("", [(None, "")])])
def test_keys_are_taken_apart(text: str, parts: list[tuple[str | None, str]]) -> None:
    assert list(split(text)) == parts
