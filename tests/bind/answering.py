"""Requests as text, bound and shown as text: what the tables of these tests are made of.

Names of the model `routes` are shown by its alias R; an error as its status, code and target, then its message.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from app import bind, csdl, errors, url
from app.edm import Model

MODELS = Path(__file__).parent.parent / "models"


@functools.cache
def model(name: str) -> Model:
    """A model of tests/models by the name of its file."""
    return csdl.load(MODELS / f"{name}.xml")


def parsed(request: str) -> tuple[str, url.Target]:
    """The method (GET when none is written) and the target of 'POST path?query'."""
    method, blank, rest = request.partition(" ")
    if not blank or not method.isupper():
        method, rest = "GET", request
    path, _, query = rest.partition("?")
    return method, url.parse(path, query)


def shown(work: Callable[[], object]) -> str:
    """What `work` gives, or the error it raises."""
    try:
        return bind.show(work()).replace("Routes.Model.", "R.")
    except errors.ODataError as error:
        target = f" @{error.target}" if error.target is not None else ""
        return f"{error.status} {error.code}{target}: {error.text}".replace("Routes.Model.", "R.")


def answer(name: str, request: str, lifted: bool = False) -> str:
    """The bound form of a request on a model; `lifted`: its literals taken out first."""
    def work() -> object:
        method, target = parsed(request)
        return bind.bind(url.lift(target)[0] if lifted else target, model(name), method)
    return shown(work)


def answer_shared(request: str) -> tuple[str, bool]:
    """The bound form of a request on `routes`, lifted where that says enough, and whether it was."""
    shared = False

    def work() -> object:
        nonlocal shared
        method, target = parsed(request)
        found, shared = bind.bind_lifted(url.lift(target)[0], target, model("routes"), method)
        return found
    return shown(work), shared


def expression(name: str, type_name: str, text: str) -> str:
    """The bound form of an expression over instances of a type."""
    def work() -> object:
        scope = bind.Scope(model(name), type_name, bind.nodes.This(type_name))
        return bind.bind_expression(url.parse_expression(text), scope)
    return shown(work)
