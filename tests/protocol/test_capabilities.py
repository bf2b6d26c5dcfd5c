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
from app.edm import Model, places, vocabularies
from app.edm.model import EntitySet
from tests.protocol.conftest import files
from tests.protocol.exchange import Client

REFUSED = (400, 403, 404, 405, 501)
BODY = {"content-type": "application/json", "if-match": "*"}
REASON = {"x-reason": "a test"}             # what one of the sets demands


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
        shown = not vocabularies.unreadable(model, each.type, model.properties(each.type)[path])
        allowed = shown and filters.get("Filterable", True) and path not in (filters.get("NonFilterableProperties") or ())
        if not filters.get("RequiredProperties") and path not in vocabularies.filter_expressions(filters):
            yield "$filter", f"{name}?$filter={path} ne null", allowed
        down = shown and sorts.get("Sortable", True) and path not in (sorts.get("NonSortableProperties") or ())
        yield "$orderby", f"{name}?$orderby={path}", down and path not in (sorts.get("DescendingOnlyProperties") or ())
        yield "$orderby", f"{name}?$orderby={path} desc", down and path not in (sorts.get("AscendingOnlyProperties") or ())
    for path in model.navigations(each.type):
        allowed = expands.get("Expandable", True) and path not in (expands.get("NonExpandableProperties") or ())
        target = next((binding.target for binding in each.bindings if binding.path == path), None)
        where = places.below(model, (name,), each.type, (), model.navigations(each.type)[path], target)
        if target in model.sets and vocabularies.read_restrictions(model, where).get("Readable", True) and not \
                vocabularies.restriction(model, "FilterRestrictions", target).get("RequiresFilter"):
            yield "$expand", f"{name}?$expand={path}", allowed and vocabularies.navigability(model, (name,), path) != "None"
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
        answer = client.send(line, BODY if changes else REASON, b"{}" if changes else b"")
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
    ("SelectSupport", "Unsaid?$select=Tags($filter=$this ne 'a')", None, 400, "optionNotSupported"), ("SelectSupport", "Plain?$select=Tags($top=1)", None, 200, None), ("SelectSupport", "Unsaid?$select=Tags($top=1)", None, 400, "optionNotSupported"),
    ("SelectSupport", "Unsaid?$select=Tags($orderby=$this)", None, 400, "optionNotSupported"), ("SelectSupport", "Unsaid?$select=@Core.Messages", None, 400, "optionNotSupported"), ("SelectSupport", "Unsaid?$select=Where/City", None, 200, None),
    ("FilterFunctions", "Bare?$filter=contains(Name,'a')", None, 200, None), ("FilterFunctions", "Bare?$filter=startswith(Name,'a')", None, 501, "notImplemented"), ("FilterFunctions", "Plain?$filter=startswith(Name,'a')", None, 200, None),
    ("SearchRestrictions", "Bare?$search=a OR b", None, 400, "notSearchable"), ("SearchRestrictions", "Bare?$search=a b", None, 200, None), ("SearchRestrictions", "Bare?$search=NOT a", None, 400, "notSearchable"),
    ("SearchRestrictions", "Grouped?$search=\"a b\"", None, 400, "notSearchable"), ("SearchRestrictions", "Grouped?$search=a b", None, 400, "notSearchable"), ("SearchRestrictions", "Grouped?$search=NOT (a OR b)", None, 400, "notSearchable"), ("SearchRestrictions", "Grouped?$search=a OR b", None, 200, None),
    # navigation
    ("NavigationRestrictions", "Bare(1)/Next", None, 400, "notNavigable"), ("NavigationRestrictions", "Bare?$expand=Next", None, 400, "notNavigable"), ("NavigationRestrictions", "Bare(1)/Parts", None, 200, None),
    ("NavigationRestrictions", "Bare?$filter=Next/Name eq 'a'", None, 400, "notNavigable"), ("NavigationRestrictions", "Bare?$orderby=Next/Name", None, 400, "notNavigable"), ("NavigationRestrictions", "Bare?$filter=Parts/any()", None, 200, None),
    ("NavigationRestrictions", "Plain(1)/Next", None, 204, None), ("CountRestrictions", "Bare?$expand=Parts($count=true)", None, 400, "notCountable"), ("CountRestrictions", "Bare?$expand=Parts/$count", None, 400, "notCountable"),
    ("NavigationRestrictions: Single", "Owners(1)/Next", None, 200, None), ("NavigationRestrictions: Single", "Owners(1)/Next/Next", None, 400, "notNavigable"), ("NavigationRestrictions: Single", "Owners?$expand=Next($expand=Next)", None, 400, "notNavigable"), ("NavigationRestrictions: Single", "Owners?$expand=Next", None, 200, None),
    ("…/ReadRestrictions", "Owners(1)/Others", None, 405, "methodNotAllowed"), ("…/ReadRestrictions", "Owners?$expand=Others", None, 405, "methodNotAllowed"), ("…/ReadRestrictions", "Plain(1)/Others", None, 200, None),
    ("…/InsertRestrictions", "POST Owners(1)/Parts", {"Number": 7}, 405, "methodNotAllowed"), ("…/InsertRestrictions", "PATCH Owners(1)", {"Parts": [{"Number": 7}]}, 400, "notInsertable"), ("…/InsertRestrictions", "POST Owners", {"ID": 7, "Parts": [{"Number": 7}]}, 400, "notInsertable"), ("…/InsertRestrictions", "POST Plain(1)/Parts", {"Number": 7}, 201, None),
    ("…/UpdateRestrictions", "PATCH Path(1)/Parts(1)", {}, 405, "methodNotAllowed"), ("…/DeleteRestrictions", "DELETE Path(1)/Parts(1)", None, 405, "methodNotAllowed"), ("…/FilterRestrictions", "Owners(1)/Parts?$filter=Number eq 1", None, 400, "notFilterable"), ("…/FilterRestrictions", "Owners?$expand=Parts($filter=Number eq 1)", None, 400, "notFilterable"),
    ("…/SortRestrictions", "Owners(1)/Parts?$orderby=Number", None, 400, "notSortable"), ("…/TopSupported", "Owners(1)/Parts?$top=1", None, 400, "optionNotSupported"), ("…/SkipSupported", "Owners(1)/Parts?$skip=1", None, 400, "optionNotSupported"), ("…/SelectSupport", "Owners(1)/Parts?$select=Number", None, 400, "optionNotSupported"),
    ("…/IndexableByKey", "Owners(1)/Parts(1)", None, 400, "notIndexable"), ("…/SearchRestrictions", "Owners(1)/Parts?$search=a", None, 400, "notSearchable"), ("…/…", "Owners(1)/Parts", None, 200, None),
    ("…/OptimisticConcurrencyControl", "PATCH Owners(1)/Next", {"Name": "x"}, 428, "ifMatchRequired"), ("…/OptimisticConcurrencyControl", "PATCH Plain(1)", {"Name": "one"}, 204, None),
    ("target path", "POST Path(1)/Parts", {"Number": 7}, 405, "methodNotAllowed"), ("target path", "Path(1)/Parts?$orderby=Number", None, 400, "notSortable"), ("target path", "Path?$expand=Parts($orderby=Number)", None, 400, "notSortable"), ("target path", "Bare(1)/Parts?$orderby=Number", None, 200, None),
    ("navigation property", "DELETE Bare(1)/Parts(1)/Deeper(1)", None, 405, "methodNotAllowed"), ("navigation property", "DELETE Bare(1)/Parts(9)", None, 404, "notFound"),
    # reads
    ("FilterRestrictions: MaxLevels", "Formed?$filter=Next/Next/Name eq 'a'", None, 400, "limitExceeded"), ("FilterRestrictions: MaxLevels", "Formed?$filter=Parts/any(p:p/Deeper/any(d:d/Number eq 1))", None, 400, "limitExceeded"), ("FilterRestrictions: MaxLevels", "Formed?$filter=Next/Name eq 'a'", None, 200, None),
    *[("FilterExpressionRestrictions", f"Formed?$filter={text}", None, 200 if good else 400, None if good else "notFilterable") for good, text in (
        (True, "ID gt 1 and ID lt 9"), (True, "(ID ge 1) and Weight eq 2"), (True, "5 gt ID"), (False, "ID ne 1"), (False, "ID eq 1 or ID eq 2"), (False, "ID gt 1 and ID gt 2"), (False, "ID add 1 eq 2"), (False, "not (ID eq 1)"),
        (True, "contains(Name,'a') or startswith(Name,'b')"), (False, "Name eq 'a'"), (False, "contains(Name,'a') and endswith(Name,'b')"), (False, "contains('abc',Name)"),
        (True, "Secret eq 'a' or Secret in ('b','c')"), (True, "Secret in ('b','c')"), (False, "Secret gt 'a'"), (False, "Secret eq 'a' or ID eq 1"), (True, "Secret eq 'a' and ID eq 1"),
        (True, "Size gt 1 and Size lt 3 or Size eq 9"), (True, "Size ne 1 and Size ne 2"), (True, "Size gt 1"), (False, "Size ne 1 or Size eq 2"), (False, "Size eq Weight"),
        (True, "Weight eq 1"), (False, "Weight eq 1 or Weight eq 2"), (False, "Weight in (1,2)"), (True, "Where/City eq 'a' or contains(Where/City,'b')"), (False, "length(Where/City) eq 1"), (True, "Where/City ne null"))],
    ("ExpandByKeyRestrictions", "Keyed?$expand=Next", None, 400, "notExpandable"), ("ExpandByKeyRestrictions", "Keyed?$expand=Parts($expand=Deeper)", None, 200, None), ("ReadByKeyRestrictions", "Keyed(1)", None, 405, "methodNotAllowed"), ("ReadByKeyRestrictions", "Keyed", None, 200, None), ("ReadByKeyRestrictions", "Keyed(1)/Name", None, 405, "methodNotAllowed"),
    ("StreamsExpandable", "Streaming?$expand=Photo", None, 400, "notExpandable"), ("StreamsExpandable", "Unsaid?$expand=Photo", None, 400, "notExpandable"), ("StreamsExpandable", "Plain?$expand=Photo", None, 200, None),
    ("CountRestrictions", "Listed(1)/Tags/$count", None, 400, "notCountable"), ("CountRestrictions", "Listed(1)/Tags?$count=true", None, 400, "notCountable"), ("CountRestrictions", "Plain(1)/Tags/$count", None, 200, None),
    ("CollectionPropertyRestrictions", "Listed(1)/Tags?$filter=$it eq 'a'", None, 400, "notFilterable"), ("CollectionPropertyRestrictions", "Listed(1)/Tags?$orderby=$it", None, 400, "notSortable"), ("CollectionPropertyRestrictions", "Listed(1)/Tags?$top=1", None, 400, "optionNotSupported"), ("CollectionPropertyRestrictions", "Listed(1)/Tags", None, 200, None),
    ("CollectionPropertyRestrictions", "POST Listed(1)/Tags", {"value": "c"}, 405, "methodNotAllowed"), ("CollectionPropertyRestrictions", "DELETE Listed(1)/Tags/0", None, 405, "methodNotAllowed"), ("CollectionPropertyRestrictions", "PUT Listed(1)/Tags/0", {"value": "c"}, 405, "methodNotAllowed"), ("CollectionPropertyRestrictions", "POST Plain(1)/Tags", {"value": "c"}, 204, None),
    ("CollectionPropertyRestrictions", "Listed?$select=Tags($top=1)", None, 400, "optionNotSupported"), ("ReadRestrictions: CustomHeaders", "Signed", None, 400, "missingHeader"), ("ReadRestrictions: CustomHeaders", "Signed(1)", None, 400, "missingHeader"),
    # changes
    ("InsertRestrictions", "POST Bare", {"ID": 9, "Name": "a", "Secret": "x"}, 400, "notWritable"), ("InsertRestrictions", "POST Bare", {"ID": 9}, 400, "missingValue"), ("InsertRestrictions", "POST Bare", {"ID": 9, "Name": "a"}, 201, None),
    ("InsertRestrictions", "POST Bare", {"ID": 10, "Name": "a", "Next@odata.bind": "Plain(1)"}, 201, None), ("InsertRestrictions", "POST Bare", {"ID": 30, "Name": "a", "Next": {"ID": 31}}, 400, "notWritable"), ("DeepInsertSupport", "POST Bare", {"ID": 11, "Name": "a", "Parts": [{"Number": 1}]}, 501, "notImplemented"),
    ("InsertRestrictions", "POST Listed", {"ID": 2, "Where": {"City": "a", "Street": "b"}}, 400, "notWritable"), ("InsertRestrictions", "POST Listed", {"ID": 2, "Where": {}}, 400, "missingValue"), ("InsertRestrictions", "POST Listed", {"ID": 2, "Where": {"Street": "b"}}, 201, None),
    ("UpdateRestrictions", "PATCH Bare(1)", {"Secret": "x"}, 400, "notWritable"), ("UpdateRestrictions", "PATCH Bare(1)", {"Name": "x"}, 204, None), ("UpdateRestrictions", "PATCH Bare(1)", {"Next": None}, 400, "notWritable"),
    ("UpdateRestrictions", "PUT Listed(1)/Name", {"value": "x"}, 405, "methodNotAllowed"), ("UpdateRestrictions", "PUT Listed(1)/Where/City", {"value": "x"}, 405, "methodNotAllowed"), ("UpdateRestrictions", "PATCH Listed(1)", {"Where": {"City": "x"}}, 400, "notWritable"), ("UpdateRestrictions", "PUT Listed(1)/Where/Street", {"value": "x"}, 204, None),
    ("InsertRestrictions: MaxLevels", "POST Shallow", {"ID": 13, "Parts": [{"Number": 1, "Deeper": [{"Number": 2}]}]}, 201, None), ("InsertRestrictions: MaxLevels", "POST Shallow(13)/Parts", {"Number": 3}, 201, None), ("InsertRestrictions: MaxLevels", "POST Shallow(13)/Parts(1)/Deeper", {"Number": 3}, 400, "limitExceeded"),
    ("InsertRestrictions", "POST Plain", {"ID": 15, "Next": {"ID": 16}}, 201, None), ("InsertRestrictions", "POST Bound", {"ID": 17, "Next": {"ID": 18}}, 400, "notInsertable"), ("InsertRestrictions", "POST Closed", {"ID": 17}, 405, "methodNotAllowed"),
    ("UpdateRestrictions: Upsertable", "PATCH Said(50)", {"Name": "a"}, 201, None), ("UpdateRestrictions: Upsertable", "PUT Unsaid(50)", {"Name": "a"}, 404, "notFound"), ("UpdateRestrictions: Upsertable", "PATCH Unsaid(1)", {"Name": "a"}, 204, None), ("UpdateRestrictions: Upsertable", "PATCH Plain(50)", {"Name": "a"}, 201, None),
    ("UpdateRestrictions: DeltaUpdateSupported", "PATCH Said", {"value": []}, 204, None), ("UpdateRestrictions: DeltaUpdateSupported", "PATCH Unsaid", {"value": []}, 405, "methodNotAllowed"), ("UpdateRestrictions: DeltaUpdateSupported", "PATCH Plain", {"value": []}, 204, None),
    ("UpdateRestrictions: UpdateMethod", "PUT Patched(1)", {}, 405, "methodNotAllowed"), ("UpdateRestrictions: UpdateMethod", "PATCH Patched(1)", {}, 204, None), ("UpdateRestrictions: UpdateMethod", "PATCH Put(1)", {}, 405, "methodNotAllowed"), ("UpdateRestrictions: UpdateMethod", "PUT Put(1)", {}, 204, None),
    ("NonUpdatableNavigationProperties", "PUT Linked(1)/Next/$ref", {"@odata.id": "Plain(1)"}, 405, "methodNotAllowed"), ("NonUpdatableNavigationProperties", "DELETE Linked(1)/Next/$ref", None, 204, None), ("NonDeletableNavigationProperties", "DELETE Linked(1)/Others/$ref?$id=Plain(1)", None, 405, "methodNotAllowed"), ("NonDeletableNavigationProperties", "POST Linked(1)/Others/$ref", {"@odata.id": "Plain(1)"}, 204, None),
    ("UpdateRestrictions: MaxLevels", "PATCH Near(1)/Next", {"Name": "x"}, 400, "limitExceeded"), ("UpdateRestrictions: MaxLevels", "PATCH Near(1)", {"Name": "x"}, 204, None), ("DeleteRestrictions: MaxLevels", "DELETE Near(1)/Next", None, 400, "limitExceeded"), ("UpdateRestrictions: FilterSegmentSupported", "PATCH Near/$filter(ID eq 1)/$each", {"Name": "x"}, 400, "segmentNotSupported"),
    ("UpdateRestrictions: FilterSegmentSupported", "PATCH Plain/$filter(ID eq 1)/$each", {"Name": "one"}, 204, None), ("DeleteRestrictions: TypecastSegmentSupported", "DELETE Near/Capable.Special/$each", None, 400, "segmentNotSupported"), ("DeleteRestrictions: TypecastSegmentSupported", "DELETE Said/Capable.Special/$each", None, 204, None),
    ("DeepInsertSupport: ContentIDSupported", "POST Shallowly", {"ID": 2, "Parts": [{"Number": 1, "@Org.OData.Core.V1.ContentID": "x"}]}, 501, "notImplemented"), ("DeepInsertSupport: ContentIDSupported", "POST Shallowly", {"ID": 2, "Parts": [{"Number": 1}]}, 201, None), ("DeepUpdateSupport", "PATCH Shallowly(1)", {"Parts": [{"Number": 1}]}, 501, "notImplemented"),
    ("InsertRestrictions: QueryOptions", "POST Optionless?$expand=Next", {"ID": 2}, 400, "optionNotSupported"), ("InsertRestrictions: QueryOptions", "POST Optionless?$select=ID", {"ID": 2}, 201, None), ("UpdateRestrictions: QueryOptions", "PATCH Optionless(1)?$select=ID", {}, 400, "optionNotSupported"), ("UpdateRestrictions: QueryOptions", "PATCH Optionless(1)?$expand=Next", {}, 200, None),
    # on every way
    *[("FilterRestrictions", line, None, 400, "notFilterable") for line in (
        "Owners(1)/Parts?$apply=filter(Number eq 1)", "Owners(1)/Parts/$filter(Number eq 1)", "Owners(1)/Parts/$count?$filter=Number eq 1", "Owners?$expand=Parts/$count($filter=Number eq 1)", "Listed(1)/Tags/$filter($it eq 'a')", "Formed?$apply=filter(Name eq 'a')/aggregate($count as N)", "Formed?$apply=groupby((Name),aggregate($count as N))&$filter=Name eq 'a'", "Formed?$apply=groupby((Name))/filter(Name eq 'a')", "Formed?$compute=Name as X&$filter=X eq 'a'", "Formed?$apply=compute(Name as X)/filter(X eq 'a')", "$crossjoin(Formed,Plain)?$filter=Formed/Name eq 'a'", "$crossjoin(Formed,Plain)?$apply=filter(Formed/Name eq 'a')")],
    *[("SortRestrictions", line, None, 400, "notSortable") for line in (
        "Owners(1)/Parts?$apply=orderby(Number)", "Owners(1)/Parts?$compute=Number as N&$orderby=N")],
    *[("NavigationRestrictions", line, None, 400, "notNavigable") for line in (
        "Bare?$apply=groupby((Next/Name))", "Bare?$apply=aggregate(Next/Size with sum as S)", "Bare?$apply=filter(Next/Name eq 'a')", "Bare?$apply=compute(Next/Size as S)", "Bare?$apply=concat(filter(Next/Name eq 'a'),identity)", "Bare?$apply=orderby(Next/Name)", "$crossjoin(Bare,Plain)?$orderby=Bare/Next/Name", "Plain?$filter=$root/Bare(1)/Next/Name eq 'a'", "Plain?$filter=$root/Bare/any(b:b/Next/Name eq 'a')", "Bare/Capable.Special?$filter=Next/Name eq 'a'")],
    *[("SearchRestrictions", line, None, 400, "notSearchable") for line in (
        "Bare?$apply=search(a OR b)",)],
    *[("TopSupported", line, None, 400, "optionNotSupported") for line in (
        "Owners(1)/Parts?$apply=top(1)", "Owners(1)/Parts?$apply=skip(1)")],
    ("FilterRestrictions", "Formed?$apply=filter(contains(Name,'a'))", None, 200, None), ("FilterFunctions", "Bare?$apply=filter(startswith(Name,'a'))", None, 501, "notImplemented"), ("FilterFunctions", "Bare?$compute=startswith(Name,'a') as S&$filter=S", None, 501, "notImplemented"), ("…/ReadRestrictions", "Plain?$filter=$root/Keyed(1)/Name eq 'a'", None, 200, None),
    # nested entities in updates: what becomes of each decides
    ("…/UpdateRestrictions", "PATCH Owners(1)", {"Parts": [{"Number": 1}]}, 400, "notUpdatable"), ("…/DeleteRestrictions", "PATCH Owners(1)", {"Parts": []}, 400, "notDeletable"), ("…/DeleteRestrictions", "PATCH Owners(1)", {"Parts@delta": [{"@removed": {"reason": "deleted"}, "Number": 1}]}, 400, "notDeletable"),
    ("…/InsertRestrictions", "PATCH Owners", {"value": [{"ID": 1, "Parts": [{"Number": 7}]}]}, 400, "notInsertable"), ("…/InsertRestrictions", "PATCH Owners", {"value": [{"ID": 1, "Name": "one", "Parts@delta": []}]}, 204, None), ("…/InsertRestrictions", "PATCH Owners/$each", {"Parts@delta": [{"Number": 7}]}, 400, "notInsertable"),
    ("InsertRestrictions", "POST Bound", {"ID": 61}, 201, None), ("InsertRestrictions", "PATCH Bound(61)", {"Next": {"ID": 62}}, 400, "notInsertable"), ("InsertRestrictions", "PATCH Bound(61)", {"Next": {"Name": "x"}}, 400, "missingValue"), ("InsertRestrictions", "PUT Bound(61)", {"Next": {"ID": 62}}, 400, "notInsertable"),
    ("InsertRestrictions", "PATCH Bound(61)", {"Others": [{"ID": 62, "Next": {"ID": 63}}]}, 204, None), ("InsertRestrictions", "PATCH Bound(61)", {"Others@delta": [{"ID": 62, "Name": "y"}, {"ID": 64}]}, 204, None), ("InsertRestrictions", "Plain/62/Name", None, 200, None), ("InsertRestrictions", "Closed(62)", None, 404, "notFound"),
    ("UpdateRestrictions", "PATCH Bare/$each", {"Secret": "x"}, 400, "notWritable"), ("NonUpdatableNavigationProperties", "PATCH Tied", {"value": [{"@odata.context": "#Tied/$link", "source": "Tied(1)", "relationship": "Next", "target": "Plain(1)"}]}, 400, "notWritable"),
    ("NonDeletableNavigationProperties", "PATCH Tied", {"value": [{"@odata.context": "#Tied/$deletedLink", "source": "Tied(1)", "relationship": "Others", "target": "Plain(1)"}]}, 400, "notWritable"),
    ("InsertRestrictions", "POST Accounts", {"ID": 70, "Seat": {"Row": 1, "Who": {"ID": 71}}}, 400, "notInsertable"), ("InsertRestrictions", "POST Accounts", {"ID": 70, "Seat": {"Row": 1}}, 201, None), ("InsertRestrictions", "PATCH Accounts(70)", {"Seat": {"Who": {"ID": 71}}}, 400, "notInsertable"),
    ("UpdateRestrictions: CustomQueryOptions", "PATCH Signed(1)", {}, 400, "missingOption"), ("UpdateRestrictions: CustomQueryOptions", "PATCH Signed(1)?reason=x", {}, 204, None),
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


# --- the container, and what `$metadata` adds ------------------------------------------------------------

def made(folder: Path, container: str, *, set: str = "", operations: str = "") -> Path:
    """A model of one set and two actions whose container says something."""
    file = folder / "made.xml"
    file.write_text(f"""<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.01">
  <edmx:Reference Uri="https://oasis-tcs.github.io/odata-vocabularies/vocabularies/Org.OData.Capabilities.V1.xml"><edmx:Include Namespace="Org.OData.Capabilities.V1" Alias="Capabilities"/></edmx:Reference>
  <edmx:DataServices><Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="m" Alias="Self">
    <EntityType Name="T" HasStream="true"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.String" Nullable="false" MaxLength="9"/></EntityType>
    <EntityType Name="U"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.String" Nullable="false" MaxLength="9"/><Property Name="A" Type="Edm.String"/></EntityType>
    <Action Name="Do">{operations}</Action>
    <Action Name="All" IsBound="true"><Parameter Name="us" Type="Collection(Self.U)"/><Annotation Term="Capabilities.OperationRestrictions"><Record><PropertyValue Property="FilterSegmentSupported" Bool="false"/></Record></Annotation></Action>
    <EntityContainer Name="C"><EntitySet Name="Ts" EntityType="Self.T"/><EntitySet Name="Us" EntityType="Self.U">{set}</EntitySet><ActionImport Name="Do" Action="Self.Do"/>{container}</EntityContainer>
  </Schema></edmx:DataServices></edmx:Edmx>""")
    return file


def term(name: str, value: str = 'Bool="false"') -> str:
    return f'<Annotation Term="Capabilities.{name}" {value}/>' if not value.startswith("<") else f'<Annotation Term="Capabilities.{name}">{value}</Annotation>'


def flags(**values: str) -> str:
    return "<Record>" + "".join(f'<PropertyValue Property="{name}" Bool="{value}"/>' for name, value in values.items()) + "</Record>"


PART = {"id": "1", "method": "GET", "url": "Us"}
MADE = {"id": "2", "method": "POST", "url": "Us", "headers": {"content-type": "application/json"}, "body": {"ID": "b"}}
REQUIRED = "<Collection><Record><PropertyValue Property=\"Name\" String=\"{}\"/><PropertyValue Property=\"Required\" Bool=\"true\"/></Record></Collection>"
WHOLE: list[tuple[str, str, Any, dict[str, str], int]] = [
    # what the container says, request, body, headers, status; without the annotation it is another one
    (term("KeyAsSegmentSupported"), "Us/a", None, {}, 404), (term("QuerySegmentSupported"), "POST Us/$query", "$top=1", {"content-type": "text/plain"}, 501), (term("CrossJoinSupported"), "$crossjoin(Us,Ts)", None, {}, 501),
    (term("AnnotationValuesInQuerySupported"), "Us?$filter=@Capabilities.IndexableByKey eq null", None, {}, 501), (term("BatchSupported"), "POST $batch", {"requests": []}, {}, 501), (term("BatchSupport", flags(Supported="false")), "POST $batch", {"requests": []}, {}, 501),
    (term("BatchSupport", "<Record><PropertyValue Property=\"SupportedFormats\"><Collection><String>multipart/mixed</String></Collection></PropertyValue></Record>"), "POST $batch", {"requests": []}, {}, 415),
    (term("SupportedMetadataFormats", "<Collection><String>application/xml</String></Collection>"), "$metadata", None, {"accept": "application/json"}, 406), (term("AsynchronousRequestsSupported"), "Us", None, {"prefer": "respond-async"}, 200),
    (term("ModificationQueryOptions", flags(SelectSupported="true")), "POST Us?$expand=*", {"ID": "c"}, {}, 400), (term("SelectSupport", flags(Supported="false")), "Us?$select=A", None, {}, 400),
    (term("FilterFunctions", "<Collection><String>length</String></Collection>"), "Us?$filter=contains(A,'a')", None, {}, 501), (term("CustomHeaders", REQUIRED.format("X-Why")), "Us", None, {}, 400), (term("CustomQueryOptions", REQUIRED.format("why")), "Us", None, {}, 400),
    (term("CustomQueryOptions", REQUIRED.format("why")), "POST Us", {"ID": "d"}, {}, 400), (term("DefaultCapabilities", "<Record><PropertyValue Property=\"SkipSupported\" Bool=\"false\"/></Record>"), "Us?$skip=1", None, {}, 400),
    (term("DefaultCapabilities", "<Record><PropertyValue Property=\"UpdateRestrictions\">" + flags(Updatable="false") + "</PropertyValue></Record>"), "PATCH Us('a')", {"A": "x"}, {"if-match": "*"}, 405),
    (term("DeepInsertSupport", flags(Supported="true")), "POST Us/$filter(A eq 'a')/m.All", {}, {}, 400),
]


@pytest.mark.parametrize("says", ["denied", "silent"])
def test_what_the_container_says(says: str, tmp_path: Path, service_of: Any) -> None:
    problems = []
    opened: dict[str, Client] = {}
    for at, (annotation, line, body, headers, status) in enumerate(WHOLE):
        if ("m.All" in line or "Asynchronous" in annotation) and says == "silent":
            continue
        key = annotation if says == "denied" else ""
        if key not in opened:
            folder = tmp_path / str(at)
            folder.mkdir()
            data = folder / "data.json"
            data.write_text(json.dumps({"Us": [{"ID": "a", "A": "x"}]}))
            opened[key] = Client(service_of(made(folder, key), data, None))
        content = body.encode() if isinstance(body, str) else b"" if body is None else json.dumps(body).encode()
        sent = {"content-type": "application/json", **headers} if body is not None else headers
        found = opened[key].send(line, sent, content).status
        if (found == status) != (says == "denied"):
            problems.append(f"{annotation}: {line}: {found}")
    assert not problems, "\n".join(problems)


BATCHES: list[tuple[str, list[dict[str, Any]], dict[str, str], list[int]]] = [
    # the flag that is needed, requests, headers, statuses without it
    ("RequestDependencyConditionsSupported", [PART, {**PART, "id": "2", "dependsOn": ["1"], "if": "$1/status eq 200"}], {}, [200, 501]),
    ("EtagReferencesSupported", [MADE, {"id": "3", "method": "PATCH", "url": "$2", "dependsOn": ["2"], "headers": {"content-type": "application/json", "if-match": "$2"}, "body": {"A": "y"}}], {}, [201, 501]),
    ("ReferencesAcrossChangeSetsSupported", [{**MADE, "atomicityGroup": "g"}, {"id": "3", "method": "GET", "url": "$2", "dependsOn": ["g"]}], {}, [201, 501]),
    ("ContinueOnErrorSupported", [{**PART, "url": "Nope"}, {**PART, "id": "2"}], {"prefer": "continue-on-error=false"}, [404, 200]),
]


@pytest.mark.parametrize(("flag", "requests", "headers", "statuses"), BATCHES, ids=[each[0] for each in BATCHES])
def test_parts_of_batches(flag: str, requests: list[dict[str, Any]], headers: dict[str, str], statuses: list[int], tmp_path: Path, service_of: Any) -> None:
    for kept in (False, True):
        folder = tmp_path / str(kept)
        folder.mkdir()
        support = flags(**{each[0]: "true" for each in BATCHES if kept or each[0] != flag}, ReferencesInRequestBodiesSupported="true")
        client = Client(service_of(made(folder, term("BatchSupport", support)), None, None))
        answer = client.send("POST $batch", {"content-type": "application/json", **headers}, json.dumps({"requests": requests}).encode())
        assert ([each["status"] for each in answer.json["responses"]] == statuses) is not kept, answer.text
        assert ("preference-applied" in answer.headers) is (kept and bool(headers))


def test_metadata_declares_what_the_file_does_not_speak_of(tmp_path: Path, service_of: Any) -> None:
    client = Client(service_of(made(tmp_path, "", set=term("ChangeTracking", flags(Supported="false"))), None, None))
    document = client.send("$metadata?$format=json").json
    prefix = "@Capabilities."
    container = {name.removeprefix(prefix): value for name, value in document["m"]["C"].items() if name.startswith(prefix)}
    assert container["ConformanceLevel"] == "Advanced" and container["AsynchronousRequestsSupported"] is True and container["KeyAsSegmentSupported"] is True
    assert all(container["BatchSupport"][each[0]] for each in BATCHES) and container["SupportedMetadataFormats"] == ["application/xml", "application/json"]
    assert "CallbackSupported" not in container and "application/json;odata.metadata=minimal;IEEE754Compatible=false" in container["SupportedFormats"]
    assert document["m"]["C"]["Us"][prefix + "ChangeTracking"] == {"Supported": False}
    assert document["m"]["C"]["Us"][prefix + "UpdateRestrictions"] == {"Upsertable": True, "DeltaUpdateSupported": True}
    assert document["m"]["C"]["Ts"][prefix + "ExpandRestrictions"] == {"StreamsExpandable": True} and prefix + "UpdateRestrictions" not in document["m"]["C"]["Ts"]
    assert document["m"]["T"][prefix + "MediaLocationUpdateSupported"] is False
    assert any(include["$Namespace"] == "Org.OData.Capabilities.V1" for reference in document["$Reference"].values() for include in reference["$Include"])
    applied = document["m"]["C"]["@Org.OData.Aggregation.V1.ApplySupportedDefaults"]
    assert applied["From"] is True and {"groupby", "traverse"} <= set(applied["Transformations"]) and "MultipleHierarchies" in str(applied["Rollup"])
    assert csdl.load(written(tmp_path, client.send("$metadata").text)) is not None


def written(folder: Path, text: str) -> Path:
    file = folder / "metadata.xml"
    file.write_text(text)
    return file


def test_the_names_of_tracked_changes(private: Any) -> None:
    client: Client = private("capabilities")
    for target, tracked in (("Untracked", False), ("Plain", True), ("Tracked", True), ("Tracked?$filter=Name eq 'one'", True), ("Tracked?$filter=Size eq 1", False),
                            ("Tracked?$expand=Parts", True), ("Tracked?$expand=Next", False)):
        answer = client.send(target, {"prefer": "track-changes"})
        assert answer.status == 200 and ("@odata.deltaLink" in answer.json) is tracked, target


def test_containments_of_the_published_model(clients: Any) -> None:
    """What a singleton says of the containments below it is a matter of the method, not of the body."""
    client: Client = clients["industryData-beta"]
    for method in ("POST", "PATCH", "PUT"):
        answer = client.handled(method, "external/industryData/runs" + ("" if method == "POST" else "('x')"), {"content-type": "application/json"}, b"{}")
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD"), answer.text
    assert client.handled("DELETE", "external/industryData/runs('x')", {}).status == 405
    assert client.handled("POST", "external/industryData/years", {"content-type": "application/json"}, b"{}").status == 400


# --- Core.Permissions: what is written is not always read ------------------------------------------------

SHOWN = ["Accounts", "Accounts(1)", "Accounts?$select=*", "Accounts?$select=ID,Card", "Accounts(1)/Card", "Accounts?$expand=Others", "$all", "Accounts?$apply=filter(ID eq 1)", "Accounts?$expand=*", "Accounts?$compute=ID add 1 as N"]
ASKED = ["Accounts(1)/Password", "Accounts(1)/Password/$value", "Accounts?$select=Password", "Accounts?$filter=Password eq 'hush'", "Accounts?$filter=startswith(Password,'h')", "Accounts?$orderby=Password", "Accounts?$compute=length(Password) as L",
         "Accounts?$filter=Card/Pin eq 'p1n4'", "Accounts(1)/Card/Pin", "Accounts?$apply=groupby((Password))", "Accounts?$filter=Others/any(o:o/Password ne null)", "Accounts(1)/Nothing", "Accounts?$select=Card/Pin", "Accounts/$filter(Password eq 'hush')",
         "PATCH Accounts/$filter(Password eq 'hush')/$each", "Accounts?$filter=$root/Accounts(1)/Password eq 'hush'", "$crossjoin(Accounts,Plain)?$filter=Accounts/Password eq 'hush'"]


def test_what_is_not_read(private: Any) -> None:
    client: Client = private("capabilities")
    sent = {"content-type": "application/json", "prefer": "return=representation"}

    def change(line: str, body: Any) -> Any:
        return client.send(line, sent, json.dumps(body).encode())

    for target in SHOWN:
        for level in ("minimal", "full", "none"):
            answer = client.send(target, {"accept": f"application/json;odata.metadata={level}"})
            assert answer.status == 200 and "one" in answer.text + "one" * ("Card" in target), answer.text
            assert not {each for each in ("hush", "p1n4", "nil", "Password", "Pin", "Nothing") if each in answer.text}, (target, answer.text)
    for target in ASKED:
        answer = client.send(target, sent, b"{}" if target.startswith("PATCH") else b"")
        assert answer.status in (400, 404) and "p1n4" not in answer.text, (target, answer.text)
    assert client.get("Accounts?$search=hush")["value"] == [] and len(client.get("Accounts?$search=one")["value"]) == 1
    document = client.send("$metadata?$format=json").json["Capable"]
    assert {"Password", "Nothing", "Balance"} <= document["Account"].keys() and "Pin" in document["Card"]
    # written all the same; what may only be read is left alone
    for line, body, status in (("POST Accounts", {"ID": 2, "Name": "two", "Password": "secret", "Balance": 7, "Nothing": "x", "Since": 1, "Card": {"Pin": "1", "Bank": "C"}}, 201), ("PATCH Accounts(2)", {"Password": "other", "Balance": 8, "Since": 3}, 200),
                               ("PUT Accounts(2)/Password", {"value": "third"}, 204), ("PUT Accounts(2)/Balance", {"value": 9}, 405), ("PUT Accounts(2)/Since", {"value": 9}, 405)):
        answer = change(line, body)
        assert answer.status == status, (line, answer.text)
        assert not {each for each in ("secret", "other", "third", "Pin") if each in answer.text}, answer.text
    found = client.get("Accounts(2)")
    assert (found["Balance"], found["Since"], found["Card"]) == (None, 1, {"Bank": "C"})
    assert stored(client, "Password", 2) == "third" and stored(client, "Nothing", 2) is None


def stored(client: Client, name: str, key: int) -> Any:
    """A value as the table has it."""
    store = client.service.store
    mark = "`" if store.dialect.name == "mariadb" else '"'
    with store.read():
        return store.execute(f"SELECT {mark}{name}{mark} FROM {mark}Accounts{mark} WHERE {mark}ID{mark} = {key}").rows[0][0]
