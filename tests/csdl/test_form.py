"""The form of a document: what OData 4.0 must not show, what a service leaves out, where references point."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.csdl import load, read, write
from tests.csdl.documents import document

STORE = '<edmx:Reference Uri="s.xml"><edmx:Include Namespace="odata.store.v1" Alias="Store"/></edmx:Reference>'
KEYED = '<Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/>'

ONLY_401 = [
    ("Edm.Untyped", '<ComplexType Name="X"><Property Name="P" Type="Edm.Untyped"/></ComplexType>'),
    ("Edm.ComplexType", '<ComplexType Name="X"><Property Name="P" Type="Collection(Edm.ComplexType)" Nullable="false"/></ComplexType>'),
    ("floating", '<ComplexType Name="X"><Property Name="P" Type="Edm.Decimal" Precision="9" Scale="floating"/></ComplexType>'),
    ("Redefined", '<ComplexType Name="Y"><Property Name="Redefined" Type="self.C"/></ComplexType>'
                  '<ComplexType Name="X" BaseType="self.Y"><Property Name="Redefined" Type="self.CD"/></ComplexType>'),
    ("Unicode", '<Action Name="X"><Parameter Name="p" Type="Edm.String" Unicode="false"/></Action>'),
    ("ReferencedProperty", '<ComplexType Name="X"><Property Name="P" Type="self.C"/><NavigationProperty Name="N" Type="self.E">'
                           '<ReferentialConstraint Property="P" ReferencedProperty="Home"/></NavigationProperty></ComplexType>'),
    ("ModelElementPath", '<ComplexType Name="X"><Annotation Term="self.T" ModelElementPath="/self.Box"/></ComplexType>'),
    ("Neg", '<ComplexType Name="X"><Annotation Term="self.T"><Neg><Int>1</Int></Neg></Annotation></ComplexType>'),
    ("AnyPropertyPath", '<Term Name="X" Type="Edm.AnyPropertyPath"/>'),
    ("Overload", '<Action Name="Overload"><Parameter Name="p" Type="Edm.Untyped"/></Action>'),
    ("FB(self.E)", '<Annotations Target="self.FB(self.E)"><Annotation Term="self.T" String="x"/></Annotations>'),
]


@pytest.mark.parametrize(("word", "fragment"), ONLY_401, ids=[case[0] for case in ONLY_401])
def test_what_only_401_has_leaves_40(word: str, fragment: str) -> None:
    model = read(document(fragment, "4.01").encode())
    new, old = write(model, "xml", "4.01").decode(), write(model, "xml", "4.0").decode()
    assert word in new and new.count(word) > old.count(word)
    assert (word in old) == (word == "Redefined")
    assert 'Version="4.0"' in old


def test_singletons_bindings_and_includes() -> None:
    text = document("", "4.01").replace('<Singleton Name="Me" Type="self.O"/>', '<Singleton Name="Me" Type="self.O" Nullable="true">'
                                        '<NavigationPropertyBinding Path="One/self.D" Target="Es"/></Singleton>')
    text = text.replace('Alias="Core"/>', 'Alias="Core"><Annotation Term="Core.DefaultNamespace" '
                        'xmlns="http://docs.oasis-open.org/odata/ns/edm"/></edmx:Include>')
    model = read(text.encode())
    new, old = write(model, "xml", "4.01").decode(), write(model, "xml", "4.0").decode()
    for word in ('Nullable="true"', "One/self.D", "DefaultNamespace"):
        assert word in new and word not in old


def test_max_length_max_is_for_40() -> None:
    model = read(document('<ComplexType Name="X"><Property Name="P" Type="Edm.String" MaxLength="max"/></ComplexType>').encode())
    assert b'MaxLength="max"' in write(model, "xml", "4.0")
    assert b'MaxLength="max"' not in write(model, "xml", "4.01")
    assert b'"max"' not in write(model, "json", "4.0")


def test_vocabularies_can_be_left_out_wholly() -> None:
    text = document('<EntityType Name="X" BaseType="self.E"><Annotation Term="Store.Table" String="secret"/>'
                    '<Annotation Term="self.T" String="kept"><Annotation Term="Store.Table" String="secret"/></Annotation></EntityType>'
                    '<Annotations Target="self.E"><Annotation Term="Store.Table" String="secret"/></Annotations>')
    model = read(text.replace("<edmx:Reference", STORE + "<edmx:Reference", 1).encode())
    for format in ("xml", "json"):
        for version in ("4.0", "4.01"):
            written = write(model, format, version, omit_namespaces=frozenset({"odata.store.v1"})).decode()
            assert "Store" not in written and "store" not in written and "secret" not in written and "kept" in written
            assert "secret" in write(model, format, version).decode()


def test_references_get_their_addresses_from_a_function() -> None:
    def address(namespace: str) -> str | None:
        return None if "Core" not in namespace else f"/root/-/vocabularies/{namespace}.xml"
    model = read(document('<ComplexType Name="X"><Annotation Term="Measures.Unit" String="cm"/></ComplexType>').encode())
    written = write(model, "xml", "4.0", reference_uri=address).decode()
    assert written.count("<edmx:Reference") == 1
    assert '<edmx:Reference Uri="/root/-/vocabularies/Org.OData.Core.V1.xml">' in written
    assert 'Term="Org.OData.Measures.V1.Unit"' in written    # its alias went with the reference


def test_full_names_are_for_own_schemas() -> None:
    model = read(document('<ComplexType Name="X" BaseType="self.C"><Annotation Term="Core.Description" String="x"/></ComplexType>').encode())
    written = write(model, "xml", "4.0", full_names=True).decode()
    assert 'BaseType="ns.C"' in written and 'Term="Core.Description"' in written and "self." not in written


def test_schemas_that_are_served_nowhere_become_part_of_the_document(tmp_path: Path) -> None:
    other = document("").replace('Namespace="ns" Alias="self"', 'Namespace="other" Alias="self"')
    (tmp_path / "other.xml").write_text(other, encoding="utf-8")
    own = document("", container=False).replace("<edmx:DataServices>", '<edmx:Reference Uri="other.xml"><edmx:Include Namespace="other" '
                                                'Alias="O"/></edmx:Reference><edmx:DataServices>')
    own = own.replace("</Schema>", '<EntityContainer Name="Box" Extends="O.Box"><EntitySet Name="Cs" EntityType="O.E"/>'
                      "</EntityContainer></Schema>")
    (tmp_path / "m.xml").write_text(own, encoding="utf-8")
    model = load(tmp_path / "m.xml")
    found = read(write(model, "xml", "4.0", reference_uri=lambda namespace: f"/v/{namespace}.xml" if "OData" in namespace else None))
    assert [(schema.namespace, schema.alias) for schema in found.schemas] == [("ns", "self"), ("other", "O")]
    assert found.container is not None and found.container.extends is None
    assert [each.name for each in found.container.children] == ["Es", "Os", "Cs", "Me"]
    assert found.schemas[1].container is None and "other.E" in found.types
