"""One door for both writers: the document of a model in a format and a version."""

from __future__ import annotations

from app.csdl.form import ReferenceUri, shaped
from app.csdl.json_writer import AS_WRITTEN, Notation, write_json
from app.csdl.xml_writer import write_xml
from app.edm.index import Model


def write(model: Model, format: str = "xml", version: str = "4.01", *, omit_namespaces: frozenset[str] = frozenset(),
          reference_uri: ReferenceUri | None = None, full_names: bool = False,
          notation: Notation = AS_WRITTEN) -> bytes:
    """The document as `xml` or `json`, in the form of version 4.0 or 4.01 (`app.csdl.form.shaped`).

    `full_names` writes names of the model's own schemas without alias: some clients of CSDL XML know no aliases,
    and CSDL JSON allows nothing but aliases (§5.1), so it has no effect there. `notation`: numbers and
    type annotations of CSDL JSON.
    """
    form = shaped(model, version, omit_namespaces=omit_namespaces, reference_uri=reference_uri)
    return write_json(form, version, notation) if format == "json" else write_xml(form, version, full_names)
