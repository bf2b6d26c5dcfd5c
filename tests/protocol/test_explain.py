"""Explain: the stages of a request, its statements and the database's plan of them; never a result, never unasked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.protocol.exchange import Client

PLAN = {"Accept": "application/vnd.odata.plan+json"}

CASES = [
    # request                                                           statements for
    ("incomingFlowRuns?$filter=status eq 'failed'&$orderby=startDateTime desc&$top=5", ["resource"]),
    ("incomingFlowRuns?$expand=process($expand=microsoft.graph.industryData.incomingFlow/year)&$count=true", ["resource", "process", "process/year", "count"]),
    ("incomingFlowRuns/$count?$filter=endDateTime eq null", ["resource"]),
    ("incomingFlowRuns('f904e29a-a96e-553f-aab3-86bf859067e7')", ["resource"]),
    ("incomingFlowRuns?$apply=groupby((status),aggregate($count as n))", ["resource"]),
]


@pytest.mark.parametrize(("target", "purposes"), CASES, ids=[row[0] for row in CASES])
def test_plans(target: str, purposes: list[str], private: Callable[..., Client]) -> None:
    client = private("industryData", explain=True)
    answer = client.handled("GET", target.replace(" ", "%20"), {"accept": PLAN["Accept"]})
    assert answer.status == 200 and answer.headers["content-type"] == PLAN["Accept"]
    body = answer.json
    assert [each["for"] for each in body["statements"]] == purposes
    for each in body["statements"]:
        assert each["sql"].startswith(("SELECT", "(SELECT")) and each["plan"]
    assert body["cached"] is False and set(body["times"]) == {"parse", "lift", "bind", "plan"}
    assert "Northstar" not in answer.text and "SchemaMismatch" not in answer.text


def test_plans_of_calls(private: Callable[..., Client]) -> None:
    """What functions of the model gave stands in the statement; the typed tree is that of the request."""
    client = private("northwind", explain=True)
    for condition in ("Northwind.Model.PriceWithTax(price=UnitPrice)%20gt%2030", "matchesPattern(Name,@p)&@p='C'"):
        answer = client.handled("GET", f"Products?$filter={condition}", {"accept": PLAN["Accept"]})
        assert answer.status == 200 and [each["for"] for each in answer.json["statements"]] == ["resource"]


def test_a_plan_shows_the_parameters_and_what_comes_at_run_time(private: Callable[..., Client]) -> None:
    client = private("industryData", explain=True)
    target = "incomingFlowRuns?$filter=displayName%20eq%20'x'&$expand=process"
    first, second = client.handled("GET", target, {"accept": PLAN["Accept"]}).json["statements"]
    assert "x" in first["parameters"] and {"at run time": "limit"} in first["parameters"]
    assert second["parameters"] == [{"at run time": "parents"}]


def test_no_plans_unless_enabled(private: Callable[..., Client]) -> None:
    """P 7: what is not offered is not acceptable."""
    assert private("industryData").handled("GET", "incomingFlowRuns", {"accept": PLAN["Accept"]}).status == 406
