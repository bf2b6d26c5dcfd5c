"""What existing servers got wrong, one row or story for each: conformance.md section 24, F01 to F40.

What takes more than a request stands in a test of its own; docs/conformance.md lists them all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.protocol.batches import answers, send_json, send_multipart
from tests.protocol.conftest import Clients
from tests.protocol.exchange import ABSENT, ROOT, Client, Exchange, Some, rows

Private = Callable[..., Client]
META = ROOT + "$metadata#"
NEW, JSON = {"OData-MaxVersion": "4.01"}, {"Content-Type": "application/json"}
TWO = {"Prefer": "maxpagesize=2"}
HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def count(spec: str, filter: str, number: int) -> Exchange:
    return Exchange(spec, f"Products/$count?$filter={filter}", 200, str(number))


ROWS = [
    Exchange("F05", "Products?$orderby=Name&$top=1&$select=Name", 200, {"value": [{"Name": None}]}), Exchange("F05", "Products?$orderby=Name desc&$select=Name", 200, {"value": lambda items: items[-1]["Name"] is None and items[0]["Name"] is not None}),
    Exchange("F07", "Warehouses('HAM')/Shelves?$expand=Bins", 200, {"@odata.context": META + "Warehouses('HAM')/Shelves"}), Exchange("F07", "Warehouses('HAM')/Shelves(1)?$expand=Bins", 200, {"@odata.context": META + "Warehouses('HAM')/Shelves(Bins())/$entity"}, sent=NEW),
    Exchange("F07", "Warehouses?$expand=Shelves($expand=Bins)", 200, {"value": Some([{"Shelves": [{"Bins": [{"@odata.context": ABSENT}, {}], "Bins@odata.context": ABSENT}, {}]}])}),
    Exchange("F08", "Products?$expand=Category,Tags", 200, {"@odata.context": META + "Products"}, {"OData-Version": "4.0"}), Exchange("F08", "Products?$expand=Category", 200, {"@odata.context": META + "Products(Category())"}, {"OData-Version": "4.01"}, NEW),
    Exchange("F09", "Products?$select=Name,Category&$top=1", 200, {"@odata.context": META + "Products(Name,Category)"}), Exchange("F09", "Products?$select=Dimensions/Width&$top=1", 200, {"@odata.context": META + "Products(Dimensions/Width)"}),
    Exchange("F09", "Products?$select=Dimensions($select=Width)&$top=1", 200, {"@odata.context": META + "Products(Dimensions/Width)"}),
    Exchange("F10", "Products?$expand=Category($select=Name)&$top=1", 200, {"@odata.context": META + "Products(Category(Name))", "value": [{"ID": 1, "Name": "Chai", "UnitPrice": ..., "Category": {"Name": "Beverages"}}]}), Exchange("F10", "Products?$select=ID&$expand=Category($select=Name)&$top=1", 200, {"@odata.context": META + "Products(ID,Category(Name))"}),
    *[Exchange("F11", "$metadata", 200, re.compile("<edmx:Edmx"), {"Content-Type": "application/xml"}, {"Accept": accept}) for accept in ("*/*", "application/*", HTML, "application/xml,application/json")],
    Exchange("F13", "Tags", 200, {"@odata.context": ..., "@context": ABSENT}), Exchange("F13", "Tags", 200, {"@context": ...}, sent={**NEW, "Accept": "application/json;metadata=minimal"}),
    Exchange("F15", "Products?filter=ID le 3&select=ID&orderby=ID desc&top=2&count=true", 200, {"@odata.count": 3, "value": [{"ID": 3, "Name": ABSENT}, {"ID": 2}]}),
    Exchange("F16", "Products?$Filter=ID le 3&$SELECT=ID&$OrderBy=ID desc&ToP=2&$COUNT=true", 200, {"@odata.count": 3, "value": [{"ID": 3, "Name": ABSENT}, {"ID": 2}]}),
    Exchange("F17", "Products?$select=UnitPrice&$count=true&$top=1", 200, {"@odata.count": "16", "value": [{"UnitPrice": "18"}]}, {"Content-Type": re.compile("IEEE754Compatible=true")}, {"Accept": "application/json;IEEE754Compatible=true"}),
    Exchange("F17", "Products?$select=UnitPrice&$count=true&$top=1", 200, {"@odata.count": 16, "value": [{"UnitPrice": 18}]}, sent={"Content-Type": "application/json;IEEE754Compatible=true"}),
    count("F18", "CategoryID in (1,null)", 7), count("F18", "CategoryID in (null)", 3), count("F18", "not (CategoryID in (1,null))", 9),
    count("F19", "contains(Name,'a')", 9), count("F19", "not contains(Name,'a')", 6), count("F19", "contains(Name,'a') eq null", 1), count("F19", "length(Name) gt 0", 15), count("F19", "startswith(tolower(concat(Name,null)),'x')", 0),
    Exchange("F20", "Tags('a%2Fb')", 200, {"Name": "a/b"}), Exchange("F20", "Tags/a%2Fb/Name/$value", 200, "a/b"), Exchange("F21", "Tags('a/b')", 400, {"error": {"code": "syntaxError", "message": re.compile("closing quote")}}),
    Exchange("F22", "Tags?$filter=Name eq 'a%26b' or Name eq '50%25 off'&$select=Name", 200, {"value": [{"Name": "50% off"}]}), Exchange("F22", "Tags('a,b')", 404), Exchange("F22", "Tags('50%25%20off')", 200, {"Name": "50% off"}),
    Exchange("F23", "Products(16)/Category", 204, None), Exchange("F23", "Products(16)/Rating", 204, None), Exchange("F23", "Products(16)/Rating/$value", 204, None), Exchange("F23", "Products(16)/Category/$ref", 204, None), Exchange("F23", "Products(16)/Dimensions", 204, None),
    *[Exchange("F24", f"Products(99)/{rest}", 404) for rest in ("Rating", "Rating/$value", "Category", "Tags", "Tags/$count", "Dimensions/Width", "Category/Name")],
    *[Exchange("F25", f"Products?$filter={text}", 400) for text in ("Name", "UnitPrice", "ID add 1", "Name eq 1", "contains(ID,'a')", "Nothing eq 1", "UnitPrice div 0 gt 1")], Exchange("F25", "Products?$apply=filter(ID gt 9999)/aggregate(UnitPrice with sum as s,$count as n)", 200, {"value": [{"s": None, "n": 0}]}),
    Exchange("F26", "Products?$apply=groupby((CategoryID),aggregate(UnitPrice with max as m))&$filter=m gt 20&$orderby=m desc&$top=2&$select=m", 200, {"value": [{"m": 46}, {"m": lambda m: 20 < m < 46}]}),
    Exchange("F27", "Products?$apply=groupby((CategoryID))&$count=true&$top=1", 200, {"@odata.count": 6, "value": [{}]}),
    Exchange("F28", "Products?$apply=groupby((Category/Name),aggregate($count as n))&$orderby=Category/Name desc&$top=2", 200, {"value": [{"Category": {"Name": "Dairy Products"}, "n": 2}, {"Category": {"Name": "Confections"}}]}),
    *[Exchange("F29", f"Products?$apply={text}", 200, {"value": [{}] * number}) for text, number in (("topcount(2,UnitPrice)", 2), ("bottomcount(3,ID)", 3), ("concat(topcount(1,ID),aggregate($count as n))", 2), ("skip(14)", 2), ("orderby(ID desc)/top(1)", 1), ("search(chai)", 1), ("compute(ID mul 2 as d)/filter(d lt 5)", 2))],
    Exchange("F30", "Products?$apply=groupby( ( CategoryID , Discontinued ) , aggregate( UnitPrice with sum as s ) )/filter( s gt 0 )", 200), Exchange("F30", "Products?$filter=ID in ( 1 , 2 )", 200, {"value": [{}, {}]}),
    Exchange("F37", "Employees(2)?$expand=Reports($levels=2;$expand=Orders($top=1)),Orders($top=1)", 200, {"Orders": [{}], "Reports": Some([{"EmployeeID": 5, "Orders": list, "Reports": Some([{"EmployeeID": 6, "Orders": list}])}])}),
    *[Exchange("F38", f"$entity?$id={id}", 200, {"Name": "new"}) for id in (ROOT + "Tags('new')", "HTTP://Service.EXAMPLE/Tags('new')", "http://service.example:80/Tags('new')", "Tags('new')", "/Tags('new')", "Tags/new")], Exchange("F38", "$entity?$id=http://other.example/Tags('new')", 400), Exchange("F38", "$entity?$id=http://other.example/?http://service.example/Tags('new')", 400),
    Exchange("F39", "Products?$expand=Tags&$filter=Tags/any(t:t/Name eq 'new')&$select=ID&$count=true&$top=1", 200, {"@odata.count": 4, "value": [{"ID": 1, "Tags": [{"Name": "new"}, {"Name": "vegan"}]}]}), Exchange("F39", "Products?$expand=Category($select=Name)&$filter=Category/Name eq 'Books'&$orderby=Category/Name&$select=ID", 200, {"value": [{"Category": {"Name": "Books"}}] * 2}),
    Exchange("F40", "Products?$top=2", 200, {"value": [{}, {}], "@odata.nextLink": ABSENT}), Exchange("F40", "Products?$top=2", 200, {"value": [{}, {}], "@odata.nextLink": ABSENT}, sent=TWO), Exchange("F40", "Products?$top=3", 200, {"value": [{}, {}], "@odata.nextLink": str}, sent=TWO),
]


@rows(ROWS)
def test_reading(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients["northwind"])


def whole(client: Client, body: dict[str, Any], name: str) -> list[Any]:
    """A nested collection with what its next links lead to."""
    items, link = list(body[name]), body.get(f"{name}@odata.nextLink")
    while link is not None:
        page = client.get(link.removeprefix(ROOT), TWO)
        assert 0 < len(page["value"]) <= 2
        items, link = items + page["value"], page.get("@odata.nextLink")
    return items


def test_nested_pages(clients: Clients) -> None:
    """F01, F02, F03: nested next links lead on, keep the nested options, and end at `$top`."""
    client = clients["northwind"]
    nested = "$select=ID,Name;$orderby=Name desc;$expand=Tags($select=Color)"
    for more, most in (("", 100), (";$top=3", 3)):
        found = [category for page in client.pages(f"Categories?$expand=Products({nested}{more})&$select=ID", TWO) for category in page["value"]]
        assert len(found) > 3 and any("Products@odata.nextLink" in each for each in found)
        for category in found:
            wanted = client.get(f"Categories({category['ID']})/Products?$orderby=Name desc,ID&$top={most}&$expand=Tags&$select=ID,Name")["value"]
            products = whole(client, category, "Products")
            assert [each["ID"] for each in products] == [each["ID"] for each in wanted]
            for product, other in zip(products, wanted, strict=True):
                assert {"ID", "Name", "Tags"} <= product.keys() and "UnitPrice" not in product
                assert [tag["Color"] for tag in whole(client, product, "Tags")] == [tag["Color"] for tag in other["Tags"]]
                assert all("Name" not in tag for tag in product["Tags"])


@pytest.mark.parametrize("order", ["Weight", "Weight desc", "Rating desc,Weight", "CategoryID,Name desc", "Category/Name desc"])
def test_pages_over_nulls(clients: Clients, order: str) -> None:
    """F04, F05: no row is lost or told twice where the properties that sort are null."""
    client = clients["northwind"]
    paged = [each["ID"] for page in client.pages(f"Products?$orderby={order}&$select=ID", TWO) for each in page["value"]]
    assert paged == [each["ID"] for each in client.get(f"Products?$orderby={order}&$select=ID")["value"]] and len(set(paged)) == 16


def test_statements_of_an_expansion(clients: Clients) -> None:
    """F06: as many statements for one parent as for all."""
    client = clients["northwind"]
    seen = []
    for top in (1, 16):
        target = f"Products?$expand=Category,Tags($top=1),OrderDetails($expand=Order)&$top={top}"
        client.get(target)
        with client.statements() as statements:
            client.handled("GET", *[target.replace(" ", "%20")], {})
        seen.append(len(statements))
    assert seen[0] == seen[1] <= 6


def test_deltas_have_the_names_of_their_version(private: Private) -> None:
    """F13: 4.0 and 4.01 tell of the same change in their own words."""
    client = private("northwind")
    link = client.get("Tags", {"Prefer": "track-changes"})["@odata.deltaLink"].removeprefix(ROOT)
    client.send("DELETE Tags('unused')")
    old = client.get(link)["value"]
    new = client.get(link, {**NEW, "Accept": "application/json;metadata=minimal"})["value"]
    assert old == [{"@odata.context": "#Tags/$deletedEntity", "id": ROOT + "Tags('unused')", "reason": "deleted"}]
    assert new == [{"@removed": {"reason": "deleted"}, "Name": "unused"}]


def test_bodies_of_both_versions(private: Private) -> None:
    """F14: neither is refused, and nothing of them gets lost."""
    client = private("northwind")
    for number, (version, kind, link) in enumerate((("4.0", "@odata.type", {"Category@odata.bind": "Categories(2)"}), ("4.01", "@type", {"Category": {"@id": "Categories(2)"}}))):
        body = {kind: "#Northwind.Model.DigitalProduct", "ID": 90 + number, "Name": "N", "SizeInBytes": 7, **link}
        answer = client.send("POST Products", {**JSON, "OData-Version": version}, json.dumps(body).encode())
        assert answer.status == 201, answer.text
        assert client.get(f"Products({90 + number})?$expand=Category").items() >= {"Name": "N", "SizeInBytes": 7, "CategoryID": 2}.items()


def test_change_sets_and_their_references(private: Private) -> None:
    """F31, F32, F33: nothing of a change set that fails; `$1` is not a part of `$10`; an id stands once."""
    client = private("northwind")
    failed = [['POST Tags {"Name": "a"}', 'POST Categories {"Name": "b"}', "DELETE Tags('nobody')"]]
    for send in (send_multipart, send_json):
        send(client, failed)
        assert client.send("GET Tags('a')").status == 404 and client.get("Categories?$filter=Name eq 'b'")["value"] == []
        names = [f'{number}: POST Tags {{"Name": "{send.__name__}{number}"}}' for number in range(1, 12)]
        found = answers(send(client, [[*names, 'PATCH $1 {"Color": "#000001"}', 'PATCH $10 {"Color": "#000010"}', 'PATCH $11/Color {"value": "#000011"}'][:13]]))
        assert all(each.status < 300 for each in found[0]), found                    # type: ignore[union-attr]
        assert [client.get(f"Tags('{send.__name__}{number}')")["Color"] for number in (1, 10, 2)] == ["#000001", "#000010", None]
    twice = send_multipart(client, ["1: GET Tags('new')", "1: GET Tags('new')"], {"Prefer": "continue-on-error"})
    assert [each.status for each in answers(twice)] == [200, 400]                     # type: ignore[union-attr]
    assert send_json(client, ["1: GET Tags('new')", "1: GET Tags('new')"]).status == 400
    later = answers(send_multipart(client, [['7: POST Tags {"Name": "q"}'], ['7: POST Tags {"Name": "r"}']], {"Prefer": "continue-on-error"}))
    assert isinstance(later[0], list) and not isinstance(later[1], list) and later[1].status == 400


GOING_ON = [(send_multipart, None, 1), (send_multipart, "continue-on-error", 2), (send_multipart, "odata.continue-on-error", 2), (send_multipart, "continue-on-error=true", 2), (send_multipart, "continue-on-error=false", 1), (send_multipart, "odata.continue-on-error=false", 1),
            (send_json, None, 2), (send_json, "continue-on-error", 2), (send_json, "continue-on-error=false", 1), (send_json, "odata.continue-on-error=false", 1)]


@pytest.mark.parametrize(("send", "preference", "number"), GOING_ON)
def test_going_on_behind_an_error(clients: Clients, send: Callable[..., Any], preference: str | None, number: int) -> None:
    """F34: the defaults of both formats, both names, and `false`."""
    answer = send(clients["northwind"], ["1: GET Nothing", "2: GET Tags('new')"], {"Prefer": preference} if preference else {})
    assert [each.status for each in answers(answer)] == [404, 200][:number]           # type: ignore[union-attr]


def test_conditions(private: Private) -> None:
    """F35, F36: `If-None-Match: *` keeps what is there; the ETag that was sent is the one that fits, in every form."""
    client = private("northwind")
    for method in ("PATCH", "PUT"):
        assert client.send(f"{method} Tags('new')", {**JSON, "If-None-Match": "*"}, b'{"Color":"#000000"}').status == 412
        assert client.send(f"{method} Tags('{method}')", {**JSON, "If-None-Match": "*"}, b'{"Color":"#000000"}').status == 201
    assert client.get("Tags('new')")["Color"] == "#00ff00"
    for form in ("{0}", "W/\"old\", {0}", "*"):
        read = client.send("GET Customers('ALFKI')")
        tag = read.headers["etag"]
        assert read.json["@odata.etag"] == tag == next(each["@odata.etag"] for each in client.get("Customers")["value"] if each["CustomerID"] == "ALFKI")
        assert client.send("PATCH Customers('ALFKI')", {**JSON, "If-Match": 'W/"old"'}, b'{"City":"x"}').status == 412
        changed = client.send("PATCH Customers('ALFKI')", {**JSON, "If-Match": form.format(tag)}, json.dumps({"ContactName": f"by {form}"[:20]}).encode())
        assert changed.status == 204, changed.text
        assert client.send("GET Customers('ALFKI')", {"If-None-Match": tag}).status == 200
        assert client.send("GET Customers('ALFKI')", {"If-None-Match": client.send("GET Customers('ALFKI')").headers["etag"]}).status == 304


def test_both_documents_hold_what_they_must(clients: Clients) -> None:
    """F12: plain readers get a document without navigation properties of complex types (the view at `bi/`)."""
    text = clients["workshop"].send("GET bi/$metadata").text
    complex_types = re.findall(r"<ComplexType .*?</ComplexType>", text, re.DOTALL)
    assert complex_types and not any("NavigationProperty" in each for each in complex_types)
    assert "NavigationProperty" in "".join(re.findall(r"<ComplexType .*?</ComplexType>", clients["workshop"].send("GET $metadata").text, re.DOTALL))
