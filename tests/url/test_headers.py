"""Header values. Protocol 4.01 §8; RFC 9110 §8.8.3, §12.5.1; RFC 7240."""

from __future__ import annotations

import pytest

from app.url import headers
from app.url.headers import EntityTag, MediaRange, Preference

RANGES = [
    ("", ()),
    ("application/json", (MediaRange("application", "json"),)),
    ("*/*", (MediaRange("*", "*"),)),
    ("Application/JSON;OData.Metadata=Full", (MediaRange("application", "json", (("odata.metadata", "Full"),)),)),
    ("application/json ; IEEE754Compatible = true ;", (
        MediaRange("application", "json", (("ieee754compatible", "true"),)),)),
    ("text/html, application/json;q=0.5, */*;q=0.1", (
        MediaRange("text", "html"), MediaRange("application", "json", (), 0.5), MediaRange("*", "*", (), 0.1))),
    ("*/*, application/*, application/json, application/json;metadata=full", (
        MediaRange("application", "json", (("metadata", "full"),)), MediaRange("application", "json"),
        MediaRange("application", "*"), MediaRange("*", "*"))),
    ("a/b;q=0, c/d;q=1.000, e/f;q=2", (
        MediaRange("c", "d"), MediaRange("a", "b", (), 0.0), MediaRange("e", "f", (), 0.0))),
    ('multipart/mixed;boundary="a,b;c\\"d"', (MediaRange("multipart", "mixed", (("boundary", 'a,b;c"d'),)),)),
    ("json, /, a/b/c, application/xml, ,", (MediaRange("application", "xml"),)),
    ('a/b;x="never closed, c/d', (MediaRange("a", "b"),)),
]


@pytest.mark.parametrize(("text", "ranges"), RANGES)
def test_media_ranges(text: str, ranges: tuple[MediaRange, ...]) -> None:
    assert headers.parse_media_ranges(text) == ranges


def test_format_parameters_with_and_without_prefix() -> None:
    assert headers.parse_media_ranges("a/b;odata.metadata=none")[0].get("metadata") == "none"
    assert headers.parse_media_ranges("a/b;metadata=none")[0].get("metadata") == "none"
    assert headers.parse_media_ranges("a/b")[0].get("metadata") is None


def test_media_type() -> None:
    assert headers.parse_media_type("application/json;charset=utf-8") == MediaRange(
        "application", "json", (("charset", "utf-8"),))
    assert headers.parse_media_type("application/*") is None
    assert headers.parse_media_type("nonsense") is None
    assert headers.parse_media_type("") is None


PREFERENCES = [
    ("", ()),
    ("return=minimal", (Preference("return", "minimal"),)),
    ("respond-async, wait=10", (Preference("respond-async"), Preference("wait", "10"))),
    ("wait = 10", (Preference("wait", "10"),)),
    ('odata.include-annotations="-*,NS.*"', (Preference("odata.include-annotations", "-*,NS.*"),)),
    ('callback; url="http://x/?a,b;c"', (Preference("callback", None, (("url", "http://x/?a,b;c"),)),)),
    ("Vendor.Thing=1;a;b=2, return=representation", (
        Preference("vendor.thing", "1", (("a", None), ("b", "2"))), Preference("return", "representation"))),
    ("=5, ,@@@", ()),
]


@pytest.mark.parametrize(("text", "preferences"), PREFERENCES)
def test_preferences(text: str, preferences: tuple[Preference, ...]) -> None:
    assert headers.parse_preferences(text) == preferences


ETAGS = [("*", None), (' * ', None), ('"a"', (EntityTag("a"),)), ('W/"a"', (EntityTag("a", True),)),
         ('"a", W/"b,c" ,"d"', (EntityTag("a"), EntityTag("b,c", True), EntityTag("d"))), ('""', (EntityTag(""),)),
         ("a", ()), ('w/"a"', ()), ("", ())]


@pytest.mark.parametrize(("text", "tags"), ETAGS)
def test_etags(text: str, tags: tuple[EntityTag, ...] | None) -> None:
    assert headers.parse_etags(text) == tags


def test_version() -> None:
    assert headers.parse_version("4.0") == (4, 0)
    assert headers.parse_version("4.01") == (4, 1)
    assert headers.parse_version(" 4.01 ;NetFx") == (4, 1)
    assert headers.parse_version("4.1") == (4, 10)
    assert headers.parse_version("4") == (4, 0)
    for text in ("x", "4.", "", "-4.0", "4.²"):
        assert headers.parse_version(text) is None


def test_number() -> None:
    assert [headers.parse_number(text) for text in ("0", "007", "9" * 18)] == [0, 7, 10**18 - 1]
    assert headers.parse_number("9" * 19) == headers.parse_number("9" * 5000) == 2**63 - 1
    for text in ("", "-1", "1.0", " 1", "²", "٣"):
        assert headers.parse_number(text) is None


def test_request_id_and_isolation() -> None:
    assert headers.is_request_id("a-1.~_") and not headers.is_request_id("a b") and not headers.is_request_id("")
    assert headers.is_snapshot("Snapshot ") and not headers.is_snapshot("dirty")
