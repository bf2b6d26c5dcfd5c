"""Bodies as text: charsets, and everything that JSON parsers usually let through (RFC 8259; DESIGN §6)."""

from __future__ import annotations

import pytest

from app.errors import ODataError
from app.payload.syntax import Number, read_json, write_json

DEEP = "[" * 101 + "]" * 101

FINE = [
    # bytes, charset                                        tree
    (b'{"a":1}', None, {"a": "1"}),
    (b'{"a":1}', "UTF-8", {"a": "1"}),
    (b'\xef\xbb\xbf {"a":"\xc3\xa9"} ', "utf-8", {"a": "é"}),
    ('{"a":"é"}'.encode("utf-16"), "utf-16", {"a": "é"}),
    ('{"a":"é"}'.encode("utf-16"), None, {"a": "é"}),
    ('{"a":"é"}'.encode("utf-16-le"), None, {"a": "é"}),
    ('{"a":"é"}'.encode("utf-32-be"), None, {"a": "é"}),
    (b'{"a":"\xe9"}', "ISO-8859-1", {"a": "é"}),
    (b'[1.50,-0,1e3,12345678901234567890123456789.1]', None, ["1.50", "-0", "1e3", "12345678901234567890123456789.1"]),
    (b'{"a":{"a":1},"b":[{"a":2}]}', None, {"a": {"a": "1"}, "b": [{"a": "2"}]}),
    (b'"\\ud83d\\ude00"', None, "\U0001f600"),
    (DEEP[1:-1].encode(), None, None),
]

REFUSED = [
    # bytes, charset                    status, code, position
    (b"", None, 400, "malformedJson", 0),
    (b"  \n", None, 400, "malformedJson", 0),
    (b'{"a":1', None, 400, "malformedJson", 6),
    (b'{"a":1} x', None, 400, "malformedJson", 7),
    (b'{"a":1}{"a":1}', None, 400, "malformedJson", 7),
    (b"{'a':1}", None, 400, "malformedJson", 1),
    (b'{"a":01}', None, 400, "malformedJson", 6),
    (b'{"a":1,}', None, 400, "malformedJson", 7),
    (b'{"a":"\t"}', None, 400, "malformedJson", 6),
    (b'{"a":1,"b":2,"a":3}', None, 400, "duplicateMember", 13),
    (b'{"a":NaN}', None, 400, "malformedJson", 5),
    (b'{"a":-Infinity}', None, 400, "malformedJson", 5),
    (b'{"a":"\xff"}', None, 400, "malformedJson", 6),
    (b'\xff\xfe{', "utf-16", 400, "malformedJson", 2),
    (DEEP.encode(), None, 400, "malformedJson", None),
    (b"[" * 100_000, None, 400, "malformedJson", None),
    (b"{}", "klingon", 415, "unsupportedMediaType", None),
]


@pytest.mark.parametrize(("body", "charset", "tree"), FINE, ids=range(len(FINE)))
def test_a_body_is_read(body: bytes, charset: str | None, tree: object) -> None:
    found = read_json(body, charset)
    assert tree is None or found == tree


@pytest.mark.parametrize(("body", "charset", "status", "code", "position"), REFUSED, ids=range(len(REFUSED)))
def test_a_body_is_refused(body: bytes, charset: str | None, status: int, code: str, position: int | None) -> None:
    with pytest.raises(ODataError) as caught:
        read_json(body, charset)
    assert (caught.value.status, caught.value.code, caught.value.position) == (status, code, position)


def test_numbers_are_told_from_strings() -> None:
    number, text = read_json(b'[1,"1"]')
    assert (number.__class__, text.__class__) == (Number, str)


def test_a_tree_is_written_as_it_was_read() -> None:
    text = b'{"a":[1.50,12345678901234567890123456789,-0,1e400],"b":{"c":"1.50"},"d":null,"e":true}'
    assert write_json(read_json(text)) == text
