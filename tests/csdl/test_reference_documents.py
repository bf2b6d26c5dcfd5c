"""Documents of others, when they are on the machine: the committee's vocabularies, pairs and schemas; TripPin, Northwind, Graph."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from lxml import etree

from app.csdl import load, read, write
from app.csdl.convert import convert
from app.csdl.json_writer import write_json
from app.csdl.xml_writer import write_xml
from app.edm import expressions as ex
from app.edm.index import Model
from tests.csdl.documents import SHARED, needs_shared

pytestmark = needs_shared

FILES = sorted(SHARED.glob("*/*.xml"))
PAIRS = sorted(SHARED.glob("pairs/*.xml"))
VOCABULARIES = sorted(SHARED.glob("vocabularies/*.xml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_both_formats_and_across(file: Path) -> None:
    model = read(file.read_bytes())
    assert read(write_xml(model, model.version)) == model
    assert read(write_json(model, model.version)) == model


@pytest.mark.parametrize("file", PAIRS, ids=lambda file: file.name)
def test_pairs_convert_to_each_other(file: Path) -> None:
    other = file.with_suffix(".json")
    assert json.loads(convert(file, "json")) == json.loads(other.read_text(encoding="utf-8"))
    assert read(convert(other, "xml")) == read(file.read_bytes())


@pytest.mark.parametrize("file", VOCABULARIES, ids=lambda file: file.name)
def test_vocabularies_read_to_equal_models(file: Path) -> None:
    """Apart from what the two documents say about themselves: their links to each other, and folded blanks."""
    assert plain(read(file.read_bytes())) == plain(read(file.with_suffix(".json").read_bytes()))


def plain(value: Any) -> Any:
    if isinstance(value, Model):
        return plain(value.schemas)
    if isinstance(value, tuple):
        return tuple(plain(each) for each in value if getattr(each, "term", "") != "Org.OData.Core.V1.Links")
    if isinstance(value, ex.Constant):
        return replace(value, text=re.sub(r"\s+", " ", value.text))
    names = getattr(value, "__dataclass_fields__", {})
    changes = {name: plain(getattr(value, name)) for name, each in names.items() if each.compare}
    return replace(value, **changes) if changes else value


ROOT = Path(__file__).parents[2]
OWN = sorted([*ROOT.glob("edmx/*.xml"), *ROOT.glob("tests/models/*.xml"), *ROOT.glob("app/csdl/vocabularies/*.xml")])
VALID = [file for file in (*FILES, *OWN) if file.name not in ("graph-v1.0.xml", "trippin.xml")]    # these two are not, themselves


@pytest.mark.parametrize("version", ["4.0", "4.01"])
@pytest.mark.parametrize("file", VALID, ids=lambda file: file.name)
def test_what_is_written_validates(file: Path, version: str) -> None:
    model = load(file)
    schema = etree.XMLSchema(etree.parse(str(SHARED / "schemas" / "edmx.xsd")))
    schema.assertValid(etree.fromstring(write(model, "xml", version)))
    text = (SHARED / "schemas" / "csdl.schema.json").read_text(encoding="utf-8")
    text = text.replace(r"(_|\\p{L}|\\p{Nl}|\\p{Nd}|\\p{Mn}|\\p{Mc}|\\p{Pc}|\\p{Cf})", r"[^.$@]").replace(
        r"(_|\\p{L}|\\p{Nl})", r"(_|[^\\W\\d])")    # Python's expressions know no \p
    jsonschema.Draft7Validator(json.loads(text)).validate(json.loads(write(model, "json", version)))


def test_our_vocabularies_declare_what_the_committee_declares() -> None:
    """Same terms and types with the same shape; descriptions are our own."""
    own = Path(__file__).parents[2] / "app" / "csdl" / "vocabularies"
    for file in sorted(own.glob("Org.*.xml")):
        one, other = read(file.read_bytes()).schemas[0], read((SHARED / "vocabularies" / file.name).read_bytes()).schemas[0]
        assert {(term.name, term.type, term.default, term.applies_to) for term in one.terms} == {
            (term.name, term.type, term.default, term.applies_to) for term in other.terms}
        assert {kind.name for kind in one.types} == {kind.name for kind in other.types}
