"""The OASIS ABNF test cases as a third-party table: what the grammar accepts we accept, what it refuses we refuse.

The file is named by ABNF_CASES; each case has a Rule, an Input and, when the rule must not match, FailAt. There are no
exceptions: what we take beyond the grammar (test_limits.py, STRICT) is in none of the negative cases.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app import errors, url
from app.payload import Format
from app.service.wishes import Wishes
from app.url import context, headers, lexer
from app.url import nodes as n
from app.url.options import OPTIONS

from tests.url.abnf_grammar import Suite

yaml = pytest.importorskip("yaml", reason="the case table is YAML; install pyyaml")
FILE = Path(os.environ.get("ABNF_CASES") or
            Path(__file__).parents[2] / ".." / "shared" / "reference" / "odata-abnf-cases.yaml")
pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"no ABNF case table at {FILE}; name it in ABNF_CASES")


def cases() -> list[Any]:
    if not FILE.exists():
        return []
    suites = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return [pytest.param(name, case["Rule"], case["Input"], "FailAt" in case, id=f"{name}-{case['Rule']}-{index}")
            for name, suite in suites.items() for index, case in enumerate(suite["TestCases"])]


@pytest.fixture(scope="module")
def suites() -> dict[str, Suite]:
    table = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return {name: Suite(suite.get("Constraints") or {}) for name, suite in table.items()}


COUNTS: Counter[str] = Counter()


@pytest.mark.parametrize(("suite", "rule", "text", "fails"), cases())
def test_case(suites: dict[str, Suite], suite: str, rule: str, text: str, fails: bool) -> None:
    try:
        matched = matches(rule, text, suites[suite])
    except (errors.UrlError, errors.LimitExceeded, errors.UnknownOption, errors.OptionNotAllowed):
        matched = False
    assert matched is not fails
    COUNTS[rule] += 1


def test_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """Last, so that it knows: how many cases of each rule agreed."""
    with capsys.disabled():
        print(f"\nABNF: {sum(COUNTS.values())} cases agree:",
              ", ".join(f"{rule} {count}" for rule, count in COUNTS.most_common()))


def matches(rule: str, text: str, suite: Suite) -> bool:
    """Whether our readers take the whole of `text` as `rule`."""
    if rule in READERS:
        return READERS[rule](text, suite)
    if rule in LITERALS:
        literal = url.parse_key_literal(lexer.decode(text))
        return isinstance(literal, n.Literal) and literal.kind in LITERALS[rule]
    if rule in VALUES:
        return re.fullmatch(VALUES[rule], text) is not None
    if rule.removeprefix("$").lower() in OPTIONS or rule in ("customQueryOption", "systemQueryOption"):
        return single_option(rule.lower(), text, suite)
    tree = url.parse_expression(lexer.decode(text))
    return isinstance(tree, EXPRESSIONS[rule]) and suite.tree(tree)


def options(text: str, suite: Suite) -> bool:
    """Each option for itself: that none may be given twice is a rule of the prose (Part 1 §11.2.6)."""
    return all(suite.tree(url.parse_options(part)) for part in text.split("&"))


def single_option(rule: str, text: str, suite: Suite) -> bool:
    found = url.parse_options(text)
    name = found.texts[0][0]
    if rule == "customqueryoption":
        return bool(found.custom) and suite.tree(found)
    return name == ("$" + rule if rule != "systemqueryoption" else name) and name[0] == "$" and suite.tree(found)


def relative(text: str, suite: Suite) -> bool:
    """odataRelativeUri."""
    resource, hash_, fragment = text.partition("#")
    path, _, query = resource.partition("?")
    if hash_ and (path != "$metadata" or not read_context("#" + fragment, suite)):
        return False
    target = url.parse(path, query if not query or "&" not in query else query.split("&")[0])
    first = target.segments[0].name if target.segments else ""
    if not options(query, suite) or not suite.tree(target.segments):
        return False
    if first in ("$batch", "$metadata"):
        return len(target.segments) == 1
    if first == "$entity":
        return target.options.id is not None
    return suite.resource_path(target.segments)


def absolute(text: str, suite: Suite) -> bool:
    """odataUri: the service root ends at one of the slashes."""
    found = re.fullmatch(r"https?://(?:\[[0-9a-fA-F:.]+\]|[^/:?#]+)(?::\d*)?/(.*)", text, re.IGNORECASE | re.DOTALL)
    if found is None:
        return False
    path, mark, query = found[1].partition("?")
    parts = path.split("/")
    for index in range(len(parts)):
        try:
            if relative("/".join(parts[index:]) + mark + query, suite):
                return True
        except errors.UrlError:
            continue
    return False


def resource_path(text: str, suite: Suite) -> bool:
    segments = url.parse_path(text)
    return suite.tree(segments) and suite.resource_path(segments)


def read_context(text: str, suite: Suite) -> bool:
    return text[:1] == "#" and context.parse_context(text) is not None


def function_parameter(text: str, suite: Suite) -> bool:
    segment = url.parse_path(f"F({text})")[0]
    return segment.arguments is not None and suite.are_parameters(segment.arguments)


def identifier(text: str, suite: Suite, rule: str = "odataIdentifier") -> bool:
    return re.fullmatch(lexer.IDENTIFIER, text) is not None and lexer.bad_name(text) is None \
        and suite.matches(rule, text)


def header(text: str, suite: Suite) -> bool:
    name, _, value = text.partition(":")
    value = value.strip()
    readers: dict[str, Callable[[str], object]] = {
        "asyncresult": re.compile("[0-9]{3}").fullmatch, "content-id": headers.is_request_id,
        "odata-isolation": headers.is_snapshot, "isolation": headers.is_snapshot,
        "odata-maxversion": headers.parse_version, "odata-version": headers.parse_version,
        "odata-entityid": str, "odata-error": re.compile(r'\{"code":[\x20-\x7e]*').fullmatch,
        "prefer": lambda value: prefer(value),
    }
    return bool(readers[name.lower()](value))


def prefer(text: str) -> bool:
    return bool(headers.parse_preferences(text))


def preference(text: str, suite: Suite) -> bool:
    return len(headers.parse_preferences(text)) == 1


def page_size(text: str, suite: Suite) -> bool:
    (item,) = headers.parse_preferences(text)
    assert item.name == "odata.maxpagesize" and item.value is not None
    return Wishes(Format("4.01"), preferences={"maxpagesize": item.value}).page_size is not None


def annotations(text: str, suite: Suite) -> bool:
    (item,) = headers.parse_preferences(text)
    return item.name.endswith("include-annotations") and item.value is not None and headers.names_annotations(item.value)


def search_expression(text: str, suite: Suite) -> bool:
    return url.parse_search(lexer.decode(text)) is not None


def any_expression(text: str, suite: Suite) -> bool:
    tree = url.parse_expression("Items/" + lexer.decode(text))
    return isinstance(tree, n.Path) and isinstance(tree.steps[-1], n.LambdaStep)


READERS: dict[str, Callable[[str, Suite], bool]] = {
    "odataUri": absolute, "odataRelativeUri": relative, "resourcePath": resource_path, "queryOptions": options,
    "context": read_context, "functionParameter": function_parameter, "odataIdentifier": identifier,
    "entitySetName": lambda text, suite: identifier(text, suite, "entitySetName"), "header": header,
    "prefer": header, "preference": preference, "searchExpr": search_expression, "anyExpr": any_expression,
    "request-id": lambda text, suite: headers.is_request_id(text),
    "maxpagesizePreference": page_size, "includeAnnotationsPreference": annotations,
}
READERS["inlinecount"] = lambda text, suite: single_option("count", text, suite)
NUMBERS = {f"{name}Literal": ("number",)
           for name in ("decimal", "double", "single", "sbyte", "int16", "int32", "int64")}
LITERALS: dict[str, tuple[str, ...]] = {
    "boolean": ("boolean",), "null": ("null",), "date": ("date",), "guid": ("guid",), "binaryLiteral": ("binary",),
    "stringLiteral": ("string",), "durationLiteral": ("duration", "string"), "enumLiteral": ("enum", "string"),
    "timeOfDayLiteral": ("timeOfDay",), "dateTimeOffsetLiteral": ("dateTimeOffset",),
    "dateTimeOffsetValueInUrl": ("dateTimeOffset",),
    "primitiveLiteral": ("null", "boolean", "guid", "dateTimeOffset", "date", "timeOfDay", "number", "string",
                         "duration", "enum", "binary", "geography", "geometry"),
} | NUMBERS | {f"geo{family}{shape}": ("geo" + family,) for family in ("graphy", "metry") for shape in (
    "Collection", "LineString", "MultiLineString", "MultiPoint", "MultiPolygon", "Point", "Polygon")}
# Values in payloads are not percent-encoded and have no prefix: the patterns of the lexer, not its reader.
NUMBER = lexer.NUMBER + "|-?INF|NaN"
ZONED = lexer.DATE_TIME_OFFSET.removesuffix("?")
DURATION = lexer._DURATION.pattern
VALUES = {
    "booleanValue": "true|false", "dateValue": lexer.DATE, "timeOfDayValue": lexer.TIME_OF_DAY,
    "dateTimeOffsetValue": ZONED, "durationValue": DURATION, "enumValue": lexer._MEMBERS.pattern,
    "primitiveValue": "|".join((NUMBER, lexer.GUID, lexer.DATE, lexer.TIME_OF_DAY, ZONED, DURATION,
                                lexer._MEMBERS.pattern, lexer._BASE64.pattern)),
} | {f"{name}Value": NUMBER for name in ("decimal", "double", "single")} | {
    f"{name}Value": "[-+]?[0-9]+" for name in ("byte", "sbyte", "int16", "int32", "int64")}
EXPRESSIONS: dict[str, tuple[type, ...]] = {
    "commonExpr": (object,), "boolCommonExpr": (object,), "firstMemberExpr": (n.Path, n.Alias),
    "propertyPathExpr": (n.Path,), "isofExpr": (n.Call,), "castExpr": (n.Call,),
}
