"""Whole documents that are broken: syntax, encodings, attacks, old versions, names of schemas; in XML and in JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.csdl import load, read
from app.csdl import source as sources
from app.csdl.check import check
from app.edm.findings import RULES
from app.errors import ModelError
from tests.csdl.broken_cases import FRAGMENTS
from tests.csdl.documents import document

EDMX = 'xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"'
EDM = 'xmlns="http://docs.oasis-open.org/odata/ns/edm"'
OPEN, CLOSE = f'<edmx:Edmx {EDMX} Version="4.0">', "</edmx:Edmx>"
BOMB = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10 if i else "x"}">' for i in range(10))


def schemas(*attributes: str, references: str = "") -> str:
    return (f"{OPEN}\n{references}<edmx:DataServices>\n"
            + "\n".join(f"<Schema {EDM} {each}/>" for each in attributes) + f"\n</edmx:DataServices>{CLOSE}")


def including(*attributes: str) -> str:
    return "".join(f'<edmx:Reference Uri="u{index}.xml"><edmx:Include {each}/></edmx:Reference>\n'
                   for index, each in enumerate(attributes))


BOXED = ("><EntityContainer Name='Box'><Singleton Name='S' Type='x.E'/></EntityContainer>\n<EntityType Name='E'><Key>"
         "<PropertyRef Name='K'/></Key><Property Name='K' Type='Edm.Int32' Nullable='false'/></EntityType></Schema>\n")
XML = [
    ("doc-empty", 1, b""),
    ("doc-empty", 1, b" \r\n\t "),
    ("doc-syntax", 1, b"hello"),
    ("doc-syntax", 1, b"\0\0\0"),
    ("doc-syntax", 2, b"<a>\n<b></a>"),
    ("doc-syntax", 1, b"<a b='1' b='2'/>"),
    ("doc-syntax", 1, b"<a>&undefined;</a>"),
    ("doc-syntax", 1, b"<a>&#0;</a>"),
    ("doc-syntax", 2, f"{OPEN}\n<edmx:DataServices>".encode()),
    ("doc-syntax", 1, b"<x:a/>"),
    ("doc-doctype", 1, f"<!DOCTYPE a [{BOMB}]><a>&a9;</a>".encode()),
    ("doc-doctype", 2, b"<?xml version='1.0'?>\n<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>"),
    ("doc-doctype", 1, b"<!-- <x> --><!DOCTYPE a [<!ENTITY x SYSTEM 'http://127.0.0.1:9/x'>]><a>&x;</a>"),
    ("doc-doctype", 1, '<!DOCTYPE a><a/>'.encode("utf-16")),
    ("doc-encoding", 1, b"<?xml version='1.0' encoding='utf-7'?><a/>"),
    ("doc-encoding", 1, b"<?xml version='1.0' encoding='EBCDIC-CP-US'?><a/>"),
    ("doc-encoding", 1, schemas("Namespace='x'").encode("utf-32")),
    ("doc-encoding", 1, schemas("Namespace='x'").encode("utf-32-be")),
    ("doc-encoding", 1, '{"$Version": "4.0", "ns": {}}'.encode("utf-32-le")),
    ("doc-encoding", 2, b"<a>\n\xff</a>"),
    ("doc-encoding", 1, b"\xef\xbb\xbf<a>\xc3</a>"),
    ("doc-encoding", 1, b"\xff\xfe<\0a\0/\0>"),
    ("doc-depth", 1, b"<a>" * 1_000_000),
    ("doc-depth", 4, document("<ComplexType Name='X'><Annotation Term='self.T'>" + "<Not>" * 150 + "<Bool>true</Bool>"
                              + "</Not>" * 150 + "</Annotation></ComplexType>").encode()),
    ("doc-root", 1, b"<html/>"),
    ("doc-root", 2, f"<?xml version='1.0'?>\n<Schema {EDM} Namespace='x'/>".encode()),
    ("doc-root", 1, b"<Edmx Version='4.0'/>"),
    ("doc-old-version", 1, b"<Edmx xmlns='http://schemas.microsoft.com/ado/2007/06/edmx' Version='1.0'><DataServices>"
                           b"<Schema xmlns='http://schemas.microsoft.com/ado/2008/09/edm' Namespace='x'/></DataServices></Edmx>"),
    ("doc-old-version", 1, b"<Schema xmlns='http://schemas.microsoft.com/ado/2009/11/edm' Namespace='x'/>"),
    ("doc-old-version", 3, schemas("Namespace='x'").replace("docs.oasis-open.org/odata/ns/edm\"",
                                                            "schemas.microsoft.com/ado/2009/11/edm\"").encode()),
    ("doc-version", 1, schemas("Namespace='x'").replace("4.0", "5.0").encode()),
    ("doc-missing-attribute", 1, schemas("Namespace='x'").replace(' Version="4.0"', "").encode()),
    ("doc-no-services", 1, f"{OPEN}{CLOSE}".encode()),
    ("doc-no-schema", 2, f"{OPEN}\n<edmx:DataServices/>{CLOSE}".encode()),
    ("doc-repeated-element", 5, schemas("Namespace='x'").replace(CLOSE, f"\n<edmx:DataServices/>{CLOSE}").encode()),
    ("doc-unknown-element", 2, schemas("Namespace='x'", references="<edmx:Runtime/>").encode()),
    ("doc-unknown-element", 3, schemas("Namespace='x'").replace("edm\"", "edmx\"").encode()),
    ("doc-missing-attribute", 3, schemas("Alias='x'").encode()),
    ("doc-reference-empty", 2, schemas("Namespace='x'", references="<edmx:Reference Uri='a.xml'/>").encode()),
    ("doc-missing-attribute", 2, schemas("Namespace='x'", references=including("Namespace='odata.store.v1'")
                                         .replace(' Uri="u0.xml"', "")).encode()),
    ("doc-reference-twice", 3, schemas("Namespace='x'", references=including(
        "Namespace='Org.OData.Core.V1'", "Namespace='Org.OData.Measures.V1'").replace("u1", "u0")).encode()),
    ("schema-namespace-syntax", 3, schemas("Namespace='a..b'").encode()),
    ("schema-namespace-syntax", 3, schemas(f"Namespace='{'a' * 100 + ('.' + 'a' * 100) * 5}'").encode()),
    ("schema-namespace-reserved", 3, schemas("Namespace='System'").encode()),
    ("schema-namespace-twice", 4, schemas("Namespace='x'", "Namespace='x'").encode()),
    ("schema-namespace-included", 2, schemas("Namespace='x'", references=including("Namespace='x'")).encode()),
    ("schema-alias-syntax", 3, schemas("Namespace='x' Alias='a.b'").encode()),
    ("schema-alias-reserved", 3, schemas("Namespace='x' Alias='odata'").encode()),
    ("schema-alias-twice", 4, schemas("Namespace='x' Alias='a'", "Namespace='y' Alias='a'").encode()),
    ("schema-alias-twice", 2, schemas("Namespace='x' Alias='a'", references=including(
        "Namespace='Org.OData.Core.V1' Alias='a'")).encode()),
    ("schema-alias-namespace", 4, schemas("Namespace='x'", "Namespace='y' Alias='x'").encode()),
    ("include-twice", 3, schemas("Namespace='x'", references=including(
        "Namespace='Org.OData.Core.V1'", "Namespace='Org.OData.Core.V1'")).encode()),
    ("include-unresolved", 2, schemas("Namespace='x'", references=including("Namespace='not.here'")).encode()),
    ("schema-containers", 5, schemas("Namespace='x'", "Namespace='y'").replace("/>\n", BOXED).encode()),
]


def json_document(schema: str, root: str = "") -> bytes:
    return f'{{"$Version": "4.0",{root}\n"ns": {schema}}}'.encode()


KIND = '"$Kind": "ComplexType"'
JSON = [
    ("doc-object", 1, b"[]"),
    ("doc-syntax", 1, b'{"$Version": "4.0",}'),
    ("doc-syntax", 2, b'{"$Version":\n4.0.1}'),
    ("doc-syntax", 1, b'{"$Version": NaN}'),
    ("doc-syntax", 1, b'{"a": "\\x"}'),
    ("doc-syntax", 1, b"{'a': 1}"),
    ("doc-syntax", 1, b'{"a": 01}'),
    ("doc-syntax", 2, b'{"$Version": "4.0"}\n{}'),
    ("doc-encoding", 1, b'{"$Version": "\\ud800"}'),
    ("doc-encoding", 1, b'{"$Version": "\xff"}'),
    ("doc-depth", 1, b'{"a":' + b"[" * 1_000_000),
    ("doc-depth", 2, json_document('{"X": {' + KIND + ', "@ns.T": ' + '{"$Not":' * 150 + "true" + "}" * 150 + "}}")),
    ("doc-duplicate-member", 3, json_document('{"X": {' + KIND + '},\n"X": {' + KIND + "}}")),
    ("doc-old-version", 1, b'{"$Version": "2.0", "ns": {}}'),
    ("doc-version", 1, b'{"$Version": "5.0", "ns": {}}'),
    ("doc-missing-member", 1, b'{"ns": {}}'),
    ("doc-no-schema", 1, b'{"$Version": "4.0"}'),
    ("doc-member-value", 1, b'{"$Version": 4.0, "ns": {}}'),
    ("doc-member-value", 2, json_document("[]")),
    ("doc-unknown-member", 1, json_document("{}", ' "$Entitycontainer": "ns.Box",')),
    ("doc-container-name", 1, json_document("{}", ' "$EntityContainer": "ns.Box",')),
    ("doc-unknown-member", 2, json_document('{"$Aliases": "x"}')),
    ("doc-missing-member", 2, json_document('{"X": {}}')),
    ("doc-member-value", 2, json_document('{"X": {"$Kind": "Entity"}}')),
    ("doc-member-value", 2, json_document('{"X": "EntityType"}')),
    ("doc-member-value", 2, json_document('{"X": {"$Kind": "Action"}}')),
    ("doc-member-value", 2, json_document('{"X": []}')),
    ("doc-unknown-member", 3, json_document('{"X": {' + KIND + ',\n"$Basetype": "ns.Y"}}')),
    ("doc-stray-member", 3, json_document('{"X": {' + KIND + ', "p": {},\n"p@ns.T": true}}')),
    ("doc-stray-member", 3, json_document('{"X": {' + KIND + ',\n"p@ns.T": true}}')),
    ("doc-stray-member", 3, json_document('{"X": {"$Kind": "EnumType", "A": 1,\n"B@ns.T": true}}')),
    ("doc-stray-member", 3, json_document('{"X": {' + KIND + ', "p": {"$Type": "Edm.Int32",\n"$Type@ns.T": true}}}')),
    ("doc-member-value", 3, json_document('{"X": {' + KIND + ',\n"$OpenType": "true"}}')),
    ("doc-member-value", 3, json_document('{"X": {' + KIND + ',\n"P": true}}')),
    ("doc-unknown-member", 3, json_document('{"X": {' + KIND + ', "P": {\n"Type": "Edm.String"}}}')),
    ("doc-member-value", 3, json_document('{"X": {' + KIND + ', "P": {\n"$Nullable": 1}}}')),
    ("doc-member-value", 3, json_document('{"X": {' + KIND + ', "P": {\n"$MaxLength": "max"}}}')),
    ("doc-member-value", 3, json_document('{"X": {' + KIND + ', "P": {\n"$MaxLength": 1.5}}}')),
    ("doc-member-value", 3, json_document('{"X": {' + KIND + ', "P": {\n"$DefaultValue": []}}}')),
    ("doc-scale-case", 3, json_document('{"X": {' + KIND + ', "P": {"$Type": "Edm.Decimal",\n"$Scale": "Variable"}}}')),
    ("doc-member-value", 3, json_document('{"X": {"$Kind": "EnumType",\n"A": "1"}}')),
    ("doc-key-empty", 3, json_document('{"X": {"$Kind": "EntityType", "$Abstract": true,\n"$Key": []}}')),
    ("doc-member-value", 3, json_document('{"X": {"$Kind": "EntityType", "$Abstract": true, "$Key": [\n1]}}')),
    ("doc-missing-member", 3, json_document('{"X": {' + KIND + ', "N":\n{"$Kind": "NavigationProperty"}}}')),
    ("doc-missing-member", 2, json_document('{"X": {"$Kind": "TypeDefinition"}}')),
    ("doc-stray-annotation", 3, json_document('{"T": {"$Kind": "Term"}, "X": {' + KIND + ',\n"@ns.T@ns.T": "x"}}')),
    ("doc-operands", 3, json_document('{"T": {"$Kind": "Term"}, "X": {' + KIND + ', "@ns.T": {\n"$Eq": [1]}}}')),
    ("doc-operands", 3, json_document('{"T": {"$Kind": "Term"}, "X": {' + KIND + ', "@ns.T": {\n"$If": []}}}')),
    ("doc-missing-member", 3, json_document('{"T": {"$Kind": "Term"}, "X": {' + KIND + ', "@ns.T":\n{"$Apply": []}}}')),
    ("doc-reference-empty", 1, json_document("{}", ' "$Reference": {"a.json": {}},')),
    ("doc-missing-member", 1, json_document("{}", ' "$Reference": {"a.json": {"$Include": [{"$Alias": "a"}]}},')),
    ("type-unknown", 3, json_document('{"X": {' + KIND + ',\n"P": {"$Type": "ns.Missing"}}}')),
    ("value-syntax", 4, json_document('{"T": {"$Kind": "Term", "$Type": "Edm.Byte"}, "X": {' + KIND + ',\n\n"@ns.T": "x"}}')),
]


@pytest.mark.parametrize(("rule", "line", "data"), XML + JSON, ids=[f"{index}-{case[0]}" for index, case in enumerate(XML + JSON)])
def test_a_document_breaks_its_rule_on_its_line(rule: str, line: int, data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "broken.csdl"
    file.write_bytes(data)
    assert [(each.rule, each.line) for each in check(file)] == [(rule, line)]
    assert all(each.column >= 1 for each in check(file))


def test_every_rule_has_a_broken_document() -> None:
    tried = {case[0] for case in (*FRAGMENTS, *XML, *JSON)}
    elsewhere = {"doc-size", "doc-unreadable", "doc-reference-broken", "container-override"}
    judging = {name for name in RULES if not name.startswith(("bi-", "excel-", "ui5-", "v2-", "dataverse-"))}
    assert judging - tried - elsewhere == set()
    assert len(judging) >= 120


def test_a_document_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_BYTES", 100)
    file = tmp_path / "large.xml"
    file.write_text(document(""), encoding="utf-8")
    assert [each.rule for each in check(file)] == ["doc-size"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert [each.rule for each in check(tmp_path / "none.xml")] == ["doc-unreadable"]
    with pytest.raises(ModelError, match="cannot be read"):
        load(tmp_path / "none.xml")


def test_a_container_that_declares_an_inherited_set_again(tmp_path: Path) -> None:
    body = "<EntityType Name='E'><Key><PropertyRef Name='K'/></Key><Property Name='K' Type='Edm.Int32' Nullable='false'/></EntityType>"
    other = schemas("Namespace='y'").replace("/>\n</edmx:D", f">{body}<EntityContainer Name='Box'><EntitySet Name='S' "
                                             "EntityType='y.E'/></EntityContainer></Schema>\n</edmx:D")
    (tmp_path / "u0.xml").write_text(other, encoding="utf-8")
    own = "<EntityContainer Name='Box' Extends='y.Box'>\n<EntitySet Name='S' EntityType='y.E'/></EntityContainer>"
    file = tmp_path / "model.xml"
    file.write_text(schemas("Namespace='x'", references=including("Namespace='y'")).replace(
        "/>\n</edmx:D", f">{own}</Schema>\n</edmx:D"), encoding="utf-8")
    assert [(each.rule, each.line) for each in check(file)] == [("container-override", 5)]


def test_a_broken_referenced_document(tmp_path: Path) -> None:
    (tmp_path / "u0.xml").write_text("<html/>", encoding="utf-8")
    file = tmp_path / "model.xml"
    file.write_text(schemas("Namespace='x'", references=including("Namespace='y'")), encoding="utf-8")
    assert "doc-reference-broken" in {each.rule for each in check(file)}
    with pytest.raises(ModelError, match="u0.xml:1:1: The root is 'html'"):
        load(file)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_of_one_document_give_one_model(encoding: str) -> None:
    text = document("<ComplexType Name='Größe_漢'/>")
    marked = {"utf-16-le": "\ufeff" + text, "utf-16-be": "\ufeff" + text}.get(encoding, text)
    assert read(marked.encode(encoding)) == read(text.encode())


def test_a_declared_encoding_is_obeyed() -> None:
    text = document("<ComplexType Name='Größe'/>")
    latin = b"<?xml version='1.0' encoding='ISO-8859-1'?>" + text.encode("latin-1")
    assert read(latin) == read(text.encode())


def test_an_error_names_file_line_and_column(tmp_path: Path) -> None:
    file = tmp_path / "model.xml"
    file.write_text(document("<ComplexType Name='X'>\n  <Property Name='P'/></ComplexType>"), encoding="utf-8")
    with pytest.raises(ModelError) as raised:
        load(file)
    assert str(raised.value).startswith(f"{file}:5:3: <Property> lacks the attribute Type")
    assert raised.value.target == f"{file}:5:3"
    assert [each.code for each in raised.value.details] == ["doc-missing-attribute"]


def test_all_findings_of_a_file_come_at_once(tmp_path: Path) -> None:
    file = tmp_path / "model.xml"
    file.write_text(document("\n".join(["<ComplexType Name='1'/>", "<EnumType Name='X'/>", "<Bad/>",
                                        "<ComplexType Name='Y' BaseType='self.Missing'/>"])), encoding="utf-8")
    assert [(each.rule, each.line) for each in check(file)] == [
        ("name-syntax", 4), ("enum-empty", 5), ("doc-unknown-element", 6), ("base-unknown", 7)]


def test_json_and_xml_findings_have_the_same_words(tmp_path: Path) -> None:
    filled = "><ComplexType Name='X' BaseType='ns.Y'/></Schema>\n</edmx:D"
    (tmp_path / "a.xml").write_text(schemas("Namespace='ns'").replace("/>\n</edmx:D", filled), encoding="utf-8")
    (tmp_path / "a.json").write_text(json.dumps({"$Version": "4.0", "ns": {"X": {"$Kind": "ComplexType", "$BaseType": "ns.Y"}}}),
                                     encoding="utf-8")
    one, other = check(tmp_path / "a.xml"), check(tmp_path / "a.json")
    assert [each.message for each in one] == [each.message for each in other] == ["The base type 'ns.Y' of 'ns.X' is not declared"]
