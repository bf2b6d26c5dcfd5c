"""Relations of every shape under change: one to one, OnDelete in all its forms, principals that are no keys, single
containment, singletons, links inside complex values (CSDL §8; Protocol §11.4.2.1, §11.4.3, §11.4.5; DESIGN §4)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.service.test_write_core import Client

CSDL = """<?xml version="1.0"?>
<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.01">
  <edmx:Reference Uri="https://oasis-tcs.github.io/odata-vocabularies/vocabularies/Org.OData.Core.V1.xml">
    <edmx:Include Namespace="Org.OData.Core.V1" Alias="Core"/>
  </edmx:Reference>
  <edmx:DataServices>
    <Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="R">
      <EntityType Name="Ship">
        <Key><PropertyRef Name="ID"/></Key>
        <Property Name="ID" Type="Edm.Int32" Nullable="false"/>
        <Property Name="Call" Type="Edm.String" MaxLength="9" Nullable="false"/>
        <Annotation Term="Core.AlternateKeys">
          <Collection><Record><PropertyValue Property="Key"><Collection>
            <Record><PropertyValue Property="Name" PropertyPath="Call"/><PropertyValue Property="Alias" String="call"/></Record>
          </Collection></PropertyValue></Record></Collection>
        </Annotation>
        <NavigationProperty Name="Paper" Type="R.Paper" Partner="Ship"/>
        <NavigationProperty Name="Boats" Type="Collection(R.Boat)" Partner="Ship"><OnDelete Action="SetDefault"/></NavigationProperty>
        <NavigationProperty Name="Bell" Type="R.Bell"><OnDelete Action="Cascade"/></NavigationProperty>
        <NavigationProperty Name="Home" Type="R.Harbour"><OnDelete Action="None"/></NavigationProperty>
        <NavigationProperty Name="Log" Type="R.Log" ContainsTarget="true"/>
        <NavigationProperty Name="Sisters" Type="Collection(R.Ship)"/>
      </EntityType>
      <EntityType Name="Paper">
        <Key><PropertyRef Name="No"/></Key>
        <Property Name="No" Type="Edm.Int32" Nullable="false"/>
        <NavigationProperty Name="Ship" Type="R.Ship" Nullable="false" Partner="Paper"/>
      </EntityType>
      <EntityType Name="Boat">
        <Key><PropertyRef Name="ID"/></Key>
        <Property Name="ID" Type="Edm.Int32" Nullable="false"/>
        <Property Name="ShipCall" Type="Edm.String" MaxLength="9" DefaultValue="NONE"/>
        <NavigationProperty Name="Ship" Type="R.Ship" Partner="Boats">
          <ReferentialConstraint Property="ShipCall" ReferencedProperty="Call"/>
        </NavigationProperty>
      </EntityType>
      <EntityType Name="Bell">
        <Key><PropertyRef Name="ID"/></Key>
        <Property Name="ID" Type="Edm.Int32" Nullable="false"/>
      </EntityType>
      <EntityType Name="Harbour">
        <Key><PropertyRef Name="ID"/></Key>
        <Property Name="ID" Type="Edm.Int32" Nullable="false"/>
        <Property Name="Berths" Type="Collection(R.Berth)" Nullable="false"/>
        <Property Name="Pilot" Type="R.Berth"/>
      </EntityType>
      <ComplexType Name="Berth">
        <Property Name="Length" Type="Edm.Int32"/>
        <NavigationProperty Name="Ship" Type="R.Ship"/>
      </ComplexType>
      <EntityType Name="Log"><Property Name="Text" Type="Edm.String"/></EntityType>
      <EntityType Name="Flag">
        <Key><PropertyRef Name="ID"/></Key>
        <Property Name="ID" Type="Edm.Int32" Nullable="false"/>
        <Property Name="Text" Type="Edm.String"/>
      </EntityType>
      <EntityContainer Name="Container">
        <EntitySet Name="Ships" EntityType="R.Ship"/>
        <EntitySet Name="Papers" EntityType="R.Paper"/>
        <EntitySet Name="Boats" EntityType="R.Boat"/>
        <EntitySet Name="Bells" EntityType="R.Bell"/>
        <EntitySet Name="Harbours" EntityType="R.Harbour"/>
        <Singleton Name="Flag" Type="R.Flag" Nullable="true"/>
      </EntityContainer>
    </Schema>
  </edmx:DataServices>
</edmx:Edmx>
"""

DATA = """{"Ships": [{"ID": 1, "Call": "A", "Bell@odata.bind": "Bells(1)", "Log": {"Text": "l"}}, {"ID": 2, "Call": "B"},
                    {"ID": 3, "Call": "NONE"}, {"ID": 4, "Call": "D", "Home@odata.bind": "Harbours(1)"}],
 "Papers": [{"No": 7, "Ship@odata.bind": "Ships(2)"}],
 "Boats": [{"ID": 1, "ShipCall": "A"}],
 "Bells": [{"ID": 1}],
 "Harbours": [{"ID": 1, "Berths": [{"Length": 1, "Ship@odata.bind": "Ships(1)"}, {"Length": 2}],
               "Pilot": {"Length": 3, "Ship@odata.bind": "Ships(2)"}}]}"""


@pytest.fixture
def fleet(service_of: Callable[..., Any], tmp_path: Path) -> Client:
    (tmp_path / "fleet.xml").write_text(CSDL)
    (tmp_path / "fleet.data.json").write_text(DATA)
    return Client(service_of(tmp_path / "fleet.xml", tmp_path / "fleet.data.json"))


def test_one_to_one_from_either_side(fleet: Client) -> None:
    assert fleet.send("POST Ships", {"ID": 10, "Call": "X", "Paper": {"No": 70}})[0] == 201
    assert fleet.get("Papers(70)/Ship")["ID"] == 10
    assert fleet.send("POST Papers", {"No": 71, "Ship": {"ID": 11, "Call": "Y"}})[0] == 201
    assert fleet.get("Ships(11)/Paper")["No"] == 71
    assert fleet.send("PATCH Papers(71)", {"Ship@odata.bind": "Ships(1)"})[0] == 204
    assert fleet.get("Ships(1)/Paper")["No"] == 71
    assert fleet.send("GET Ships(11)/Paper")[0] == 204


def test_a_required_other_side_cannot_be_let_go(fleet: Client) -> None:
    before = fleet.dump()
    assert fleet.send("PATCH Ships(2)", {"Paper": None})[2]["error"]["code"] == "requiredReference"
    assert fleet.send("DELETE Ships(2)/Paper/$ref")[0] == 409
    assert fleet.send("PATCH Papers(7)", {"Ship": None})[0] == 400
    assert fleet.send("DELETE Ships(2)")[2]["error"]["details"][0]["target"] == "Papers(7)"
    assert fleet.dump() == before


def test_a_new_value_of_a_principal_reaches_its_dependents(fleet: Client) -> None:
    assert fleet.send("PATCH Ships(1)", {"Call": "Z"})[0] == 204
    assert fleet.get("Boats(1)")["ShipCall"] == "Z"
    assert fleet.get("Ships(call='Z')/Boats")["value"][0]["ID"] == 1
    assert fleet.send("PATCH Ships(call='Z')", {"Call": "A"})[0] == 204
    assert fleet.get("Boats(1)")["ShipCall"] == "A"


def test_on_delete_in_all_its_forms(fleet: Client) -> None:
    assert fleet.send("DELETE Ships(4)")[0] == 409                          # None: not while it is related
    assert fleet.send("PATCH Ships(4)", {"Home": None})[0] == 204
    assert fleet.send("DELETE Ships(4)")[0] == 204
    assert fleet.send("DELETE Ships(1)")[0] == 204
    assert fleet.send("GET Bells(1)")[0] == 404                             # Cascade, from the side that holds the key
    assert fleet.get("Boats(1)")["ShipCall"] == "NONE"                      # SetDefault
    assert fleet.get("Boats(1)/Ship")["ID"] == 3
    assert fleet.get("Harbours(1)")["Berths"] == [{"Length": 1}, {"Length": 2}]


def test_many_to_many_on_itself_and_without_partner(fleet: Client) -> None:
    assert fleet.send("PATCH Ships(1)", {"Sisters": [{"@id": "Ships(2)"}, {"@id": "Ships(1)"}]})[0] == 204
    assert [each["ID"] for each in fleet.get("Ships(1)/Sisters?$orderby=ID")["value"]] == [1, 2]
    assert fleet.get("Ships(2)/Sisters")["value"] == []
    assert fleet.send("DELETE Ships(1)/Sisters(1)/$ref")[0] == 204
    assert [each["ID"] for each in fleet.get("Ships(1)/Sisters")["value"]] == [2]


def test_a_single_contained_entity(fleet: Client) -> None:
    assert fleet.get("Ships(1)/Log")["Text"] == "l"
    assert fleet.send("PATCH Ships(1)/Log", {"Text": "m"})[0] == 204
    assert fleet.send("GET Ships(2)/Log")[0] == 204
    status, headers, _ = fleet.send("PUT Ships(2)/Log", {"Text": "n"})
    assert (status, headers["Location"]) == (201, "http://service.example/Ships(2)/Log")
    assert fleet.send("PATCH Ships(2)", {"Log": {"Text": "o"}})[0] == 204
    assert fleet.get("Ships(2)?$expand=Log")["Log"]["Text"] == "o"
    assert fleet.send("DELETE Ships(2)/Log")[0] == 204
    assert fleet.send("GET Ships(2)/Log")[0] == 204
    assert fleet.send("PATCH Ships(1)", {"Log": None})[0] == 204
    assert fleet.send("GET Ships(1)/Log")[0] == 204


def test_a_singleton_that_may_be_missing(fleet: Client) -> None:
    assert fleet.send("GET Flag")[0] == 204
    assert fleet.send("PATCH Flag", {"ID": 1, "Text": "t"})[0] == 201
    assert fleet.send("PATCH Flag", {"Text": "u"})[0] == 204
    assert fleet.get("Flag")["Text"] == "u"
    assert fleet.send("DELETE Flag")[0] == 204
    assert fleet.send("GET Flag")[0] == 204


def rows_of(fleet: Any, table: str, columns: str) -> list[Any]:
    """The rows of a link table as they are stored."""
    quote = "`" if fleet.service.store.dialect.name == "mariadb" else '"'
    return list(fleet.service.store.run(f"SELECT {columns} FROM {quote}{table}{quote}"))


def test_links_inside_complex_values(fleet: Client) -> None:
    assert fleet.get("Harbours(1)/Pilot/Ship")["ID"] == 2
    assert fleet.send("PATCH Harbours(1)", {"Pilot": {"Length": 4}})[0] == 204
    assert fleet.get("Harbours(1)/Pilot/Ship")["ID"] == 2                   # not mentioned, not changed
    assert fleet.send("PATCH Harbours(1)", {"Pilot": {"Ship@odata.bind": "Ships(3)"}})[0] == 204
    assert fleet.get("Harbours(1)/Pilot/Ship")["ID"] == 3
    assert fleet.send("PUT Harbours(1)/Pilot/Ship/$ref", {"@id": "Ships(1)"})[0] == 204
    assert fleet.get("Harbours(1)/Pilot/Ship")["ID"] == 1
    assert fleet.send("DELETE Harbours(1)/Pilot/Ship/$ref")[0] == 204
    assert fleet.send("GET Harbours(1)/Pilot/Ship")[0] == 204
    assert fleet.send("PATCH Harbours(1)", {"Pilot": {"Ship": {"@id": "Ships(2)"}}})[0] == 204
    assert fleet.send("PATCH Harbours(1)", {"Pilot": None})[0] == 204
    assert rows_of(fleet, "Harbours_Pilot$Ship_link", "*") == []
    body = {"Berths": [{"Length": 5}, {"Length": 6, "Ship@odata.bind": "Ships(2)"}]}
    assert fleet.send("PATCH Harbours(1)", body)[0] == 204
    rows = rows_of(fleet, "Harbours_Berths$Ship_link", "ordinal, target")
    assert rows == [(1, 2)]
    assert fleet.send("PATCH Harbours(1)", {"Berths": [{"Ship@odata.bind": "Ships(99)"}]})[0] == 400


def test_what_a_reader_may_ask_with_if_match_and_numbers_as_strings(fleet: Client) -> None:
    kind = {"Content_Type": "application/json;IEEE754Compatible=true;charset=utf-16"}
    status, _, _ = fleet.send("POST Ships", '{"ID":20,"Call":"é"}'.encode("utf-16"), **kind)
    assert status == 201
    assert fleet.get("Ships(20)")["Call"] == "é"
