"""Documents for the tests of CSDL: a clean one around a fragment, and where the marked element of it stands."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("CSDL_REFERENCE", Path(__file__).parents[2].parent / "shared" / "reference" / "csdl"))
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the reference documents are not on this machine")

MARK = "<!--!-->"
VOCABULARIES = ("Core", "Capabilities", "Validation", "Measures", "Aggregation", "Authorization")
REFERENCES = "".join(f'<edmx:Reference Uri="https://example.org/Org.OData.{name}.V1.xml">'
                     f'<edmx:Include Namespace="Org.OData.{name}.V1" Alias="{name}"/></edmx:Reference>'
                     for name in VOCABULARIES)
PRELUDE = """
<EntityType Name="E"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/>
<Property Name="Name" Type="Edm.String"/><Property Name="Home" Type="self.C" Nullable="false"/>
<NavigationProperty Name="Others" Type="Collection(self.E)"/></EntityType>
<EntityType Name="D" BaseType="self.E"><Property Name="More" Type="Edm.String"/></EntityType>
<EntityType Name="O"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/>
<NavigationProperty Name="Parts" Type="Collection(self.E)" ContainsTarget="true"/>
<NavigationProperty Name="One" Type="self.E"/></EntityType>
<ComplexType Name="C"><Property Name="Street" Type="Edm.String"/><Property Name="No" Type="Edm.Int32" Nullable="false"/>
<NavigationProperty Name="Country" Type="self.E"/></ComplexType>
<ComplexType Name="CD" BaseType="self.C"/>
<EnumType Name="Color"><Member Name="Red" Value="0"/><Member Name="Green" Value="1"/></EnumType>
<EnumType Name="Mark" IsFlags="true"><Member Name="A" Value="1"/><Member Name="B" Value="2"/></EnumType>
<TypeDefinition Name="Len" UnderlyingType="Edm.String" MaxLength="10"/>
<Term Name="T" Type="Edm.String"/><Term Name="TI" Type="Edm.Byte"/><Term Name="TC" Type="self.C"/>
<Term Name="TS" Type="Collection(Edm.String)" Nullable="false"/><Term Name="TE" Type="self.Color"/>
<Term Name="TF" Type="self.Mark"/><Term Name="TP" Type="Edm.PropertyPath"/>
<Term Name="TN" Type="Edm.NavigationPropertyPath"/><Term Name="TD" Type="Edm.Date"/>
<Term Name="TB" Type="Edm.Boolean"/>
<Function Name="F"><ReturnType Type="self.E"/></Function><Action Name="A"/>
<Function Name="FB" IsBound="true"><Parameter Name="it" Type="self.E"/><ReturnType Type="self.E"/></Function>
""".replace("\n", "")
CONTAINER = ('<EntityContainer Name="Box"><EntitySet Name="Es" EntityType="self.E"/>'
             '<EntitySet Name="Os" EntityType="self.O"/><Singleton Name="Me" Type="self.O"/></EntityContainer>')


def document(fragment: str, version: str = "4.0", container: bool = True) -> str:
    """A valid document with a fragment in its schema, the fragment's first line being line 4."""
    return (f'<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="{version}">{REFERENCES}\n'
            f'<edmx:DataServices><Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="ns" Alias="self">\n'
            f'{PRELUDE}{CONTAINER if container else ""}\n{fragment}\n</Schema></edmx:DataServices></edmx:Edmx>')


def place(text: str) -> tuple[int, int]:
    """Line and column of the element behind the mark."""
    offset = text.index(MARK) + len(MARK)
    head = text[:offset]
    return head.count("\n") + 1, offset - head.rfind("\n")
