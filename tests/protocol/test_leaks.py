"""The leak matrix: every way to reach a set × every way to ask × every kind of rule (DESIGN §9).

The ways are made from the model: every navigation path of up to two steps that leads to the set, in every place where a request
can have one. With rows that are hidden, the answers have to be those of a world without them; with a set that may not be read,
and with a member that is hidden, nothing of it may be said.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app import csdl
from app.edm import Model
from app.service import jobs
from tests.protocol.conftest import files
from tests.protocol.exchange import ROOT, Client, split
from tests.protocol.rights import ask, content, guarded, stripped
from tests.protocol.test_policies import HIDDEN, MEMBERS, RIGHTS, ROWS, SEEN, Shared, shared, trimmed

__all__ = ["shared"]
MODEL = csdl.load(files("northwind")[0])
TARGET = "Orders"
KEYS = {"Customers": ("CustomerID", "'ANATR'"), "Employees": ("EmployeeID", "5"), "OrderDetails": ("ProductID", f"OrderID={HIDDEN},ProductID=4"),
        "Products": ("ID", "4"), "Shippers": ("CompanyName", "00000000-0000-0000-0000-000000000000")}


def ways(model: Model, target: str, deepest: int = 2) -> Iterator[tuple[str, tuple[tuple[str, bool], ...]]]:
    """(set, navigation properties with whether each is a collection) of the paths that lead to a set."""

    def below(type: str, bound: dict[str, str], steps: tuple[tuple[str, bool], ...], first: str) -> Iterator[Any]:
        for name, navigation in model.navigations(type).items():
            path = (*steps, (name, navigation.collection))
            end = bound.get("/".join(each for each, _ in path[-1:]))
            if end == target:
                yield first, path
            if end in model.sets and len(path) < deepest and end != target:
                inner = model.sets[end]
                yield from below(inner.type, {each.path: each.target for each in inner.bindings}, path, first)

    for each in model.sets.values():
        if each.name != target and each.name in KEYS:
            yield from below(each.type, {binding.path: binding.target for binding in each.bindings}, (), each.name)


def requests(source: str, path: tuple[tuple[str, bool], ...]) -> Iterator[str]:
    """Every place where a request can follow the path."""
    name, key = KEYS[source]
    many = path[-1][1]
    own = "Freight gt 20"
    first, *rest = path
    # the resource path
    trail, single = f"{source}({key})", True
    for step, collection in path:
        if not single:
            break
        trail, single = f"{trail}/{step}", not collection
    else:
        yield from (trail, f"{trail}/$ref", f"{trail}?$select=OrderID")
        if many:
            yield from (f"{trail}/$count", f"{trail}?$count=true&$top=1&$orderby=OrderID", f"{trail}({HIDDEN})", f"{trail}({SEEN})/Freight", f"{trail}/$filter({own})", f"{trail}?$search=berlin",
                        f"{trail}?$apply=aggregate($count as N,Freight with max as M)", f"{trail}({HIDDEN})/Details", f"{trail}/{HIDDEN}")
        else:
            yield from (f"{trail}/Freight", f"{trail}/Freight/$value", f"{trail}/ShipTo", f"{trail}/Details", f"{trail}/Customer")
    # $expand

    def expanded(inner: str, steps: Any = path) -> str:
        (step, _), *others = steps
        return step + inner if not others else f"{step}($expand={expanded(inner, others)})"

    for inner in ("", "($select=OrderID)", f"($filter={own};$select=OrderID)", "($levels=max)", "/$ref", "($expand=Details)", "($compute=Freight mul 2 as D;$select=D)", "($orderby=Freight desc;$top=1)" if many else "($select=Freight)"):
        if "$levels" not in inner:
            yield f"{source}?$select={name}&$expand={expanded(inner)}"
    if many:
        yield from (f"{source}?$select={name}&$expand={expanded(inner)}" for inner in ("/$count", "($count=true)", "($search=berlin)", "($apply=aggregate($count as N))"))
    # expressions

    def within(inner: str, steps: Any = path, at: str = "", depth: int = 0) -> str:
        """A condition on the last step, lambdas on the way."""
        (step, collection), *others = steps
        here = f"{at}{step}"
        if not others:
            return inner.replace("{}", here).replace("{x}", f"x{depth}")
        if collection:
            return f"{here}/any(x{depth}:{within(inner, others, f'x{depth}/', depth + 1)})"
        return within(inner, others, f"{here}/", depth)

    conditions = (["{}/any()", f"{{}}/any({{x}}:{{x}}/OrderID eq {HIDDEN})", "{}/all({x}:{x}/Freight gt 1000)", "{}/$count gt 0", "{}/$count($filter=Freight gt 20) gt 0", "{}/$filter(Freight gt 20)/$count gt 0",
                   "{}/$count($search=berlin) gt 0", "not {}/any()"] if many
                  else ["{} ne null", "{}/Freight gt 20", f"{{}}/OrderID in ({HIDDEN},{SEEN})", "{}/Customer/CompanyName ne null", "{}/ShipTo/City ne null", "contains({}/CustomerID,'A')", "isof({},Northwind.Model.Order)"])
    for condition in conditions:
        yield f"{source}?$select={name}&$filter={within(condition)}"
        yield f"{source}/$count?$filter={within(condition)}"
        yield f"{source}?$apply=filter({within(condition)})/aggregate($count as N)"
        yield f"{source}/$filter({within(condition)})?$select={name}"
        yield f"{source}?$select=X,{name}&$compute=case({within(condition)}:1,true:0) as X"
    if not any(collection for _, collection in path[:-1]):
        joined = "/".join(step for step, _ in path)
        value = f"{joined}/$count" if many else f"{joined}/Freight"
        yield from (f"{source}?$select={name}&$orderby={value} desc,{name}", f"{source}?$select=X,{name}&$compute={value} as X")
        if many:
            yield from (f"{source}?$apply=aggregate({joined}/$count as N)", f"{source}?$apply=aggregate({joined}/Freight with sum as S)", f"{source}?$apply=groupby(({name}),aggregate({joined}/$count as N))")
        else:
            yield from (f"{source}?$apply=groupby(({joined}/CustomerID),aggregate($count as N))", f"{source}?$apply=aggregate({joined}/Freight with max as M)", f"{source}?$apply=filter({joined}/Freight gt 20)/groupby(({name}))")
    yield f"$crossjoin({source},{TARGET})?$filter={source}/{name} ne null and {TARGET}/OrderID eq {HIDDEN}&$expand={TARGET}($select=OrderID)"
    if many and len(path) == 1:
        yield from (f"{source}?$apply=join({first[0]} as J)/groupby((J/CustomerID),aggregate($count as N))", f"{source}?$apply=outerjoin({first[0]} as J)/aggregate($count as N)",
                    f"{source}?$apply=outerjoin({first[0]} as J,topcount(1,Freight))/groupby((J/CustomerID),aggregate($count as N))", f"{source}?$apply=join({first[0]} as J,aggregate($count as N,Freight with sum as F))/groupby(({name},J/N,J/F))",
                    f"{source}?$select={name},X&$compute={first[0]}/aggregate(Customer/CompanyName with countdistinct) as X", f"{source}?$select={name},X&$compute={first[0]}/aggregate(Freight with sum from CustomerID with max) as X",
                    f"{source}?$apply=addnested({first[0]},topcount(2,Freight) as Big)/aggregate(Big/$count as N,Big/Freight with sum as F)", f"{source}?$apply=addnested({first[0]},top(1) as Big)/filter(Big/any())/groupby(({name}))",
                    f"{source}?$apply=addnested({first[0]},filter({own}) as Big)&$select={name}&$expand=Big")


MATRIX = list(dict.fromkeys(each for source, path in ways(MODEL, TARGET) for each in requests(source, path)))
PARTS = 16


def test_the_matrix_is_one() -> None:
    paths = list(ways(MODEL, TARGET))
    assert len(paths) >= 6 and any(len(path) == 2 for _, path in paths) and len(MATRIX) > 250


@pytest.mark.parametrize("part", range(PARTS))
def test_hidden_rows(part: int, shared: Shared) -> None:
    """Whatever is asked is answered as in a world without them."""
    limited, world = shared.of("rows", ROWS), shared.of("trimmed", None, trimmed())
    problems, answered = [], 0
    for line in MATRIX[part::PARTS]:
        expected, found = content(ask(world, "admin", line)), content(ask(limited, "clerk", line))
        answered += expected[0] in (200, 204, 404)
        if found != expected or expected[0] == 500:
            problems.append(f"{line}: {str(found)[:200]} instead of {str(expected)[:200]}")
    assert not problems, "\n".join(problems)
    assert answered > len(MATRIX[part::PARTS]) / 2


@pytest.mark.parametrize("part", range(PARTS))
def test_a_set_that_may_not_be_read(part: int, shared: Shared) -> None:
    """Whatever reaches it is refused by name, or says nothing of it."""
    client = shared.of("rights", RIGHTS)
    problems = []
    for line in MATRIX[part::PARTS]:
        answer = ask(client, "clerk", line)
        if answer.status != 403 or TARGET not in answer.json["error"]["message"]:
            asked = content(ask(client, "admin", line))
            if asked[0] < 400 or answer.status >= 500:
                problems.append(f"{line}: {answer.status} {answer.text[:200]}")
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("part", range(PARTS))
def test_a_hidden_member(part: int, shared: Shared) -> None:
    """Whatever names it is refused as an unknown name is; nothing else shows it."""
    client = shared.of("members", MEMBERS)
    problems = []
    for line in MATRIX[part::PARTS]:
        answer = ask(client, "clerk", line)
        named = "Freight" in line or line.startswith("Shippers") or "Shippers" in line
        shown = '"Freight"' in answer.text
        if named and answer.status < 400 or not named and (shown or answer.status >= 500):
            problems.append(f"{line}: {answer.status} {answer.text[:200]}")
    assert not problems, "\n".join(problems)


def test_functions_as_transformations(service_of: Any, tmp_path: Path) -> None:
    """What a function of `$apply` is given, and what it finds elsewhere, is what whoever asks may see."""
    rules = [{"roles": ["admin"], "sets": {"*": {}}}, {"roles": ["clerk"], "sets": {"*": {}, "Sales": {"rows": "Customer/ID eq @principal.tenant"}}},
             {"roles": ["guest"], "sets": {"Sales": {}, "Products": {}}}]
    client = guarded(service_of, tmp_path, "sales", {"rules": rules}, people={"admin": "roles=admin", "clerk": "roles=clerk;tenant=C1", "guest": "roles=guest"})
    for line in ("$all?$apply=aggregate($count as N)", "$all/SalesModel.Sale?$apply=aggregate($count as N)"):
        assert ask(client, "clerk", line).json["value"][0]["N"] == ask(client, "admin", line).json["value"][0]["N"] - 5
    for function, own in (("All()", 3), ("Largest(count=9)", 3), ("Above(amount=0)", 3), ("Buyers()", 1)):
        for line in (f"Sales?$apply=SalesModel.{function}/aggregate($count as N)", f"Sales?$apply=orderby(ID)/SalesModel.{function}/aggregate($count as N)",
                     f"Sales?$apply=concat(SalesModel.{function},identity)/aggregate($count as N)"):
            counts = {who: ask(client, who, line) for who in ("admin", "clerk")}
            if counts["clerk"].status == 501 and "concat" in line:
                continue
            expected = own + (3 if "concat" in line else 0)
            assert counts["clerk"].json["value"][0]["N"] == expected < counts["admin"].json["value"][0]["N"], line
    assert ask(client, "guest", "Sales?$apply=SalesModel.Buyers()").status == 403
    assert ask(client, "guest", "Sales?$apply=SalesModel.Largest()").status in (200, 403)


def test_arguments_and_results_of_operations(shared: Shared, service_of: Any, tmp_path: Path) -> None:
    """`$root` in the argument of a function, and in options of what it gives, shows what whoever asks may see."""
    limited, world, closed = shared.of("rows", ROWS), shared.of("trimmed", None, trimmed()), shared.of("rights", RIGHTS)
    for argument in ("$root/Orders/$count", f"$root/Orders({HIDDEN})/Freight", f"$root/Orders({SEEN})/Freight", "$root/Employees(5)/Orders/$count"):
        line = f"PriceWithTax(price=@p)?@p={argument}"
        assert content(ask(limited, "clerk", line)) == content(ask(world, "admin", line)), line
        assert ask(closed, "clerk", line).status == 403, line
    rules = [{"roles": ["admin"], "sets": {"*": {}}}, {"roles": ["clerk"], "sets": {"Items": {"rows": "false"}}}, {"roles": ["guest"], "sets": {"Groups": {}}}]
    client = guarded(service_of, tmp_path, "calls", {"rules": rules})
    for option in ("$filter=$root/Items/any()", "$filter=$root/Items/$count gt 0", "$apply=filter($root/Items/any())"):
        found = {who: ask(client, who, f"Sizes()?{option}") for who in ("admin", "clerk", "guest")}
        assert found["admin"].json["value"] and not found["clerk"].json["value"] and found["guest"].status == 403, option


# --- ways to ask -----------------------------------------------------------------------------------------

SAMPLE = MATRIX[::9]


def later(client: Client, who: str, line: str) -> Any:
    """The result of an asynchronous request, and the status that others get at its monitor."""
    answer = client.handled(*split(line), {"x-api-key": who, "prefer": "respond-async"})
    if answer.status != 202:
        return content(answer), None
    monitor = answer.headers["location"].removeprefix(ROOT)
    jobs.work(client.service, jobs.me())
    for other in {"other", "admin", "nobody"} - {who}:
        for method in ("GET", "DELETE", "HEAD"):
            assert client.handled(method, monitor, {"x-api-key": other}).status == 404
    assert client.handled("GET", monitor, {}).status == 401
    found = client.handled("GET", monitor, {"x-api-key": who, "odata-maxversion": "4.01", "accept": "application/json"})
    return (int(found.headers["asyncresult"]), stripped(found.json) if found.body[:1] == b"{" else found.text), monitor


def batched(client: Client, who: str, lines: list[str]) -> list[Any]:
    parts = [{"id": str(at), "method": "GET", "url": split(line)[1]} for at, line in enumerate(lines)]
    answer = ask(client, who, "POST $batch", {"requests": parts})
    return [(each["status"], stripped(each.get("body", ""))) for each in answer.json["responses"]]


def test_in_batches(shared: Shared) -> None:
    limited, world = shared.of("rows", ROWS), shared.of("trimmed", None, trimmed())
    assert batched(limited, "clerk", SAMPLE) == batched(world, "admin", SAMPLE)


def test_with_the_query_in_the_body(shared: Shared) -> None:
    limited, world = shared.of("rows", ROWS), shared.of("trimmed", None, trimmed())
    for line in SAMPLE:
        path, _, query = split(line)[1].partition("?")
        answers = [content(client.handled("POST", f"{path}/$query", {"x-api-key": who, "content-type": "text/plain"}, query.encode()))
                   for client, who in ((limited, "clerk"), (world, "admin"))]
        assert answers[0] == answers[1], line


def test_asynchronously(shared: Shared) -> None:
    """The same under the policy of who asked; its monitor is nobody else's."""
    limited, world = shared.of("rows", ROWS), shared.of("trimmed", None, trimmed())
    monitored = 0
    for line in SAMPLE[::3]:
        found, monitor = later(limited, "clerk", line)
        monitored += monitor is not None
        assert found == later(world, "admin", line)[0], line
    assert monitored


def test_pages_of_somebody_else(shared: Shared) -> None:
    """A token is good for the policy that it was made under, and shows whoever has it the rows that they may see."""
    client = shared.of("rows", ROWS)
    for line in ("Orders?$orderby=Freight", "Customers?$expand=Orders", "Orders/$ref", "Orders?$apply=groupby((Freight))"):
        first = ask(client, "admin", line, prefer="maxpagesize=1").json
        link = first["@odata.nextLink"].removeprefix(ROOT)
        assert ask(client, "clerk", "GET " + link).status == 400
        own = ask(client, "clerk", line, prefer="maxpagesize=1").json.get("@odata.nextLink", "").removeprefix(ROOT)
        if own:
            seen = ask(client, "other", "GET " + own)
            assert seen.status in (200, 400) and "ALFKI" not in seen.text.replace("Customers('ALFKI", "").replace('"CustomerID":"ALFKI"', "" if line.startswith("Customers") else "ALFKI")


@pytest.fixture
def changing(service_of: Any, tmp_path: Path) -> Client:
    return guarded(service_of, tmp_path, "northwind", ROWS)


MOVES: list[tuple[str, Any, list[tuple[str, bool]]]] = [
    # what an administrator does, what the clerk is told: key, whether removed
    (f"PATCH Orders({HIDDEN})", {"Freight": 9}, []), (f"DELETE Orders({HIDDEN})", None, []), ("POST Orders", {"CustomerID": "ANATR"}, []), (f"PATCH Orders({SEEN})", {"Freight": 9}, [(str(SEEN), False)]),
    (f"PATCH Orders({SEEN})", {"CustomerID": "ANATR"}, [(str(SEEN), True)]), (f"PATCH Orders({HIDDEN})", {"CustomerID": "ALFKI"}, [(str(HIDDEN), False)]), (f"DELETE Orders({SEEN})", None, [(str(SEEN), True)]),
]


@pytest.mark.parametrize("query", ["Orders?$select=OrderID,CustomerID,Freight", "Orders?$select=OrderID&$filter=Freight ge 0 or Freight eq null", "Customers?$select=CustomerID&$expand=Orders($select=OrderID)"])
@pytest.mark.parametrize(("line", "body", "told"), MOVES, ids=[f"{line} {body}" for line, body, _ in MOVES])
def test_delta_links(line: str, body: Any, told: list[tuple[str, bool]], query: str, changing: Client) -> None:
    """What changes outside of the rows of a principal is told by no link, its own or another's."""
    links = {who: ask(changing, who, query, prefer="track-changes", odata_maxversion="4.01").json["@odata.deltaLink"].removeprefix(ROOT) for who in ("clerk", "admin")}
    done = ask(changing, "admin", line, body)
    assert done.status in (201, 204), done.text
    answer = ask(changing, "clerk", "GET " + links["clerk"], odata_maxversion="4.01")
    if answer.status == 410:        # whether a row that is gone, or went out of sight, was among those seen nobody can say
        assert line.startswith("DELETE") or "ANATR" in str(body), answer.text
        assert str(HIDDEN) not in answer.text and str(SEEN) not in answer.text
        return
    assert answer.status == 200, answer.text
    if query.startswith("Orders"):
        assert [(str(each.get("OrderID", each.get("@odata.id", "")[len(ROOT):].strip("Orders()"))), "@odata.removed" in each) for each in answer.json["value"]] == told
    elif not told:
        assert str(HIDDEN) not in answer.text and not any(each.get("Orders@odata.delta") for each in answer.json["value"])
    for who, link in (("clerk", links["admin"]), ("admin", links["clerk"])):
        refused = ask(changing, who, "GET " + link, odata_maxversion="4.01")
        assert refused.status in (400, 403, 410) and str(HIDDEN) not in refused.text.replace(link, "")
    assert str(SEEN) not in ask(changing, "other", "GET " + links["clerk"], odata_maxversion="4.01").text.split('"value"')[-1] or "ANATR" in str(body)


# --- what errors and headers say -------------------------------------------------------------------------

SILENT: list[tuple[str, Any]] = [
    ("DELETE Customers('ANATR')", None), (f"PATCH Orders({HIDDEN})", {"Freight": 1}), ("PUT Customers('ANATR')/Orders/$ref", {"value": []}), ("POST Customers('ALFKI')/Orders/$ref", {"@odata.id": f"Orders({HIDDEN})"}),
    ("PATCH Customers('ANATR')", {"Orders": []}), ("PATCH Orders/$filter(Freight gt 0)/$each", {"CustomerID": "ANATR"}), ("PATCH Orders", {"value": [{"@removed": {"reason": "deleted"}, "OrderID": HIDDEN}]}),
    ("DELETE Orders/$each", None), ("POST $batch", {"requests": [{"id": "1", "method": "DELETE", "url": "Customers('ANATR')", "headers": {"if-match": "*"}}]}),
]


@pytest.mark.parametrize(("line", "body"), SILENT, ids=[line for line, _ in SILENT])
def test_errors_name_no_hidden_row(line: str, body: Any, changing: Client) -> None:
    everything = ask(changing, "admin", "Orders?$select=OrderID,CustomerID").json["value"]
    hidden = {str(each["OrderID"]) for each in everything if each["CustomerID"] != "ALFKI"}
    answer = ask(changing, "clerk", line, body, **({} if "Orders(" in line else {"if_match": "*"}))
    said = answer.text.replace(line, "").replace(f"Orders({HIDDEN})", "") if body is None else answer.text
    given = json.dumps(body)
    assert answer.status != 500
    assert not {each for each in hidden if each in said and each not in given and each not in line}, answer.text
    after = ask(changing, "admin", "Orders?$select=OrderID,CustomerID&$filter=CustomerID ne 'ALFKI'").json["value"]
    assert {str(each["OrderID"]) for each in after} >= hidden


# --- a hidden row is as good as none -----------------------------------------------------------------------

ONE: list[tuple[str, Any]] = [
    ("GET Orders({})", None), ("HEAD Orders({})", None), ("PATCH Orders({})", {"Freight": 1}), ("PUT Orders({})", {"Freight": 1}), ("DELETE Orders({})", None), ("DELETE Orders({})/$ref", None), ("GET Orders({})/Details", None),
    ("PUT Orders({})/Freight", {"value": 1}), ("DELETE Orders({})/Freight", None), ("PATCH Orders({})/ShipTo", {"City": "x"}), ("DELETE Orders({})/ShipTo", None), ("PATCH Orders({})/Customer", {"CompanyName": "x"}),
    ("PUT Orders({})/Customer/$ref", {"@odata.id": "Customers('ALFKI')"}), ("DELETE Orders({})/Customer/$ref", None), ("POST Orders({})/Details", {"ProductID": 1, "UnitPrice": 1}), ("PATCH Orders({})/Details", {"value": []}),
    ("PATCH Orders({})/Details(OrderID={},ProductID=4)", {"Quantity": 1}), ("DELETE Orders({})/Details(OrderID={},ProductID=4)", None), ("POST Orders({})/Northwind.Model.Ship", {}), ("DELETE OrderDetails(OrderID={},ProductID=4)", None),
    ("PATCH OrderDetails(OrderID={},ProductID=4)", {"Quantity": 1}), ("PUT Orders({})/Details", {"value": []}),
]
CONDITIONS: list[dict[str, str]] = [{}, {"if_match": "*"}, {"if_match": 'W/"abc"'}, {"if_none_match": "*"}, {"prefer": "return=representation"}]
OTHERS: list[tuple[str, Any]] = [
    ("POST OrderDetails", {"OrderID": "{}", "ProductID": 9, "UnitPrice": 1}), ("POST OrderDetails", {"Order@odata.bind": "Orders({})", "ProductID": 9, "UnitPrice": 1}), ("POST Customers('ALFKI')/Orders/$ref", {"@odata.id": "Orders({})"}),
    ("DELETE Customers('ALFKI')/Orders/$ref?$id=Orders({})", None), ("DELETE Customers('ANATR')/Orders({})/$ref", None), ("PATCH Customers('ALFKI')", {"Orders@odata.bind": ["Orders({})"]}), ("PATCH Customers('ALFKI')", {"Orders": [{"OrderID": "{}"}]}),
    *[("PATCH Customers('ANATR')", {"Orders@delta": [each]}) for each in ({"@id": "Orders({})", "Freight": 1}, {"OrderID": "{}", "Freight": 1}, {"OrderID": "{}", "@removed": {"reason": "deleted"}}, {"OrderID": "{}", "@removed": {"reason": "changed"}})],
    *[("PATCH Orders", {"value": [each]}) for each in ({"OrderID": "{}", "Freight": 1}, {"@id": "Orders({})", "Freight": 1}, {"OrderID": "{}", "@removed": {"reason": "deleted"}},
                                                       {"@context": "#Orders/$link", "source": "Orders({})", "relationship": "Customer", "target": "Customers('ALFKI')"})],
    *[("PATCH Customers", {"value": [{"@context": f"#Customers/{kind}", "source": "Customers('ANATR')", "relationship": "Orders", "target": "Orders({})"}]}) for kind in ("$link", "$deletedLink")],
    ("DELETE Orders/$filter(OrderID eq {})/$each", None), ("PATCH Orders/$filter(OrderID eq {})/$each", {"Freight": 1}), ("POST Orders/$filter(OrderID eq {})/$each/Northwind.Model.Ship", {}), ("GET $entity?$id=Orders({})", None),
    ("PATCH Orders(10253)", {"Details@delta": [{"OrderID": "{}", "ProductID": 4, "Quantity": 1}]}), ("DELETE Employees(5)/Orders({})/$ref", None), ("PUT Employees(5)/Orders({})", {"Freight": 1}), ("DELETE Employees(5)/Orders({})", None),
    ("PATCH Employees(5)", {"Orders@delta": [{"OrderID": "{}", "@removed": {"reason": "changed"}}]}),
    ("POST $batch", {"requests": [{"id": str(at), "method": method, "url": "Orders({})", "headers": {"content-type": "application/json"}, **({"body": {}} if method == "PATCH" else {})} for at, method in enumerate(("PATCH", "GET", "DELETE"))]}),
]
# where clients make the keys: a key that is taken lies outside, like one that would
KEYED: list[tuple[str, Any]] = [
    ("GET Customers('{}')", None), ("PATCH Customers('{}')", {"CompanyName": "x"}), ("PUT Customers('{}')", {"CompanyName": "x"}), ("POST Customers", {"CustomerID": "{}", "CompanyName": "x"}), ("DELETE Customers('{}')", None),
    ("POST Orders", {"CustomerID": "{}"}), ("POST Orders", {"Customer@odata.bind": "Customers('{}')"}), ("POST Orders", {"Customer": {"CustomerID": "{}"}}), ("POST Orders", {"Customer": {"CustomerID": "{}", "CompanyName": "n"}}),
    ("PATCH Orders(10253)", {"CustomerID": "{}"}), ("PATCH Orders(10253)", {"Customer": {"CustomerID": "{}", "CompanyName": "n"}}), ("PUT Orders(10253)/Customer/$ref", {"@id": "Customers('{}')"}), ("PUT Orders(10253)/CustomerID", {"value": "{}"}),
    ("PATCH Customers", {"value": [{"CustomerID": "{}", "CompanyName": "x"}]}), ("PATCH Orders/$filter(OrderID eq 10253)/$each", {"CustomerID": "{}"}),
]
TENANTS = {"rules": [{"roles": ["admin"], "sets": {"*": {}}}, {"roles": ["clerk"], "sets": {"*": {}, "Customers": {"rows": "CustomerID eq @principal.tenant"}}}]}


def filled(value: Any, key: Any) -> Any:
    match value:
        case str():
            return key if value == "{}" else value.replace("{}", str(key))
        case dict():
            return {name: filled(each, key) for name, each in value.items()}
        case list():
            return [filled(each, key) for each in value]
    return value


@pytest.mark.parametrize(("policy", "lines", "hidden", "absent"), [(ROWS, [(*each, headers) for each in ONE for headers in CONDITIONS] + [(*each, {}) for each in OTHERS], HIDDEN, 99999),
                                                                   (TENANTS, [(*each, headers) for each in KEYED for headers in CONDITIONS[:4]], "ANATR", "ZZZZZ")], ids=["keys of the service", "keys of clients"])
def test_hidden_rows_and_none_are_alike(policy: Any, lines: list[Any], hidden: Any, absent: Any, service_of: Any, tmp_path: Path) -> None:
    """Status, body and the names of headers are the same for an entity that is hidden as for one that is not there."""
    client, problems = guarded(service_of, tmp_path, "northwind", policy), []
    for line, body, headers in lines:
        answers = []
        for key in (hidden, absent):
            version = {} if "$batch" in line else {"odata_maxversion": "4.01"}
            answer = ask(client, "clerk", filled(line, key), filled(body, key), **headers, **version)
            found = content(answer) if answer.body else (answer.status, "")
            answers.append((found[0], str(found[1]).replace(str(key), "KEY"), sorted(answer.headers)))
        if answers[0] != answers[1] or answers[0][0] == 500:
            problems.append(f"{line} {body} {headers}: {answers}")
    assert not problems, "\n".join(problems)


def test_plans_are_for_those_with_every_right(service_of: Any, tmp_path: Path) -> None:
    """Statements name hidden columns and the rules themselves."""
    client = guarded(service_of, tmp_path, "northwind", ROWS, explain=True)
    sent = {"accept": "application/vnd.odata.plan+json"}
    assert client.handled("GET", "Orders", {"x-api-key": "admin", **sent}).status == 200
    answer = client.handled("GET", "Orders", {"x-api-key": "clerk", **sent})
    assert answer.status == 403 and "tenant" not in answer.text and "SELECT" not in answer.text


def test_secrets_are_in_no_answer(service_of: Any, tmp_path: Path) -> None:
    client = guarded(service_of, tmp_path, "northwind", ROWS, people={"s3cret-key-of-a-clerk": "roles=clerk;tenant=ALFKI"})
    for line in ("Orders?$top=1", "Orders(", "Nope", "POST Orders", "$metadata", "Orders?$filter=Nope eq 1", "-/async/x"):
        answer = ask(client, "s3cret-key-of-a-clerk", line)
        assert "s3cret" not in answer.text + str(answer.headers)
    first = ask(client, "s3cret-key-of-a-clerk", "Orders", prefer="maxpagesize=1").json["@odata.nextLink"]
    from base64 import urlsafe_b64decode
    token = first.rpartition("$skiptoken=")[2]
    assert b"s3cret" not in urlsafe_b64decode(token + "=" * (-len(token) % 4))
