"""Members with what is inherited, what values hold, where terms are applied: the questions that every request asks."""

from __future__ import annotations

import pytest

from app import csdl
from app.edm import Model

TEXT = """<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.01">
<edmx:Reference Uri="core.xml"><edmx:Include Namespace="Org.OData.Core.V1" Alias="Core"/></edmx:Reference><edmx:DataServices>
<Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="m" Alias="s">
  <TypeDefinition Name="Money" UnderlyingType="Edm.Decimal"/>
  <ComplexType Name="Base"><Property Name="A" Type="Edm.String"/><Property Name="Next" Type="s.Base"/></ComplexType>
  <ComplexType Name="Mid" BaseType="s.Base"><Property Name="B" Type="Edm.Int32"><Annotation Term="Core.Computed"/></Property></ComplexType>
  <ComplexType Name="Low" BaseType="m.Mid"><Property Name="C" Type="Collection(s.Money)"/></ComplexType>
  <ComplexType Name="Ring1" BaseType="m.Ring2"><Property Name="R" Type="Edm.Int32"/></ComplexType>
  <ComplexType Name="Ring2" BaseType="m.Ring1"><Property Name="S" Type="Edm.Int32"/></ComplexType>
  <ComplexType Name="Alone"><Property Name="A" Type="Edm.Date"/></ComplexType>
  <Annotations Target="s.Base/A"><Annotation Term="Core.Immutable"/></Annotations>
</Schema></edmx:DataServices></edmx:Edmx>"""


@pytest.fixture(scope="module")
def model() -> Model:
    return csdl.read(TEXT.encode())


@pytest.mark.parametrize(("name", "members"), [
    ("m.Base", "A Next"), ("m.Low", "A Next B C"), ("s.Low", "A Next B C"), ("m.Mid", "A Next B"), ("m.Alone", "A"), ("m.None", ""),
    ("m.Ring1", "S R"), ("m.Ring2", "R S")])
def test_inherited_members_come_first(model: Model, name: str, members: str) -> None:
    """CSDL §6.2, §9.1; bases in a circle, which are refused elsewhere, end."""
    assert " ".join(model.properties(name)) == members


@pytest.mark.parametrize(("name", "held"), [
    ("Edm.String", "Edm.String"), ("m.Alone", "Edm.Date m.Alone"), ("m.Money", "m.Money"),
    ("m.Low", "Edm.Decimal Edm.Int32 Edm.String m.Base m.Low m.Mid"), ("m.Base", "Edm.Decimal Edm.Int32 Edm.String m.Base m.Low m.Mid")])
def test_what_values_hold(model: Model, name: str, held: str) -> None:
    """With derived types in place of declared ones, however they are nested."""
    assert " ".join(sorted(model.contents(name))) == held


@pytest.mark.parametrize(("term", "target", "there"), [
    ("Computed", "m.Mid/B", True), ("Computed", "m.Low/B", False), ("Computed", "m.Base/A", False), ("Immutable", "m.Base/A", True), ("Description", "m.Base/A", False)])
def test_where_terms_are_applied(model: Model, term: str, target: str, there: bool) -> None:
    """Inside the element or from outside (CSDL §14.2), by alias or not."""
    assert model.applies(f"Org.OData.Core.V1.{term}", target) is there
