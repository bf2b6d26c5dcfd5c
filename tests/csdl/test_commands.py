"""`odata check`, `odata convert`, `odata diff`: reports, exit codes, profiles, the safe view, the classes of §5.2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.csdl import read, write
from app.csdl.check import check_command
from app.csdl.convert import convert_command
from app.csdl.diff import diff, diff_command
from app.csdl.profile import PROFILES
from app.csdl.views import safe
from app.errors import ConfigurationError, ModelError
from tests.csdl.documents import document

ROOT = Path(__file__).parents[2]
HUB = ROOT / "edmx" / "industryData.xml"


def model_file(folder: Path, fragment: str, name: str = "m.xml", version: str = "4.0") -> Path:
    place = folder / name
    place.write_text(document(fragment, version), encoding="utf-8")
    return place


# --- check -----------------------------------------------------------------------------------------------

def test_a_clean_file(tmp_path: Path) -> None:
    assert check_command([model_file(tmp_path, "")]) == ("0 errors, 0 warnings in 1 file", 0)


def test_text_names_the_place_the_rule_and_what_to_do(tmp_path: Path) -> None:
    text, code = check_command([model_file(tmp_path, '<ComplexType Name="X" BaseType="self.Y"/>')])
    assert code == 1
    assert text.splitlines() == [
        f"{tmp_path}/m.xml:4:1: error: The base type 'ns.Y' of 'ns.X' is not declared [base-unknown]",
        "    Declare it or correct the name. (§6.1, §9.1)", "1 error, 0 warnings in 1 file"]


@pytest.mark.parametrize("value, code", [("A", 0), ("A,B", 0), ("3", 0), ("2", 0), ("A,2", 0), ("0", 0), ("4", 1), ("A,4", 1), ("C", 1), ("-1", 1)])
def test_defaults_of_flags(value: str, code: int, tmp_path: Path) -> None:
    """Names and numbers of members, and sums of numbers (CSDL §7.3, ABNF enumValue)."""
    assert check_command([model_file(tmp_path, f"""<ComplexType Name="X"><Property Name="P" Type="self.Mark" DefaultValue="{value}"/></ComplexType>""")])[1] == code


def test_warnings_do_not_fail(tmp_path: Path) -> None:
    text, code = check_command([model_file(tmp_path, '<ComplexType Name="color"/>')])
    assert (code, text.splitlines()[-1]) == (0, "0 errors, 1 warning in 1 file")


def test_json_and_sarif(tmp_path: Path) -> None:
    file = model_file(tmp_path, '<EnumType Name="X"/>')
    text, code = check_command([file], "json")
    report = json.loads(text)
    assert (code, report["errors"]) == (1, 1)
    assert report["findings"][0] | {"message": "", "hint": ""} == {
        "file": str(file), "line": 4, "column": 1, "rule": "enum-empty", "severity": "error", "section": "§10", "message": "", "hint": ""}
    text, code = check_command([file], "sarif")
    [run] = json.loads(text)["runs"]
    [result] = run["results"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "enum-empty"
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 4, "startColumn": 1}
    spaced = model_file(tmp_path, '<EnumType Name="X"/>', "a b#%.xml")      # SARIF §3.4.3: a URI reference
    [result] = json.loads(check_command([spaced], "sarif")[0])["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == f"{tmp_path}/a%20b%23%25.xml"


def test_hints_name_what_they_speak_of(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text("""{"$Version": "4.01", "$EntityContainer": "n.C", "n": {
 "X": {"$Kind": "EntityType", "$Key": ["ID"], "ID": {"$Type": "Edm.Int32"}, "N": {"$Kind": "NavigationProperty", "$Type": "n.X", "$Nullable": true}},
 "C": {"$Kind": "EntityContainer", "Xs": {"$Collection": true, "$Type": "n.X", "$NavigationPropertyBinding": {"N": "n.C/Xs"}}}}}""")
    text, code = check_command([tmp_path / "m.json"])
    assert code == 0 and "Write 'Xs' alone." in text


@pytest.mark.parametrize("text, kind", [("null", "null"), ("[]", "an array"), ("42", "a number"), ('"x"', "a string"), ("true", "a boolean")])
def test_a_json_document_is_an_object(text: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(text)
    found, code = check_command([tmp_path / "m.json"])
    assert code == 1 and f"The document is {kind}, not an object [doc-object]" in found


def test_options_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="There is no format 'xml'"):
        check_command([], "xml")
    with pytest.raises(ConfigurationError, match="did you mean 'powerbi'"):
        check_command([], "text", "power")


@pytest.mark.parametrize("file", sorted([*ROOT.glob("edmx/*.xml"), *ROOT.glob("app/csdl/vocabularies/*.xml")]), ids=lambda file: file.name)
def test_our_own_documents_have_no_errors(file: Path) -> None:
    text, code = check_command([file])
    assert code == 0, text


PROFILED = [
    ("powerbi", "bi-enum", '<EntityType Name="X" BaseType="self.E"><Property Name="P" Type="self.Color"/></EntityType>'),
    ("powerbi", "bi-decimal-facets", '<ComplexType Name="X"><Property Name="P" Type="Edm.Decimal" Scale="variable"/></ComplexType>'),
    ("powerbi", "bi-precision", '<ComplexType Name="X"><Property Name="P" Type="Edm.TimeOfDay" Precision="9"/></ComplexType>'),
    ("powerbi", "bi-open", '<ComplexType Name="X" OpenType="true"/>'),
    ("powerbi", "bi-complex-navigation", ""),
    ("excel", "bi-collection",
     '<ComplexType Name="X"><Property Name="P" Type="Collection(Edm.Int32)" Nullable="false"/></ComplexType>'),
    ("excel", "excel-long-integer", '<ComplexType Name="X"><Property Name="P" Type="Edm.Int64"/></ComplexType>'),
    ("excel", "excel-stream", '<ComplexType Name="X"><Property Name="P" Type="Edm.Stream"/></ComplexType>'),
    ("ui5", "ui5-enum-filter", '<ComplexType Name="X"><Property Name="P" Type="self.Color"/></ComplexType>'),
    ("v2", "v2-collection", '<ComplexType Name="X"><Property Name="P" Type="Collection(Edm.Int32)" Nullable="false"/></ComplexType>'),
    ("v2", "v2-type", '<ComplexType Name="X"><Property Name="P" Type="Edm.Date"/></ComplexType>'),
    ("v2", "v2-type", '<ComplexType Name="X"><Property Name="P" Type="Edm.GeographyPoint"/></ComplexType>'),
    ("v2", "v2-enum", '<ComplexType Name="X"><Property Name="P" Type="self.Color"/></ComplexType>'),
    ("v2", "v2-inheritance", ""), ("v2", "v2-singleton", ""), ("v2", "v2-containment", ""), ("v2", "v2-bound", ""),
    ("v2", "v2-complex-navigation", ""), ("v2", "v2-open", '<ComplexType Name="X" OpenType="true"/>'),
    ("dataverse", "dataverse-key", ""), ("dataverse", "dataverse-nullable", ""),
]


@pytest.mark.parametrize(("profile", "rule", "fragment"), PROFILED, ids=[case[1] for case in PROFILED])
def test_a_profile_reports_what_troubles_its_clients(profile: str, rule: str, fragment: str, tmp_path: Path) -> None:
    report = json.loads(check_command([model_file(tmp_path, fragment)], "json", profile)[0])
    assert rule in {each["rule"] for each in report["findings"]}
    assert check_command([model_file(tmp_path, fragment)], "json")[1] == 0
    assert profile in PROFILES


def test_the_safe_view_has_no_trouble(tmp_path: Path) -> None:
    model = read(HUB.read_bytes())
    place = tmp_path / "safe.xml"
    place.write_bytes(write(safe(model), "xml", "4.0"))
    report = json.loads(check_command([place], "json", "powerbi")[0])
    assert {each["rule"] for each in report["findings"]} <= {"bi-collection", "bi-open"}
    view = read(place.read_bytes())
    assert {each.name for each in view.container.sets} == {each.name for each in model.container.sets}    # type: ignore[union-attr]


# --- convert ---------------------------------------------------------------------------------------------

def test_there_and_back(tmp_path: Path) -> None:
    text, code = convert_command(HUB, tmp_path / "hub.json")
    assert code == 0 and text.endswith("bytes.")
    assert convert_command(tmp_path / "hub.json", tmp_path / "hub.xml")[1] == 0
    assert read((tmp_path / "hub.xml").read_bytes()) == read(HUB.read_bytes())


def test_text_of_literals_stays(tmp_path: Path) -> None:
    file = model_file(tmp_path, '<ComplexType Name="X"><Property Name="P" Type="Edm.Decimal" Scale="2" DefaultValue="01.50"/>'
                                '<Annotation Term="self.TI" Int="not a number"/></ComplexType>')
    assert convert_command(file, tmp_path / "a.json")[1] == 0
    assert convert_command(tmp_path / "a.json", tmp_path / "b.xml")[1] == 0
    text = (tmp_path / "b.xml").read_text(encoding="utf-8")
    assert 'DefaultValue="01.50"' in text and 'Int="not a number"' in text


def test_versions(tmp_path: Path) -> None:
    file = model_file(tmp_path, '<ComplexType Name="X"><Property Name="P" Type="Edm.Untyped"/></ComplexType>', version="4.01")
    old, same = convert_command(file, "-", "4.0")[0], convert_command(file, "-")[0]
    assert '"$Version":"4.0"' in old and "Untyped" not in old
    assert '"$Version":"4.01"' in same and "Untyped" in same
    with pytest.raises(ConfigurationError):
        convert_command(file, "-", "3.0")


def test_what_cannot_be_read_or_written(tmp_path: Path) -> None:
    file = tmp_path / "m.xml"
    file.write_text("<html/>", encoding="utf-8")
    with pytest.raises(ModelError, match="The root is 'html', not edmx:Edmx of OData 4"):
        convert_command(file, "-")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        convert_command(HUB, tmp_path / "none" / "x.json")


# --- diff (Protocol §5.2) --------------------------------------------------------------------------------

X = '<EntityType Name="X"><Key><PropertyRef Name="K"/></Key><Property Name="K" Type="Edm.Int32" Nullable="false"/>{}</EntityType>'
FN = ('<Function Name="G"><Parameter Name="a" Type="Edm.String"/>{}<ReturnType Type="{}"/></Function>')
AC = '<Action Name="H"><Parameter Name="a" Type="Edm.String" Nullable="{}"/>{}</Action>'
NEW = '<Parameter Name="b" Type="Edm.String"/>'
OPTIONAL = '<Parameter Name="b" Type="Edm.String"><Annotation Term="Core.OptionalParameter"/></Parameter>'
P = '<Property Name="P" Type="{}" {}/>'
CHANGES = [
    (X.format(""), X.format(P.format("Edm.String", "")), ["additive: ns.X/P: added"]),
    (X.format(""), X.format(P.format("Edm.String", 'Nullable="false" DefaultValue="x"')), ["additive: ns.X/P: added"]),
    (X.format(""), X.format(P.format("Edm.String", 'Nullable="false"')),
     ["breaking: ns.X/P: added, not nullable and without a default value"]),
    (X.format(""), X.format(P.format("Collection(Edm.String)", 'Nullable="false"')), ["additive: ns.X/P: added"]),
    (X.format(P.format("Edm.String", "")), X.format(""), ["breaking: ns.X/P: removed"]),
    (X.format(P.format("Edm.String", "")), X.format(P.format("Edm.Int32", "")), ["breaking: ns.X/P: type Edm.String → Edm.Int32"]),
    (X.format(P.format("Edm.String", "")), X.format(P.format("Edm.String", 'Nullable="false"')), ["breaking: ns.X/P: became not nullable"]),
    (X.format(P.format("Edm.String", 'MaxLength="5"')), X.format(P.format("Edm.String", 'MaxLength="9"')),
     ["compatible: ns.X/P: MaxLength 5 → 9"]),
    (X.format(P.format("Edm.String", 'MaxLength="5"')), X.format(P.format("Edm.String", 'MaxLength="4"')),
     ["breaking: ns.X/P: MaxLength 5 → 4"]),
    (X.format(P.format("Edm.String", "")), X.format(P.format("Edm.String", 'MaxLength="4"')),
     ["breaking: ns.X/P: MaxLength unspecified → 4"]),
    (X.format(P.format("Edm.Decimal", "")), X.format(P.format("Edm.Decimal", 'Scale="2"')), ["compatible: ns.X/P: Scale 0 → 2"]),
    (X.format(P.format("Edm.Decimal", 'Scale="2"')), X.format(P.format("Edm.Decimal", "")), ["breaking: ns.X/P: Scale 2 → 0"]),
    (X.format(P.format("Edm.Decimal", 'Precision="5"')), X.format(P.format("Edm.Decimal", 'Precision="5" Scale="2"')), ["breaking: ns.X/P: Scale 0 → 2"]),
    (X.format(P.format("Edm.Decimal", 'Precision="5"')), X.format(P.format("Edm.Decimal", 'Precision="7" Scale="2"')),
     ["compatible: ns.X/P: Precision 5 → 7", "compatible: ns.X/P: Scale 0 → 2"]),
    ('<ComplexType Name="B"><Property Name="R" Type="Edm.Int32" Nullable="false"/></ComplexType><ComplexType Name="X"/>',
     '<ComplexType Name="B"><Property Name="R" Type="Edm.Int32" Nullable="false"/></ComplexType><ComplexType Name="X" BaseType="self.B"/>',
     ["breaking: ns.X/R: added, not nullable and without a default value", "additive: ns.X: base type ns.B added"]),
    (X.format(""), X.format('<NavigationProperty Name="N" Type="self.E"/>'), ["additive: ns.X/N: added"]),
    (X.format(""), X.format('<NavigationProperty Name="N" Type="self.E" Nullable="false"/>'),
     ["breaking: ns.X/N: added, not nullable and without a default value"]),
    (X.format('<NavigationProperty Name="N" Type="self.E"/>'), X.format('<NavigationProperty Name="N" Type="Collection(self.E)"/>'),
     ["breaking: ns.X/N: type ns.E → Collection(ns.E)"]),
    (X.format(""), X.format("").replace('Name="K"', 'Name="L"'),
     ["breaking: ns.X: key (K) → (L)", "breaking: ns.X/K: removed",
      "breaking: ns.X/L: added, not nullable and without a default value"]),
    ("", X.format(""), ["additive: ns.X: entity type added"]),
    (X.format(""), "", ["breaking: ns.X: entity type removed"]),
    ('<ComplexType Name="X"/>', '<EnumType Name="X"><Member Name="A" Value="1"/></EnumType>',
     ["breaking: ns.X: complex type became enumeration"]),
    ('<ComplexType Name="X"/>', '<ComplexType Name="X" OpenType="true"/>', ["additive: ns.X: became open"]),
    ('<ComplexType Name="X" OpenType="true"/>', '<ComplexType Name="X"/>', ["breaking: ns.X: no longer open"]),
    ('<ComplexType Name="X"/>', '<ComplexType Name="X" Abstract="true"/>', ["breaking: ns.X: became abstract"]),
    ('<EnumType Name="X"><Member Name="A" Value="1"/></EnumType>',
     '<EnumType Name="X"><Member Name="A" Value="1"/><Member Name="B" Value="2"/></EnumType>', ["breaking: ns.X/B: added, and clients have no name for what values hold now"]),
    ("", '<EnumType Name="X"><Member Name="A" Value="1"/></EnumType>', ["additive: ns.X: enumeration added"]),
    ("", '<TypeDefinition Name="X" UnderlyingType="Edm.Int32"/>', ["additive: ns.X: type definition added"]),
    ("", '<Term Name="X" Type="Edm.String"/>', ["additive: ns.X: term added"]),
    ('<ComplexType Name="X" OpenType="true"/>', '<ComplexType Name="X" OpenType="true"><Property Name="P" Type="Edm.String"/></ComplexType>',
     ["additive: ns.X/P: added; dynamic properties called P have to be of its type"]),
    (X.format('<NavigationProperty Name="N" Type="self.E" Nullable="false"/>'), X.format('<NavigationProperty Name="N" Type="self.E"/>'), ["breaking: ns.X/N: became nullable"]),
    (FN.format(NEW, "Edm.String"), FN.format("", "Edm.String").replace('Name="a"', 'Name="b"').replace("<ReturnType", '<Parameter Name="a" Type="Edm.String"/><ReturnType'),
     ["breaking: ns.G(Edm.String,Edm.String): parameters reordered"]),
    (FN.format(OPTIONAL, "Edm.String"), FN.format(NEW, "Edm.String"), ["breaking: ns.G(Edm.String,Edm.String)/b: @Org.OData.Core.V1.OptionalParameter removed: no OptionalParameter"]),
    ('<EnumType Name="X"><Member Name="A" Value="1"/></EnumType>', '<EnumType Name="X"><Member Name="A" Value="2"/></EnumType>',
     ["breaking: ns.X/A: value 1 → 2"]),
    (AC.format("false", ""), AC.format("false", NEW), ["additive: ns.H()/b: parameter added"]),
    (AC.format("false", NEW), AC.format("false", ""), ["breaking: ns.H()/b: parameter removed"]),
    (AC.format("false", ""), AC.format("true", ""), ["compatible: ns.H()/a: became nullable"]),
    (AC.format("true", ""), AC.format("false", ""), ["breaking: ns.H()/a: became not nullable"]),
    (FN.format("", "Edm.String"), FN.format(OPTIONAL, "Edm.String"), ["additive: ns.G(Edm.String)/b: parameter added"]),
    (FN.format("", "Edm.String"), FN.format(NEW, "Edm.String"),
     ["breaking: ns.G(Edm.String)/b: parameter added that callers must give"]),
    (FN.format("", "Edm.String"), FN.format("", "Edm.Int32"),
     ["breaking: ns.G(Edm.String)/$ReturnType: type Edm.String → Edm.Int32"]),
    ("", FN.format("", "Edm.String"), ["additive: ns.G(Edm.String): added"]),
    ('<Term Name="X" Type="Edm.String"/>', "", ["breaking: ns.X: term removed"]),
    (X.format(""), X.format('<Annotation Term="Core.Description" String="x"/>'),
     ["additive: ns.X: @Org.OData.Core.V1.Description added"]),
    (X.format(P.format("Edm.String", "")), X.format('<Property Name="P" Type="Edm.String"><Annotation Term="Core.Computed"/></Property>'),
     ["breaking: ns.X/P: @Org.OData.Core.V1.Computed added: Computed"]),
    (X.format(""), X.format("") + " ", []),
]


@pytest.mark.parametrize(("old", "new", "changes"), CHANGES)
def test_changes_are_classified(old: str, new: str, changes: list[str]) -> None:
    assert [str(each) for each in diff(read(document(old).encode()), read(document(new).encode()))] == changes


RESTRICTED = ('<Annotations Target="self.Box/Es"><Annotation Term="Capabilities.InsertRestrictions"><Record>'
              '<PropertyValue Property="Insertable" Bool="{}"/></Record></Annotation></Annotations>')


def test_a_capability_taken_away_breaks_and_one_given_does_not() -> None:
    none, yes, no = (read(document(text).encode()) for text in ("", RESTRICTED.format("true"), RESTRICTED.format("false")))
    assert [change.kind for change in diff(none, no)] == ["breaking"]
    assert [change.kind for change in diff(yes, no)] == ["breaking"]
    assert [change.kind for change in diff(no, yes)] == ["compatible"]
    assert [change.kind for change in diff(none, yes)] == ["additive"]


def test_a_member_moved_to_a_base_type_is_no_change() -> None:
    old = read(document('<ComplexType Name="B"/><ComplexType Name="X" BaseType="self.B"><Property Name="P" Type="Edm.String"/>'
                        "</ComplexType>").encode())
    new = read(document('<ComplexType Name="B"><Property Name="P" Type="Edm.String"/></ComplexType>'
                        '<ComplexType Name="X" BaseType="self.B"/>').encode())
    assert [str(each) for each in diff(old, new)] == ["additive: ns.B/P: added"]


def test_the_container() -> None:
    text = document("")
    moved = text.replace('<EntitySet Name="Os" EntityType="self.O"/>', '<EntitySet Name="Ps" EntityType="self.O"/>')
    assert [str(each) for each in diff(read(text.encode()), read(moved.encode()))] == [
        "breaking: ns.Box/Os: entity set removed", "additive: ns.Box/Ps: entity set added"]
    narrowed = text.replace('Name="Os" EntityType="self.O"', 'Name="Os" EntityType="self.E"')
    assert [str(each) for each in diff(read(text.encode()), read(narrowed.encode()))] == ["breaking: ns.Box/Os: type ns.O → ns.E"]


def test_the_command(tmp_path: Path) -> None:
    old, new = model_file(tmp_path, ""), model_file(tmp_path, '<ComplexType Name="X"/>', "n.xml")
    assert diff_command(old, old) == ("no difference", 0)
    assert diff_command(old, new) == ("additive: ns.X: complex type added\n0 breaking, 1 additive, 0 compatible", 0)
    text, code = diff_command(new, old, "json")
    assert (json.loads(text)["breaking"], code) == (1, 1)
    with pytest.raises(ModelError, match="cannot be read"):         # no difference that breaks clients: exit code 2
        diff_command(tmp_path / "none.xml", old)
    with pytest.raises(ConfigurationError):
        diff_command(old, new, "xml")
