"""What bad input gets: status, code, target, the closest name; never a 500; and a store that stays as it was.

Protocol §9; JSON Format §21.1.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.protocol.conftest import Clients
from tests.protocol.exchange import ABSENT, Client, Exchange, Only, rows, split

NS = "Northwind.Model."
SETS = ("Categories", "Products", "Tags", "Suppliers", "PriceChanges", "Reviews", "Customers", "Orders", "OrderDetails", "Shippers",
        "Employees", "Regions", "Territories", "Warehouses", "Words", "Company")


def error(code: str | None = None, target: str | None = None, says: str | None = None, **more: Any) -> dict[str, Any]:
    """The body of an error with these members; `says`: a pattern that its message has."""
    found: dict[str, Any] = dict(more)
    if code is not None:
        found["code"] = code
    if target is not None:
        found["target"] = target
    if says is not None:
        found["message"] = re.compile(says)
    return {"error": found}


def bad_filter(text: str, code: str | None = None, says: str | None = None, status: int | tuple[int, ...] = 400,
               spec: str = "P 11.2.6.1") -> Exchange:
    return Exchange(spec, f"Products?$filter={text}", status, error(code, "$filter", says) if status == 400 else ...)


FILTERS = [
    bad_filter("", "syntaxError"), bad_filter("Name eq", "syntaxError"), bad_filter("Name", says="Boolean"), bad_filter("(Name eq 'a'", "syntaxError"),
    bad_filter("Name eq 'a", "syntaxError"), bad_filter("Name eq 'O'Neil'", "syntaxError"), bad_filter("eq 1", "syntaxError"),
    bad_filter("Name == 'a'", "syntaxError"), bad_filter("Name eq \"a\"", "syntaxError"), bad_filter("Name eq 'a' or", "syntaxError"),
    bad_filter("ID gte 1 and ID lte 3", "syntaxError"), bad_filter("not", "unknownProperty"), bad_filter("Name eq %zz"), bad_filter("Name eq '%f'"),
    bad_filter("Nmae eq 'Chai'", "unknownProperty", "Did you mean 'Name'"), bad_filter("name eq 'Chai'", "unknownProperty", "Did you mean 'Name'"),
    bad_filter("ShelfLife eq null", "unknownProperty", "PerishableProduct/ShelfLife"), bad_filter("Category/Nam eq 'x'", "unknownProperty", "'Name'"),
    bad_filter("Nothing/Name eq 'x'", "unknownProperty"), bad_filter("Name/Length eq 4", "typeMismatch"),
    bad_filter("Name eq 1", "typeMismatch"), bad_filter("UnitPrice eq 'x'", "typeMismatch"), bad_filter("Discontinued eq 1", "typeMismatch"),
    bad_filter("ID eq duration'P1D'", "typeMismatch"), bad_filter("ReleaseDate eq 2019-03-01", "typeMismatch"), bad_filter("UnitPrice add 1"),
    bad_filter("Name add 1 eq 2", "typeMismatch"), bad_filter("not Name", "typeMismatch"), bad_filter("Name and Discontinued"),
    bad_filter("1", says="Boolean"), bad_filter("null", status=(200, 400)), bad_filter("Category eq 1"), bad_filter("Tags eq null", status=(200, 400)),
    bad_filter("Tags/Name eq 'x'"), bad_filter("Tags/any(t:x/Name eq 'a')", "unknownProperty"), bad_filter("Tags/any(t:t)"), bad_filter("Tags/any(t:t/Nmae eq 'a')", "unknownProperty", "'Name'"),
    bad_filter("Tags/all()", "syntaxError"), bad_filter("Name/any(n:n eq 'a')"), bad_filter("Tags/some(t:t/Name eq 'a')"), bad_filter("Name/$count gt 1"),
    bad_filter("contain(Name,'a')", "unknownFunction", "Did you mean 'contains'"), bad_filter("substringof('a',Name)", "unknownFunction"), bad_filter("foo(Name)", "unknownFunction"),
    bad_filter("contains(Name)"), bad_filter("contains(Name,'a','b')"), bad_filter("contains(Name,1)", "typeMismatch"), bad_filter("length(ID) eq 1", "typeMismatch"),
    bad_filter("year(Name) eq 1", "typeMismatch"), bad_filter("round('a') eq 1", "typeMismatch"), bad_filter("now(1) eq now()"),
    bad_filter("substring(Name,1,-1) eq 'x'", status=(200, 400)), bad_filter("matchesPattern(Name,'(')", spec="U 5.1.1.7.1"),
    bad_filter("matchesPattern(Name,'(a)?\\1')", status=501, spec="U 5.1.1.7.1"), bad_filter("matchesPattern(Name,'(a+)+$')", status=(200, 400, 501), spec="U 5.1.1.7.1"),
    bad_filter("Features has 'Fragil'", "typeMismatch", "Did you mean 'Fragile'"), bad_filter("Features eq Northwind.Model.ProductFeature'Fragile'", says="ProductFeatures"),
    bad_filter("Features eq 'Fragile,Fluffy'", "typeMismatch"), bad_filter("Name has 'x'"), bad_filter("Features has 1"), bad_filter("ID in 5"), bad_filter("ID in (1,'a')"), bad_filter("ID in (1,)", "syntaxError"),
    bad_filter("UnitsInStock div 0 eq 1", spec="U 5.1.1.2.5"), bad_filter("UnitPrice div 0 eq 1", spec="U 5.1.1.2.5"), bad_filter("ID mod 0 eq 1", spec="U 5.1.1.2.6"), bad_filter("ID div (ID sub ID) eq 1", spec="U 5.1.1.2.5"),
    bad_filter("9223372036854775807 add ID gt 0", status=(200, 400), spec="U 5.1.1.2.1"), bad_filter("ID mul 9223372036854775807 gt 0", status=(200, 400), spec="U 5.1.1.2.4"),
    bad_filter("ReleaseDate eq 2019-13-01T00:00:00Z"), bad_filter("ReleaseDate eq 2019-02-30T00:00:00Z"), bad_filter("ReleaseDate eq 2019-01-01T24:00:00Z"), bad_filter("ReleaseDate eq 10000-01-01T00:00:00Z", status=(200, 400)),
    bad_filter("date(ReleaseDate) eq 2019-02-30"), bad_filter("Supplier/ID eq 1234", "typeMismatch"), bad_filter("year(2019-03-01T00:00:00%2B02:00) eq 2019", spec="U 5.1.1.8"),
    bad_filter("Dimensions gt null", status=(200, 400)), bad_filter("Category/Picture eq binary'AA=='", spec="U 5.1.1.1"), bad_filter("Dimensions eq 1"),
    bad_filter("cast(Name,Edm.Foo) eq null"), bad_filter("cast(Name,Edm.Int32)"), bad_filter("isof(Nothing)"), bad_filter("isof(Northwind.Model.Order)", status=(200, 400)), bad_filter("Northwind.Model.Order/OrderID eq 1"),
    bad_filter("case(ID)"), bad_filter("case(ID:1) eq 1"), bad_filter("$root/Nothing(1)/ID eq 1", says="Nothing"), bad_filter("$root/Products(1)/Nmae eq 'x'", "unknownProperty"),
    bad_filter("@x and", "syntaxError"), bad_filter("(" * 200 + "true" + ")" * 200, status=(200, 400)), bad_filter("not " * 500 + "true", status=(200, 400)),
    bad_filter("ID eq 1 " + "or ID eq 1 " * 3000, status=(200, 400, 414)), bad_filter("Name eq 'a%00b'", status=(200, 400)), bad_filter("contains(Name,'%ED%A0%80')"),
    bad_filter("ID eq " + "9" * 400, status=(200, 400)), bad_filter("UnitPrice eq 1e400", status=(200, 400)), bad_filter("Rating eq 1e400", status=(200, 400)), bad_filter("UnitPrice eq 0." + "1" * 200, status=(200, 400)),
    bad_filter("Northwind.Model.TopProducts(count=1)/$count gt 0", status=(200, 400, 501)), bad_filter("geo.distance(Name,Name) lt 1"), bad_filter("$it/$it eq 1", "syntaxError"), bad_filter("@Core.Description eq 'x'", status=(200, 400)),
]

OFFERED_NOT = [
    Exchange("U 5.1.1.14.4", "Categories?$expand=Products($expand=Supplier($filter=ID eq $it/ID))", (400, 501)),
    Exchange("J 7.1", "Orders?$filter=RequiredDate eq -0001-01-01", 400, {"error": {"message": re.compile("0001 to 9999")}}),
]

OPTIONS = [
    Exchange("P 6.1", "Products?$fitler=true", 400, error("unknownOption", "$fitler", "Did you mean '\\$filter'")),
    Exchange("P 6.1", "Products?$inlinecount=allpages", 400, error("unknownOption", "$inlinecount")),
    Exchange("P 6.1", "Products?$=1", 400), Exchange("P 6.1", "Products?=1", (200, 400)), Exchange("P 6.1", "Products?&&&", 200), Exchange("P 6.1", "Products?$top", 400, error(target="$top")),
    Exchange("P 6.1", "Products?custom=1", 200), Exchange("P 6.1", "Products?$top=1#x", 400), Exchange("P 11.2.6", "Products?$filter=true&filter=true", 400, error("syntaxError", "$filter")),
    Exchange("T-02", "Products?$at=2020-01-01", (400, 501)), Exchange("P 11.2.12", "Products?$schemaversion=9", 404, error("notFound", "$schemaversion")),
    Exchange("P 11.3", "Products?$deltatoken=1", (400, 410, 501)), Exchange("P 11.4.11", "Products?$index=1", (400, 501)), Exchange("U 5.1", "Products?$id=Products(1)", 400, error(target="$id")),
    Exchange("P 11.2.6.6", "Products?$search=Chai", (200, 501)), Exchange("P 11.2.6.6", "Products?$search=", 400, error("syntaxError", "$search")), Exchange("P 11.2.6.6", "Products?$search=(", 400),
    Exchange("P 11.2.6.6", "Products?$search=a NOT", (200, 400, 501)), Exchange("A 3", "Products?$apply=groupby((CategoryID))", (200, 501)), Exchange("A 3", "Products?$apply=group((x))", 400, error(target="$apply")),
    Exchange("A 3", "Products(1)?$apply=groupby((CategoryID))", (400, 501)), Exchange("P 11.2.5.3", "Products?$compute=1", 400, error(target="$compute")), Exchange("P 11.2.5.3", "Products?$compute=Nmae as x", 400, error("unknownProperty", "$compute")),
    Exchange("P 11.2.5.3", "Products?$compute=ID as x,Name as x", 400), Exchange("U 5.1.3", "Products?$levels=2", (200, 400)), Exchange("P 11.2.6.1.3", "Products?@x", 400), Exchange("P 11.2.6.1.3", "Products?$filter=@x&@x=)", 400),
    Exchange("U 5.1.4", "Suppliers?$select=Phones($filter=contains($it,'1'))", (200, 400, 501)), Exchange("U 5.1.4", "Suppliers?$select=Phones($top=1)", (200, 501)),
    Exchange("U 5.1.4", "Products?$select=%23", 400), Exchange("U 5.1.4", "Products?$select=@x", (200, 400)), Exchange("U 5.1.3", "Products?$expand=$ref", 400), Exchange("U 5.1.3", "Products?$expand=Category/Name", 400),
    Exchange("U 5.1.3", "Employees?$expand=" + "Manager($expand=" * 40 + "Manager" + ")" * 40, 400, error("limitExceeded")),
    Exchange("U 5.1.3", "Products?$expand=Tags($top=-1)", 400), Exchange("U 5.1.3", "Products?$expand=Tags($skiptoken=x)", 400), Exchange("U 5.1.3", "Products?$expand=Tags($format=json)", 400),
]

HEADERS = [
    Exchange("P 8.2.8", "Products?$top=1", 200, ..., {"Preference-Applied": None}, {"Prefer": ';;;,=,"'}), Exchange("P 8.2.8", "Products?$top=1", 200, ..., {"Preference-Applied": None}, {"Prefer": "maxpagesize=-3"}),
    Exchange("P 8.2.8", "Products?$top=1", 200, ..., {"Preference-Applied": None}, {"Prefer": "maxpagesize=many, frobnicate; wait=x"}), Exchange("P 8.2.1", "Products?$top=1", (200, 400, 406), ..., {}, {"Accept": ",;;,/"}),
    Exchange("P 8.2.1", "Products?$top=1", (200, 400, 406), ..., {}, {"Accept": "application/json;q=high"}), Exchange("P 8.2.5", "Products(1)", (200, 400), ..., {}, {"If-None-Match": "garbage, W/"}),
    Exchange("P 8.2.4", "Products(1)", (400, 412), ..., {}, {"If-Match": "garbage"}), Exchange("P 8.2.3", "Products?$top=1", 200, ..., {}, {"Accept-Language": "de;q=0.5,*"}),
    Exchange("P 8.1.1", "Products?$top=1", 200, ..., {}, {"Content-Type": "nonsense"}), Exchange("P 8.2.1", "Products?$top=1", (200, 406), ..., {}, {"Accept-Charset": "utf-16"}),
]

BODY = {"Content-Type": "application/json"}


def post(target: str, body: Any, status: int | tuple[int, ...] = 400, wanted: Any = ..., spec: str = "P 11.4.2", sent: dict[str, str] | None = None) -> Exchange:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Exchange(spec, target if " " in target else f"POST {target}", status, wanted, {}, BODY if sent is None else sent, content)


CHANGES = [
    post("Tags", b"{", wanted=error()), post("Tags", b"", wanted=error()), post("Tags", b"[]", wanted=error()), post("Tags", b"null"), post("Tags", b'{"Name":"x"}}'), post("Tags", b'{"Name":NaN}'),
    post("Tags", b'{"Name":"x","Name":"y"}'), post("Tags", b"\xff\xfe"), post("Tags", b'{"Name":' + b"[" * 3000 + b"]" * 3000 + b"}"), post("Tags", b'{"Name":"\\ud800"}'), post("Tags", b'{"Name":"a\\u0000b"}'),
    post("Tags", {"Name": "x", "Colour": "#000000"}, wanted={"error": {"message": re.compile("Color")}}),
    post("Tags", {"Name": 5}), post("Tags", {"Color": "#000000"}), post("Tags", {"Name": "x" * 41}), post("Tags", {"Name": "x", "Color": "red"}), post("Tags", {"Name": "new"}, 409),
    post("Products", {"ID": "a", "UnitPrice": -1, "Nothing": 1, "Discontinued": "no"}, 400, {"error": {"details": lambda found: len(found) >= 4}}, spec="JSON 21.1"),
    post("Products", {"ID": 1}, 409), post("Products", {"ID": 900, "CategoryID": 99}, (400, 409)), post("Products", {"ID": 900, "Category@odata.bind": "Categories(99)"}, (400, 404, 409)), post("Products", {"ID": 900, "Category@odata.bind": "http://elsewhere.example/x"}, (400, 404, 409)),
    post("Products", {"ID": 2**40}), post("Products", {"ID": 900, "UnitsInStock": 40000}), post("Products", {"ID": 900, "UnitPrice": 1.23456}), post("Products", {"ID": 900, "Features": "Fluffy"}), post("Products", {"ID": 900, "ReleaseDate": "yesterday"}),
    post("Products", {"ID": 900, "@odata.type": "#Northwind.Model.Order"}), post("Products", {"ID": 900, "@odata.type": "#No.Such"}), post("Products", {"ID": 900, "ShelfLife": "P1D"}), post("Products", {"ID": 900, "Dimensions": {"Width": None, "Height": 1}}),
    post("Tags", b'{"Name":"x"}', 415, error("unsupportedMediaType"), sent={"Content-Type": "text/plain"}), post("Tags", b"<a/>", 415, sent={"Content-Type": "application/xml"}), post("Tags", b'{"Name":"x"}', (400, 415), sent={"Content-Type": "nonsense"}),
    post("Regions", {"RegionID": 9, "Description": "x"}, 405, spec="V-Cap-11"), post("PATCH Products(1)", {"Nothing": 1}), post("PATCH Products(1)", {"UnitPrice": None}), post("PATCH Products(1)", {"Name": "x"}, 412, sent={**BODY, "If-Match": 'W/"0"'}, spec="P 8.2.4"),
    post("PATCH Products(99)", {"Name": "x"}, 412, sent={**BODY, "If-Match": "*"}, spec="P 8.2.4"), post("PATCH Customers('ALFKI')", {"CompanyName": "x"}, 428, spec="P 11.4.1.1"), post("DELETE Customers('ALFKI')", b"", 428, spec="P 11.4.1.1"),
    post("DELETE Products(99)", b"", 404), post("DELETE Products(1)", b"", 412, sent={"If-Match": 'W/"0"'}), post("DELETE Products", b"", 405), post("PATCH Products", {}, (400, 405, 501)), post("PUT Products(1)/Category/$ref", {"@odata.id": "Categories(99)"}, (400, 404, 409)),
    post("PUT Products(1)/Category/$ref", {}), post("PUT Products(1)/Category/$ref", {"@odata.id": "Tags('new')"}), post("Products(1)/Nothing", {}, (404, 405)), post("Nothing", {}, 404), post("DELETE Products(1)/UnitPrice", b"", 400, spec="P 11.4.9.2"),
    post("PUT Products(1)/UnitPrice", {"value": "x"}), post("PUT Products(1)/ID", {"value": 2}, (400, 405)), post("RaisePrices", {}, 400, spec="P 11.5.5.1"), post("RaisePrices", {"category": "x", "percent": 1}, 400, spec="P 11.5.5.1"),
    post("RaisePrices", {"category": 1, "percent": 1, "more": 1}, 400, spec="P 11.5.5.1"), post("PATCH RaisePrices", {}, 405, spec="P 11.5.5.1"), post(f"Products(99)/{NS}Discontinue", {}, 404, spec="P 11.5.5.1"), post(f"Orders(10248)/{NS}Ship", {}, 409, spec="P 11.5.5.1"),
    post("$batch", b"x", (400, 415), sent={"Content-Type": "text/plain"}, spec="P 11.7"), post("$batch", b"x", (400, 415), sent={"Content-Type": "multipart/mixed"}, spec="P 11.7"), post("$batch", b"{}", 400, spec="P 11.7"),
    post("Products(1)", b"{}", (400, 405), sent={**BODY, "X-HTTP-Method": "BREW"}), post("Tags", b'{"Name":"x"}', 400, sent={**BODY, "OData-Version": "3.0"}, spec="P 8.1.5"),
]


@rows([*FILTERS, *OFFERED_NOT, *OPTIONS, *HEADERS])
def test_reading(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@rows(CHANGES)
def test_changing(exchange: Exchange, clients: Clients) -> None:
    """A change that is refused leaves everything as it was, ETags included (P 9.2)."""
    client = clients[exchange.model]
    before = content(client)
    exchange.check(client)
    assert content(client) == before


def content(client: Client) -> bytes:
    """All that a reader can see."""
    return b"\n".join(client.handled("GET", name, {}).body for name in SETS)


FORM = [
    ("northwind", "Nothing", {}, {"code": "unknownResource", "target": "Nothing", "details": [], "innererror": {"date": "2025-11-29T15:10:00", "request-id": str}, "innerError": ABSENT}),
    ("northwind", "Products?$filter=Name eq", {}, {"innererror": {"position": int}}),
    ("northwind", "Nothing", {"client-request-id": "abc"}, {"innererror": {"client-request-id": "abc"}}),
    ("industryData", "nothing", {}, {"innererror": {"request-id": str}, "innerError": {"request-id": str, "date": str}}),
]


@pytest.mark.parametrize(("model", "target", "sent", "wanted"), FORM)
def test_form(clients: Clients, model: str, target: str, sent: dict[str, str], wanted: dict[str, Any]) -> None:
    """The error object, its request id in the header too, the language, no context (JSON 21.1, P 9.4)."""
    answer = clients[model].send("GET " + target, sent)
    exchange = Exchange("J 21.1", target, (400, 404), Only(error=wanted), {"Content-Language": "en", "Content-Type": "application/json;odata.metadata=minimal"}, sent, model=model)
    exchange.check(clients[model])
    assert answer.json["error"]["innererror"]["request-id"] == answer.headers["request-id"]


VALID = [
    "Products?$filter=contains(Name,'a''b') and UnitPrice gt 1.5 or not (Rating le 4e0)&$orderby=Name desc,length(Name)&$top=3&$skip=1&$count=true",
    "Categories?$expand=Products($filter=UnitPrice gt 20;$select=ID,Name;$orderby=Rating desc;$top=2;$count=true),Products/$ref&$select=Name,Description",
    "Orders(10249)/Details(OrderID=10249,ProductID=4)/Product/Name/$value", "Customers('A''B%26C')/Orders/$count?$filter=Details/any(d:d/Quantity gt 3)",
    "Products?$filter=ReleaseDate ge 2019-03-01T00:00:00.000%2B01:00 and Features has 'Fragile' and ID in (1,2,null)", "Suppliers(fb3a51bb-6407-5375-a85c-496cc66652be)/Phones",
    "Products/Northwind.Model.PerishableProduct(5)?$select=ShelfLife&$compute=UnitPrice mul 2 as x&$format=json", "Warehouses/HAM/Shelves/1/Bins?$filter=Product/Tags/any(t:t/Name eq @t)&@t='new'",
    "Employees?$expand=Reports($levels=2)&$filter=case(ShiftLength gt duration'PT8H':1,true:0) eq 1", "$entity?$id=Products(1)", "Products?$filter=$root/Products(1)/UnitPrice lt cast('1.5',Edm.Decimal)&$skiptoken=x",
]


@pytest.mark.parametrize("target", VALID)
def test_no_typing_error_is_ours(clients: Clients, target: str) -> None:
    """A character left out, doubled or replaced anywhere: an answer or a refusal, never a failure (P 9.4-06)."""
    client = clients["northwind"]
    for index in range(len(target)):
        for changed in (target[:index] + target[index + 1:], target[:index] + target[index] + target[index:], target[:index] + "'" + target[index + 1:]):
            status = client.handled("GET", changed.replace(" ", "%20"), {}).status
            assert status < 500 or status == 501, changed


PRODUCT = "$crossjoin(Products,Orders,OrderDetails,Reviews,Customers,Employees,Suppliers,Words)"
COSTLY = [
    (f"{PRODUCT}/$count?$filter=Products/ID add Orders/OrderID add Reviews/ID gt 3", "time of a query is limited to 0.3 seconds"),
    (f"{PRODUCT}?$apply=aggregate(Products/UnitPrice with sum as S)", "time of a query"), ("Products?$apply=" + "/".join(["concat(identity,identity)"] * 40), "size of an expression"),
    ("Products?$apply=" + "/".join(["groupby((rollup($all,ID,Name)))"] * 30), "size of an expression"), ("Products?$search=" + " ".join(["a"] * 4000), "size of an expression"),
    ("Products?$apply=groupby((ID,Name))/concat(" + ",".join(["identity"] * 520) + ")", "nested too deeply|size of"), ("Employees?$filter=" + "Manager/" * 70 + "EmployeeID eq 1", "size of a query"),
    ("Products?$compute=" + ",".join(f"ID add {number} as X{number}" for number in range(2100)), "size of a query"), ("Products?$apply=aggregate(" + ",".join(f"ID with sum as A{number}" for number in range(2100)) + ")", "size of a query"),
]


@pytest.mark.parametrize(("line", "message"), COSTLY, ids=[line[:60] for line, _ in COSTLY])
def test_what_costs_too_much(clients: Clients, line: str, message: str) -> None:
    """P 9.3: what the service or its store will not do ends soon, as 400 that says which limit; some stores do it."""
    client = clients.of("northwind", query_time=0.3)
    answer = client.handled(*split(line), {})
    assert answer.status == 200 and "time of" not in message or (answer.status, answer.json["error"]["code"]) == (400, "limitExceeded")
    assert answer.status == 200 or re.search(message + "|time of a query", answer.json["error"]["message"])
