"""`odata convert`: CSDL XML ⇄ CSDL JSON, OData 4.0 ⇄ 4.01."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.csdl.form import shaped
from app.csdl.json_writer import write_json
from app.csdl.load import read_document, source_of
from app.csdl.source import Broken, refuse
from app.csdl.xml_writer import write_xml
from app.edm.index import Model
from app.errors import ConfigurationError

_COMMITTEE = "https://oasis-tcs.github.io/odata-vocabularies/"


def convert(source: str | Path, format: str, version: str | None = None) -> bytes:
    """The document of a file in another format or version; literals keep their text. Raises ModelError.

    Without a version the document keeps its own, and nothing is left out.
    """
    try:
        model = read_document(source_of(Path(source))).checked()
    except Broken as broken:
        raise refuse([broken.found]) from None
    target = version or model.version
    if target != model.version:
        model = shaped(model, target)
    model = _readdressed(model, format)
    return write_json(model, target) if format == "json" else write_xml(model, target)


def convert_command(source: str | Path, target: str | Path, version: str | None = None) -> tuple[str, int]:
    """Write the converted document; the ending of the target names the format ('-': the other one, as text).

    Gives a sentence (or the document) and the exit code. Raises ModelError for a source that cannot be read,
    ConfigurationError for a bad option and a target that cannot be written.
    """
    if version not in (None, "4.0", "4.01"):
        raise ConfigurationError(reason=f"There is no version '{version}': 4.0, 4.01")
    other = "xml" if str(source).endswith(".json") else "json"
    ending = Path(target).suffix.lower().lstrip(".")
    format = other if str(target) == "-" else "json" if ending == "json" else "xml"
    data = convert(source, format, version)
    if str(target) == "-":
        return data.decode("utf-8"), 0
    try:
        Path(target).write_bytes(data)
    except OSError as error:
        raise ConfigurationError(f"{target} cannot be written: {error.strerror or error}") from None
    return f"{target}: {len(data)} bytes.", 0


def _readdressed(model: Model, format: str) -> Model:
    """References to the committee's vocabularies point to the document of the format that is written."""
    old, new = (".xml", ".json") if format == "json" else (".json", ".xml")
    return replace(model, references=tuple(
        replace(each, uri=each.uri[:-len(old)] + new) if each.uri.startswith(_COMMITTEE) and each.uri.endswith(old)
        else each
        for each in model.references))
