"""Loading: references to vocabularies and to files beside the document, and the compiled-model cache."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.csdl import load, load_cached, read, vocabulary_document
from app.csdl.load import beside
from app.errors import ModelError
from tests.csdl.documents import document

EDMX = 'xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" xmlns="http://docs.oasis-open.org/odata/ns/edm" Version="4.0"'


def model_file(place: Path, namespace: str, references: str = "", body: str = "") -> Path:
    place.write_text(f'<edmx:Edmx {EDMX}>{references}<edmx:DataServices><Schema Namespace="{namespace}">{body}</Schema>'
                     "</edmx:DataServices></edmx:Edmx>", encoding="utf-8")
    return place


def reference(uri: str, inner: str) -> str:
    return f'<edmx:Reference Uri="{uri}">{inner}</edmx:Reference>'


def include(namespace: str) -> str:
    return f'<edmx:Include Namespace="{namespace}"/>'


def test_standard_vocabularies_are_our_own_whatever_the_address(tmp_path: Path) -> None:
    file = model_file(tmp_path / "m.xml", "x", reference("https://nowhere.invalid/v", include("Org.OData.Validation.V1")))
    model = load(file)
    assert {schema.namespace for schema in model.included} == {"Org.OData.Validation.V1", "Org.OData.Core.V1"}
    assert "Org.OData.Validation.V1.Pattern" in model.terms


@pytest.mark.parametrize("uri", ["other.xml", "./other.xml", "https://example.org/models/other.xml", "other.xml?v=1"])
def test_other_schemas_are_found_beside_the_document(uri: str, tmp_path: Path) -> None:
    model_file(tmp_path / "other.xml", "y", body='<ComplexType Name="C"/>')
    model = load(model_file(tmp_path / "m.xml", "x", reference(uri, include("y"))))
    assert "y.C" in model.types
    assert [schema.namespace for schema in model.schemas] == ["x"]


def test_a_json_document_may_include_an_xml_document(tmp_path: Path) -> None:
    model_file(tmp_path / "other.xml", "y", body='<ComplexType Name="C"/>')
    file = tmp_path / "m.json"
    file.write_text('{"$Version": "4.0", "$Reference": {"other.xml": {"$Include": [{"$Namespace": "y"}]}}, "x": {}}',
                    encoding="utf-8")
    assert "y.C" in load(file).types


def test_circular_references_end(tmp_path: Path) -> None:
    model_file(tmp_path / "a.xml", "a", reference("b.xml", include("b")))
    model_file(tmp_path / "b.xml", "b", reference("a.xml", include("a")))
    assert [schema.namespace for schema in load(tmp_path / "a.xml").included] == ["b"]


@pytest.mark.parametrize("uri", ["../secret.xml", "/etc/passwd", "file:///etc/passwd", "sub/../../secret.xml", "http://x/%2e%2e/", "", f"{'x' * 3000}.xml"])
def test_nothing_outside_the_folder_is_opened(uri: str, tmp_path: Path) -> None:
    (tmp_path / "secret.xml").write_text("<x/>", encoding="utf-8")
    inner = tmp_path / "models"
    inner.mkdir()
    assert beside(uri, inner / "m.xml") is None


def test_include_annotations_bring_those_that_are_asked_for(tmp_path: Path) -> None:
    model_file(tmp_path / "notes.xml", "n", body=(
        '<Annotations Target="x.C"><Annotation Term="org.a.T" String="1"/><Annotation Term="org.b.T" String="2"/>'
        '<Annotation Term="org.a.T" Qualifier="q" String="3"/></Annotations>'
        '<Annotations Target="z.C"><Annotation Term="org.a.T" String="4"/></Annotations>'))
    notes = '<edmx:IncludeAnnotations TermNamespace="org.a" TargetNamespace="x"{}/>'
    for qualifier, wanted in (("", ["1", "3"]), (' Qualifier="q"', ["3"])):
        model = load(model_file(tmp_path / "m.xml", "x", reference("notes.xml", notes.format(qualifier))))
        assert [each.value.text for each in model.external["x.C"]] == wanted    # type: ignore[union-attr]
        assert "z.C" not in model.external


def test_names_lose_their_aliases() -> None:
    model = read(document("<ComplexType Name='X' BaseType='self.C'><Property Name='P' Type='Collection(self.Color)' Nullable='false'>"
                          "<Annotation Term='Core.Description' Path='self.X/@Core.Description#q'/></Property></ComplexType>").encode())
    found = model.types["ns.X"]
    text = repr(found)
    assert "'ns.C'" in text and "'ns.Color'" in text and "ns.X/@Org.OData.Core.V1.Description#q" in text
    assert "self." not in text
    assert model.schemas[0].alias == "self"


def test_vocabulary_documents() -> None:
    xml, text = vocabulary_document("Org.OData.Core.V1"), vocabulary_document("Org.OData.Core.V1", "json")
    assert xml is not None and text is not None
    assert read(xml).schemas == read(text).schemas
    assert vocabulary_document("odata.store.v1") is not None
    for name in ("x" * 3000, "Org.OData.Nothing.V1", "../documents", "", "Org.OData.Core.V1/../x"):
        assert vocabulary_document(name) is None


# --- the cache -------------------------------------------------------------------------------------------

def test_a_compiled_model_is_the_model(tmp_path: Path) -> None:
    file = model_file(tmp_path / "m.xml", "x", reference("other.xml", include("y")), '<ComplexType Name="C"/>')
    model_file(tmp_path / "other.xml", "y")
    first, second = load_cached(file, tmp_path / "cache"), load_cached(file, tmp_path / "cache")
    assert first == second == load(file)
    assert second.included == first.included and second.source == str(file)
    [kept] = (tmp_path / "cache").iterdir()
    assert kept.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("changed", ["m.xml", "other.xml"])
def test_a_changed_document_is_read_again(changed: str, tmp_path: Path) -> None:
    file = model_file(tmp_path / "m.xml", "x", reference("other.xml", include("y")))
    model_file(tmp_path / "other.xml", "y")
    load_cached(file, tmp_path / "cache")
    place = tmp_path / changed
    place.write_text(place.read_text(encoding="utf-8").replace("</Schema>", '<ComplexType Name="New"/></Schema>'), encoding="utf-8")
    assert {"x.New", "y.New"} & set(load_cached(file, tmp_path / "cache").types)


@pytest.mark.parametrize("data", [b"", b"garbage", b"\x00" * 50, b"i\x01\x00\x00\x00"])
def test_a_damaged_compilation_is_not_used(data: bytes, tmp_path: Path) -> None:
    file = model_file(tmp_path / "m.xml", "x")
    load_cached(file, tmp_path / "cache")
    [kept] = (tmp_path / "cache").iterdir()
    kept.write_bytes(data)
    assert load_cached(file, tmp_path / "cache") == load(file)


def test_a_compilation_that_others_may_write_is_not_used(tmp_path: Path) -> None:
    file = model_file(tmp_path / "m.xml", "x")
    other = model_file(tmp_path / "n.xml", "forged")
    load_cached(file, tmp_path / "cache")
    [kept] = (tmp_path / "cache").iterdir()
    load_cached(other, tmp_path / "second")
    [forged] = (tmp_path / "second").iterdir()
    kept.write_bytes(forged.read_bytes())
    os.chmod(kept, 0o666)
    assert load_cached(file, tmp_path / "cache").schemas[0].namespace == "x"


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    file = model_file(tmp_path / "m.xml", "x")
    (tmp_path / "cache").write_text("a file", encoding="utf-8")
    assert load_cached(file, tmp_path / "cache") == load(file)
    with pytest.raises(ModelError):
        load_cached(tmp_path / "none.xml", tmp_path / "cache")
