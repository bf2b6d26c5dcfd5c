"""What the terms of the Capabilities vocabulary come to, asked of a model."""

from __future__ import annotations

import pytest

from app import csdl
from app.edm import vocabularies

TEXT = """<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0"><edmx:DataServices>
<Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="m">
  <ComplexType Name="C"><NavigationProperty Name="Own" Type="Collection(m.E)" ContainsTarget="true"/></ComplexType>
  <EntityType Name="E"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/>
    <Property Name="Part" Type="m.C"/>
    <NavigationProperty Name="Friends" Type="Collection(m.E)"/><NavigationProperty Name="Photo" Type="m.E"/>
    <NavigationProperty Name="Trips" Type="Collection(m.E)" ContainsTarget="true"/>
    <NavigationProperty Name="Notes" Type="Collection(m.E)" ContainsTarget="true"/></EntityType>
  <EntityContainer Name="Box"><EntitySet Name="Es" EntityType="m.E">
    <Annotation Term="Org.OData.Capabilities.V1.NavigationRestrictions"><Record>
      <PropertyValue Property="Navigability" EnumMember="Org.OData.Capabilities.V1.NavigationType/None"/>
      <PropertyValue Property="RestrictedProperties"><Collection>
        <Record><PropertyValue Property="NavigationProperty" NavigationPropertyPath="Friends"/>
          <PropertyValue Property="Navigability" EnumMember="Org.OData.Capabilities.V1.NavigationType/Single"/></Record>
        <Record><PropertyValue Property="NavigationProperty" NavigationPropertyPath="Notes"/>
          <PropertyValue Property="Navigability" EnumMember="Org.OData.Capabilities.V1.NavigationType/None"/></Record>
      </Collection></PropertyValue></Record></Annotation></EntitySet></EntityContainer>
</Schema></edmx:DataServices></edmx:Edmx>"""


@pytest.mark.parametrize(("path", "how"), [
    ("Friends", "Single"), ("Photo", "None"), ("Trips", "Recursive"), ("Notes", "None"), ("Part/Own", "Recursive")])
def test_containments_are_followed_unless_they_are_named(path: str, how: str) -> None:
    """An entity that is contained has no other address (Capabilities, NavigationRestrictions)."""
    assert vocabularies.navigability(csdl.read(TEXT.encode()), ("Es",), path) == how
