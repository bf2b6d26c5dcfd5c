"""What one URL may cost, how strictly it is read, and that no text breaks the reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app import errors, url
from app.url import Limits, context, headers

LIMITED: list[tuple[str, Callable[[], object]]] = [
    ("parentheses", lambda: url.parse_expression("(" * 200 + "a" + ")" * 200)),
    ("not", lambda: url.parse_expression("not " * 81 + "a")),
    ("calls", lambda: url.parse_expression("trim(" * 81 + "a" + ")" * 81)),
    ("lambdas", lambda: url.parse_expression("a/any(x:" * 81 + "b" + ")" * 81)),
    ("arrays", lambda: url.parse_expression("[" * 81 + "]" * 81)),
    ("a chain of sums", lambda: url.parse_expression("a" + " add 1" * 81)),
    ("functions", lambda: url.parse_expression("f(p=" * 81 + "1" + ")" * 81)),
    ("filters in paths", lambda: url.parse_expression("a/$filter(" * 81 + "b" + ")" * 81)),
    ("counts", lambda: url.parse_expression("a/$count($filter=" * 81 + "b" + ")" * 81)),
    ("cases", lambda: url.parse_expression("case(a:" * 81 + "1" + ")" * 81)),
    ("search", lambda: url.parse_search("(" * 200 + "a" + ")" * 200)),
    ("search", lambda: url.parse_search("NOT " * 200 + "a")),
    ("apply", lambda: url.parse_apply("nest(" * 81 + "identity" + " as a)" * 81)),
    ("expand", lambda: url.parse_expand("a($expand=" * 12 + "b" + ")" * 12)),
    ("operands", lambda: url.parse_expression("a" + " or a" * 5000)),
    ("steps", lambda: url.parse_expression("a" + "/a" * 5000)),
    ("terms", lambda: url.parse_search("a " * 5001 + "a")),
    ("transformations", lambda: url.parse_apply("identity" + "/identity" * 5000)),
    ("items", lambda: url.parse_expression("a in (" + "1," * 10_000 + "1)")),
    ("items", lambda: url.parse_select("a" + ",a" * 5000)),
    ("length", lambda: url.parse("a", "b=" + "c" * 70_000)),
]


@pytest.mark.parametrize(("what", "read"), LIMITED, ids=[case[0] for case in LIMITED])
def test_limit(what: str, read: Callable[[], object]) -> None:
    with pytest.raises(errors.LimitExceeded):
        read()


WITHIN: list[tuple[str, Callable[[], object]]] = [
    ("parentheses", lambda: url.parse_expression("(" * 150 + "a" + ")" * 150)),
    ("not", lambda: url.parse_expression("not " * 79 + "a")),
    ("calls", lambda: url.parse_expression("trim(" * 79 + "a" + ")" * 79)),
    ("sums", lambda: url.parse_expression("a" + " add 1" * 79)),
    ("a long chain of or", lambda: url.parse_expression("a eq 1" + " or a eq 1" * 1500)),
    ("items", lambda: url.parse_expression("a in (" + "1," * 9_999 + "1)")),
    ("expand", lambda: url.parse_expand("a($expand=" * 11 + "b" + ")" * 11)),
    ("length", lambda: url.parse("a", "b=" + "c" * 60_000)),
]


@pytest.mark.parametrize(("what", "read"), WITHIN, ids=[case[0] for case in WITHIN])
def test_within_limits(what: str, read: Callable[[], object]) -> None:
    assert read() is not None


def test_limits_can_be_changed() -> None:
    with pytest.raises(errors.LimitExceeded) as caught:
        url.parse("a", "$filter=b in (1,2,3)", Limits(list_items=2))
    assert caught.value.target == "$filter"
    with pytest.raises(errors.LimitExceeded) as too_long:
        url.parse("abc", "", Limits(url_length=2))
    assert too_long.value.status == 414


STRICT = ["$filter=not(a)", "$filter=a eq E'X'", "$filter=a has X", "$filter=a in (X,Y)", "$select=a, b",
          "$orderby=a ,b", "$expand=a($top=1; $skip=1)", "$expand=a( $top=1)"]


@pytest.mark.parametrize("query", STRICT)
def test_strict(query: str) -> None:
    """What clients write beyond the grammar is taken, and refused on demand."""
    assert url.parse("", query)
    with pytest.raises(errors.UrlError):
        url.parse("", query, Limits(strict=True))


def test_strict_key() -> None:
    assert url.parse_path("Set( 1 )")[0].problem is None
    assert url.parse_path("Set( 1 )", Limits(strict=True))[0].problem is not None


def test_zoneless_date_time() -> None:
    with pytest.raises(errors.UrlError, match="offset"):
        url.parse_expression("a eq 2024-01-01T00:00:00")
    assert url.show(url.parse_expression("a eq 2024-01-01T00:00:00", Limits(zoneless=True))) == (
        "(eq a 2024-01-01T00:00:00Z)")


def test_errors_name_the_option() -> None:
    with pytest.raises(errors.UrlError, match=r"at position 6, found ' b'") as caught:
        url.parse("Set", "$top=1&FILTER=a%20eq%20b%20b")
    assert caught.value.target == "$filter"


# --- any text ----------------------------------------------------------------------------------------

PIECES = ["a", "b/c", " ", "eq", " and ", "not ", "(", ")", "'", "''", ",", ";", "/", "$", "@", "$filter=", "$expand=",
          "any(x:", "[", "]", "{", "}", '"', "\\", ":", "-", "+", "%", "%27", "%2", "1", "2024-01-01", "T10:00", "Z",
          "N.E'", "duration'", "geo.", "=", "&", "?", "#", "*", ".", "case(", "in (", " as ", " with sum", "aggregate(",
          "groupby((", "$count", "$it", "$root/", "é", "\u00a0", "\x00", "\ud800", "e", "INF", "null", "NOT ", "OR "]
TEXTS = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
READERS: list[Callable[[str], Any]] = [
    url.parse_expression, url.parse_orderby, url.parse_select, url.parse_expand, url.parse_search, url.parse_apply,
    url.parse_compute, url.parse_path, url.parse_key_literal, url.parse_entity_reference, url.parse_options,
    context.parse_context, lambda text: url.lift(url.parse(text, text))]


@settings(max_examples=500, deadline=None, database=None)
@given(TEXTS)
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in READERS:
        try:
            url.show(read(text))
        except errors.ODataError as error:
            assert error.status in (400, 414, 501)
            assert error.position is None or 0 <= error.position <= len(text)


@settings(max_examples=100, deadline=None, database=None)
@given(TEXTS)
def test_any_header_is_read(text: str) -> None:
    headers.parse_preferences(text)
    headers.parse_media_ranges(text)
    headers.parse_etags(text)
    headers.parse_version(text)


REPEATED = ["(", "not ", "-", "a ", " ", "'", "''", "a/", "a,", "[", "{\"a\":", "a eq ", "1-", "12:", "a.", "%41",
            "a'", "a(", "a/any(x:", "(a,", "\"", "\"\\", "$filter=", "@a=1&", "a in (", "1,", "2024-01-01T", "NOT ",
            "é", "(1", "a=1&", "case(1:", "cast(", "a(b=", "N.E'A,"]


@pytest.mark.parametrize("piece", REPEATED)
def test_no_text_makes_a_reader_backtrack(piece: str) -> None:
    """Linear in the length: anything worse would not come back from these."""
    text = (piece * 60_000)[:60_000]
    for read in [*READERS, headers.parse_media_ranges, headers.parse_preferences, headers.parse_etags]:
        try:
            read(text)
        except errors.ODataError:
            pass
