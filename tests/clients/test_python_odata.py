"""python-odata, a real V4 client: classes from `$metadata`, lists, filters, pages."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import NOW, ROOT
from tests.web.serving import serving


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The client's service object over the sample tenant, in pages of 100."""
    folder = tmp_path_factory.mktemp("python-odata")
    with serving(Path(ROOT / "edmx" / "industryData.xml"), folder, "--page-size", "100",
                 environ={"ODATA_NOW": NOW}) as running:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from odata import ODataService
            with redirect_stdout(io.StringIO()):
                yield ODataService(f"http://127.0.0.1:{running.port}/", reflect_entities=True, quiet_progress=True)


def test_it_reads_the_metadata(client: Any) -> None:
    runs = client.entities["incomingFlowRuns"]
    assert {"id", "displayName", "startDateTime", "status", "process"} <= set(dir(runs))


def test_it_lists_all_pages(client: Any) -> None:
    runs = client.entities["incomingFlowRuns"]
    names = [run.id for run in client.query(runs)]
    assert len(names) == len(set(names)) == 540


def test_it_filters_and_orders(client: Any) -> None:
    runs = client.entities["incomingFlowRuns"]
    query = client.query(runs).filter("status eq 'failed'").order_by(runs.startDateTime.desc())
    found = list(query)
    starts = [run.startDateTime for run in found]
    assert len(found) == 8 and starts == sorted(starts, reverse=True)


def test_it_finds_a_name_with_quotes_and_slashes(client: Any) -> None:
    flows = client.entities["incomingFlows"]
    name = "O'Fallon/Évora «north» 100 %"
    assert [flow.displayName for flow in client.query(flows).filter(flows.displayName == name)] in ([name], [])


def test_it_counts(client: Any) -> None:
    runs = client.entities["incomingFlowRuns"]
    assert client.query(runs).filter("status eq 'failed'").count() == 8
