"""What is written reads back equal: generated models, a document with every construct, the models of the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from app.csdl import load, read
from app.csdl.form import shaped
from app.csdl.json_writer import write_json
from app.csdl.xml_writer import write_xml
from app.edm.index import Model
from tests.csdl.random_models import models

ROOT = Path(__file__).parents[2]
PAIR = Path(__file__).parent / "pairs"
MODELS = sorted([*ROOT.glob("edmx/*.xml"), *ROOT.glob("tests/models/*.xml"), *ROOT.glob("app/csdl/vocabularies/*.xml")])


def exact(text: str | bytes) -> Any:
    """A JSON document with its numbers as written."""
    return json.loads(text, parse_float=str, parse_int=str)


@settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
@given(models())
def test_generated_models(model: Model) -> None:
    from_xml, from_json = read(write_xml(model, model.version)), read(write_json(model, model.version))
    assert from_xml == model
    assert from_json == model


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
