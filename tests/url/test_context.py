"""Context URL fragments. Protocol 4.01 §10."""

from __future__ import annotations

import pytest

from app import errors
from app.url.context import ContextUrl, SelectListItem, parse_context
from app.url.notation import show


def text(context: ContextUrl) -> str:
    path = "/".join(step.name + ("(" + ",".join(f"{item.name or ''}{show(item.value)}" for item in step.arguments) + ")"
                                 if step.arguments is not None else "") for step in context.path)
    return " ".join(part for part in ("collection" * context.collection, path, items(context.items), context.suffix)
                    if part)


def items(found: tuple[SelectListItem, ...] | None) -> str:
    if found is None:
        return ""
    return "[" + " ".join("/".join(item.path) + "+" * item.recursive + items(item.items) for item in found) + "]"


CASES = [
    ("P-10.2", "#Set", "Set"),
    ("P-10.2", "Set", "Set"),
    ("P-10.2", "#Collection(N.T)", "collection N.T"),
    ("P-10.2", "#Set('a/b')/Nav", "Set('a/b')/Nav"),
    ("P-10.2", "#Set(1)/N.T/Nav(a=1,b='x')/Sub", "Set(1)/N.T/Nav(a1,b'x')/Sub"),
    ("P-10.2", "#Set(true)/Nav", "Set(true)/Nav"),
    ("P-10.2", "#Set(2024-01-01T00:00:00+01:00)/Nav", "Set(2024-01-01T00:00:00+01:00)/Nav"),
    ("P-10.2", "#Set(01234567-89ab-cdef-0123-456789abcdef)/Nav", "Set(01234567-89ab-cdef-0123-456789abcdef)/Nav"),
    ("P-10.3", "#Set/$entity", "Set $entity"),
    ("P-10.4", "#Single", "Single"),
    ("P-10.6", "#Set/N.T/$entity", "Set/N.T $entity"),
    ("P-10.7", "#Set(a,b/c,N.T/d)", "Set [a b/c N.T/d]"),
    ("P-10.7", "#Set(true,a)", "Set [true a]"),
    ("P-10.7", "#Set(*,N.*,@N.T#q)", "Set [* N.* @N.T#q]"),
    ("P-10.8", "#Set(a)/$entity", "Set [a] $entity"),
    ("P-10.9", "#Set(Nav(),Other(a,Deep+(b)))", "Set [Nav[] Other[a Deep+[b]]]"),
    ("P-10.11", "#Collection($ref)", "collection $ref"),
    ("P-10.12", "#$ref", "$ref"),
    ("P-10.13", "#Set(1)/a/b(c)", "Set(1)/a/b [c]"),
    ("P-10.14", "#Collection(Edm.String)", "collection Edm.String"),
    ("P-10.15", "#Edm.String", "Edm.String"),
    ("P-10.15", "#N.T(a)", "N.T [a]"),
    ("P-10.17", "#Set(a)/$delta", "Set [a] $delta"),
    ("P-10.17", "#$delta", "$delta"),
    ("P-10.18", "#Set/$deletedEntity", "Set $deletedEntity"),
    ("P-10.18", "#Set/$link", "Set $link"),
    ("P-10.18", "#Set/$deletedLink", "Set $deletedLink"),
]


@pytest.mark.parametrize(("section", "fragment", "content"), CASES)
def test_context(section: str, fragment: str, content: str) -> None:
    assert text(parse_context(fragment)) == content


@pytest.mark.parametrize("fragment", [
    "", "#", "#$entity", "#Set/", "#Set/$foo", "#Set(a", "#Set(a,)", "#Set(a)(b)", "#Set(a)/$link", "#Set(1,2)/Nav",
    "#Set(%20)", "#Set/$entity/a", "#Collection(N.T", "#Set('a)/Nav", "#Set(a+b)", "#1"])
def test_malformed(fragment: str) -> None:
    with pytest.raises(errors.UrlError):
        parse_context(fragment)
