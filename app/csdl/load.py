"""Find, sniff and follow: from a path to a whole `Model`.

References are resolved to documents of `app/csdl/vocabularies/` by namespace and to files beside the
referring document by the name in their URI; never by the network. What cannot be found stays unresolved.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from app.csdl import xml
from app.csdl.implied import VOCABULARIES, vocabulary_file
from app.csdl.source import Broken, Document, Source, refuse
from app.edm import model as edm
from app.edm.index import Model
from app.errors import ModelError

MAX_DOCUMENTS = 200


def read(data: bytes, name: str = "document") -> Model:
    """The model of one document, XML or JSON; its references are not followed. Raises ModelError."""
    try:
        return read_document(Source(name, data)).checked()
    except Broken as broken:
        raise refuse([broken.found]) from None


def read_document(source: Source, trace: bool = False) -> Document:
    """The document of a source, in the format its first character or its name shows. Raises Broken."""
    text = source.data[:64].lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")
    if text[:1] in (b"{", b"[") or text and text[:1] != b"<" and source.name.endswith(".json"):
        from app.csdl import json    # it asks this module for vocabularies
        return json.read_document(source, trace)
    return xml.read_document(source, trace=trace)


def load(path: str | Path) -> Model:
    """The model of a file with the schemas that its references bring in. Raises ModelError with file, line, column."""
    return load_documents(path)[0]


def load_documents(path: str | Path) -> tuple[Model, tuple[Path, ...]]:
    """The model of a file, and the files it was made from (our own vocabularies aside). Raises ModelError."""
    place = Path(path)
    try:
        document = read_document(source_of(place))
    except Broken as broken:
        raise refuse([broken.found]) from None
    return _followed(document.checked(), place)


def source_of(path: Path) -> Source:
    """The file as a source. Raises ModelError when it cannot be read."""
    try:
        return Source(str(path), path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}", target=str(path)) from None


def resolve(model: Model, path: Path) -> Model:
    """The model with `included` filled from its references, and theirs. Raises ModelError for a broken one."""
    return _followed(model, path)[0]


def _followed(model: Model, path: Path) -> tuple[Model, tuple[Path, ...]]:
    found: dict[str, edm.Schema] = {}
    own = {schema.namespace for schema in model.schemas}
    queue: list[tuple[Model, Path]] = [(model, path)]
    opened: dict[Path, Model | None] = {path.resolve(): model}
    while queue:
        current, base = queue.pop(0)
        for reference in current.references:
            wanted = [include.namespace for include in reference.includes]
            for place in _places(reference, base):
                target = place.resolve()
                if target not in opened and len(opened) < MAX_DOCUMENTS:
                    opened[target] = _open(place)
                    if (fresh := opened[target]) is not None:
                        queue.append((fresh, place))
                other = opened.get(target)
                if other is not None:
                    _take(found, other, wanted, reference.include_annotations, own)
    files = tuple(each for each in opened if each.parent != VOCABULARIES)
    return replace(model, included=tuple(found.values())), files


def _take(found: dict[str, edm.Schema], other: Model, wanted: Iterable[str],
          notes: tuple[edm.IncludeAnnotations, ...], own: set[str]) -> None:
    names = set(wanted) - own
    for schema in other.schemas:
        if schema.namespace in names:
            found.setdefault(schema.namespace, schema)
        for note in notes:
            blocks = tuple(block for each in schema.external if (block := _filtered(each, note)) is not None)
            if blocks and schema.namespace not in found:
                found.setdefault(f"{schema.namespace} {note}", edm.Schema(schema.namespace, external=blocks))


def _filtered(block: edm.Annotations, note: edm.IncludeAnnotations) -> edm.Annotations | None:
    """The annotations of a block that an IncludeAnnotations asks for (CSDL §3.5)."""
    if note.target_namespace and block.target.partition("/")[0].rpartition(".")[0] != note.target_namespace:
        return None
    kept = tuple(each for each in block.annotations if each.term.rpartition(".")[0] == note.term_namespace
                 and (note.qualifier is None or each.qualifier == note.qualifier))
    return edm.Annotations(block.target, None, kept, block.line) if kept else None


def _places(reference: edm.Reference, base: Path) -> list[Path]:
    """The files that hold what a reference includes: own vocabularies first, then beside the referring document."""
    found: list[Path] = []
    missing = bool(reference.include_annotations)
    for include in reference.includes:
        own = vocabulary_file(include.namespace)
        if own is None:
            missing = True
        else:
            found.append(own)
    local = beside(reference.uri, base) if missing else None
    return found + ([local] if local else [])


def beside(uri: str, base: Path) -> Path | None:
    """The file that a reference's URI names, in the folder of the referring document or below it."""
    parts = urlsplit(uri)
    folder = base.parent.resolve()
    names = [unquote(parts.path)] if not parts.scheme and not parts.netloc else []
    names.append(unquote(parts.path).rpartition("/")[2])
    for name in names:
        if not name or "\0" in name:
            continue
        place = folder / name.lstrip("/")
        with suppress(OSError, RuntimeError):     # a name that no file can have
            if place.resolve().is_relative_to(folder) and place.is_file():
                return place
    return None


def _open(place: Path) -> Model | None:
    if place.parent == VOCABULARIES:
        return vocabulary(place.stem)
    try:
        return read_document(source_of(place)).checked()
    except Broken as broken:
        raise refuse([broken.found]) from None


def vocabulary_document(namespace: str, format: str = "xml") -> bytes | None:
    """The document of a vocabulary of our own, as its rendering under `/-/vocabularies/` shows it; None: not ours."""
    place = vocabulary_file(namespace)
    if place is None:
        return None
    if format != "json":
        return place.read_bytes()
    from app.csdl.json_writer import write_json    # it asks this module for vocabularies
    model = vocabulary(namespace)
    assert model is not None
    references = tuple(replace(each, uri=each.uri.removesuffix(".xml") + ".json") for each in model.references)
    return write_json(replace(model, references=references), model.version)


@lru_cache(maxsize=128)
def vocabulary(namespace: str) -> Model | None:
    """The model of a vocabulary of our own, or None."""
    place = vocabulary_file(namespace)
    return read(place.read_bytes(), place.name) if place else None
