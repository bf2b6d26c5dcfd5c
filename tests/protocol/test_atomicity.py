"""All or nothing: a store that fails at any statement of a change, the commit among them, is left as it was before.

One row for each way in which data changes; all tables count: rows, links, change log, search index, streams, jobs.
Protocol §9.2, §11.4, §11.7.7.4; conformance rows P-9.2-01, P-11.4.2.2-01, P-11.4.3.1-05.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from app.service import jobs
from app.service.load import prepare_store
from app.store import schema
from app.store.database import Store, connect
from tests.databases import Databases
from tests.protocol.batches import in_json, multipart
from tests.protocol.conftest import files
from tests.protocol.exchange import Answer, Client, split
from tests.service.test_write_core import MEDIA

Private = Callable[..., Client]
NS = "Northwind.Model."
ANY, JSON, LATER = {"If-Match": "*"}, {"Content-Type": "application/json"}, {"Prefer": "respond-async"}
MOST = 400          # statements of a change
STRIDE = {"sqlite": 1, "postgresql": 2, "mariadb": 13}      # from one fault of a start to the next: tables take their time


class Broken(Exception):
    """The store fails."""


@dataclass(frozen=True)
class Change:
    """One request that changes data, and what it answers where nothing fails. `first`: requests before it, so that there
    is a search index or a stream to keep."""

    name: str
    line: str
    body: Any = None
    status: int = 204
    sent: dict[str, str] = field(default_factory=dict)
    model: str = "northwind"
    first: tuple[str, ...] = ("GET Products?$search=tea", "GET Tags?$search=new")

    def send(self, client: Client) -> Answer:
        content = self.body if isinstance(self.body, bytes) else b"" if self.body is None else json.dumps(self.body).encode()
        headers = {**(JSON if content else {}), **self.sent}
        return client.handled(*split(self.line), {name.lower(): value for name, value in headers.items()}, content)


NEW = {"ID": 90, "Name": "Kettle"}
DEEP = {"Name": "Toys", "Products": [{**NEW, "Tags": [{"Name": "fresh"}, {"@id": "Tags('new')"}], "Reviews": [{"Stars": 5, "WrittenAt": "2020-01-01T00:00:00Z"}]}]}
DELTA = {"@context": "#$delta", "value": [{"Name": "vegan", "Color": "#000001"}, {"Name": "fresh"}, {"@removed": {"reason": "deleted"}, "@id": "Tags('sale')"}]}
GROUP = [['1: POST Categories {"Name": "Toys"}', '2: POST $1/Products {"ID": 90, "Name": "Top", "Tags@odata.bind": ["Tags(\'new\')"]}', 'PATCH Products(1) {"Name": "Tea"}', "DELETE Tags('vegan')"]]
MIXED = {"Content-Type": "multipart/mixed; boundary=b"}
STREAM = b"\x89PNG" * 50_000

CHANGES = [
    Change("create", "POST Products", NEW, 201),
    Change("create with links", "POST Products", {**NEW, "Category@odata.bind": "Categories(2)", "Tags@odata.bind": ["Tags('new')", "Tags('sale')"]}, 201),
    Change("create along a navigation property", "POST Categories(1)/Products", NEW, 201),
    Change("create a contained entity", "POST Warehouses('HAM')/Shelves", {"Number": 9, "Bins": [{"Label": "A", "Product@odata.bind": "Products(1)"}]}, 201),
    Change("deep insert", "POST Categories", DEEP, 201),
    Change("PATCH", "PATCH Products(1)", {"Name": "Tea", "Dimensions": {"Width": 1}}),
    Change("PUT", "PUT Tags('new')", {"Color": "#123456"}),
    Change("PATCH with links", "PATCH Products(1)", {"Name": "Tea", "Category@odata.bind": "Categories(3)", "Tags@odata.bind": ["Tags('sale')"]}, sent={"OData-Version": "4.0"}),
    Change("deep update", "PATCH Categories(1)", {"Name": "Hot", "Products": [{"ID": 1, "Name": "Tea", "Tags": [{"Name": "fresh"}]}, {"ID": 90, "Name": "New"}]}, sent={"OData-Version": "4.01"}),
    Change("deep update as a delta", "PATCH Products(1)", {"Name": "Tea", "Tags@delta": [{"@removed": {"reason": "deleted"}, "@id": "Tags('vegan')"}, {"Name": "fresh"}]}, sent={"OData-Version": "4.01"}),
    Change("upsert by PATCH", "PATCH Tags('fresh')", {"Color": "#123456"}, 201),
    Change("upsert by PUT", "PUT Products(90)", {"Name": "Kettle"}, 201),
    Change("delete with what goes with it", "DELETE Orders(10248)"),
    Change("delete what contains", "DELETE Warehouses('HAM')"),
    Change("delete a linked entity", "DELETE Tags('vegan')"),
    Change("link: POST", "POST Products(16)/Tags/$ref", {"@odata.id": "Tags('new')"}),
    Change("link: PUT", "PUT Products(1)/Category/$ref", {"@odata.id": "Categories(3)"}),
    Change("links: PUT", "PUT Products(1)/Tags/$ref", {"value": [{"@odata.id": "Tags('sale')"}]}),
    Change("link: DELETE", "DELETE Products(1)/Tags/$ref?$id=Tags('vegan')"),
    Change("links: DELETE", "DELETE Products(1)/Tags/$ref", sent={"OData-MaxVersion": "4.01"}),
    Change("property: PUT", "PUT Products(1)/Name", {"value": "Tea"}),
    Change("property: PATCH", "PATCH Products(1)/Dimensions", {"Width": 1}),
    Change("property: DELETE", "DELETE Products(1)/Rating"),
    Change("property: $value", "PUT Products(1)/Name/$value", b"Tea", sent={"Content-Type": "text/plain"}),
    Change("collection property: POST", "POST Tools('saw')/Sizes", {"value": 5}, 204, model="workshop", first=("GET Tools?$search=saw",)),
    Change("collection property: PUT", "PUT Tools('saw')/Sizes", {"value": [1, 2]}, model="workshop", first=()),
    Change("links in complex values", "PATCH Tools('saw')", {"Spot": {"Shelf": "x", "Marks": [], "Keeper@odata.bind": "Makers('bolt')"}}, model="workshop", first=()),
    Change("media entity: POST", "POST Photos", STREAM, 201, {"Content-Type": "image/png", "Slug": "kettle"}, "media", ()),
    Change("media entity: PUT $value", "PUT Drawings(1)/$value", STREAM, 204, {"Content-Type": "image/png", **ANY}, "workshop", ()),
    Change("media entity: DELETE", "DELETE Drawings(1)", None, 204, ANY, "workshop", ()),
    Change("stream property: PUT", "PUT Tools('saw')/Manual", STREAM, 204, {"Content-Type": "image/png", **ANY}, "workshop", ()),
    Change("stream property: DELETE", "DELETE Tools('saw')/Manual", None, 204, ANY, "workshop", ()),
    Change("PATCH of each", "PATCH Products/$filter(@f)/$each?@f=ID lt 4", {"Name": "Tea"}),
    Change("DELETE of each", "DELETE Tags/$filter(@f)/$each?@f=Name lt 's'"),
    Change("action on each", f"POST Products/$filter(@f)/$each/{NS}Discontinue?@f=ID lt 4", None, 200),
    Change("delta of a set", "PATCH Tags", DELTA),
    Change("the whole of a set", "PUT Tags", {"value": [{"Name": "vegan", "Color": "#000001"}, {"Name": "fresh"}]}),
    Change("bound action", f"POST Products(1)/{NS}Discontinue", None, 200),
    Change("action that changes many", "POST RaisePrices", {"category": 1, "percent": 10}, 200),
    Change("action that deletes", "POST ForgetTags"),
    Change("change set", "POST $batch", multipart(GROUP), 200, MIXED),
    Change("atomicity group", "POST $batch", in_json(GROUP), 200),
    Change("a request for later", "POST Tags", {"Name": "fresh"}, 202, LATER),
]


# --- faults ----------------------------------------------------------------------------------------------

@contextmanager
def failing(store: Store, at: int) -> Iterator[list[int]]:
    """A store whose statement number `at` fails, transaction control counted; yields what is left to it."""
    left = [at]
    driver: Any = store.driver
    kept = driver.execute, driver.executemany

    def counted(work: Callable[..., Any]) -> Callable[..., Any]:
        def run(connection: Any, text: str, parameters: Sequence[Any]) -> Any:
            left[0] -= 1
            if left[0] == -1:
                raise Broken(text)
            return work(connection, text, parameters)
        return run
    driver.execute, driver.executemany = counted(driver.execute), counted(driver.executemany)
    try:
        yield left
    finally:
        driver.execute, driver.executemany = kept


def everything(store: Store) -> dict[str, list[str]]:
    """Every row of every table."""
    where = {"sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
             "postgresql": "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()",
             "mariadb": "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"}
    quote = "`" if store.dialect.name == "mariadb" else '"'
    return {name: sorted(map(repr, store.run(f"SELECT * FROM {quote}{name}{quote}")))
            for name, in store.run(where[store.dialect.name])}


def differing(before: dict[str, list[str]], after: dict[str, list[str]]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


@pytest.mark.parametrize("change", CHANGES, ids=[each.name for each in CHANGES])
def test_a_fault_leaves_nothing(private: Private, service_of: Callable[..., Any], tmp_path: Path, change: Change) -> None:
    if change.model == "media":
        (tmp_path / "media.xml").write_text(MEDIA)
        client = Client(service_of(tmp_path / "media.xml"))
    else:
        client = private(change.model)
    store = client.service.store
    for line in change.first:
        client.send(line)
    before = everything(store)
    for number in range(MOST):
        with failing(store, number) as left:
            answer = change.send(client)
        if left[0] >= 0:
            break
        assert answer.status == 500 or "$batch" in change.line, (number, answer.text)
        assert b"Broken" not in answer.body
        assert differing(before, everything(store)) == set(), number
    assert answer.status == change.status and b'"error"' not in answer.body, answer.text
    assert number >= 3 and differing(before, everything(store))


# --- jobs ------------------------------------------------------------------------------------------------

def test_a_job_is_done_once_or_not_at_all(private: Private) -> None:
    """P 11.6: a worker that fails at any statement leaves the job to the next one."""
    client = private("northwind")
    store = client.service.store
    own = {"odata_jobs", "odata_streams", "odata_chunks"}
    count, number, ends = 8, 0, set()
    while number < MOST:
        name = f"n{number}"
        headers = {"content-type": "application/json", **{key.lower(): value for key, value in LATER.items()}}
        answer = client.handled("POST", "Tags", headers, json.dumps({"Name": name}).encode())
        monitor = answer.headers["location"].rpartition("service.example/")[2]
        before = everything(store)
        with failing(store, number) as left, suppress(Broken):
            jobs.work(client.service, jobs.me())
        whole = left[0] >= 0
        status = client.handled("GET", monitor, {"odata-maxversion": "4.01"}).headers.get("asyncresult")
        ends.add(status)
        if status is None:      # it is still to be done: the next worker takes it over when the lease has ended
            assert differing(before, everything(store)) <= own
            with store.write():
                store.execute("UPDATE odata_jobs SET lease = 0")
            jobs.work(client.service, jobs.me())
            status = client.handled("GET", monitor, {"odata-maxversion": "4.01"}).headers["asyncresult"]
        assert status in ("201", "500")
        count += status == "201"
        assert client.send("GET Tags/$count").text == str(count), number
        if whole:
            break
        number += 1
    assert number > 8 and ends == {None, "500", "201"}


# --- the data file ---------------------------------------------------------------------------------------

def test_a_load_is_whole_or_nothing(databases: Databases, private: Private) -> None:
    """DESIGN §2: the data file goes in as a whole; a start that failed begins again."""
    client = private("workshop")
    wanted = differing({}, everything(client.service.store))
    _, data, _ = files("workshop")
    mapping = client.service.mapping
    url = databases.empty()
    store = connect(url)
    try:
        number, failed = 0, 0
        while number < MOST:
            with failing(store, number) as left, suppress(Broken):
                prepare_store(store, mapping, data)
            if left[0] >= 0:
                break
            found = everything(store)
            assert not any(rows for name, rows in found.items() if not name.startswith("odata_")), number
            assert not any(found.get(name) for name in ("odata_changes", "odata_streams", "odata_chunks")), number
            failed += 1
            number += STRIDE[store.dialect.name]
        assert failed > 8 and differing({}, everything(store)) == wanted
        assert everything(store).keys() == everything(client.service.store).keys()
    finally:
        store.close()
        databases.drop(url)


# --- somebody else in between ----------------------------------------------------------------------------

MEANWHILE = [
    ("POST Categories(1)/Products/$ref", {"@id": "Products(16)"}, {}),
    ("PATCH Categories(1)", {"Products@delta": [{"@id": "Products(16)", "Rating": 2}]}, {"OData-Version": "4.01"}),
]


@pytest.mark.parametrize(("line", "body", "sent"), MEANWHILE)
def test_a_change_meanwhile(private: Private, line: str, body: Any, sent: dict[str, str]) -> None:
    """P-8.2.4: 412 is for those who sent If-Match; a change that finds what it read changed begins again."""
    client = private("northwind")
    store = client.service.store
    if store.dialect.name == "sqlite":      # one writer at a time
        return
    meanwhile: list[int] = []

    def watch(text: str) -> None:
        if text.startswith("UPDATE") and "Products" in text and not meanwhile:
            meanwhile.append(0)
            other = threading.Thread(target=lambda: meanwhile.append(
                client.handled("PATCH", "Products(16)", {"content-type": "application/json"}, b'{"Name": "Tea"}').status))
            other.start()
            other.join(20)

    store.on_statement = watch
    answer = Change("", line, body, sent=sent).send(client)
    store.on_statement = None
    assert (meanwhile, answer.status) == ([0, 204], 204), answer.text
    assert client.get("Products(16)?$select=Name,CategoryID")["Name"] == "Tea"
    assert client.get("Products(16)?$select=Name,CategoryID")["CategoryID"] == 1


# --- tables made on first use ----------------------------------------------------------------------------

def test_tables_made_within_a_change(service_of: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DESIGN §4: a large model gets its tables when they are first used; a database whose DDL commits gets them before the
    transaction that needs them."""
    monkeypatch.setattr(schema, "EAGER", 0)
    model, _, operations = files("northwind")
    copy = tmp_path / model.name
    copy.write_bytes(model.read_bytes())
    client = Client(service_of(copy, None, operations))
    store = client.service.store
    for failing_part, status in (("DELETE Products(7)", 404), ('PATCH Products(90) {"Name": "Tea"}', 200)):
        group = [['1: POST Categories {"Name": "Toys"}', "POST $1/Products " + json.dumps(NEW), 'POST Tags {"Name": "fresh"}',
                  'POST Products(90)/Tags/$ref {"@id": "Tags(\'fresh\')"}', failing_part]]
        assert not store.has_table("Tags") or status == 200
        answer = client.handled("POST", "$batch", {"content-type": "application/json"}, in_json(group))
        assert answer.status == 200
        assert (b'"error"' in answer.body) == (status == 404), answer.text
        for name in ("Categories", "Products", "Tags"):
            assert client.send(f"GET {name}/$count").text == str(int(status == 200)), name
    assert client.get("Products(90)?$expand=Category,Tags")["Tags"][0]["Name"] == "fresh"
    assert client.send("DELETE Products(7)").status == 404       # what is undone takes no table along
    assert client.send(f"POST Products(90)/{NS}Discontinue").status == 200
