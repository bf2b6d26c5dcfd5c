"""pyodata, a real OData 2.0 client, against a running server."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyodata
import pytest
import requests
from pyodata.exceptions import HttpError

from tests.conftest import NOW, ROOT
from tests.web.serving import serving


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The client over the sample tenant, in pages of 100."""
    with serving(Path(ROOT / "edmx" / "industryData.xml"), tmp_path_factory.mktemp("pyodata"), "--page-size", "100",
                 environ={"ODATA_NOW": NOW}) as running, requests.Session() as session:
        yield pyodata.Client(f"http://127.0.0.1:{running.port}/v2/", session)


def test_it_reads_the_metadata(client: Any) -> None:
    kind = client.schema.entity_type("incomingFlowRun")
    assert {"id", "displayName", "startDateTime", "status"} <= {each.name for each in kind.proprties()}
    assert [each.name for each in kind.key_proprties] == ["id"]


def test_it_lists_filters_counts_and_orders(client: Any) -> None:
    runs = client.entity_sets.incomingFlowRuns
    found = runs.get_entities().filter("status eq 'failed'").order_by("startDateTime desc").execute()
    starts = [each.startDateTime for each in found]
    assert len(starts) == 8 and starts == sorted(starts, reverse=True)
    assert runs.get_entities().count().execute() == 540
    assert runs.get_entities().count(inline=True).top(1).execute().total_count == 540


def test_it_follows_pages(client: Any) -> None:
    runs = client.entity_sets.incomingFlowRuns
    found = runs.get_entities().execute()
    ids = [each.id for each in found]
    while found.next_url:
        found = runs.get_entities().next_url(found.next_url).execute()
        ids += [each.id for each in found]
    assert len(set(ids)) == len(ids) == 540


def test_it_expands(client: Any) -> None:
    found = client.entity_sets.incomingFlowRuns.get_entities().expand("process").top(3).execute()
    assert all(each.process.id and each.process.displayName for each in found)


def test_it_changes(client: Any) -> None:
    runs, start = client.entity_sets.incomingFlowRuns, datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    made = runs.create_entity().set(displayName="O'Neil & «Évora» 🚀", status="completed", startDateTime=start).execute()
    read = runs.get_entity(made.id).execute()
    assert (read.displayName, read.startDateTime) == ("O'Neil & «Évora» 🚀", start)
    runs.update_entity(made.id).set(displayName="renamed").execute()
    assert runs.get_entity(made.id).execute().displayName == "renamed"
    client.functions.incomingFlowRun_collateExtractedData.parameter("id", made.id).execute()
    runs.delete_entity(made.id).execute()
    with pytest.raises(HttpError):
        runs.get_entity(made.id).execute()


def test_it_batches_and_a_failing_change_set_leaves_nothing(client: Any) -> None:
    runs, start = client.entity_sets.incomingFlowRuns, datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC)
    batch, changes = client.create_batch(), client.create_changeset()
    changes.add_request(runs.create_entity().set(displayName="in a batch", status="completed", startDateTime=start))
    batch.add_request(changes)
    batch.add_request(runs.get_entities().filter("status eq 'failed'"))
    (made,), failed = batch.execute()
    assert made.displayName == "in a batch" and len(failed) == 8
    batch, changes = client.create_batch(), client.create_changeset()
    changes.add_request(runs.create_entity().set(displayName="never there", status="completed", startDateTime=start))
    changes.add_request(runs.update_entity("nobody").set(displayName="x"))
    batch.add_request(changes)
    with pytest.raises(HttpError):
        batch.execute()
    assert not list(runs.get_entities().filter("displayName eq 'never there'").execute())
