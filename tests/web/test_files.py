"""Files for Excel and Power BI: what is in them, who gets them, and that what they name is served."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient

from app import create_app
from app.service.authenticate import hash_key
from app.service.settings import Settings
from app.web import files

KEY = {"X-API-Key": "reader-key-0123456789-0123456789-0123"}
MASHUP = "{http://schemas.microsoft.com/DataMashup}"
MODEL = """<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0"><edmx:DataServices>
<Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="cafe">
<EntityType Name="Table"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/></EntityType>
<EntityContainer Name="Service"><EntitySet Name="Tische" EntityType="cafe.Table"/><EntitySet Name="Plätze" EntityType="cafe.Table"/>
<Singleton Name="Theke" Type="cafe.Table"/></EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"""


def client(folder: Path, **values: object) -> FlaskClient:
    model = folder / "cafe.xml"
    model.write_text(MODEL, "utf-8")
    return create_app(Settings.for_model(model, database=f"sqlite:///{folder}/cafe.db", **values)).test_client()


@pytest.mark.parametrize(("values", "address"), [
    ({}, "http://localhost/bi/"), ({"bi_path": ""}, "http://localhost/"), ({"root_path": "/x"}, "http://localhost/x/bi/"),
])
def test_power_bi_gets_the_address_of_the_plain_view(tmp_path: Path, values: dict[str, object], address: str) -> None:
    answer = client(tmp_path, **values).get(f"{values.get('root_path', '')}/-/service.pbids")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.headers["Content-Disposition"] == "attachment; filename=cafe.pbids"
    assert answer.json == {"version": "0.1", "connections": [
        {"details": {"protocol": "odata", "address": {"url": address}}, "mode": "Import"}]}


@pytest.mark.parametrize("name", ["Tische", "Plätze"])
def test_excel_gets_a_query_of_one_set(tmp_path: Path, name: str) -> None:
    service = client(tmp_path)
    answer = service.get(f"/-/sets/{name}.odc")
    assert (answer.status_code, answer.mimetype) == (200, "text/x-ms-odc")
    assert f"<odc:CommandText>SELECT * FROM [{name}]</odc:CommandText>" in answer.text
    data = answer.text.partition("<odc:PowerQueryMashupData>")[2].partition("</odc:PowerQueryMashupData>")[0]
    query = ElementTree.fromstring(unescape(data)).find(f".//{MASHUP}Query")
    assert query is not None and query.get("Name") == name
    formula = query.findtext(f"{MASHUP}Formula") or ""
    assert 'OData.Feed("http://localhost/bi/", null, [Implementation="2.0"])' in formula
    assert f'{{[Name="{name}",Signature="table"]}}[Data]' in formula
    assert service.get(f"/bi/{name}").status_code == 200


@pytest.mark.parametrize("name", ["Theke", "tische", "Table", "x"])
def test_only_entity_sets_have_one(tmp_path: Path, name: str) -> None:
    assert client(tmp_path).get(f"/-/sets/{name}.odc").status_code == 404


def test_literals_of_power_query_are_quoted() -> None:
    assert 'Feed("a""b#(#)(lf)"' in unescape(files.odc('a"b#(lf)', "S"))


def test_the_page_leads_to_all_of_them(tmp_path: Path) -> None:
    service = client(tmp_path)
    page = service.get("/-/", headers={"Accept": "text/html", "OData-MaxVersion": "9", "Prefer": "omit-values=nulls"})
    assert (page.status_code, page.mimetype) == (200, "text/html")
    for target in ("service.pbids", "sets/Tische.odc", "sets/Pl%C3%A4tze.odc"):
        assert f'href="{target}"' in page.text and service.get(f"/-/{target}").status_code == 200
    assert 'href="http://localhost/Theke"' in page.text and "Theke.odc" not in page.text


POLICY = {"rules": [{"roles": ["reader"], "sets": {"*": {"allow": ["read"]}}, "hide": {"sets": ["Plätze"]}}]}


@pytest.mark.parametrize(("target", "status"), [
    ("/-/", 200), ("/-/service.pbids", 200), ("/-/sets/Tische.odc", 200), ("/-/sets/Plätze.odc", 404), ("/-/sets/x.odc", 404),
])
def test_they_are_for_who_may_read_the_service_document(tmp_path: Path, target: str, status: int) -> None:
    """Nobody learns here what `$metadata` would not tell (docs/security.md)."""
    keys, policy = tmp_path / "keys", tmp_path / "policy.json"
    keys.write_text(f"reporting:{hash_key(KEY['X-API-Key'])}:roles=reader\n", "utf-8")
    policy.write_text(json.dumps(POLICY), "utf-8")
    service = client(tmp_path, auth=f"apikey:{keys}", policy=policy)
    refused = service.get(target)
    assert refused.status_code == 401 and refused.headers["WWW-Authenticate"]
    assert json.loads(refused.text)["error"]["code"] == "unauthorized"
    allowed = service.get(target, headers=KEY)
    assert allowed.status_code == status and "Plätze" not in allowed.text
