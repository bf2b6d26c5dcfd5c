"""Resource paths, text to segments: `Name(…)`, or `<text>` for what can only be a key. Sections of URL Conventions."""

from __future__ import annotations

import pytest

from app import errors, url

PATHS: list[tuple[str, str, str]] = [
    ("U-4.1", "", ""),
    ("U-4.1", "/", ""),
    ("U-4.3", "Set", "Set"),
    ("U-4.3", "/Set/", "Set"),
    ("U-4.3", "Set(1)", "Set(1)"),
    ("U-4.3", "Set('a')", "Set('a')"),
    ("U-4.3", "Set('a%2Fb')", "Set('a/b')"),
    ("U-4.3", "Set('O''Neil')", "Set('O''Neil')"),
    ("U-4.3", "Set%28%27O%27%27Neil%27%29", "Set('O''Neil')"),
    ("U-4.3", "Set(a=1,b='x')", "Set(a=1,b='x')"),
    ("U-4.3", "Set(@k)", "Set(@k)"),
    ("U-4.3", "Set(a=@k)", "Set(a=@k)"),
    ("U-4.3", "Set(2024-01-01T00:00:00+01:00)", "Set(2024-01-01T00:00:00+01:00)"),
    ("U-4.3", "Set(0a1b2c3d-ABCD-4321-0000-ffffffffffff)", "Set(0a1b2c3d-ABCD-4321-0000-ffffffffffff)"),
    ("U-4.3", "Set(N.E'X')", "Set(N.E'X')"),
    ("U-4.3", "Set(X)", "Set(X)"),
    ("U-4.3", "Set(-5)", "Set(-5)"),
    ("U-4.3", "Set(true)", "Set(true)"),
    ("U-4.3", "Set(duration'P1D')", "Set(duration'P1D')"),
    ("U-4.3", "Set(11:30)", "Set(11:30)"),
    ("U-4.3", "Set(1)/Nav('x')/c/d", "Set(1)/Nav('x')/c/d"),
    ("U-4.3", "Set('a b')", "Set('a b')"),
    ("U-4.3", "Set('a%20b%E2%82%AC')", "Set('a b€')"),
    ("U-4.3", "Set('a+b')", "Set('a+b')"),
    ("U-4.3.6", "Set/17", "Set/<17>"),
    ("U-4.3.6", "Set/a%2Fb", "Set/<a/b>"),
    ("U-4.3.6", "Set/O'Neil", "Set/<O'Neil>"),
    ("U-4.3.6", "Set/0a1b2c3d-abcd-4321-0000-ffffffffffff", "Set/<0a1b2c3d-abcd-4321-0000-ffffffffffff>"),
    ("U-4.3.6", "Set/(x)", "Set/<(x)>"),
    ("U-4.3.6", "Set/a(b", "Set/<a(b>"),
    ("U-4.3.6", "A//B", "A/<>/B"),
    ("U-4.10", "Set(1)/c/-1", "Set(1)/c/<-1>"),
    ("U-4.4", "Set(1)/Nav/$ref", "Set(1)/Nav/$ref"),
    ("U-4.4", "Set(1)/Nav(2)/$ref", "Set(1)/Nav(2)/$ref"),
    ("U-4.5", "Set(1)/N.F(p=1,q='x')", "Set(1)/N.F(p=1,q='x')"),
    ("U-4.5", "N.F()", "N.F()"),
    ("U-4.5", "F()", "F()"),
    ("U-4.5", "F(p=1)(2)/a", "F(p=1)(2)/a"),
    ("U-4.5", "F( p=1 , q=null )", "F(p=1,q=null)"),
    ("U-4.5", "Set/N.Action", "Set/N.Action"),
    ("U-4.7", "Set(1)/a/$value", "Set(1)/a/$value"),
    ("U-4.8", "Set/$count", "Set/$count"),
    ("U-4.11", "Set/N.T(1)", "Set/N.T(1)"),
    ("U-4.11", "Set(1)/N.M.T/a", "Set(1)/N.M.T/a"),
    ("U-4.12", "Set/$filter(a gt 1)/$count", "Set/$filter((gt a 1))/$count"),
    ("U-4.12", "Set/$filter(@p)/$each", "Set/$filter(@p)/$each"),
    ("U-4.13", "Set/$each/N.A", "Set/$each/N.A"),
    ("U-4.15", "$crossjoin(A,B)", "$crossjoin(A,B)"),
    ("U-4.16", "$all/N.T", "$all/N.T"),
    ("U-4.17", "Set/$query", "Set/$query"),
    ("U-4.3.4", "$entity/N.T", "$entity/N.T"),
    ("U-4.1", "$metadata", "$metadata"),
    ("U-4.2", "$batch", "$batch"),
    ("P-11.7", "$1/Nav", "$1/Nav"),
    ("P-11.7", "$First-Insert~1.1", "$First-Insert~1.1"),
    ("U-4.5", "Größe(1)", "Größe(1)"),
]

# Parentheses that cannot be read: kept in the segment, which may still be a key.
PROBLEMS: list[tuple[str, str]] = [
    ("Set(1,2)", "expected ')', or name=value for every key property or parame"),
    ("Set('a'b')", "expected ',' or ')' at position 7, found \"b')\""),
    ("Set('a", "expected a closing quote at position 4, found \"'a\""),
    ("Set(null)", "expected a literal that can be a key at position 4, found 'n"),
    ("Set(binary'AQID')", 'expected a literal that can be a key at position 4, found "b'),
    ("Set(a=1;b=2)", "expected ',' or ')' at position 7, found ';b=2)'"),
    ("Set(a=1,a=2)", "'a' is given twice, at position 8"),
    ("Set(a=b/c)", "expected ',' or ')' at position 7, found the end"),
    ("F(p=[1])", "expected a literal or an @alias at position 2, found 'p=[1])"),
    ("F(p=a add 1)", "expected a literal or an @alias at position 2, found 'p=a ad"),
    ("Set(1)x", "expected '/' or the end at position 6, found 'x'"),
    ("Set(1)(2)(3)", "expected '/' or the end at position 9, found '(3)'"),
    ("$count($filter=a)", "expected an expression at position 7, found '$filter=a)'"),
]

MALFORMED: list[tuple[str, int | None]] = [
    ("Set/$filter(a", 9),
    ("Set/$filter()", 8),
    ("Set/$filter(a)b", 10),
    ("$crossjoin()", 11),
    ("$crossjoin(A,B)(1)", 15),
    ("$crossjoin(1)", 11),
    ("Set/%zz", 0),
    ("Set('%FF')", 5),
]


@pytest.mark.parametrize(("section", "raw", "segments"), PATHS)
def test_path(section: str, raw: str, segments: str) -> None:
    assert "/".join(map(url.show, url.parse_path(raw))) == segments


@pytest.mark.parametrize(("raw", "problem"), PROBLEMS)
def test_problem(raw: str, problem: str) -> None:
    first = url.parse_path(raw)[0]
    assert first.problem is not None and first.problem.startswith(problem)
    with pytest.raises(errors.UrlError):
        url.parse_entity_reference(raw)


@pytest.mark.parametrize(("raw", "position"), MALFORMED)
def test_malformed_path(raw: str, position: int | None) -> None:
    with pytest.raises(errors.UrlError) as caught:
        url.parse_path(raw)
    assert caught.value.position == position


def test_segment_keeps_its_text() -> None:
    """Key-as-segment reads the whole text, decoded once (U-4.3.6)."""
    assert [segment.text for segment in url.parse_path("Set/O%27Neil/a%252Fb/N.F(p=1)")] == [
        "Set", "O'Neil", "a%2Fb", "N.F(p=1)"]


def test_key_literal() -> None:
    assert url.show(url.parse_key_literal("'a''b'")) == "'a''b'"
    assert url.show(url.parse_key_literal("@k")) == "@k"
    for text in ("a/b", "1 add 1", "f(a)", "", "[1]"):
        with pytest.raises(errors.UrlError):
            url.parse_key_literal(text)
