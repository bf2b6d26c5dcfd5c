"""What real clients send: shapes of requests seen on the wire, with the answers that those clients need.

The table is this project's own, over its own models. Where recorded requests lie beside the checkout, all that read over
V4 are sent too, their names mapped to these models: whatever they ask, the answer is never a failure.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest

from tests.protocol.conftest import Clients
from tests.protocol.exchange import ABSENT, ROOT, Exchange, rows

RUN = "f904e29a-a96e-553f-aab3-86bf859067e7"
FLOW = "9a1475e3-a433-5414-9935-6c414a931e37"
META = ROOT + "$metadata#"
MINIMAL = {"Content-Type": "application/json;odata.metadata=minimal", "OData-Version": "4.0"}
POWER_QUERY = {"User-Agent": "Microsoft.Data.Mashup (https://go.microsoft.com/fwlink/?LinkID=304225)", "MaxDataServiceVersion": "3.0", "OData-MaxVersion": "4.0",
               "Accept": "application/json;odata.metadata=minimal;q=1.0,application/json;odata=minimalmetadata;q=0.9,application/atomsvc+xml;q=0.8,"
                         "application/atom+xml;q=0.8,application/xml;q=0.7,text/plain;q=0.7"}
DEV_EXTREME = {"X-Requested-With": "XMLHttpRequest", "Accept": "application/json;odata=verbose,text/plain, */*; q=0.01"}
LINQ = {"OData-Version": "4.0", "OData-MaxVersion": "4.0", "Accept": "application/json;odata.metadata=minimal;", "Accept-Charset": "UTF-8",
        "User-Agent": "Microsoft.OData.Client/7.9.0"}
UI5 = {"Accept": "application/json;odata.metadata=minimal;IEEE754Compatible=true", "OData-MaxVersion": "4.0", "OData-Version": "4.0", "X-CSRF-Token": "Fetch"}
PYTHON_ODATA = {"Accept": "application/json", "OData-Version": "4.0"}
SAP = {"Accept": "application/json", "Content-Type": "application/json"}
SYNCFUSION = {"Accept": "application/json, text/javascript, */*; q=0.01"}
OLINGO = {"User-Agent": "Apache-Olingo/5.0.0", "OData-Version": "4.0", "OData-MaxVersion": "4.0", "Accept": "application/json;odata.metadata=full",
          "Content-Type": "application/json;odata.metadata=full"}


def run(client: str, target: str, body: Any = ..., sent: dict[str, str] | None = None, status: int | tuple[int, ...] = 200, headers: dict[str, Any] | None = None) -> Exchange:
    return Exchange(client, target, status, body, headers or {}, sent or {}, model="industryData")


def shop(client: str, target: str, body: Any = ..., sent: dict[str, str] | None = None, status: int | tuple[int, ...] = 200, headers: dict[str, Any] | None = None) -> Exchange:
    return Exchange(client, target, status, body, headers or {}, sent or {})


SHAPES = [
    shop("Power Query", "", {"@odata.context": ROOT + "$metadata", "value": list}, POWER_QUERY, headers=MINIMAL),
    shop("Power Query", "$metadata", re.compile('Version="4.0"'), {"OData-MaxVersion": "4.0", "Accept": "application/xml"}, headers={"Content-Type": "application/xml", "OData-Version": "4.0"}),
    shop("Power Query", "Customers?$filter=CompanyName%20eq%20%27Around%20the%20Horn%27&$select=CustomerID%2CCompanyName", {"@odata.context": META + "Customers(CustomerID,CompanyName)", "value": [{"CustomerID": "AROUT"}]}, POWER_QUERY),
    shop("Power Query", "Orders?$select=OrderID%2CCustomerID%2CCustomer&$expand=Customer%28%24select%3DCustomerID%2CCompanyName%29&$top=2",
         {"@odata.context": META + "Orders(OrderID,CustomerID,Customer,Customer(CustomerID,CompanyName))", "value": [{"Customer": {"CustomerID": "ALFKI"}}, {}]}, POWER_QUERY, headers=MINIMAL),
    shop("Power Query", "Customers?$select=CompanyName&$expand=Orders", {"@odata.context": re.compile(r"#Customers\(CompanyName\)$"), "value": [{"Orders": list}] * 8}, POWER_QUERY),
    shop("Power Query", "Categories(%271%27)/Products", ..., POWER_QUERY, status=400), run("Power Query", f"incomingFlows(%27{FLOW}%27)/runs?$top=3", {"value": [{}] * 3}, POWER_QUERY),
    shop("Power Query", "Products?$top=1000", {"value": [{}] * 16, "@odata.nextLink": ABSENT}, POWER_QUERY), shop("Power Query", "Products", ..., {**POWER_QUERY, "Prefer": "VSTS.Analytics.MaxSize=1000"}),
    run("Power Query", "incomingFlowRuns?$skiptoken=opaque", {"error": {"code": "invalidToken"}}, POWER_QUERY, status=400),
    shop("LINQ", "Products?$filter=ID%20eq%201", {"value": [{"ID": 1}]}, LINQ, headers=MINIMAL), shop("LINQ", "Products?$filter=endswith(Name,'ai')", {"value": [{"ID": 1}]}, LINQ),
    shop("LINQ", "Products?$filter=Name%20eq%20null%20and%20Name%20ne%20'i001'", {"value": [{"ID": 16}]}, LINQ), run("LINQ", "incomingFlowRuns?$filter=status%20eq%20microsoft.graph.industryData.runStatus'running'", {"value": [{}] * 3}, LINQ),
    shop("LINQ", "Products/$count", "16", LINQ, headers={"Content-Type": "text/plain"}), shop("LINQ", "Products?$count=false", {"@odata.count": ABSENT}, LINQ), shop("LINQ", "Orders(10249)?$expand=Customer", {"Customer": {"CustomerID": "ANATR"}}, LINQ),
    shop("LINQ", "Products?$select=*", {"@odata.context": META + "Products(*)"}, LINQ), shop("LINQ", "Orders?$filter=OrderID%20gt%201&$orderby=OrderDate&$skip=1&$top=2&$expand=Customer", {"value": [{}, {}]}, LINQ),
    shop("LINQ", "Orders", {"value": [{}] * 5, "@odata.nextLink": str}, {**LINQ, "Prefer": "odata.maxpagesize=5"}, headers={"Preference-Applied": "odata.maxpagesize=5"}),
    shop("DevExtreme", "Products?%24orderby=Name%20desc&%24skip=2&%24top=10&%24select=ID%2CName&%24expand=Category&%24filter=(Name%20ne%20%27O%27%27Neil%20%26%20%C3%A9%27)%20and%20(ReleaseDate%20ge%202018-01-02T03%3A04%3A05Z)&%24count=true",
         {"@odata.count": 11, "value": [{"Category": ...}] * 9}, DEV_EXTREME, headers=MINIMAL),
    run("DevExtreme", "incomingFlowRuns?%24top=20&%24select=id&%24expand=process(%24select%3Did%2CdisplayName)&%24filter=not%20(endswith(tolower(displayName)%2C%27x%27))&%24count=true", {"@odata.count": 540, "value": [{"process": {"displayName": str}}] * 20}, DEV_EXTREME),
    run("DevExtreme", f"incomingFlowRuns?%24filter=(process%2Fid%20eq%20%27{FLOW}%27)%20and%20(not%20contains(tolower(displayName)%2C%27x%27))%20and%20(endDateTime%20ne%20null)&$top=1", {"value": [{}]}, DEV_EXTREME),
    run("DevExtreme", "incomingFlowRuns?%24filter=(status%20eq%20%27running%27)%20or%20(status%20eq%20%27failed%27)", {"value": [{}] * 11}, DEV_EXTREME), shop("DevExtreme", "Products?%24filter=UnitsInStock%20gt%201&%24top=0&%24count=true", {"@odata.count": 13, "value": []}, DEV_EXTREME),
    run("DevExtreme", f"incomingFlowRuns('{RUN}')?%24expand=process", {"process": {"id": FLOW}}, DEV_EXTREME),
    shop("UI5", "Products?$count=true&$select=ID,Name,UnitPrice&$skip=0&$top=2", {"@odata.count": "16", "value": [{"UnitPrice": "18"}, {}]}, UI5, headers={"Content-Type": "application/json;odata.metadata=minimal;IEEE754Compatible=true", "OData-Version": "4.0"}),
    shop("UI5", "HEAD ", None, {"X-CSRF-Token": "Fetch"}), shop("UI5", "$metadata?sap-language=EN", ..., {"Accept": "application/xml"}), shop("UI5", "Categories(1)?$select=ID,Name&$expand=Products($select=ID,Name;$orderby=Name)", {"Products": [{"Name": "Chai"}, {}, {}, {}]}, UI5),
    shop("SAP Cloud SDK", "HEAD Products/", None, SAP), shop("SAP Cloud SDK", "HEAD Products(ID=1)/", None, SAP), shop("SAP Cloud SDK", "HEAD $batch/", ..., SAP, status=(200, 204, 405)), shop("SAP Cloud SDK", "Products(ID=1)/?$select=ID", {"ID": 1}, SAP),
    shop("SAP Cloud SDK", "TopProducts(count=3)", {"@odata.context": META + "Products", "value": [{"ID": 15}, {"ID": 6}, {"ID": 11}]}, SAP), shop("SAP Cloud SDK", "Products?$filter=(Name%20eq%20'Chai')&$expand=Category,Supplier", {"value": [{"Supplier": {}}]}, SAP),
    shop("Syncfusion", "Products/?$expand=Category&$select=ID,Name&$count=true&$filter=Name%20ne%20%27O%27%27Neil%20%26%20%C3%A9%27%20and%20startswith(tolower(Name),%27c%27)&$orderby=Name%20desc&$skip=0&$top=10", {"@odata.count": 3, "value": [{}, {}, {}]}, SYNCFUSION),
    shop("Syncfusion", "Suppliers/?$filter=ID%20eq%20fb3a51bb-6407-5375-a85c-496cc66652be", {"value": [{"CompanyName": "Exotic Liquids"}]}, SYNCFUSION), shop("Syncfusion", "Products/?$search=Chai&$top=5", ..., SYNCFUSION, status=(200, 501)),
    run("python-odata", "incomingFlowRuns?%24top=5&%24skip=10&%24filter=%28displayName%20ne%20%27O%27%27Neil%20%26%20run%20%C3%A9%27%29&%24orderby=startDateTime%20desc", {"value": [{}] * 5}, PYTHON_ODATA, headers=MINIMAL),
    run("python-odata", "incomingFlowRuns?%24filter=%28startDateTime%20ge%202025-11-29T03%3A04%3A05%29", {"error": {"target": "$filter", "message": re.compile("offset")}}, PYTHON_ODATA, status=400), run("python-odata", "incomingFlowRuns?%24filter=%28status%20eq%20Microsoft.Dynamics.DataEntities.runStatus%27running%27%29", {"value": [{}] * 3}, PYTHON_ODATA),
    shop("python-odata", "Products/$count?%24filter=%28ID%20gt%203%29", "13", PYTHON_ODATA), shop("python-odata", "Products?%24filter=%28contains%28Name%2C%20%27a%20b%27%29%29", {"value": []}, PYTHON_ODATA), shop("python-odata", "Products(1)/Category", {"ID": 1}, PYTHON_ODATA),
    run("o.js", "incomingFlowRuns?%24top=3&%24filter=displayName%20ne%20%27O%27%27Neil%20%26%20run%20%C3%A9%27%20and%20startDateTime%20gt%202024-01-02T03%3A04%3A05Z&%24orderby=displayName%20desc&%24select=id%2CdisplayName&%24expand=process", {"value": [{"process": {}}] * 3}, {"Content-Type": "application/json", "accept": "*/*"}),
    run("@odata/client", "incomingFlowRuns?$filter=displayName%20eq%20%27O%27Neil%20&%20co%27", {"error": {"code": "syntaxError"}}, SAP, status=400), run("odata2ts", "incomingFlowRuns?%24filter=status%20eq%20%27running%27", {"value": [{}] * 3}, SAP), run("odata2ts", "incomingFlowRuns?%24expand=process(%24select%3Did%2Cid)&$top=1", {"value": [{"process": {"id": str}}]}, SAP),
    shop("pyodata", "Products?%24top=5&%24skip=10&%24orderby=Name+desc&%24filter=Name+ne+%27O%27%27Neil+%26+Co%27+and+UnitPrice+gt+1.5&%24select=ID%2CName&%24expand=Category", {"value": [{}] * 4}, {"Accept": "application/json"}), shop("pyodata", "Categories(1)/Name/", {"value": "Beverages"}, {"Accept": "application/json"}),
    shop("pyodata", "Categories(1)/Name/$value/", "Beverages", {"Accept": "*/*"}), shop("pyodata", "Products?%24filter=ID+gte+1+and+ID+lte+3", {"error": {"code": "syntaxError"}}, status=400),
    shop("Simple.OData.Client", "Customers?$select=CustomerID,CompanyName&$count=true", {"@odata.count": 8}, {"Prefer": "return=minimal", "Accept": "application/json, application/xml, application/text"}, headers={"Preference-Applied": None}),
    shop("Salesforce Connect", "Orders?$count=true&$select=CustomerID,OrderID,RequiredDate&$top=301", {"@odata.count": 26, "@odata.nextLink": ABSENT}, {"Accept": "application/json"}), shop("Salesforce Connect", "Orders?$count=true&$select=OrderID&$top=301&$skiptoken=10447", ..., {"Accept": "application/json"}, status=400),
    shop("Olingo", "Products?%24filter=%28Name%20eq%20%27Chai%27%29&%24top=5", {"value": [{"@odata.id": f"{ROOT}Products(1)", "@odata.type": "#Northwind.Model.Product"}]}, OLINGO, headers={"Content-Type": "application/json;odata.metadata=full"}),
    shop("Olingo", "$metadata", ..., {**OLINGO, "Accept": "application/xml", "Content-Type": "application/xml"}), shop("Breeze", "$metadata", {"$Version": "4.0"}, {"Accept": "application/json;odata.metadata=full"}), shop("Kendo", "Products?%24count=true&%24top=10&$format=json", {"@odata.count": 16}, SYNCFUSION),
    shop("any", "Products?", {"value": [{}] * 16}), shop("any", "Products/?", {"value": [{}] * 16}), shop("any", "Products//", ..., status=(200, 404)),
]


@rows(SHAPES)
def test_shape(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


# --- recorded requests -----------------------------------------------------------------------------------

RECORDED = Path(__file__).parents[3] / "shared" / "reference" / "client-requests.jsonl"
RENAMED = {
    "industryData": {"createdDateTime": "startDateTime", "'a-1'": f"'{RUN}'", "'p-1'": f"'{FLOW}'", "processes": "incomingFlows", "NW.Status": "microsoft.graph.industryData.runStatus",
                     "NW.incomingFlowRun": "microsoft.graph.industryData.incomingFlowRun", "NW.resume": "microsoft.graph.industryData.collateExtractedData", "complete": "completed"},
    "northwind": {"Released": "ReleaseDate", "Price": "UnitPrice", "TopProducts(n=": "TopProducts(count=", "ContactTitle": "CompanyName", "Country": "Address", "ShippedDate": "OrderDate", "(1)": "(10249)"},
}


def recorded() -> list[dict[str, Any]]:
    if not RECORDED.is_file():
        return []
    lines = [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [line for line in lines if line["path_template"].startswith("{v4root}") and line["method"] in ("GET", "HEAD") and not line.get("in_batch")]


LINES = recorded()


def ours(template: str) -> tuple[str, str]:
    """(model, target) of a recorded request, its names those of the model that has most of them."""
    target = template.removeprefix("{v4root}").lstrip("/").replace("{opaque}", "opaque")
    model = "industryData" if re.match("incomingFlowRuns|processes", target) else "northwind"
    text = unquote(target) if "%2F" not in target else target
    for old, new in RENAMED[model].items():
        if old != "(1)" or text.startswith("Orders"):
            text = text.replace(old, new)
    return model, quote(text, safe="/?=&$'(),:;@*+!%-._~") if text != unquote(target) else target


@pytest.mark.skipif(not LINES, reason="the recorded requests are not beside this checkout")
@pytest.mark.parametrize("line", LINES, ids=[f"{line['client']}: {line['path_template']}"[:90] for line in LINES])
def test_recorded(clients: Clients, line: dict[str, Any]) -> None:
    """Not a failure, and what a JSON client can read; a version that the client allows."""
    model, target = ours(line["path_template"])
    headers = {name.lower(): value for name, value in line["headers"].items()}
    answer = clients[model].handled(line["method"], target, headers)
    assert answer.status < 500 or answer.status == 501, answer.text
    assert answer.headers["odata-version"] == "4.0"
    if answer.status != 200:
        assert answer.json["error"]["message"]
    elif "$metadata" in target and "json" not in headers.get("accept", ""):
        assert answer.headers["content-type"] == "application/xml"
