"""What is written reads back equal: generated models, a document with every construct, the models of the repository."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from app.csdl import load, read
from app.csdl.form import shaped
from app.csdl.json_writer import AS_WRITTEN, Notation, write_json
from app.csdl.xml_expressions import CONSTANTS, PATHS
from app.csdl.xml_writer import write_xml
from app.edm import expressions as ex
from app.edm import model as edm
from app.edm.index import Model
from tests.csdl.random_models import models

ROOT = Path(__file__).parents[2]
PAIR = Path(__file__).parent / "pairs"
MODELS = sorted([*ROOT.glob("edmx/*.xml"), *ROOT.glob("tests/models/*.xml"), *ROOT.glob("app/csdl/vocabularies/*.xml")])


def exact(text: str | bytes) -> Any:
    """A JSON document with its numbers as written."""
    return json.loads(text, parse_float=str, parse_int=str)


def constructs(value: Any) -> Iterator[str]:
    """The classes that a model is made of; of constants and paths their kinds."""
    if isinstance(value, tuple):
        for each in value:
            yield from constructs(each)
    elif is_dataclass(value):
        yield str(getattr(value, "kind", "") or type(value).__name__)
        for name in fields(value):
            yield from constructs(getattr(value, name.name))


SAID = {each.__name__ for module in (edm, ex) for each in vars(module).values() if is_dataclass(each) and each.__module__ == module.__name__}
SAID = {*SAID, *CONSTANTS, *PATHS} - {"Constant", "PathExpression", "AnyPropertyPath"}


def test_generated_models(record_property: Callable[[str, Any], None]) -> None:
    """2,000 models in both formats, and every construct of CSDL in one or the other."""
    seen, count = Counter[str](), 0

    @settings(max_examples=2000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(models())
    def judged(model: Model) -> None:
        nonlocal count
        count += 1
        seen.update(constructs(model.schemas + model.references))
        assert read(write_xml(model, model.version)) == model
        assert read(write_json(model, model.version)) == model

    judged()
    assert count >= 2000
    assert SAID <= seen.keys(), SAID - seen.keys()
    rarest, least = seen.most_common()[-1]
    record_property("count", f"random models: {count:,} written and read in both formats; the rarest construct, {rarest}, {least} times")


@pytest.mark.parametrize("file", MODELS, ids=lambda file: file.name)
def test_models_of_the_repository_in_both_formats_and_across(file: Path) -> None:
    model = read(file.read_bytes())
    xml, text = write_xml(model, model.version), write_json(model, model.version)
    assert read(xml) == model
    assert read(text) == model
    assert write_xml(read(xml), model.version) == xml
    assert json.loads(write_json(read(xml), model.version)) == json.loads(text)


def test_every_construct_as_a_golden_pair() -> None:
    xml, text = (PAIR / "everything.xml").read_bytes(), (PAIR / "everything.json").read_text(encoding="utf-8")
    model = read(xml)
    assert write_xml(model, "4.01") == xml
    assert exact(write_json(model, "4.01")) == exact(text)
    assert read(text.encode()) == model


def test_an_unchanged_model_is_the_same_objects() -> None:
    model = load(ROOT / "edmx" / "industryData.xml")
    form = shaped(model, "4.01")
    assert all(one is other for one, other in zip(form.schemas, model.schemas))


@pytest.mark.parametrize("text", ["a\tb\nc\rd", "  both ends  ", "\u00e9\u4e2d\U0001f600", "]]>", "<&\"'>", ""])
def test_texts_survive_in_both_formats(text: str) -> None:
    document = {"$Version": "4.01", "ns": {"T": {"$Kind": "Term"}, "X": {"$Kind": "ComplexType", "@ns.T": text, "@ns.T#c": [text]}}}
    model = read(json.dumps(document).encode())
    assert read(write_xml(model)) == model
    assert json.loads(write_json(read(write_xml(model)), "4.01")) == document


NUMBERS = """<edmx:Edmx Version="4.01" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="n.s" Alias="s" xmlns="http://docs.oasis-open.org/odata/ns/edm">
<Term Name="Big" Type="Edm.Int64"/><Term Name="Bigs" Type="Collection(Edm.Int64)"/><Term Name="Small" Type="Edm.Int32"/>
<Term Name="Any" Type="Edm.PrimitiveType"/><Term Name="Day" Type="Edm.Date"/><Term Name="Rec" Type="s.C"/><Term Name="Kind" Type="s.K"/>
<EnumType Name="K"><Member Name="A" Value="0"/></EnumType><TypeDefinition Name="T" UnderlyingType="Edm.Decimal"/>
<ComplexType Name="C"><Property Name="v" Type="{type}" DefaultValue="{default}"/>{annotation}</ComplexType>
</Schema></edmx:DataServices></edmx:Edmx>"""
QUOTED, PLAIN, FULL, NONE = Notation(True), Notation(False), Notation(False, "full"), Notation(True, "none")


@pytest.mark.parametrize("type, default, annotation, notation, expected", [
    ("Edm.Int64", "9007199254740993", "", QUOTED, {"v": {"$DefaultValue": "9007199254740993"}}),
    ("Edm.Int64", "9007199254740993", "", PLAIN, {"v": {"$DefaultValue": 9007199254740993}}),
    ("s.T", "1.10", "", QUOTED, {"v": {"$DefaultValue": "1.10"}}),
    ("s.T", "+.5", "", PLAIN, {"v": {"$DefaultValue": 0.5}}),
    ("s.T", "+.5", "", AS_WRITTEN, {"v": {"$DefaultValue": "+.5"}}),
    ("Edm.Int32", "007", "", QUOTED, {"v": {"$DefaultValue": 7}}),
    ("Edm.Double", "-00.50E+2", "", QUOTED, {"v": {"$DefaultValue": -50.0}}),
    ("Edm.Double", "-INF", "", PLAIN, {"v": {"$DefaultValue": "-INF"}}),
    ("Edm.Int32", "0", '<Annotation Term="s.Big" Int="+12"/>', QUOTED, {"@s.Big": "12", "@s.Big@type": None}),
    ("Edm.Int32", "0", '<Annotation Term="s.Big" Int="+12"/>', PLAIN, {"@s.Big": 12, "@s.Big@type": None}),
    ("Edm.Int32", "0", '<Annotation Term="s.Small" Int="12"/>', QUOTED, {"@s.Small": 12, "@s.Small@type": None}),
    ("Edm.Int32", "0", '<Annotation Term="s.Any" Int="12"/>', QUOTED, {"@s.Any": "12", "@s.Any@type": "Int64"}),
    ("Edm.Int32", "0", '<Annotation Term="x.y" Decimal="1.5"/>', QUOTED, {"@x.y": "1.5", "@x.y@type": "Decimal"}),
    ("Edm.Int32", "0", '<Annotation Term="x.y" Float="1.5"/>', QUOTED, {"@x.y": 1.5, "@x.y@type": None}),
    ("Edm.Int32", "0", '<Annotation Term="x.y" Int="1"/>', FULL, {"@x.y": 1, "@x.y@type": "Int64"}),
    ("Edm.Int32", "0", '<Annotation Term="s.Bigs"><Collection><Int>1</Int></Collection></Annotation>', QUOTED, {"@s.Bigs": ["1"]}),
    ("Edm.Int32", "0", '<Annotation Term="s.Bigs"><Collection><Int>1</Int></Collection></Annotation>', FULL,
     {"@s.Bigs": [1], "@s.Bigs@type": "Collection(Int64)"}),
    ("Edm.Int32", "0", '<Annotation Term="s.Day" Date="2000-01-01"/>', FULL, {"@s.Day@type": "Date"}),
    ("Edm.Int32", "0", '<Annotation Term="s.Day" Path="v"/>', FULL, {"@s.Day": {"$Path": "v"}, "@s.Day@type": None}),
    ("Edm.Int32", "0", '<Annotation Term="s.Kind" EnumMember="s.K/A"/>', FULL, {"@s.Kind": "A", "@s.Kind@type": "#s.K"}),
    ("Edm.Int32", "0", '<Annotation Term="s.Rec"><Record/></Annotation>', FULL, {"@s.Rec": {"@type": "#s.C"}}),
    ("Edm.Int32", "0", '<Annotation Term="s.Rec"><Record Type="s.C"/></Annotation>', NONE, {"@s.Rec": {}}),
    ("Edm.Int32", "0", '<Annotation Term="x.y" Date="2000-01-01"/>', NONE, {"@x.y": "2000-01-01", "@x.y@type": None}),
])
def test_what_the_media_type_asks_for(type: str, default: str, annotation: str, notation: Notation, expected: dict[str, Any]) -> None:
    """Numbers and control information of CSDL JSON (CSDL JSON §2.1.1, §2.1.2)."""
    model = read(NUMBERS.format(type=type, default=default, annotation=annotation).encode())
    made = json.loads(write_json(model, "4.01", notation))["n.s"]["C"]
    for name, value in expected.items():
        found = made.get(name)
        assert value == ({key: found[key] for key in value} if isinstance(value, dict) and value else found), name
