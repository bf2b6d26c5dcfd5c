"""Policies hold wherever a set is reached: every way to reach one × every kind of rule (DESIGN §9).

Rows that are hidden have to be as if they were not there: whatever a clerk asks is compared with what everybody is answered in
a world without those rows. Members and sets that are hidden have to be as if they had never been declared: whatever names one
is compared with the same request about a name that nothing has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import open_service
from tests.databases import Databases
from tests.protocol.exchange import Client
from tests.protocol.rights import ask, content, credentials, guarded

MODELS = Path(__file__).parent.parent / "models"
OWN = "CustomerID eq @principal.tenant"
ROWS = {"rules": [
    {"roles": ["admin"], "sets": {"*": {}}},
    {"roles": ["clerk"], "sets": {"*": {}, "Orders": {"rows": OWN}, "OrderDetails": {"rows": f"Order/{OWN}"}}},
]}

# --- hidden rows: a world without them -------------------------------------------------------------------

KEPT = {"Orders": ("OrderID", "CustomerID", "ALFKI")}
HIDDEN, SEEN = 10249, 10253

READS = [
    # the set itself
    "Orders", "Orders?$count=true", "Orders/$count", "Orders/$count?$filter=Freight gt 5", "Orders?$select=OrderID,Freight",
    "Orders?$filter=Freight gt 20", "Orders?$orderby=Freight desc,OrderID", "Orders?$top=2&$skip=1&$orderby=OrderID", "Orders/$ref",
    "Orders?$filter=OrderID in (10249,10253)", "Orders?$search=Berlin", "Orders?$compute=Freight mul 2 as Twice&$select=OrderID,Twice",
    f"Orders({HIDDEN})", f"Orders({SEEN})", f"Orders/{HIDDEN}", f"Orders({HIDDEN})/Freight", f"Orders({HIDDEN})/Freight/$value",
    f"Orders({HIDDEN})/ShipTo", f"Orders({HIDDEN})/$ref", f"Orders({HIDDEN})/Customer", f"Orders({HIDDEN})/Details", f"Orders({SEEN})/Details",
    f"Orders({HIDDEN})/Details/$count", f"Orders({HIDDEN})/Customer/CompanyName", "Orders/$filter(Freight gt 20)", "$root/Orders(10249)",
    "Orders/$filter(Freight gt 20)/$count", "$entity?$id=Orders(10249)", "$entity?$id=Orders(10253)",
    # through navigation
    "Customers('ANATR')/Orders", "Customers('ANATR')/Orders/$count", "Customers('ANATR')/Orders/$ref", "Customers('ALFKI')/Orders?$count=true",
    f"Customers('ANATR')/Orders({HIDDEN})", f"Customers('ANATR')/Orders({HIDDEN})/Details", "Employees(5)/Orders", "OrderDetails",
    f"OrderDetails(OrderID={HIDDEN},ProductID=4)", f"OrderDetails(OrderID={HIDDEN},ProductID=4)/Order", f"OrderDetails(OrderID={SEEN},ProductID=1)/Order",
    "Products(4)/OrderDetails", "Products(4)/OrderDetails/$count",
    # expanded
    "Customers?$select=CustomerID&$expand=Orders($select=OrderID)", "Customers?$select=CustomerID&$expand=Orders($select=OrderID;$count=true;$top=1)",
    "Customers?$select=CustomerID&$expand=Orders/$ref", "Customers?$select=CustomerID&$expand=Orders/$count", "Customers?$expand=*&$select=CustomerID",
    "Customers?$select=CustomerID&$expand=Orders($select=OrderID;$expand=Details($select=ProductID))", "Employees?$select=EmployeeID&$expand=Orders($select=OrderID)",
    "Customers?$select=CustomerID&$expand=Orders($select=OrderID;$filter=Freight gt 20;$orderby=Freight;$levels=1)", "Products?$select=ID&$expand=OrderDetails($select=OrderID)",
    "OrderDetails?$expand=Order($select=OrderID)&$select=ProductID", "Products?$select=ID&$expand=OrderDetails($expand=Order($expand=Customer($select=CustomerID)))",
    "Customers('ANATR')?$expand=Orders&$select=CustomerID",
    # in expressions
    "Customers?$filter=Orders/any()&$select=CustomerID", "Customers?$filter=Orders/any(o:o/OrderID eq 10249)&$select=CustomerID",
    "Customers?$filter=Orders/all(o:o/Freight gt 0)&$select=CustomerID", "Customers?$filter=Orders/$count gt 0&$select=CustomerID",
    "Customers?$filter=Orders/$count($filter=Freight gt 20) gt 0&$select=CustomerID", "Customers?$orderby=Orders/$count desc,CustomerID&$select=CustomerID",
    "Customers?$compute=Orders/$count as N&$select=CustomerID,N", "Customers?$filter=Orders/any(o:o/Details/any(d:d/ProductID eq 4))&$select=CustomerID",
    "Products?$filter=OrderDetails/any(d:d/Order/Freight gt 20)&$select=ID", "Products?$filter=OrderDetails/any(d:d/Order ne null)&$select=ID",
    "Products?$filter=OrderDetails/any(d:d/Order/CustomerID eq 'ANATR')&$select=ID", "Products?$filter=OrderDetails/any(d:d/Order/Customer/CompanyName ne null)&$select=ID",
    "Customers?$filter=$root/Orders(10249)/Freight gt 1&$select=CustomerID", "Customers?$filter=$root/Orders(10253)/Freight gt 1&$select=CustomerID",
    "Customers?$filter=Orders/$filter(Freight gt 20)/$count gt 0&$select=CustomerID",
    # aggregation
    "Orders?$apply=aggregate($count as N)", "Orders?$apply=aggregate(Freight with sum as S,Freight with max as M)", "Orders?$apply=groupby((CustomerID),aggregate($count as N))",
    "Orders?$apply=groupby((Customer/CompanyName),aggregate($count as N))", "Customers?$apply=aggregate(Orders/$count as N)",
    "Customers?$apply=aggregate(Orders/Freight with sum as S)", "Customers?$apply=groupby((CustomerID),aggregate(Orders/$count as N))",
    "OrderDetails?$apply=groupby((Order/CustomerID),aggregate(Quantity with sum as Q))", "Orders?$apply=filter(Freight gt 20)/aggregate($count as N)",
    "OrderDetails?$apply=aggregate(Order/Freight with sum as S)", "Orders?$apply=concat(aggregate($count as N),topcount(1,Freight)/aggregate(Freight with max as M))",
    "Customers?$apply=filter(Orders/any(o:o/OrderID eq 10249))/aggregate($count as N)", "Orders?$apply=aggregate($count as N)&$count=true",
    # across sets
    "$all?$count=true&$top=0", "$all/Northwind.Model.Order", "$crossjoin(Orders,Shippers)/$count", "$crossjoin(Orders,Shippers)?$apply=aggregate($count as N)", "$crossjoin(Orders,Customers)?$apply=groupby((Customers/CustomerID),aggregate(Orders/Freight with sum as S))",
    "$crossjoin(Orders,Shippers)?$filter=Orders/OrderID eq 10249",
    "$crossjoin(Customers,Orders)?$filter=Customers/CustomerID eq Orders/CustomerID&$expand=Orders($select=OrderID),Customers($select=CustomerID)",
    # functions
    "Customers('ANATR')/Northwind.Model.Turnover()", "Customers('ALFKI')/Northwind.Model.Turnover()", "Employees/Northwind.Model.Busiest()",
    # functions in expressions: neither what they are given nor what they read shows a hidden row
    "Customers?$filter=Northwind.Model.Turnover() gt 100&$select=CustomerID", "Customers?$orderby=Northwind.Model.Turnover() desc,CustomerID&$select=CustomerID",
    "Customers?$compute=Northwind.Model.Turnover() as T&$select=CustomerID,T", "Orders?$filter=Northwind.Model.PriceWithTax(price=Freight) gt 10&$select=OrderID",
    "Customers?$filter=Orders/any(o:Northwind.Model.PriceWithTax(price=o/Freight) gt 10)&$select=CustomerID",
    "Employees?$filter=$root/Employees/Northwind.Model.Busiest()/EmployeeID eq EmployeeID&$select=EmployeeID",
    "OrderDetails?$compute=Northwind.Model.PriceWithTax(price=Order/Freight) as P&$select=OrderID,P",
    "Employees?$apply=join(Orders as O,filter(Northwind.Model.PriceWithTax(price=Freight) gt 10))/groupby((EmployeeID,O/OrderID))",
    "Employees?$apply=addnested(Orders,compute(Northwind.Model.PriceWithTax(price=Freight) as P) as O)&$select=EmployeeID&$expand=O($select=OrderID,P)",
]


def trimmed() -> dict[str, Any]:
    """The data without the rows that the clerk may not see."""
    data = json.loads((MODELS / "northwind.data.json").read_text())
    data["Orders"] = [each for each in data["Orders"] if each["CustomerID"] == "ALFKI"]
    left = {each["OrderID"] for each in data["Orders"]}
    data["OrderDetails"] = [each for each in data["OrderDetails"] if each["OrderID"] in left]
    return data


class Shared:
    """Services of this module that are only read."""

    def __init__(self, databases: Databases, folder: Path) -> None:
        self.databases, self.folder = databases, folder
        self.opened: dict[str, tuple[Client, Any, str]] = {}

    def of(self, name: str, policy: Any, data: Any = None, model: str = "northwind") -> Client:
        if name not in self.opened:
            found: list[Any] = []

            def service_of(schema: Path, loaded: Path, operations: Path, **settings: Any) -> Any:
                found.extend(open_service(self.databases, schema, loaded, operations, settings))
                return found[0]

            folder = self.folder / name
            folder.mkdir()
            client = guarded(service_of, folder, model, policy, data)
            self.opened[name] = client, found[0], found[1]
        return self.opened[name][0]


@pytest.fixture(scope="module")
def shared(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    found = Shared(databases, tmp_path_factory.mktemp("rights"))
    yield found
    for _, service, url in found.opened.values():
        service.close()
        databases.drop(url)


@pytest.mark.parametrize("target", READS)
def test_hidden_rows_are_as_if_not_there(target: str, shared: Shared) -> None:
    limited, world = shared.of("rows", ROWS), shared.of("trimmed", None, trimmed())
    expected = content(ask(world, "admin", target))
    assert expected[0] != 500
    assert content(ask(limited, "clerk", target)) == expected
    if "?" in target or expected[0] == 200:             # nothing of it comes from somebody else's cached plan
        everything = content(ask(limited, "admin", target))
        assert content(ask(limited, "clerk", target)) == expected
        assert content(ask(limited, "admin", target)) == everything


@pytest.mark.parametrize("targets", [READS[at:at + 12] for at in range(0, len(READS), 12)], ids=str)
def test_hidden_rows_in_a_batch(targets: list[str], shared: Shared) -> None:
    limited, world = shared.of("rows", ROWS), shared.of("trimmed", None, trimmed())
    from tests.protocol.exchange import split
    body = {"requests": [{"id": str(at), "method": "GET", "url": split("GET " + each)[1]} for at, each in enumerate(targets)]}
    assert content(ask(limited, "clerk", "POST $batch", body)) == content(ask(world, "admin", "POST $batch", body))


def test_values_are_those_of_who_asks(shared: Shared) -> None:
    """One plan serves all principals of a policy: their values are parameters."""
    client = shared.of("rows", ROWS)
    target = "Orders?$select=CustomerID&$apply=groupby((CustomerID),aggregate($count as N))"
    found = {who: ask(client, who, target).json["value"] for who in ("clerk", "other", "lost", "clerk")}
    assert [each["CustomerID"] for each in found["clerk"]] == ["ALFKI"]
    assert [each["CustomerID"] for each in found["other"]] == ["ANATR"]
    assert found["lost"] == []                          # without a value nothing equals it
    assert ask(client, "nobody", "Orders").status == 403


# --- hidden rows: changes --------------------------------------------------------------------------------

LINE = {"ProductID": 2, "UnitPrice": 1}
MATCHED = re.compile(r"\w+ Customers\('\w+'\)($|/Orders(\(\d+\))?/\$ref)")
WRITES: list[tuple[str, Any, int | tuple[int, ...]]] = [
    # line, body, status: what is hidden is not there, and nothing may be put outside
    (f"PATCH Orders({HIDDEN})", {"Freight": 1}, 404), (f"PUT Orders({HIDDEN})", {"Freight": 1}, 404), (f"DELETE Orders({HIDDEN})", None, 404),
    (f"PUT Orders({HIDDEN})/Freight", {"value": 1}, 404), (f"DELETE Orders({HIDDEN})/Freight", None, 404), (f"PATCH Orders({HIDDEN})/ShipTo", {"City": "X"}, 404),
    (f"PUT Orders({HIDDEN})/Customer/$ref", {"@odata.id": "Customers('ALFKI')"}, 404), (f"DELETE Orders({HIDDEN})/Customer/$ref", None, 404),
    (f"POST Orders({HIDDEN})/Details", LINE, 404), (f"DELETE Customers('ANATR')/Orders/$ref?$id=Orders({HIDDEN})", None, 404),
    (f"DELETE Customers('ANATR')/Orders({HIDDEN})/$ref", None, 404), (f"PATCH Customers('ANATR')/Orders({HIDDEN})", {"Freight": 1}, 404),
    (f"POST Orders({HIDDEN})/Northwind.Model.Ship", {}, 404), (f"PATCH OrderDetails(OrderID={HIDDEN},ProductID=4)", {"Quantity": 1}, 400),
    ("POST Orders", {"CustomerID": "ANATR"}, 403), ("POST Orders", {"Customer@odata.bind": "Customers('ANATR')"}, 403), ("POST Orders", {}, 403),
    (f"PATCH Orders({SEEN})", {"CustomerID": "ANATR"}, 403), (f"PATCH Orders({SEEN})", {"Customer@odata.bind": "Customers('ANATR')"}, 403),
    (f"PUT Orders({SEEN})/CustomerID", {"value": "ANATR"}, (403, 404)), (f"DELETE Orders({SEEN})/CustomerID", None, (403, 404)),
    (f"PUT Orders({SEEN})/Customer/$ref", {"@odata.id": "Customers('ANATR')"}, 403), (f"DELETE Orders({SEEN})/Customer/$ref", None, 403),
    ("POST Customers('ANATR')/Orders", {"Freight": 1}, 403), ("POST Customers('BERGS')/Orders/$ref", {"@odata.id": f"Orders({SEEN})"}, 403),
    ("POST Customers", {"CustomerID": "NEWCO", "CompanyName": "New", "Orders": [{"Freight": 1}]}, 403),
    ("POST Customers('ALFKI')/Orders/$ref", {"@odata.id": f"Orders({HIDDEN})"}, 400), ("PUT Customers('ALFKI')/Orders/$ref", {"value": [{"@odata.id": f"Orders({HIDDEN})"}]}, 400),
    ("PATCH Customers('ALFKI')", {"Orders@odata.bind": [f"Orders({HIDDEN})"]}, 400), ("PATCH Customers('ALFKI')", {"Orders": [{"@id": f"Orders({HIDDEN})"}]}, 400),
    ("PATCH Customers('ANATR')", {"Orders@delta": [{"OrderID": HIDDEN, "Freight": 1}]}, (403, 409, 400)),
    ("POST OrderDetails", {"OrderID": HIDDEN, **LINE}, 409), ("POST OrderDetails", {"Order@odata.bind": f"Orders({HIDDEN})", **LINE}, 400),
    ("DELETE Customers('ANATR')", None, 403), ("PATCH Products(1)", {"OrderDetails": [{"OrderID": HIDDEN, **LINE}]}, (403, 409, 400)),
    # many at once
    ("PATCH Orders/$filter(Freight gt 0)/$each", {"Freight": 3}, (200, 204)), ("PATCH Orders/$each", {"CustomerID": "ANATR"}, 403), ("DELETE Orders/$filter(Freight gt 1000)/$each", None, (200, 204)),
    ("PATCH Orders", {"value": [{"OrderID": HIDDEN, "Freight": 3}]}, (400, 403, 404, 409)), ("PATCH Orders", {"value": [{"@removed": {"reason": "deleted"}, "@id": f"Orders({HIDDEN})"}]}, (200, 204, 400, 404)),
    ("PATCH Orders", {"value": [{"OrderID": SEEN, "CustomerID": "ANATR"}]}, 403), ("PATCH Orders", {"value": [{"CustomerID": "ANATR"}]}, 403),
    ("PATCH Customers('ANATR')/Orders/$each", {"Freight": 3}, (200, 204)), ("DELETE Customers('ANATR')/Orders/$each", None, (200, 204)),
    # what is inside may be done
    (f"PATCH Orders({SEEN})", {"Freight": 1}, 204), ("POST Orders", {"CustomerID": "ALFKI"}, 201), (f"DELETE Orders({SEEN})", None, 204),
    ("POST Customers('ALFKI')/Orders", {"Freight": 1}, 201), ("PUT Customers('ANATR')/Orders/$ref", {"value": []}, 204), ("DELETE Customers('ALFKI')", None, (204, 403)),
]


def orders(client: Client) -> Any:
    """Every hidden order and its lines, as the administrator sees them."""
    found = ask(client, "admin", "Orders?$filter=CustomerID ne 'ALFKI'&$expand=Details&$orderby=OrderID").json["value"]
    return found, ask(client, "admin", "Orders?$filter=CustomerID eq null&$orderby=OrderID").json["value"]


def test_hidden_rows_do_not_change(private_rows: Client) -> None:
    client = private_rows
    before = orders(client)
    problems = []
    for line, body, expected in WRITES:
        for prefer in ({}, {"prefer": "return=representation"}):
            if expected in (201, 204) and prefer:
                continue
            sent = dict(prefer)
            sent |= {"if_match": "*"} if MATCHED.match(line) else {}        # the set demands it
            answer = ask(client, "clerk", line, body, **sent)
            wanted = expected if isinstance(expected, tuple) else (expected,)
            if answer.status not in wanted:
                problems.append(f"{line} {body}: {answer.status} {answer.text[:300]}")
            if orders(client) != before:
                problems.append(f"{line} {body}: changed what is hidden")
                before = orders(client)
    assert not problems, "\n".join(problems)


@pytest.fixture
def private_rows(service_of: Any, tmp_path: Path) -> Client:
    return guarded(service_of, tmp_path, "northwind", ROWS)


def test_changes_in_a_batch_stay_inside(private_rows: Client) -> None:
    body = {"requests": [
        {"id": "1", "atomicityGroup": "g", "method": "PATCH", "url": f"Orders({SEEN})", "headers": {"content-type": "application/json"}, "body": {"Freight": 77}},
        {"id": "2", "atomicityGroup": "g", "method": "POST", "url": "Orders", "headers": {"content-type": "application/json"}, "body": {"CustomerID": "ANATR"}}]}
    answer = ask(private_rows, "clerk", "POST $batch", body)
    assert [each["status"] for each in answer.json["responses"]] == [424, 403]
    assert ask(private_rows, "clerk", f"Orders({SEEN})").json["Freight"] != 77


def test_delta_tells_nothing_of_hidden_rows(private_rows: Client) -> None:
    client = private_rows
    first = ask(client, "clerk", "Orders?$select=OrderID,Freight", prefer="track-changes")
    link = first.json["@odata.deltaLink"].removeprefix("http://service.example/")
    for key in (HIDDEN, SEEN):
        assert ask(client, "admin", f"PATCH Orders({key})", {"Freight": 5}).status == 204
    assert ask(client, "admin", "POST Orders", {"CustomerID": "ANATR", "Freight": 6}).status == 201
    answer = ask(client, "clerk", "GET " + link)
    assert answer.status == 410 or [each["OrderID"] for each in answer.json["value"]] == [SEEN]
    if answer.status == 200:
        assert ask(client, "other", "GET " + link).text.find(str(SEEN)) < 0


# --- hidden members and sets: as if they had never been declared -----------------------------------------

MEMBERS = {"rules": [
    {"roles": ["admin"], "sets": {"*": {}}},
    {"roles": ["clerk"], "sets": {"*": {}, "Products": {"hide": ["Ean"]}, "Orders": {"hide": ["Freight", "Shipper"]}},
     "hide": {"sets": ["Shippers"], "types": ["Northwind.Model.PerishableProduct"], "operations": ["Northwind.Model.RaisePrices", "Northwind.Model.Turnover"],
              "properties": {"Northwind.Model.ContactPerson": ["Emails"], "Northwind.Model.Badge": ["Number"]}}},
]}
# name, the same with a name that nothing has, ways to say it
NAMED: list[tuple[str, str, list[str]]] = [
    ("Freight", "Xyzwght", [
        "Orders?$select={}", "Orders?$filter={} gt 1", "Orders?$orderby={}", "Orders?$compute={} mul 2 as D", "Orders?$apply=aggregate({} with sum as S)",
        "Orders?$apply=groupby(({}))", "Orders(10253)/{}", "Orders(10253)/{}/$value", "Customers?$expand=Orders($select={})", "Customers?$expand=Orders($filter={} gt 1)",
        "Customers?$filter=Orders/any(o:o/{} gt 1)", "OrderDetails?$filter=Order/{} gt 1", "OrderDetails?$orderby=Order/{}", "Orders/$filter({} gt 1)",
        "$crossjoin(Orders,Customers)?$filter=Orders/{} gt 1", "Customers?$apply=aggregate(Orders/{} with sum as S)", "Customers?$filter=$root/Orders(10253)/{} gt 1",
        "PATCH Orders(10253)|{{\"{}\": 1}}", "POST Orders|{{\"{}\": 1}}", "PUT Orders(10253)/{}|{{\"value\": 1}}", "DELETE Orders(10253)/{}",
        *(f"Orders?{option}Northwind.Model.PriceWithTax(price={{}}){rest}" for option, rest in (
            ("$filter=", " gt 1"), ("$orderby=", ""), ("$compute=", " as P"), ("$compute=", " as P&$select=P"), ("$apply=filter(", " gt 1)"))),
        "Employees?$apply=join(Orders as O,filter(Northwind.Model.PriceWithTax(price={}) gt 1))",
        "POST Customers('ALFKI')/Orders|{{\"{}\": 1}}", "PUT Orders(10253)|{{\"{}\": 1}}"]),
    ("Ean", "Xqz", ["Products?$select={}", "Products?$filter={} eq '1'", "Products(1)/{}", "Products?$filter=$it/{} eq '1'", "PATCH Products(1)|{{\"{}\": \"1\"}}"]),
    ("barcode", "xyzcode", ["Products({}='4000000000017')"]),
    ("Shippers", "Xqzvpers", ["{}", "{}/$count", "{}(828d7583-2afa-56d7-91c9-464f3ddc67d6)", "$crossjoin({},Orders)", "Orders?$filter=$root/{}(828d7583-2afa-56d7-91c9-464f3ddc67d6)/Founded ne null",
                              "POST {}|{{}}", "$entity?$id={}(828d7583-2afa-56d7-91c9-464f3ddc67d6)"]),
    ("Shipper", "Xqzvper", ["Orders?$expand={}", "Orders(10250)/{}", "Orders?$filter={}/CompanyName eq 'x'", "Orders?$filter={} ne null", "Orders(10250)/{}/$ref",
                            "PATCH Orders(10253)|{{\"{}@odata.bind\": \"Shippers(828d7583-2afa-56d7-91c9-464f3ddc67d6)\"}}"]),
    ("PerishableProduct", "XqzvhableProducw", ["Products/Northwind.Model.{}", "Products?$filter=isof(Northwind.Model.{})", "Products?$filter=Northwind.Model.{}/Ean eq '1'", "$all/Northwind.Model.{}",
                                               "POST Products|{{\"@odata.type\": \"#Northwind.Model.{}\", \"ID\": 99}}"]),
    ("ShelfLife", "Xqzvfwwww", ["Products?$filter={} ne null", "Products?$select={}"]),
    ("RaisePrices", "XqzvePrwwww", ["POST {}|{{}}", "POST Northwind.Model.{}|{{}}"]),
    ("Turnover", "Xqzvxver", ["Customers('ALFKI')/Northwind.Model.{}()", "Customers('ALFKI')/{}()",
                              "Customers?$filter=Northwind.Model.{}() gt 1", "Customers?$orderby=Northwind.Model.{}()", "Customers?$compute=Northwind.Model.{}() as T&$select=T"]),
    ("Emails", "Xqzvls", ["Customers?$filter=Contacts/any(c:c/{}/any())", "Customers?$select=Contacts/{}", "PATCH Customers('ALFKI')|{{\"Contacts\": [{{\"Name\": \"a\", \"{}\": []}}]}}"]),
    ("Number", "Xqzvbq", ["Employees?$filter=Badge/{} ne null", "Employees(1)/Badge/{}", "Employees?$select=Badge/{}", "PATCH Employees(1)/Badge|{{\"{}\": \"1\"}}"]),
]
WAYS = [(name, bogus, way) for name, bogus, ways in NAMED for way in ways]


def said(client: Client, who: str, way: str, name: str) -> Any:
    line, _, body = way.partition("|")
    headers = {"if_match": "*"} if "Customers('" in line and line.startswith("PATCH") else {}
    answer = ask(client, who, line.format(name), json.loads(body.format(name)) if body else None, **headers)
    status, found = content(answer)
    return status, json.dumps(found).replace(name, "§")


@pytest.mark.parametrize(("name", "bogus", "way"), WAYS, ids=[f"{way.format(name)}"[:90] for name, _, way in WAYS])
def test_hidden_members_are_as_if_undeclared(name: str, bogus: str, way: str, shared: Shared) -> None:
    client = shared.of("members", MEMBERS)
    hidden, unknown = said(client, "clerk", way, name), said(client, "clerk", way, bogus)
    assert hidden[0] >= 400 and hidden[0] not in (500, 501)
    assert without_hints(hidden) == without_hints(unknown)


def without_hints(found: Any) -> Any:
    """Hints depend on the letters of a name; those of the hidden one are looked at as well."""
    status, text = found
    for each in re.findall(r"Did you mean '([^']*)'", text):
        assert each not in {name for name, _, _ in NAMED}
    return status, re.sub(r" Did you mean '[^']*'\?", "", text)


SHOWN = ["Products", "Products?$expand=*", "Products?$select=*", "Orders", "Orders?$select=*", "Orders?$expand=*", "Customers?$expand=Orders", "Employees", "Employees(1)/Badge",
         "Customers?$select=Contacts", "Customers('ALFKI')/Contacts", "$all", "$metadata", "$metadata?$format=application/json", "", "Products(1)", "Orders(10253)",
         "Customers('ALFKI')/Orders", "$crossjoin(Orders,Customers)?$expand=Orders", "Employees?$expand=Orders,Territories,Manager", "Orders(10253)?$expand=Customer,Employee,Details"]


@pytest.mark.parametrize("format", ["minimal", "full", "none"])
@pytest.mark.parametrize("target", SHOWN)
def test_hidden_members_are_never_shown(target: str, format: str, shared: Shared) -> None:
    client = shared.of("members", MEMBERS)
    headers = {} if "metadata" in target else {"accept": f"application/json;odata.metadata={format}"}
    answer = ask(client, "clerk", target, **headers)
    assert answer.status == 200, answer.text
    for name in ("Ean", "Freight", "Shippers", "ShelfLife", "PerishableProduct", "RaisePrices", "Turnover", "Emails", "E-001", "@alfki.example", "4000000000017"):
        assert f'"{name}' not in answer.text and f"/{name}" not in answer.text, name
    assert '"Number"' not in answer.text or "Shel" in answer.text or "metadata" in target
    assert "alfki.example" not in answer.text and "E-001" not in answer.text


def test_hidden_types_hide_their_entities(shared: Shared) -> None:
    client = shared.of("members", MEMBERS)
    everything = {each["ID"]: each.get("@odata.type") for each in ask(client, "admin", "Products?$select=ID").json["value"]}
    left = [key for key, type in everything.items() if type != "#Northwind.Model.PerishableProduct"]
    assert 0 < len(left) < len(everything)
    assert [each["ID"] for each in ask(client, "clerk", "Products?$select=ID").json["value"]] == left
    assert ask(client, "clerk", "Products/$count").text == str(len(left))
    gone = next(key for key in everything if key not in left)
    assert ask(client, "clerk", f"Products({gone})").status == 404


def test_search_does_not_find_by_hidden_words(shared: Shared) -> None:
    client = shared.of("members", MEMBERS)
    assert ask(client, "admin", "Products?$search=4000000000017").json["value"]
    for target in ("Products?$search=4000000000017", "Categories?$expand=Products($search=4000000000017)", "Products?$apply=search(4000000000017)", "$crossjoin(Products,Categories)?$search=4000000000017", "$all?$search=4000000000017",
                   "Categories?$filter=Products/$count($search=4000000000017) gt 0"):
        assert ask(client, "clerk", target).status in (400, 501), target


def test_hidden_members_are_kept_when_the_rest_is_written(service_of: Any, tmp_path: Path) -> None:
    client = guarded(service_of, tmp_path, "northwind", MEMBERS)
    before = ask(client, "admin", "Employees(1)").json["Badge"]
    assert before["Number"]
    assert ask(client, "clerk", "PUT Employees(1)/Badge", {"IssuedOn": "2020-01-01"}).status == 204
    assert ask(client, "clerk", "PATCH Employees(1)", {"FirstName": "Nan"}).status == 204
    assert ask(client, "admin", "Employees(1)").json["Badge"] == {"Number": before["Number"], "IssuedOn": "2020-01-01"}
    freight = ask(client, "admin", "Orders(10253)").json["Freight"]
    assert ask(client, "clerk", "PUT Orders(10253)", {"CustomerID": "ALFKI"}).status == 204
    assert ask(client, "admin", "Orders(10253)").json["Freight"] == freight


# --- rights ----------------------------------------------------------------------------------------------

RIGHTS = {"rules": [
    {"roles": ["admin"], "sets": {"*": {}}},
    {"roles": ["clerk"], "sets": {"*": {"allow": ["read"]}, "Orders": {"allow": ["insert", "update"]}, "Warehouses": {"allow": ["read", "update"]},
                                  "Reviews": {"allow": ["read", "update", "delete"], "rows": {"update": "Stars lt 5", "delete": "Stars eq 1"}}},
     "operations": ["Northwind.Model.Ship"]},
    {"roles": ["guest"], "sets": {"Products": {"allow": ["read"], "rows": "not Discontinued"}}},
]}
UNREADABLE = ["Orders", "Orders(10253)", "Orders/$count", "Orders?$count=true", "Orders(10253)/Freight", "Orders(10253)/Details", "Orders/$ref", "Customers('ALFKI')/Orders", "Customers('ALFKI')/Orders/$count",
              "Customers?$expand=Orders", "Customers?$expand=Orders/$ref", "Customers?$expand=Orders/$count", "Customers?$filter=Orders/any()", "Customers?$filter=Orders/$count gt 0",
              "Customers?$orderby=Orders/$count", "Customers?$apply=aggregate(Orders/$count as N)", "OrderDetails?$filter=Order/Freight gt 1", "OrderDetails?$filter=Order/OrderID eq 10253",
              "OrderDetails?$filter=Order ne null", "OrderDetails?$expand=Order", "OrderDetails?$orderby=Order/Freight", "OrderDetails?$compute=Order/Freight as F&$select=F", "OrderDetails?$apply=groupby((Order/CustomerID))",
              "Orders?$apply=aggregate($count as N)", "Orders?$search=x", "$crossjoin(Orders,Customers)", "Customers?$filter=$root/Orders(10253)/Freight gt 1", "$entity?$id=Orders(10253)",
              "OrderDetails(OrderID=10253,ProductID=1)/Order", "Employees?$filter=Orders/all(o:o/Freight gt 1)", "Customers?$expand=*", "Customers('ALFKI')/Orders(10253)/Customer"]


@pytest.mark.parametrize("target", UNREADABLE)
def test_a_set_that_may_not_be_read_is_read_in_no_way(target: str, shared: Shared) -> None:
    client = shared.of("rights", RIGHTS)
    answer = ask(client, "clerk", target)
    assert (answer.status, answer.json["error"]["code"]) == (403, "forbidden"), answer.text
    assert "Orders" in answer.json["error"]["message"]
    assert "10253" not in answer.text.replace("Orders(10253)", "")
    part = ask(client, "clerk", "POST $batch", {"requests": [{"id": "1", "method": "GET", "url": target.replace(" ", "%20")}]})
    assert part.json["responses"][0]["status"] == 403


DONE: list[tuple[str, str, Any, int]] = [
    ("clerk", "POST Orders", {"CustomerID": "ALFKI"}, 204), ("clerk", "PATCH Orders(10253)", {"Freight": 1}, 204), ("clerk", "DELETE Orders(10253)", None, 403),
    ("clerk", "POST Products", {"ID": 77}, 403), ("clerk", "PATCH Products(1)", {"Name": "x"}, 403), ("clerk", "DELETE Products(1)", None, 403), ("clerk", "PUT Products(1)/Name", {"value": "x"}, 403),
    ("clerk", "PATCH Products(77)", {"Name": "x"}, 403), ("clerk", "POST Products(1)/Reviews", {"ID": 77, "Stars": 1, "WrittenAt": "2024-01-01T00:00:00Z"}, 403), ("clerk", "PUT Products(1)/Category/$ref", {"@odata.id": "Categories(1)"}, 403),
    ("clerk", "PATCH Categories(1)", {"Name": "x"}, 403), ("clerk", "PATCH Warehouses('HAM')", {"Shelves": [{"Number": 99}]}, 204), ("clerk", "POST Warehouses('HAM')/Shelves", {"Number": 98}, 201),
    ("clerk", "DELETE Warehouses('HAM')/Shelves(98)", None, 204), ("clerk", "DELETE Warehouses('HAM')", None, 403), ("clerk", "PATCH Reviews(5)", {"Stars": 2}, 204), ("clerk", "PATCH Reviews(2)", {"Stars": 5}, 403),
    ("clerk", "PATCH Reviews(1)", {"Text": "x"}, 403), ("clerk", "DELETE Reviews(2)", None, 403), ("clerk", "POST Orders(10254)/Northwind.Model.Ship", {}, 204), ("clerk", "POST Products(1)/Northwind.Model.Discontinue", {}, 403),
    ("clerk", "POST RaisePrices", {"category": 1, "percent": 1}, 403), ("clerk", "TopProducts(count=1)", None, 403), ("clerk", "POST Customers('ALFKI')/Orders", {"Freight": 1}, 204),
    ("guest", "Products/$count", None, 200), ("guest", "Categories", None, 403), ("guest", "Products?$expand=Category", None, 403), ("guest", "TopProducts(count=1)", None, 200), ("guest", "PATCH Products(1)", {"Name": "x"}, 403),
    ("nobody", "Products", None, 403), ("nobody", "$metadata", None, 200), ("admin", "POST RaisePrices", {"category": 1, "percent": 1}, 200), ("admin", "DELETE Products(16)", None, 204),
]


def test_rights_to_change(service_of: Any, tmp_path: Path) -> None:
    client = guarded(service_of, tmp_path, "northwind", RIGHTS)
    problems = []
    for who, line, body, status in DONE:
        answer = ask(client, who, line, body)
        if answer.status != status:
            problems.append(f"{who}: {line}: {answer.status} {answer.text[:300]}")
    assert not problems, "\n".join(problems)


def test_metadata_says_what_may_be_done(shared: Shared) -> None:
    client = shared.of("rights", RIGHTS)
    found = ask(client, "clerk", "$metadata?$format=application/json").json
    container = found["Northwind.Model"][found["$EntityContainer"].rpartition(".")[2]]
    orders = {name.rpartition(".")[2]: value for name, value in container["Orders"].items() if name.startswith("@")}
    assert orders["ReadRestrictions"] == {"Readable": False} and orders["DeleteRestrictions"] == {"Deletable": False}
    assert "InsertRestrictions" not in orders


def test_pages_are_those_of_the_policy(shared: Shared) -> None:
    client = shared.of("rows", ROWS)
    first = ask(client, "clerk", "Orders?$select=OrderID&$orderby=Freight", prefer="maxpagesize=2").json
    found = [each["OrderID"] for each in first["value"]]
    link = first["@odata.nextLink"]
    assert ask(client, "admin", "GET " + link.removeprefix("http://service.example/")).status == 400
    while link:
        page = ask(client, "clerk", "GET " + link.removeprefix("http://service.example/"), prefer="maxpagesize=2").json
        found += [each["OrderID"] for each in page["value"]]
        link = page.get("@odata.nextLink")
    assert sorted(found) == [each["OrderID"] for each in ask(client, "clerk", "Orders?$select=OrderID&$orderby=OrderID").json["value"]]


CONTAINED = {"rules": [{"roles": ["admin"], "sets": {"*": {}}}, {"roles": ["clerk"], "sets": {
    "Warehouses": {}, "Warehouses/Shelves": {"allow": ["read"], "rows": "Number lt 3"}, "Warehouses/Shelves/Bins": {"allow": ["read", "update"]}}}]}


def test_containments_have_rules_of_their_own(service_of: Any, tmp_path: Path) -> None:
    client = guarded(service_of, tmp_path, "northwind", CONTAINED)
    everything = ask(client, "admin", "Warehouses?$expand=Shelves($expand=Bins)").json["value"]
    wanted = [{"Code": each["Code"], "Shelves": [shelf["Number"] for shelf in each["Shelves"] if shelf["Number"] < 3]} for each in everything]
    found = ask(client, "clerk", "Warehouses?$expand=Shelves").json["value"]
    assert [{"Code": each["Code"], "Shelves": [shelf["Number"] for shelf in each["Shelves"]]} for each in found] == wanted
    code, shelf = next((each["Code"], shelf) for each in everything for shelf in each["Shelves"] if shelf["Number"] < 3 and shelf["Bins"])
    label = shelf["Bins"][0]["Label"]
    path = f"Warehouses('{code}')/Shelves"
    assert ask(client, "clerk", f"POST {path}", {"Number": 2000}).status == 403
    assert ask(client, "clerk", f"DELETE {path}({shelf['Number']})").status == 403
    assert ask(client, "clerk", f"PATCH Warehouses('{code}')", {"Shelves": [{"Number": 2000}]}).status == 403
    assert ask(client, "clerk", f"PATCH {path}({shelf['Number']})/Bins('{label}')", {"Quantity": 7}).status == 204
    assert ask(client, "clerk", f"DELETE {path}({shelf['Number']})/Bins('{label}')").status == 403
    assert ask(client, "clerk", f"PATCH Warehouses('{code}')", {"Latitude": 1}).status == 204


# --- annotations: nobody is told what is hidden, what it decides still counts -----------------------------

TOLD = """<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.01">
  <edmx:Reference Uri="x:core"><edmx:Include Namespace="Org.OData.Core.V1" Alias="Core"/></edmx:Reference>
  <edmx:Reference Uri="x:validation"><edmx:Include Namespace="Org.OData.Validation.V1" Alias="Validation"/></edmx:Reference>
  <edmx:DataServices><Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="T" Alias="Self">
    <EntityType Name="Safe"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/>
      <Property Name="Owner" Type="Edm.String"><Annotation Term="Core.Description" String="the owner">
        <Annotation Term="Core.IsLanguageDependent" Path="Zlocked"/></Annotation>
        <Annotation Term="T.ValueList"><Record><PropertyValue Property="CollectionPath" String="Zfilms"/></Record></Annotation>
        <Annotation Term="T.ValueList" Qualifier="open"><Record><PropertyValue Property="CollectionPath" String="Safes"/>
          <PropertyValue Property="Parameters"><Collection><Record><PropertyValue Property="ValueListProperty" String="Zlocked"/></Record>
            <Record><PropertyValue Property="ValueListProperty" String="Kept"/></Record></Collection></PropertyValue></Record></Annotation></Property>
      <Property Name="Zlocked" Type="Edm.Boolean"/>
      <NavigationProperty Name="Next" Type="Self.Safe"><Annotation Term="Validation.DerivedTypeConstraint">
        <Collection><String>T.Zvault</String><String>T.Safe</String></Collection></Annotation></NavigationProperty>
      <NavigationProperty Name="Zpeers" Type="Collection(Self.Safe)"/></EntityType>
    <EntityType Name="Zvault" BaseType="Self.Safe"><NavigationProperty Name="Under" Type="Self.Safe"/></EntityType>
    <EntityType Name="Zfilm"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/></EntityType>
    <Action Name="Open" IsBound="true"><Parameter Name="it" Type="Self.Safe"/>
      <Annotation Term="Core.OperationAvailable"><Not><Path>it/Zlocked</Path></Not></Annotation></Action>
    <Action Name="Zcrack"/>
    <Action Name="Close"><Annotation Term="T.Undo" String="Self.Zcrack()"/><Annotation Term="Core.Description" String="stays"/></Action>
    <Function Name="Around" IsBound="true" EntitySetPath="it/Zpeers"><Parameter Name="it" Type="Self.Safe"/>
      <ReturnType Type="Collection(Self.Safe)"/></Function>
    <Term Name="ValueList" Type="Edm.Untyped"/><Term Name="Undo" Type="Edm.String"/>
    <EntityContainer Name="C"><EntitySet Name="Safes" EntityType="Self.Safe">
        <NavigationPropertyBinding Path="Next" Target="Safes"/><NavigationPropertyBinding Path="T.Zvault/Under" Target="Safes"/></EntitySet>
      <EntitySet Name="Zfilms" EntityType="Self.Zfilm"/><ActionImport Name="Close" Action="Self.Close"/></EntityContainer>
  </Schema></edmx:DataServices></edmx:Edmx>"""
TELLING = """from app import Operations
operations = Operations()
@operations.action("T.Open", bound_to="T.Safe")
def opened(it, *, context): pass
"""
UNTOLD = {"rules": [{"roles": ["admin"], "sets": {"*": {}}}, {"roles": ["clerk"], "sets": {"*": {}}, "hide": {
    "types": ["T.Zvault", "T.Zfilm"], "operations": ["T.Zcrack"], "properties": {"T.Safe": ["Zlocked", "Zpeers"]}}}]}


def test_annotations_do_not_name_what_is_hidden(service_of: Any, tmp_path: Path) -> None:
    """CSDL §14: strings, paths through casts, annotations of annotations and operations, bindings; V-Core OperationAvailable."""
    (tmp_path / "keys").write_text(credentials())
    for name, text in (("policy.json", json.dumps(UNTOLD)), ("told.xml", TOLD), ("told.py", TELLING), ("data.json", json.dumps(
            {"Safes": [{"ID": 1, "Owner": "a", "Zlocked": True}, {"ID": 2, "Owner": "b", "Zlocked": False}], "Zfilms": []}))):
        (tmp_path / name).write_text(text)
    client = Client(service_of(tmp_path / "told.xml", tmp_path / "data.json", tmp_path / "told.py", auth=f"apikey:{tmp_path / 'keys'}",
                               policy=tmp_path / "policy.json"))
    for form in ("xml", "json"):
        assert ask(client, "admin", f"$metadata?$format={form}").text.count("Z") > 12
        found = ask(client, "clerk", f"$metadata?$format={form}").text
        assert not re.findall(r"\bZ\w+", found)
        assert all(each in found for each in ("the owner", "Kept", "stays", "DerivedTypeConstraint", "Around")), found
    assert ask(client, "clerk", "POST Safes(2)/T.Open", {}).status == 204
    assert ask(client, "clerk", "POST Safes(1)/T.Open", {}).status == 409


HIDING = {"rules": [{"roles": ["admin"], "sets": {"*": {}}}, {"roles": ["clerk"], "sets": {"*": {}}, "hide": {"properties": {"SalesModel.Sale": ["Amount"]}}}]}


@pytest.mark.parametrize("way", ["Sales?$apply=aggregate({})", "Customers?$apply=aggregate(Sales/{})", "Sales?$apply=groupby((Customer/Name),aggregate({}))",
                                 "Customers?$expand=Sales($apply=aggregate({}))"])
@pytest.mark.parametrize(("name", "bogus"), [("Amount", "Xmount"), ("Forecast", "Xorecast")])
def test_aggregates_of_hidden_properties_are_as_if_undeclared(name: str, bogus: str, way: str, shared: Shared) -> None:
    """Aggregation §5.2: one of the name of a property, and one whose transformations read it."""
    client = shared.of("hiding", HIDING, model="sales")
    assert ask(client, "admin", way.format(name)).status == 200
    hidden = said(client, "clerk", way, name)
    assert hidden[0] == 400 and "Amount" not in hidden[1]
    assert without_hints(hidden) == without_hints(said(client, "clerk", way, bogus))
    assert name not in ask(client, "clerk", "$metadata?$format=xml").text
