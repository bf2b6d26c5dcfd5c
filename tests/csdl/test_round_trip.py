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
from app.csdl.json_writer import write_json
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
