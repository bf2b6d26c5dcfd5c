"""A model whose types ask the questions that bodies raise."""

from __future__ import annotations

from pathlib import Path

from app import csdl
from app.edm import Model

CSDL = """<?xml version="1.0"?>
<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.01">
  <edmx:Reference Uri="https://oasis-tcs.github.io/odata-vocabularies/vocabularies/Org.OData.Core.V1.xml">
    <edmx:Include Namespace="Org.OData.Core.V1" Alias="Core"/>
  </edmx:Reference>
  <edmx:Reference Uri="https://oasis-tcs.github.io/odata-vocabularies/vocabularies/Org.OData.Validation.V1.xml">
    <edmx:Include Namespace="Org.OData.Validation.V1" Alias="Validation"/>
  </edmx:Reference>
  <edmx:DataServices>
    <Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="Shop.Model" Alias="Self">
      <Annotation Term="odata.store.v1.TypeSynonyms"><Collection><String>Old.Shop</String></Collection></Annotation>
      <EnumType Name="Color">
        <Member Name="red" Value="1"/>
        <Member Name="green" Value="2"/>
        <Member Name="future" Value="9"><Annotation Term="odata.store.v1.Sentinel"/></Member>
      </EnumType>
      <EnumType Name="Days" IsFlags="true">
        <Member Name="mo" Value="1"/>
        <Member Name="tu" Value="2"/>
        <Member Name="we" Value="4"/>
      </EnumType>
      <TypeDefinition Name="Money" UnderlyingType="Edm.Decimal" Precision="8" Scale="2"/>
      <ComplexType Name="Address">
        <Property Name="Street" Type="Edm.String" MaxLength="10"/>
        <Property Name="City" Type="Edm.String" Nullable="false"/>
        <Property Name="Stamp" Type="Edm.String"><Annotation Term="Core.Computed"/></Property>
        <NavigationProperty Name="Branch" Type="Self.Thing"/>
      </ComplexType>
      <ComplexType Name="Abroad" BaseType="Self.Address"><Property Name="Country" Type="Edm.String"/></ComplexType>
      <ComplexType Name="Bag" OpenType="true"/>
      <EntityType Name="Thing">
        <Key><PropertyRef Name="ID"/></Key>
        <Property Name="ID" Type="Edm.String" Nullable="false"/>
        <Property Name="Name" Type="Edm.String" MaxLength="5"/>
        <Property Name="Count" Type="Edm.Int32" DefaultValue="7"/>
        <Property Name="Big" Type="Edm.Int64"/>
        <Property Name="Price" Type="Self.Money"/>
        <Property Name="Ratio" Type="Edm.Double"/>
        <Property Name="Flag" Type="Edm.Boolean"/>
        <Property Name="Color" Type="Self.Color"/>
        <Property Name="Days" Type="Self.Days"/>
        <Property Name="When" Type="Edm.DateTimeOffset" Precision="3"/>
        <Property Name="Day" Type="Edm.Date"/>
        <Property Name="Took" Type="Edm.Duration"/>
        <Property Name="Data" Type="Edm.Binary" MaxLength="3"/>
        <Property Name="Guid" Type="Edm.Guid"/>
        <Property Name="Place" Type="Edm.GeographyPoint"/>
        <Property Name="Tags" Type="Collection(Edm.String)" Nullable="false"/>
        <Property Name="Made" Type="Edm.DateTimeOffset" Nullable="false"><Annotation Term="Core.Computed"/></Property>
        <Property Name="Code" Type="Edm.String">
          <Annotation Term="Core.Immutable"/>
          <Annotation Term="Validation.Pattern" String="^[A-Z]+$"/>
        </Property>
        <Property Name="Stars" Type="Edm.Byte">
          <Annotation Term="Validation.Minimum" Int="1"/>
          <Annotation Term="Validation.Maximum" Int="5"/>
        </Property>
        <Property Name="Home" Type="Self.Address"/>
        <Property Name="Homes" Type="Collection(Self.Address)"/>
        <Property Name="Bag" Type="Self.Bag"/>
        <Property Name="Any" Type="Edm.Untyped"/>
        <Property Name="Simple" Type="Edm.PrimitiveType"/>
        <Property Name="Picture" Type="Edm.Stream"/>
        <Property Name="Report" Type="Edm.Stream"><Annotation Term="Core.Computed"/></Property>
        <NavigationProperty Name="Owner" Type="Self.Owner"/>
        <NavigationProperty Name="Parts" Type="Collection(Self.Part)" Partner="Thing" ContainsTarget="true"/>
      </EntityType>
      <EntityType Name="OpenThing" BaseType="Self.Thing" OpenType="true"/>
      <EntityType Name="Owner" Abstract="true">
        <Key><PropertyRef Name="ID"/></Key>
        <Property Name="ID" Type="Edm.Int32" Nullable="false"><Annotation Term="Core.Computed"/></Property>
        <Property Name="Name" Type="Edm.String" Nullable="false"/>
      </EntityType>
      <EntityType Name="Person" BaseType="Self.Owner"/>
      <EntityType Name="Part">
        <Key><PropertyRef Name="No"/></Key>
        <Property Name="No" Type="Edm.Int32" Nullable="false"/>
        <Property Name="Name" Type="Edm.String"/>
        <NavigationProperty Name="Thing" Type="Self.Thing" Nullable="false" Partner="Parts"/>
      </EntityType>
      <EntityType Name="Line">
        <Key><PropertyRef Name="ThingID"/><PropertyRef Name="No"/></Key>
        <Property Name="ThingID" Type="Edm.String" Nullable="false"/>
        <Property Name="No" Type="Edm.Int32" Nullable="false"/>
        <NavigationProperty Name="Thing" Type="Self.Thing" Nullable="false">
          <ReferentialConstraint Property="ThingID" ReferencedProperty="ID"/>
        </NavigationProperty>
      </EntityType>
      <Action Name="Paint">
        <Parameter Name="color" Type="Self.Color" Nullable="false"/>
        <Parameter Name="coats" Type="Edm.Int32"/>
        <Parameter Name="where" Type="Collection(Self.Address)" Nullable="false"/>
        <Parameter Name="thing" Type="Self.Thing">
          <Annotation Term="Core.OptionalParameter"/>
        </Parameter>
      </Action>
      <EntityContainer Name="Container">
        <EntitySet Name="Things" EntityType="Self.Thing"/>
        <EntitySet Name="Owners" EntityType="Self.Owner"/>
        <EntitySet Name="Lines" EntityType="Self.Line"/>
      </EntityContainer>
    </Schema>
  </edmx:DataServices>
</edmx:Edmx>
"""


def shop(folder: Path) -> Model:
    """The model, read from a file in `folder`."""
    path = folder / "shop.xml"
    path.write_text(CSDL)
    return csdl.load(path)
