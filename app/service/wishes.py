"""Wishes: what the headers of a request ask of its answer, as one value (Protocol §8; JSON Format §3; DESIGN §7).

`wish(request, format)` raises NotAcceptable, BindError (OData-MaxVersion, OData-Version) and answers the rest with
defaults; unknown preferences are left out silently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from app.errors import BindError, NotAcceptable
from app.payload import Format
from app.service.request import Request
from app.service.response import Response
from app.url.headers import (PREFIXED, MediaRange, names_annotations, parse_media_ranges, parse_number, parse_preferences,
                             parse_version)

OMITTING = ("GET", "HEAD", "POST")      # not PUT and PATCH, whose answers hold all that changed (Protocol §8.2.8.6)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the client wants.

    `ranges`: the media ranges of Accept or `$format`, best first; () for anything. `version`: of the answer.
    `body_version`: how a body is read. `preferences`: name without 'odata.' → value (True when it has none);
    `spelled`: the same names as the client wrote them. `languages`: best first.
    """

    format: Format
    ranges: tuple[MediaRange, ...] = ()
    version: str = "4.0"
    body_version: str = "4.01"
    body_version_given: bool = False
    preferences: Mapping[str, str | bool] = field(default_factory=dict)
    spelled: Mapping[str, str] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    format_option: bool = False

    @property
    def page_size(self) -> int | None:
        """maxpagesize, when it is a positive number."""
        value = self._number("maxpagesize")
        return value if value is not None and 0 < value < 2**31 else None

    @property
    def goes_on(self) -> bool:
        """Whether a change of many members goes on behind one that fails (continue-on-error, Protocol §8.2.8.3)."""
        value = self.preferences.get("continue-on-error")
        return value is not None and str(value).lower() != "false"

    @property
    def most(self) -> int | None:
        """max-affected: how many entities a change of many may touch, where the client sets a limit."""
        return self._number("max-affected")

    def _number(self, name: str) -> int | None:
        value = self.preferences.get(name)
        return parse_number(value) if isinstance(value, str) else None

    @property
    def applied(self) -> str:
        """The preferences that shape every answer with data, as Preference-Applied names them."""
        found = [f"{self.spelled['omit-values']}={self.preferences['omit-values']}"] if self.format.omit else []
        annotations = self.preferences.get("include-annotations")
        if isinstance(annotations, str) and names_annotations(annotations):
            found.append(f'{self.spelled["include-annotations"]}="{annotations}"')
        return ", ".join(found)

    @property
    def returns(self) -> str | None:
        """'minimal', 'representation' or None."""
        value = self.preferences.get("return")
        return value if value in ("minimal", "representation") else None


def wish(request: Request, format_option: str | None = None, strict: bool = False) -> Wishes:
    """The wishes of a request; `format_option`: the value of `$format`, which beats Accept (Protocol §11.2.11)."""
    version, body_version, given = versions(request)
    accept = request.header("accept")
    ranges: tuple[MediaRange, ...] = ()
    if format_option is not None:
        ranges = (_format_range(format_option),)
    elif accept is not None and accept.strip():
        ranges = parse_media_ranges(accept)
    preferences, spelled = _preferences(request)
    languages = tuple(each.partition(";")[0].strip() for each in (request.header("accept-language") or "").split(",")
                      if each.strip())
    json = json_range(ranges, strict or format_option is not None)
    form = _form(json, version) if json is not None else Format(version)
    omit = preferences.get("omit-values")
    if request.method in OMITTING and omit in ("nulls", "defaults") and spelled["omit-values"] == "omit-values":
        form = replace(form, omit="unset" if request.method == "POST" and omit == "nulls" else str(omit))
    return Wishes(form, ranges, version, body_version, given, preferences, spelled, languages, format_option is not None)


def report(wishes: Wishes, response: Response) -> None:
    """Adds to an answer with data the preferences that shaped it (Protocol §8.3.6)."""
    applied = wishes.applied
    if applied and response.status in (200, 201) and response.headers.get("Content-Type", "").startswith("application/json"):
        before = response.headers.get("Preference-Applied")
        response.headers["Preference-Applied"] = f"{before}, {applied}" if before else applied


def versions(request: Request) -> tuple[str, str, bool]:
    """(version of the answer, version of the body, whether OData-Version was sent) (Protocol §8.1.5, §8.2.7)."""
    most, sent = request.header("odata-maxversion"), request.header("odata-version")
    if most is None and sent is None:
        return "4.0", "4.01", False
    ceiling, body = _version(most, "OData-MaxVersion"), _version(sent, "OData-Version")
    if body is not None and body not in ((4, 0), (4, 1)):
        raise BindError("OData-Version must be 4.0 or 4.01", code="unsupportedVersion", target="OData-Version")
    if ceiling is not None and ceiling < (4, 0):
        raise BindError("This service answers in OData 4.0 and 4.01", code="unsupportedVersion", target="OData-MaxVersion")
    answer = "4.01" if ceiling is not None and ceiling >= (4, 1) else "4.0"
    if body is not None:
        return answer, "4.0" if body == (4, 0) else "4.01", True
    return answer, "4.0" if ceiling is not None and ceiling < (4, 1) else "4.01", False


def _version(text: str | None, name: str) -> tuple[int, int] | None:
    found = None if text is None else parse_version(text)
    if text is not None and found is None:
        raise BindError(f"'{text[:20]}' is not a version", code="unsupportedVersion", target=name)
    return found


def _format_range(text: str) -> MediaRange:
    short = {"json": "application/json", "xml": "application/xml", "atom": "application/atom+xml"}
    ranges = parse_media_ranges(short.get(text.lower(), text))
    if len(ranges) != 1:
        raise NotAcceptable(reason=f"$format={text[:60]} is not a media type", target="$format")
    return ranges[0]


def json_range(ranges: tuple[MediaRange, ...], strict: bool = False) -> MediaRange | None:
    """The range that makes JSON acceptable; None when none does. An unknown parameter drops its range, unless no
    other range is left and the service is not strict (DESIGN §7)."""
    if not ranges:
        return parse_media_ranges("application/json")[0]
    dropped = None
    for each in ranges:
        if each.q == 0 or (each.type, each.subtype) not in (("application", "json"), ("application", "*"), ("*", "*")):
            continue
        if understood(each):
            return each
        dropped = dropped or each
    if dropped is not None and not strict:
        kept = tuple(pair for pair in dropped.parameters if _known(pair[0], pair[1]))
        return MediaRange(dropped.type, dropped.subtype, kept, dropped.q)
    return None


def require_json(wishes: Wishes, strict: bool) -> None:
    """Raises NotAcceptable where the client does not take JSON."""
    if wishes.ranges and json_range(wishes.ranges, strict or wishes.format_option) is None:
        raise NotAcceptable(reason="this resource is JSON")


def require(wishes: Wishes, content_type: str) -> None:
    """Raises NotAcceptable where `$format` names another media type than that of a raw value (Protocol §11.2.4.1). Accept
    does not count: clients send the one of their JSON requests."""
    kind = content_type.partition(";")[0].strip().lower()
    for each in wishes.ranges if wishes.format_option else ():
        if f"{each.type}/{each.subtype}" not in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
            raise NotAcceptable(reason=f"this value is {kind}", target="$format")


def understood(each: MediaRange) -> bool:
    """Whether every parameter of a range is one that JSON answers know, with a value that they have."""
    return all(_known(name, value) for name, value in each.parameters)


def _known(name: str, value: str) -> bool:
    bare, value = name.lower().removeprefix("odata."), value.lower()
    match bare:
        case "metadata":
            return value in ("none", "minimal", "full")
        case "streaming" | "ieee754compatible" | "exponentialdecimals":
            return value in ("true", "false")
        case "charset":
            return value.replace("-", "") == "utf8"
    return False


def _form(each: MediaRange, version: str) -> Format:
    values = {name.lower().removeprefix("odata."): (name.lower(), value.lower()) for name, value in each.parameters}
    name, metadata = values.get("metadata", ("", "minimal"))
    prefixed = version == "4.0" or name != "metadata"
    return Format(version, metadata, values.get("ieee754compatible", ("", ""))[1] == "true", prefixed,
                  values.get("streaming", ("", ""))[1] == "true", "charset" in values)


def _preferences(request: Request) -> tuple[dict[str, str | bool], dict[str, str]]:
    text = request.header("prefer")
    if not text:
        return {}, {}
    found: dict[str, str | bool] = {}
    spelled: dict[str, str] = {}
    for preference in parse_preferences(text):
        name = preference.name.lower()
        bare = name.removeprefix("odata.") if name in PREFIXED else name
        if bare in found and spelled[bare] == bare:
            continue
        if bare in found and name != bare:
            continue
        found[bare] = preference.value if preference.value is not None else True
        spelled[bare] = name
    return found, spelled
