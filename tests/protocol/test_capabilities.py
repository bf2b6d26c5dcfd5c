"""What `$metadata` forbids is refused, and what it allows is not: every set of two models × every capability (V-Cap).

The requests are made from the model: each asks one thing of one set, and the annotations of that set say whether it is to be
answered. A model made for the purpose forbids what the two allow.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app import csdl
from app.edm import Model, vocabularies
from app.edm.model import EntitySet
from tests.protocol.conftest import files
from tests.protocol.exchange import Client

REFUSED = (400, 403, 404, 405, 501)
BODY = {"content-type": "application/json", "if-match": "*"}


def filterable(model: Model, type: str) -> Iterator[str]:
    """Properties that any store can filter and sort by."""
    for name, member in model.properties(type).items():
        ref = model.underlying(member.type)
        if not ref.collection and ref.name in ("Edm.String", "Edm.Int32", "Edm.Int64", "Edm.Boolean", "Edm.Date", "Edm.Guid"):
            yield name


def questions(model: Model) -> Iterator[tuple[str, str, bool]]:
    """(what is asked, request, whether the annotations allow it) for every set."""
    for each in model.sets.values():
        yield from of_set(model, each)


def of_set(model: Model, each: EntitySet) -> Iterator[tuple[str, str, bool]]:
    name = each.name

    def record(term: str) -> dict[str, Any]:
        return vocabularies.restriction(model, term, name)

    filters, sorts, expands = record("FilterRestrictions"), record("SortRestrictions"), record("ExpandRestrictions")
    readable = record("ReadRestrictions").get("Readable", True) and not filters.get("RequiresFilter")
    if not readable:
        return
    yield "read", f"{name}?$top=1" if vocabularies.supported(model, "TopSupported", name) else name, True
    yield "$count", f"{name}/$count", record("CountRestrictions").get("Countable", True)
    yield "$count", f"{name}?$count=true", record("CountRestrictions").get("Countable", True)
    for option in ("Top", "Skip"):
        yield f"${option.lower()}", f"{name}?${option.lower()}=1", vocabularies.supported(model, option + "Supported", name)
    yield "$search", f"{name}?$search=zebra", record("SearchRestrictions").get("Searchable", True)
    for path in filterable(model, each.type):
        allowed = filters.get("Filterable", True) and path not in (filters.get("NonFilterableProperties") or ())
        if not filters.get("RequiredProperties"):
            yield "$filter", f"{name}?$filter={path} ne null", allowed
        down = sorts.get("Sortable", True) and path not in (sorts.get("NonSortableProperties") or ())
        yield "$orderby", f"{name}?$orderby={path}", down and path not in (sorts.get("DescendingOnlyProperties") or ())
        yield "$orderby", f"{name}?$orderby={path} desc", down and path not in (sorts.get("AscendingOnlyProperties") or ())
    for path in model.navigations(each.type):
        allowed = expands.get("Expandable", True) and path not in (expands.get("NonExpandableProperties") or ())
        target = next((binding.target for binding in each.bindings if binding.path == path), None)
        if target in model.sets and vocabularies.restriction(model, "ReadRestrictions", target).get("Readable", True) and not \
                vocabularies.restriction(model, "FilterRestrictions", target).get("RequiresFilter"):
            yield "$expand", f"{name}?$expand={path}", allowed and vocabularies.navigable(model, name, path)
    key = ",".join(f"{part.name}={literal(model, each.type, part.path)}" for part in model.key(each.type))
    for term, member, method in (("UpdateRestrictions", "Updatable", "PATCH"), ("DeleteRestrictions", "Deletable", "DELETE")):
        if not vocabularies.allowed(model, term, member, name):
            yield member, f"{method} {name}({key})", False
    yield "Insertable", f"POST {name}", vocabularies.allowed(model, "InsertRestrictions", "Insertable", name)


def literal(model: Model, type: str, path: str) -> str:
    member = model.property_at(type, path)
    assert member is not None
    kind = model.underlying(member.type).name
    return {"Edm.String": "'none'", "Edm.Guid": "00000000-0000-0000-0000-000000000000", "Edm.DateTimeOffset": "2000-01-01T00:00:00Z"}.get(kind, "0")


MODELS = {name: csdl.load(files(name)[0]) for name in ("northwind", "industryData", "restricted", "capabilities")}


@pytest.mark.parametrize("name", MODELS)
def test_what_is_forbidden_is_refused_and_what_is_allowed_is_not(name: str, private: Callable[..., Client]) -> None:
    client, model, problems = private(name), MODELS[name], []
    asked: dict[bool, int] = {True: 0, False: 0}
    for what, line, allowed in questions(model):
        changes = line.startswith(("POST", "PATCH", "DELETE"))
        answer = client.send(line, BODY if changes else {}, b"{}" if changes else b"")
        asked[bool(allowed)] += 1
        if not allowed and changes:
            good = answer.status in (404, 405) if not line.startswith("POST") else answer.status == 405
        elif not allowed:
            good = answer.status in (400, 405, 501)
        elif changes:                   # an empty body is no entity of most sets, but never the wrong method
            good = answer.status not in (405, 501)
        else:
            good = answer.status == 200
        if not good:
            problems.append(f"{what}: {line} ({'allowed' if allowed else 'forbidden'}): {answer.status} {answer.text[:200]}")
    assert not problems, "\n".join(problems)
    assert asked[True]


# --- what the two models do not forbid -------------------------------------------------------------------

CASES: list[tuple[str, str, Any, int, str | None]] = [
    # term, request, body, status, code
    ("IndexableByKey", "Unkeyed(1)", None, 400, "notIndexable"), ("IndexableByKey", "Unkeyed", None, 200, None), ("IndexableByKey", "Plain(1)", None, 200, None),
    ("SelectSupport", "Bare?$select=ID", None, 400, "optionNotSupported"), ("ComputeSupported", "Bare?$compute=ID add 1 as N", None, 400, "optionNotSupported"), ("SelectSupport", "Plain?$select=ID", None, 200, None),
    ("FilterFunctions", "Bare?$filter=contains(Name,'a')", None, 200, None), ("FilterFunctions", "Bare?$filter=startswith(Name,'a')", None, 501, "notImplemented"), ("FilterFunctions", "Plain?$filter=startswith(Name,'a')", None, 200, None),
    ("SearchRestrictions", "Bare?$search=a OR b", None, 400, "notSearchable"), ("SearchRestrictions", "Bare?$search=a b", None, 200, None), ("SearchRestrictions", "Bare?$search=NOT a", None, 400, "notSearchable"),
    ("NavigationRestrictions", "Bare(1)/Next", None, 400, "notNavigable"), ("NavigationRestrictions", "Bare?$expand=Next", None, 400, "notNavigable"), ("NavigationRestrictions", "Bare(1)/Parts", None, 200, None),
    ("NavigationRestrictions", "Plain(1)/Next", None, 204, None), ("CountRestrictions", "Bare?$expand=Parts($count=true)", None, 400, "notCountable"), ("CountRestrictions", "Bare?$expand=Parts/$count", None, 400, "notCountable"),
    ("InsertRestrictions", "POST Bare", {"ID": 9, "Name": "a", "Secret": "x"}, 400, "notWritable"), ("InsertRestrictions", "POST Bare", {"ID": 9}, 400, "missingValue"), ("InsertRestrictions", "POST Bare", {"ID": 9, "Name": "a"}, 201, None),
    ("InsertRestrictions", "POST Bare", {"ID": 10, "Name": "a", "Next@odata.bind": "Plain(1)"}, 400, "notWritable"), ("DeepInsertSupport", "POST Bare", {"ID": 11, "Name": "a", "Parts": [{"Number": 1}]}, 501, "notImplemented"),
    ("UpdateRestrictions", "PATCH Bare(1)", {"Secret": "x"}, 400, "notWritable"), ("UpdateRestrictions", "PATCH Bare(1)", {"Name": "x"}, 204, None), ("UpdateRestrictions", "PATCH Bare(1)", {"Next": None}, 400, "notWritable"),
    ("InsertRestrictions", "POST Plain", {"ID": 12, "Parts": [{"Number": 1, "Deeper": [{"Number": 2}]}]}, 201, None), ("InsertRestrictions", "POST Shallow", {"ID": 13, "Parts": [{"Number": 1, "Deeper": [{"Number": 2}]}]}, 400, "limitExceeded"),
    ("InsertRestrictions", "POST Shallow", {"ID": 14, "Parts": [{"Number": 1}]}, 201, None), ("InsertRestrictions", "POST Plain", {"ID": 15, "Next": {"ID": 16}}, 201, None), ("InsertRestrictions", "POST Bound", {"ID": 17, "Next": {"ID": 18}}, 400, "notInsertable"),
]


def test_further_terms(private: Any) -> None:
    client: Client = private("capabilities")
    problems = []
    for term, line, body, status, code in CASES:
        answer = client.send(line, {"content-type": "application/json"} if body is not None else {}, json.dumps(body).encode() if body is not None else b"")
        found = answer.json["error"]["code"] if answer.status >= 400 else None
        if (answer.status, found) != (status, code):
            problems.append(f"{term}: {line} {body}: {answer.status} {found} {answer.text[:200]}")
    assert not problems, "\n".join(problems)


def test_the_models_are_where_they_are_looked_for() -> None:
    assert all(Path(files(name)[0]).exists() for name in MODELS)
