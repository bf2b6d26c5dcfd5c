"""Operations: every kind of parameter, overload and result, and what a path and options make of the results.

Protocol §11.5; URL Conventions §4.5, §4.9, §4.13; JSON Format §11, §18; conformance.md section 13.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.protocol.changing import ANY, GOING_ON, MINIMAL, V401, error, tell
from tests.protocol.conftest import Clients
from tests.protocol.exchange import ABSENT, ROOT, Client, Exchange, Only, rows

META = ROOT + "$metadata#"
NAMES = "@n=['one','two']"


def at(spec: str, request: str, status: int = 200, body: Any = ..., **sent: str) -> Exchange:
    return Exchange(spec, request, status, body, {}, {name.replace("_", "-"): value for name, value in sent.items()}, model="calls")


def value(*items: Any) -> dict[str, Any]:
    return {"value": list(items)}


FUNCTIONS = [
    at("P 11.5.4.1", "Sizes", 200, Only({"@odata.context": META + "Collection(Calls.Size)", "value": [{"Width": 3}, {"Width": 1}, {"@odata.type": "#Calls.Box", "Depth": 8}]})),
    at("P 11.5.4.1", "Sizes()?$filter=Width gt 1", 200, value({"Width": 3}, {"Width": 2})), at("P 11.5.4.1", "Sizes()/$count?$filter=Width gt 1", 200, "2"), at("P 11.5.4.1", "Sizes?$orderby=Width desc&$top=2&$count=true", 200, {"@odata.count": 3, "value": [{"Width": 3}, {"Width": 2}]}),
    at("P 11.5.4.1", "Sizes?$select=Unit&$orderby=Unit", 200, value(Only({"@odata.type": "#Calls.Box", "Unit": None}), Only({"Unit": "cm"}), Only({"Unit": "m"}))), at("P 11.5.4.1", "Sizes?$compute=Width mul 2 as Twice&$filter=Twice gt 3&$select=Twice", 200, value({"Twice": 6, "Width": ABSENT}, {"Twice": 4})),
    at("P 11.5.4.1", "Sizes?$search=cm", 200, value({"Unit": "cm"})), at("P 11.5.4.1", "Sizes()/Calls.Box", 200, {"@odata.context": META + "Collection(Calls.Box)", "value": [{"Depth": 8}]}), at("P 11.5.4.1", "Sizes()/$filter(Width lt 3)/$count", 200, "2"),
    at("P 11.5.4.1", "Sizes()/1", 200, {"@odata.context": META + "Calls.Size", "Width": 1}), at("P 11.5.4.1", "Sizes()/-1/Width", 200, {"@odata.context": META + "Edm.Int32", "value": 2}), at("P 11.5.4.1", "Sizes()/7", 404), at("P 11.5.4.1", "Sizes()/0/Width/$value", 200, "3"),
    at("P 11.5.4.1", "Words?$filter=contains($it,'p')&$orderby=$it", 200, value("apple", "pear")), at("P 11.5.4.1", "Words?$filter=Width gt 1", 400), at("P 11.5.4.1", "Items(1)/Kind()?$filter=true", 400),
    at("P 11.5.4.1.1", "Words", 200, value("pear", "fig", "apple")), at("P 11.5.4.1.1", "Words?prefix='x'", 200, value("xpear", "xfig", "xapple")), at("P 11.5.4.1.1", "Words?@prefix='x'", 200, value("xpear", "xfig", "xapple")), at("P 11.5.4.1.1", "Words(prefix=@p)?@p='y'", 200, value("ypear", "yfig", "yapple")),
    at("P 11.5.4.1.1", "Words(prefix=null)", 200, value("pear", "fig", "apple")), at("P 11.5.4.1.1", "Words(bogus=1)", 400), at("P 11.5.4.1.1", "Items/Named(names=['one'])", 400), at("P 11.5.4", "POST Words()", 405), at("P 6.3", "Nothings()", 404),
    at("P 11.5.4.1.1", "Of(item=@i,size=null,mood=null)?@i=$root/Items(1)", 200, {"value": "Item(1) None None"}), at("P 11.5.4.1.1", "Of(item=@i,size=null,mood=null)?@i=$root/Items(99)", 200, {"value": "None None None"}),
    at("P 11.5.4.1.1", "Of(item=@i,size=null,mood=null)?@i=$root/Items(1)/Next", 501, error("notImplemented")),
    at("P 11.5.4.1.1", "Of(item=@i,size=@s,mood=@m)?@i={\"@odata.id\":\"Items(1)\"}&@s={\"Width\":3}&@m=Calls.Mood'loud'", 200, {"value": "Item(1) {Width:3 Unit:cm} loud"}), at("P 11.5.4.1.1", "Of?item=null&size=null&mood=null", 200, {"value": "None None None"}),
    at("P 11.5.4.1.1", "Of(item=@i,size=null,mood=null)?@i={\"Id\":7}", 200, {"value": re.compile("Id:7")}), at("P 11.5.4.1.1", "Of(item=null,size=@s,mood=null)?@s={\"Widht\":3}", 400), at("P 11.5.4.1.1", "Of(item=@i,size=null,mood=null)?@i={\"@id\":\"Items(99)\"}", 400), at("P 11.5.4.1.1", "Of(item=null)", 400),
    at("P 11.5.4.1", "Nothing(kind='a')", 204, None), at("P 11.5.4.1", "Items(2)/Biggest()", 204, None), at("P 11.5.4.1", "Items(2)/Biggest()/Width", 404), at("P 11.5.4.1", "Items(9)/Biggest()", 404),
    at("P 11.5.4.1", "Items(1)/Biggest()", 200, {"@odata.context": META + "Calls.Size", "@odata.type": "#Calls.Box", "Width": 3}), at("P 11.5.4.1", "Items(1)/Biggest/Width", 200, {"value": 3}), at("P 11.5.4.1", "Items(1)/Biggest()/Calls.Box/Depth", 200, {"value": 4}), at("P 11.5.4.1", "Items(3)/Biggest()/Calls.Box", 404),
    at("P 11.5.4.1", "Items(1)/Biggest()?$select=Width", 200, Only({"@odata.context": META + "Calls.Size(Width)", "@odata.type": "#Calls.Box", "Width": 3})), at("P 11.5.4.1", "Items(1)/Biggest()?$compute=Width mul 2 as w&$select=w", 200, {"w": 6}), at("P 11.5.4.1", "Items(1)/Biggest()?$top=1", 400),
    at("P 11.5.4.1", "Items(1)/Biggest()/Double()", 200, {"@odata.type": "#Calls.Box", "Width": 6}), at("P 11.5.4.1", "Items(1)/Size/Double()/Double()/Width", 200, {"value": 40}), at("P 11.5.4.1", "Items/First()/Biggest()/Width", 200, {"value": 3}), at("P 11.5.4.1", "Items(1)/Next/Biggest()", 204),
    at("P 11.5.4.1", "Items/First()/Group/Items/First()/Name", 200, {"value": "one"}), at("P 11.5.4.1", f"Items/Named(names=@n)?{NAMES}&$filter=Id gt 1&$select=Id", 200, {"@odata.context": META + "Items(Id)", "value": [{"Id": 2}]}), at("P 11.5.4.1", "Items/Named(names=@n)/First()?@n=['two']", 200, {"Id": 2}),
    at("P 11.5.4.1", f"Items/Named(names=@n)(2)/Name?{NAMES}", 200, {"value": "two"}), at("P 11.5.4.1", f"Items/Named(names=@n)(3)?{NAMES}", 404), at("P 11.5.4.1", "Items/Named(names=@n)?@n=[]", 200, {"@odata.context": META + "Items", "value": []}), at("P 11.5.4.1", f"Items/Named(names=@n)/$count?{NAMES}", 200, "2"),
    at("P 11.5.4.1", "Items/Named(names=@n)/First()/Biggest()?@n=[]", 404), at("P 11.5.4.2", "Items(3)/Kind()", 200, {"value": "item"}), at("P 11.5.4.2", "Items(3)/Calls.Special/Kind()", 200, {"value": "special"}), at("P 4.4", "Items(1)/Calls.Kind()", 200, {"value": "item"}),
    at("P 11.5.2", "Items/$each/Kind()", 200, {"@odata.context": META + "Collection(Edm.String)", "value": [{"value": "item"}] * 3}), at("P 11.5.2", "Items/$each/Parts()", 200, {"@odata.context": META + "Collection(Collection(Edm.String))", "value": [{"value": ["a", "b"]}, {"value": []}, {"value": ["c"]}]}),
    at("P 11.5.2", "Items/$each/Biggest()?$select=Width", 200, value({"Width": 3}, None, {"Width": 5})), at("P 11.5.2", "Items/$each/Biggest()?$filter=Width gt 3", 200, value({"Width": 5})), at("P 11.5.2", "Items/$each/Parts()?$top=1", 501), at("P 11.5.2", "Items/$each/Follower()?$select=Id", 200, {"@odata.context": META + "Items(Id)", "value": [{"Id": 2}]}), at("P 11.5.2", "Items(2)/Follower()", 204, None),
]

ALL = {"text": "abc", "number": 1.5, "at": "2024-01-01T00:00:00Z", "mood": "loud", "size": {"Width": 1}, "sizes": [{"@odata.type": "#Calls.Box", "Width": 2, "Depth": 1}], "words": ["a"],
       "item": {"@id": "Items(1)"}, "items": [{"@odata.id": "Items(2)"}, {"Id": 9}], "content": "YWJj", "anything": {"a": [1]}}
TOLD = ["text=abc", "number=1.5", "at=2024-01-01T00:00:00Z", "mood=loud", "size={Width:1 Unit:cm}", "sizes=[{@odata.type:#Calls.Box Width:2 Unit:cm Depth:1}]", "words=[a]", "item=Item(1)",
        re.compile(r"^items=\[Item\(2\) \{Id:9"), "content=abc", "anything={a:[1]}"]
NONE = {"value": ["sizes=[]", "words=[]", "items=[]"]}

ACTIONS: list[tuple[Any, ...]] = [
    ("P-11.5.5.1-03", "POST Tell", ALL, 200, {"@odata.context": META + "Collection(Edm.String)", "value": TOLD}), ("P-11.5.5.1-02", "POST Tell", b"", 200, NONE), ("P-11.5.5.1-02", "POST Tell", {}, 200, NONE), ("P-11.5.5.1-03", "POST Tell", [], 400), ("P-11.5.5.1-03", "POST Tell", {"item": None, "text": None}, 200, NONE),
    ("P-11.5.5.1-03", "POST Tell", {"text": "abcdef"}, 400, error("valueTooLong", "text")), ("P-11.5.5.1-03", "POST Tell", {"number": 1.555}, 400, error("valueOutOfRange", "number")), ("P-11.5.5.1-03", "POST Tell", {"mood": "bogus"}, 400, error("invalidEnumValue", "mood")),
    ("P-11.5.5.1-03", "POST Tell", {"at": "2024-01-01T00:00:00"}, 400, error("invalidValue", "at")), ("P-11.5.5.1-03", "POST Tell", {"size": {}}, 400, error("missingValue", "size/Width")), ("P-11.5.5.1-03", "POST Tell", {"words": None}, 400, error("nullNotAllowed", "words")), ("P-11.5.5.1-03", "POST Tell", {"content": 5}, 400, error("invalidValue", "content")),
    ("P-11.5.5.1-03", "POST Tell", {"item": {"@id": "Groups('g1')"}}, 400, error("typeMismatch", "item")), ("P-11.5.5.1-03", "POST Tell", {"item": {"@id": "Items(99)"}}, 400, error("referenceNotFound", "item")), ("P-11.5.5.1-03", "POST Tell", {"Text": "a"}, 400, error("unknownParameter", "Text")),
    ("P-11.5.5.1-03", "POST Need", {"number": 1, "words": ["a"]}, 200, {"value": "1 [a] 7 none"}), ("P-11.5.5.1-03", "POST Need", {"number": 1, "words": [], "level": 1, "mark": "z"}, 200, {"value": "1 [] 1 z"}), ("P-11.5.5.1-03", "POST Need", b"", 400, error("missingValue", "number")), ("P-11.5.5.1-03", "POST Need", {"number": None}, 400, error("nullNotAllowed", "number")),
    ("P-11.5.5.1-01", "Tell", None, 405, ..., {}, {"Allow": "POST"}), ("P-11.5.5.1-01", "PUT Tell", {}, 405), ("P-11.5.5.1-01", "POST Tell/value", {}, 404), ("P-6.3-01", "POST Items(1)/Nope", {}, 404),
    ("P-11.5.5.1-04", "POST MakeItem", {"id": 50}, 201, {"@odata.context": META + "Items/$entity", "Id": 50}, {}, {"Location": ROOT + "Items(50)"}), ("P-11.5.5.1-04", "POST MakeItem", {"id": 51}, 204, None, MINIMAL, {"Location": ROOT + "Items(51)", "OData-EntityId": ROOT + "Items(51)"}), ("P-11.5.5.1-04", "POST MakeItem", {"id": 50}, 409, error("duplicateKey")),
    ("P-11.5.5.1-04", "POST Tell?$filter=startswith($it,'number')&$count=true", ALL, 200, {"@odata.count": 1, "value": [re.compile("^number=")]}), ("P-11.5.5.1-04", "POST Tell?$orderby=$it desc&$top=1", ALL, 200, {"value": [re.compile("^words=")]}), ("P-11.5.5.1-04", "POST Tell?$select=Id", ALL, 400, error("optionNotAllowed", "$select")),
    ("P-11.5.5.1-04", "POST FindItems?$select=Id&$orderby=Id desc&$count=true", {"name": "made"}, 200, {"@odata.context": META + "Items(Id)", "@odata.count": 2, "value": [{"Id": 51}, {"Id": 50}]}), ("P-11.5.5.1-04", "POST FindItems", {"name": "zzz"}, 200, {"value": []}), ("P-11.5.5.1-04", "POST FindItems?$filter=Id gt 50&$expand=Group", {"name": "made"}, 200, {"value": [{"Id": 51, "Group": None}]}),
    ("P-11.5.5.1-04", "POST Measure", {"none": True}, 204, None), ("P-11.5.5.1-04", "POST Measure?$select=Unit", {"none": False}, 200, Only({"@odata.context": META + "Calls.Size(Unit)", "Unit": "cm"})),
    ("P-11.5.5.2-01", "POST Items(1)/Touch", {}, 200, {"Id": 1, "Name": "touched"}), ("P-11.5.5.2-01", "POST Items/Touch", {}, 200, {"value": 5}), ("P-11.5.5.2-01", "POST Items(1)/Size/Touch", None, 200, {"value": 10}), ("P-11.5.5.2-01", "POST Items(2)/Size/Touch", None, 204), ("P-11.5.5.2-01", "POST Items(1)/Marks/Touch", None, 200, {"value": 2}),
    ("P-11.5.1-01", "POST Items/$filter(Id lt 3)/Touch", {}, 200, {"value": 2}), ("P-11.5.1-01", "POST Groups('g1')/Items/Touch", {}, 200, {"value": 2}), ("P-11.5.1-01", "POST Items/Calls.Special/Touch", {}, 200, {"value": 1}), ("P-11.5.1-01", "POST Items(1)/Next/Touch", {}, 200, {"Id": 2}), ("P-11.5.1-01", "POST Items(2)/Next/Touch", {}, 404),
    ("P-11.5.5.1-05", "POST Items(1)/Calls.Touch", {}, 412, ..., {"If-Match": 'W/"1"'}), ("P-11.5.5.1-05", "POST Items(1)/Calls.Touch", {}, 200, ..., ANY), ("P-11.5.5.1-05", "POST Items/Touch", {}, 412, ..., {"If-Match": 'W/"1"'}), ("P-11.5.5.1-05", "POST Items/Touch", {}, 200, ..., ANY),
    ("P-11.5.2-01", "POST Items/$filter(Id lt 3)/$each/Touch?$select=Name", {}, 200, {"value": [{"Name": "touched"}, {"Name": "touched"}]}), ("P-11.5.2-01", "POST Items/$filter(Id lt 3)/$each/Split", {}, 200, {"value": [{"value": ["1", "touched"]}, {"value": ["2", "touched"]}]}), ("P-11.5.2-01", "POST Items/$filter(Id lt 3)/$each/Split", {}, 200, ..., GOING_ON), ("P-11.5.2-01", "POST Items/$each/Split", {}, 204, None, {**MINIMAL, **V401}),
]


@rows(FUNCTIONS)
def test_functions(clients: Clients, exchange: Exchange) -> None:
    exchange.check(clients["calls"])


def test_actions(private: Callable[..., Client]) -> None:
    tell(private("calls"), ACTIONS)


@pytest.mark.parametrize("function", ["Words", "Sizes"])
def test_options_of_values_cost_one_statement(clients: Clients, function: str) -> None:
    client = clients["calls"]
    with client.statements() as plain:
        client.get(function)
    with client.statements() as chosen:
        client.get(f"{function}?$filter=true&$orderby=1&$top=1")
    assert len(chosen) == len(plain) + 2        # `get` sends everything twice


@pytest.mark.parametrize("line", ["Words()", "Words", "Words?$top=3", "Words()?$count=true", "Words?prefix=''", "Words()?$orderby=$it desc", "Sizes()?$select=Width", "Sizes()?$filter=Width ge 1&$orderby=Width"])
def test_values_come_in_pages(clients: Clients, line: str) -> None:
    """P 11.2.6.7: a function is called again for each page, whose token is good for this request alone."""
    client = clients["calls"]
    whole = client.get(line)
    found = [client.get(line, {"prefer": "maxpagesize=1"})]
    while link := found[-1].get("@odata.nextLink"):
        assert len(found[-1]["value"]) == 1
        found.append(client.get(link.removeprefix(ROOT), {"prefer": "maxpagesize=1"}))
    assert [item for page in found for item in page["value"]] == whole["value"] and len(found) == len(whole["value"])
    assert all(page.get("@odata.count") == whole.get("@odata.count") for page in found)
    token = found[0]["@odata.nextLink"].rpartition("=")[2]
    assert client.send(f"Words()?$filter=true&$skiptoken={token}").status == client.send("Sizes()?$skiptoken=x").status == 400


SLY = """<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0"><edmx:DataServices>
  <Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="T">
    <EntityType Name="Item"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/>
      <Property Name="Name" Type="Edm.String"/></EntityType>
    <Function Name="Insert"><ReturnType Type="Edm.Int32"/></Function>
    <Function Name="Update" IsBound="true"><Parameter Name="it" Type="T.Item"/><ReturnType Type="Edm.Int32"/></Function>
    <Function Name="Delete" IsBound="true"><Parameter Name="it" Type="Collection(T.Item)"/><ReturnType Type="Edm.Int32"/></Function>
    <EntityContainer Name="C"><EntitySet Name="Items" EntityType="T.Item"/><FunctionImport Name="Insert" Function="T.Insert"/></EntityContainer>
  </Schema></edmx:DataServices></edmx:Edmx>"""
SLY_HANDLERS = """from app import Operations
operations = Operations()
@operations.function("T.Insert")
def insert(*, context):
    return context.set("Items").insert({"ID": 9})["ID"]
@operations.function("T.Update", bound_to="T.Item")
def update(it, *, context):
    it.update(Name="other")
    return 1
@operations.function("T.Delete", bound_to="Collection(T.Item)")
def delete(it, *, context):
    for each in it:
        each.delete()
    return 1
"""


@pytest.mark.parametrize("target", ["Insert()", "Items(1)/T.Update()", "Items/T.Delete()", "Items/$each/T.Update()", "Items?$filter=T.Update() eq 1",
                                    "Items?$filter=T.Insert() eq 9", "Items/$filter(ID eq 1)/T.Delete()"])
def test_functions_change_nothing(service_of: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture, target: str) -> None:
    """CSDL 12.3: functions have no observable side effects; one that tries to have some fails, and the log says why."""
    for name, text in (("sly.xml", SLY), ("sly.py", SLY_HANDLERS), ("sly.json", '{"Items": [{"ID": 1, "Name": "one"}]}')):
        (tmp_path / name).write_text(text)
    client = Client(service_of(tmp_path / "sly.xml", tmp_path / "sly.json", tmp_path / "sly.py"))
    before = client.get("Items")
    assert client.send(target).status == 500
    assert "A function cannot change data" in caplog.text
    assert client.get("Items") == before
