"""Compiled models: a model read once is kept as plain data, so that big ones start fast.

`load_cached` is `load` with a folder. A file there is named after the document and the code that read it, lists
the contents of every document it was made from, and holds tuples and texts only (marshal): nothing in it is run.
It is used only when it belongs to this user and nobody else may write it.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import stat
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.csdl.load import load_documents
from app.edm import expressions, model
from app.edm.index import Model

_CLASSES: tuple[Any, ...] = (
    model.Annotation, model.TypeRef, model.Property, model.ReferentialConstraint, model.NavigationProperty,
    model.PropertyRef, model.EntityType, model.ComplexType, model.Member, model.EnumType, model.TypeDefinition,
    model.Parameter, model.ReturnType, model.Action, model.Function, model.Term, model.Binding, model.EntitySet,
    model.Singleton, model.ActionImport, model.FunctionImport, model.EntityContainer, model.Annotations, model.Schema,
    model.Include, model.IncludeAnnotations, model.Reference, expressions.Constant, expressions.EnumMember,
    expressions.PathExpression, expressions.Null, expressions.PropertyValue, expressions.Record, expressions.Collection,
    expressions.Apply, expressions.Cast, expressions.IsOf, expressions.If, expressions.Operator,
    expressions.LabeledElement, expressions.LabeledElementReference, expressions.UrlRef, Model)
_NUMBER = {kind: number for number, kind in enumerate(_CLASSES)}
_FIELDS = tuple(tuple(each.name for each in fields(kind)) for kind in _CLASSES)


def load_cached(path: str | Path, folder: str | Path, judge: Callable[[Model], None] = lambda model: None) -> Model:
    """The model of a file, from the folder when it holds a fresh compilation, else read, judged and kept there.

    Raises ModelError like `load`, and what `judge` raises; a folder that cannot be written is no error.
    """
    place = Path(folder) / f"{_name(Path(path))}.model"
    with suppress(OSError, ValueError, EOFError, TypeError, IndexError, KeyError):
        found = _read(place)
        if found is not None:
            return found
    loaded, documents = load_documents(path)
    judge(loaded)
    with suppress(OSError):
        _write(place, loaded, documents)
    return loaded


def _name(path: Path) -> str:
    text = f"{path.resolve()}\n{_code()}"
    return f"{path.stem[:60]}-{hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()[:24]}"


@lru_cache(maxsize=1)
def _code() -> str:
    """A hash of what reads models: a changed reader or vocabulary makes every compilation stale."""
    home = Path(__file__).parent
    files = sorted([*home.glob("*.py"), *home.glob("vocabularies/*"), *Path(model.__file__).parent.glob("*.py")])
    joined = hashlib.sha256()
    for file in files:
        joined.update(file.read_bytes())
    return joined.hexdigest()


# --- files -----------------------------------------------------------------------------------------------

def _read(place: Path) -> Model | None:
    with place.open("rb") as file:
        state = os.fstat(file.fileno())
        if state.st_uid != os.getuid() or state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return None
        documents, data = marshal.loads(file.read())
    for name, digest in documents:
        if _digest(Path(name)) != digest:
            return None
    found = _built(data)
    return found if isinstance(found, Model) else None


def _write(place: Path, loaded: Model, documents: Iterable[Path]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    listed = [(str(each.resolve()), _digest(each)) for each in documents]
    handle, name = tempfile.mkstemp(dir=place.parent, suffix=".new")    # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(marshal.dumps((listed, _plain(loaded))))
        os.replace(name, place)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# --- values ----------------------------------------------------------------------------------------------

def _plain(value: Any) -> Any:
    """Elements as lists that begin with the number of their class; tuples and texts as they are."""
    if value.__class__ is tuple:
        return tuple(map(_plain, value))
    number = _NUMBER.get(value.__class__)
    return value if number is None else [number, *(_plain(getattr(value, name)) for name in _FIELDS[number])]


def _built(value: Any) -> Any:
    kind = value.__class__
    if kind is tuple:
        return tuple(map(_built, value)) if value else value
    if kind is list:
        return _CLASSES[value[0]](*map(_built, value[1:]))
    return value
