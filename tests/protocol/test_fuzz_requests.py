"""Mutated requests: whatever comes in, the answer is a well-formed one, never a 500, and a refused change changes nothing.

Seeds are addresses and entities of a service, and expressions written at random over the names of its model; of a soak the
requests and bodies of the tests of this folder, too. They are torn, spliced, nested and filled with what nobody sends.
`ODATA_SOAK` sets the number, `ODATA_SEED` chooses others; a failure prints the request.
"""

from __future__ import annotations

import ast
import copy
import json
import os
import random
import re
import resource
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest

from app.bind.functions import FUNCTIONS
from tests.protocol.exchange import METHODS, ROOT, WIRE, Answer, Client, split, well_formed
from tests.protocol.test_atomicity import everything

MODELS = ("northwind", "types", "workshop", "capabilities", "doors", "sales", "calls")
TOKEN = re.compile(r"\$?[A-Za-z_][\w.]*|\d+(?:\.\d+)?|'(?:[^']|'')*'|%[0-9A-Fa-f]{2}|.", re.DOTALL)
EXTREMES: dict[str, tuple[str, ...]] = {
    "Edm.Int32": ("-2147483648", "2147483647", "2147483648", "1e9", "5"), "Edm.Int64": ("9223372036854775807", "-9223372036854775808", "9223372036854775808", "1"), "Edm.Int16": ("32767", "-32769", "1"), "Edm.Byte": ("0", "255", "256"), "Edm.SByte": ("-128", "128"),
    "Edm.Decimal": ("79228162514264337593543950335", "0." + "0" * 60 + "1", "9" * 38, "1e65", "1E-400", "10.5", "-0.0", "INF"), "Edm.Double": ("1.7976931348623157e308", "5e-324", "1e309", "NaN", "-INF", "0.1"), "Edm.Single": ("3.5e38", "1e-50", "NaN"),
    "Edm.String": ("'a'", "''", "'%00'", "'%25_%5C'", "'%F0%9F%98%80'", "'" + "a" * 9000 + "'", "'%ED%B0%80'", "'%22%60;--'"), "Edm.Boolean": ("true", "null"), "Edm.Guid": ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    "Edm.Date": ("0001-01-01", "9999-12-31", "0000-01-01", "10000-01-01", "-0001-01-01", "2020-02-29"), "Edm.DateTimeOffset": ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z", "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "0000-01-01T00:00Z", "10000-01-01T00:00:00Z", "now()", "2020-02-29T12:00Z"),
    "Edm.TimeOfDay": ("00:00", "23:59:59.999999999999", "23:59:60", "12:00:00"), "Edm.Duration": ("duration'P10675199DT2H48M5.4775807S'", "duration'-P10675199DT2H48M5.4775808S'", "duration'P99999999D'", "duration'PT0.0000001S'"), "Edm.Binary": ("binary'AA=='", "binary''", "binary'" + "A" * 4000 + "'"),
    "Edm.GeographyPoint": ("geography'SRID=4326;Point(180 90)'", "geography'SRID=0;Point(1e308 -1e308)'"),
}
FOR_NUMBERS = ("{} add {}", "{} sub {}", "{} mul {}", "{} div {}", "{} divby {}", "{} mod {}", "round({} mul {})", "floor({} div {})", "-({} sub {})", "cast({} mul {},Edm.Int32)", "cast({} add {},Edm.Decimal)", "cast({} sub {},Edm.String)", "max({},{})")
FOR_TEXTS = ("concat({},{})", "substring({},length({}))", "length({}) add length({}) ", "indexof({},{})", "substring({},-2147483649,1)", "substring({},9223372036854775807)", "matchesPattern({},{})", "contains({},{})", "cast({},Edm.Int32) add length({})", "cast({},Edm.DateTimeOffset) gt cast({},Edm.DateTimeOffset)", "cast({},Edm.Decimal) eq cast({},Edm.Decimal)", "cast({},Edm.Guid) eq cast({},Edm.Guid)")
FOR_TIMES = ("{} add duration'P9999999D' gt {}", "{} sub duration'P9999999D' gt {}", "{} sub {} gt duration'P1D'", "year({}) add day({})", "date({}) eq date({})", "totalseconds({} sub {}) gt 1", "fractionalseconds({}) ge 0 and second({}) lt 60", "cast({},Edm.Date) gt cast({},Edm.Date)", "time({}) gt time({})", "cast({},Edm.String) eq cast({},Edm.String)")
OWN = ("odata_meta", "odata_search", "odata_jobs", "odata_streams", "odata_chunks")
NUMBERS = ("0", "-0", "-1", "1e400", "-1e400", "1e-400", "9" * 400, "1." + "0" * 400, "1e5000000", "9223372036854775808", "-9223372036854775808",
           "-9223372036854775809", "18446744073709551616", "2147483648", "NaN", "INF", "-INF", "0.1e1", "1_0", "٣", "0x1", ".5", "5.", "00")
LITERALS = ("null", "true", "''", "'%00'", "'%ED%A0%80'", "'%F0%9F%98%80'", "'%E2%80%AE'", "'%FF'", "'''", "'" + "x" * 3000 + "'", "0000-01-01", "10000-01-01", "-0001-02-30",
            "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999-14:00", "0001-01-01T00:00:00%2B14:00", "2020-02-30", "24:00:00", "23:59:60", "23:59:59.999999999999",
            "duration'P99999999999D'", "duration'-P1D'", "duration'PT0.0000000000001S'", "binary'='", "binary'AA'", "00000000-0000-0000-0000-00000000000G",
            "geography'SRID=0;Point(1 2)'", "geography'SRID=4326;Point(1e400 2)'", "geometry'Polygon(())'", "geography'SRID=99999999999;Point(1 2)'", '{"a":1}', '[1,"a",null]', "[]", '{"@odata.type":"#x"}', "@p", "@", "$it", "$this",
            "$root/Products", "$these/$count", "now()", "mindatetime()", "maxdatetime()", "Edm.String", "Collection(Edm.Int32)", "%2F", "%", "%2", "%25", "..", "*", "*/$ref", "**", "", "max", "-1")
PIECES = ("(", ")", "/", ",", ";", "?", "&", "=", ":", " ", "'", '"', "$count", "$ref", "$value", "$each", "$filter(1 eq 1)", "/any(x:x)", "/all(y:y/ID gt 1)", "/any()", "$expand=", "$select=", "$filter=", "$levels=max",
          " eq ", " ne ", " gt ", " in ", " has ", " add ", " sub ", " mul ", " div ", " divby ", " mod ", " and ", " or ", "not ", "-", " as A", " desc", " asc", "$it", "aggregate(", "groupby((", "rollup(", "filter(", "$apply=", "concat(", "join(", "nest(", "addnested(", "with sum as S", "with countdistinct as D", "from ",
          "identity", "topcount(2,", "bottompercent(50,", "skip(1)", "orderby(", "search(", "compute(", "expand(", "ancestors(", "traverse(", "outerjoin(", "case(", "cast(", "isof(", "$all", "$crossjoin(", "$entity?$id=", "$batch", "$metadata",
          *NUMBERS, *LITERALS, *(f"{name}(" for name in FUNCTIONS))
OPTIONS = ("$filter", "$orderby", "$select", "$expand", "$compute", "$apply", "$search", "$top", "$skip", "$count", "$format", "$skiptoken", "$deltatoken", "$levels", "$index", "$id", "$schemaversion", "$query", "@p", "custom", "filter", "$FILTER", "")
HEADERS: dict[str, tuple[str, ...]] = {
    "Accept": ("*/*", "application/json;odata.metadata=full", "application/json;metadata=none;IEEE754Compatible=true", "application/xml", "application/json;q=x", "a/b/c;;=,", ",", "text/plain;charset=utf-99", "multipart/mixed", "\xff"),
    "Content-Type": ("application/json", "application/json;charset=utf-16", "application/json;charset=nope", "text/plain", "multipart/mixed", "multipart/mixed;boundary=b", "multipart/mixed;boundary=", "application/octet-stream", "", "a", "application/json;odata.metadata=full;IEEE754Compatible=true", ";;"),
    "OData-Version": ("4.0", "4.01", "4.02", "3.0", "x", ""), "OData-MaxVersion": ("4.0", "4.01", "5.0", "1", "", "4.0, 4.01"),
    "Prefer": ("return=minimal", "return=representation", "maxpagesize=0", "maxpagesize=-1", "odata.maxpagesize=1", "maxpagesize=99999999999999999999", "odata.track-changes", "respond-async,wait=0", 'include-annotations="*', 'omit-values=nulls', "continue-on-error", "callback;url=\"x\"", "=,;", "handling=strict", "allow-entityreferences"),
    "If-Match": ("*", 'W/"x"', '"', "x, y", ""), "If-None-Match": ("*", 'W/"x"', ","), "Isolation": ("snapshot", "x"), "Range": ("bytes=0-1", "bytes=5-1", "bytes=-0", "bytes=0-0,2-99999999999999999999", "lines=1"),
    "Accept-Language": ("de", ",;q", "x" * 2000), "X-HTTP-Method": ("GET", "DELETE", "PATCH", "BREW"), "Content-Encoding": ("gzip", "br", "deflate,gzip", "identity"), "Content-ID": ("1", "\xff"), "Slug": ("a", "..%2F..", "\xe9"),
    "If-Modified-Since": ("Sun, 99 Foo", "Sat, 29 Nov 2025 15:10:00 GMT"), "OData-EntityId": ("x", ""), "X-Forwarded-Host": ("evil",), "Expect": ("100-continue",), "Content-Range": ("bytes 0-1/2", "x"),
}
VALUES: list[Any] = [None, True, False, 0, -1, 1e300, 2**31, 2**63, 2**64, 10**400, 0.1, "", "x", "\x00", "\ud800", "‮", "é" * 300, "x" * 70_000, "NaN", "INF", "-0001-01-01", "10000-01-01T00:00:00Z", "P1Y", "00000000-0000-0000-0000-000000000000",
                     [], {}, [[]], [None], {"a": 1}, {"@odata.type": "#Edm.Int32"}, {"@odata.id": "x"}, {"type": "Point", "coordinates": [1, 2]}, {"type": "Point", "coordinates": []}, {"type": "Polygon", "coordinates": [[[0, 0]]]}, "$1", "Products(1)"]
MEMBERS = ("@odata.type", "@odata.id", "@odata.etag", "@id", "@odata.context", "@odata.deltaLink", "@removed", "@odata.count", "@odata.nextLink", "@odata.bind", "@odata.mediaReadLink", "@x.y", "", ".", "/", "a b", "$", "\x00", "__proto__", "value", "requests", "@delta", "@odata.removed", "__metadata", "\ud800", "é")


# --- what requests are made of ---------------------------------------------------------------------------

@cache
def written() -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """(texts, objects) in the tests of this folder."""
    texts, objects = dict[str, None](), list[Any]()
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if path.name == Path(__file__).name:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts[node.value] = None
            elif isinstance(node, ast.Dict) and node.keys and all(isinstance(key, ast.Constant) and isinstance(key.value, str) for key in node.keys):
                try:
                    value = ast.literal_eval(node)
                    json.dumps(value)
                    objects.append(value)
                except (ValueError, TypeError):
                    continue
    return tuple(texts), tuple(each for each in objects if isinstance(each, dict))


class Speech:
    """What can be said about a model."""

    def __init__(self, client: Client, chance: random.Random, soak: bool) -> None:
        model = client.service.model
        self.model, self.chance = model, chance
        assert model.container is not None
        self.roots = [each.name for each in model.container.children]
        self.types = [name for name in model.types if model.structured(name) is not None and not name.startswith("Org.OData.")]
        self.members = sorted({name for type in self.types for name in (*model.properties(type), *model.navigations(type))})
        self.operations = list(model.operations)
        self.sources = {each.name: each.type for each in model.container.sources}
        self.lines, self.objects = self.found(client)
        if soak:
            texts, objects = written()
            starts, known = {*self.roots, "$all", "$batch", "$metadata", "$entity"}, {*self.members, *MEMBERS}
            lines = [text for text in texts if len(text) < 1500 and text.isprintable()
                     and (start := TOKEN.match(text.partition(" ")[2] if text.partition(" ")[0] in METHODS else text)) is not None
                     and (start[0] in starts or start[0].startswith("$crossjoin"))]
            self.lines += [line for line in lines if client.through_wsgi(*split(line), {}).status < 400 or chance.random() < 0.2]
            self.objects += [each for each in objects if known.intersection(each)]

    def found(self, client: Client) -> tuple[list[str], list[Any]]:
        """What the service itself says: addresses of entities and of what they have, and the entities."""
        lines, objects = ["", "$metadata", "$all", "$batch", *self.roots], list[Any]()
        for source, type in self.sources.items():
            answer = client.handled("GET", source, {"accept": "application/json;odata.metadata=full"})
            if answer.status != 200:
                continue
            for entity in answer.json.get("value", [answer.json])[:3]:
                address = unquote(str(entity.get("@odata.id", source))).removeprefix(ROOT)
                below = [*self.model.properties(type), *self.model.navigations(type)]
                lines += [address, f"POST {source}", f"PATCH {address}", f"PUT {address}", f"DELETE {address}", f"{source}?$expand=*", f"{source}/$count", *(f"{address}/{name}" for name in below), *(f"{address}/{name}/$ref" for name in below[-2:])]
                objects.append(json.loads(json.dumps({name: value for name, value in entity.items() if "@" not in name and name[0] != "#"}, default=float)))
        return lines, objects

    def one(self, *choices: Any) -> Any:
        return self.chance.choice(choices)

    # expressions, without regard to types

    def path(self, type: str, deep: int = 2) -> str:
        """A path that mostly exists."""
        model, pick = self.model, self.chance.random()
        if pick < 0.05:
            return str(self.one(*self.members, *self.types, *PIECES))
        members = {**model.properties(type), **model.navigations(type)} if type in self.types else {}
        if not members:
            return str(self.one(*self.members))
        name = self.chance.choice(list(members))
        below, many = (kind, members[name].collection) if isinstance(kind := members[name].type, str) else (kind.name, kind.collection)
        text = f"{self.one(below)}/" if pick > 0.97 else name
        if deep and below in self.types and pick < 0.8:
            if many:
                return text + str(self.one("/$count", f"/any(x:x/{self.path(below, 0)} eq {self.value(below, deep - 1)})", f"/all(x:{self.condition(below, deep - 1)})", "/any()", f"/$count($filter={self.condition(below, deep - 1)})", ""))
            return f"{text}/{self.path(below, deep - 1)}"
        return text

    def value(self, type: str, deep: int = 2) -> str:
        match self.chance.randrange(9):
            case 0 | 1 | 2:
                return self.path(type, deep)
            case 3:
                return str(self.one(*NUMBERS))
            case 4:
                return str(self.one(*LITERALS, "'a'", "1", "2.5"))
            case 5 if deep:
                name = self.one(*FUNCTIONS)
                return f"{name}({','.join(self.value(type, deep - 1) for _ in range(self.chance.randrange(4)))})"
            case 6 if deep:
                return f"({self.value(type, deep - 1)} {self.one('add', 'sub', 'mul', 'div', 'divby', 'mod')} {self.value(type, deep - 1)})"
            case 7 if deep:
                return f"{self.one('cast', 'isof')}({self.value(type, deep - 1)},{self.one('Edm.String', 'Edm.Int32', 'Edm.Decimal', 'Edm.Date', 'Edm.DateTimeOffset', 'Edm.Duration', 'Edm.Binary', 'Edm.Double', 'Edm.Guid', *self.types)})"
            case 8 if deep:
                return f"case({self.condition(type, deep - 1)}:{self.value(type, deep - 1)},true:{self.value(type, deep - 1)})"
        return str(self.one("1", "'a'", "null", "true", "2020-01-01", "2.5"))

    def typed(self, type: str) -> str:
        """A comparison that mostly binds, at the edges of what the stores can hold."""
        values = [(name, each.type.name) for name, each in (self.model.properties(type).items() if type in self.types else ()) if not each.type.collection and each.type.name in EXTREMES]
        if not values:
            return "true"
        name, kind = self.chance.choice(values)
        forms = FOR_TEXTS if kind == "Edm.String" else FOR_TIMES if kind in ("Edm.DateTimeOffset", "Edm.Date") else FOR_NUMBERS
        other = self.one(*EXTREMES[kind], *(path for path, each in values if each == kind))
        form = self.one("{} eq {}", "{} ge {}", "{} in ({},null)", *forms, *forms)
        return form.replace("{}", name, 1).replace("{}", other) + self.one("", "", f" gt {self.one(*EXTREMES[kind])}", f" eq {name}")

    def condition(self, type: str, deep: int = 2) -> str:
        if self.chance.random() < 0.5:
            return self.typed(type)
        match self.chance.randrange(8):
            case 0 if deep:
                return f"({self.condition(type, deep - 1)} {self.one('and', 'or')} {self.condition(type, deep - 1)})"
            case 1 if deep:
                return f"not ({self.condition(type, deep - 1)})"
            case 2:
                return f"{self.value(type, deep)} in ({','.join(self.value(type, 0) for _ in range(self.one(1, 2, 5)))})"
            case 3:
                return self.value(type, deep)
            case 4:
                return f"{self.one('contains', 'startswith', 'endswith', 'matchesPattern')}({self.value(type, deep)},{self.one(repr('a'), repr('(a+)+$'), repr('[') , self.value(type, 0))})"
        return f"{self.value(type, deep)} {self.one('eq', 'ne', 'gt', 'ge', 'lt', 'le', 'has')} {self.value(type, deep)}"

    def transformation(self, type: str, deep: int = 2) -> str:
        path = self.path
        step = self.one(lambda: f"filter({self.condition(type, 1)})", lambda: f"aggregate({self.aggregate(type)})", lambda: f"groupby(({path(type, 1)},{path(type, 1)}),aggregate({self.aggregate(type)}))", lambda: f"groupby((rollup($all,{path(type, 1)},{path(type, 1)})))",
                        lambda: f"compute({self.value(type, 1)} as C)", lambda: f"orderby({path(type, 1)})", lambda: f"topcount({self.one(*NUMBERS, '2')},{path(type, 1)})", lambda: f"bottompercent({self.value(type, 0)},{path(type, 1)})", lambda: f"skip({self.one('1', *NUMBERS)})",
                        lambda: f"concat({self.transformation(type, 0)},{self.transformation(type, 0)})", lambda: f"join({path(type, 0)} as J)", lambda: f"outerjoin({path(type, 0)} as J,{self.transformation(type, 0)})", lambda: f"addnested({path(type, 0)},{self.transformation(type, 0)} as N)", lambda: f"nest({self.transformation(type, 0)} as N)",
                        lambda: f"search({self.one('a', 'a b', 'NOT a')})", lambda: f"{self.one(*self.operations, 'x')}({self.value(type, 0)})", lambda: "identity", lambda: f"expand({path(type, 0)},filter({self.condition(type, 0)}))", lambda: "groupby((C))")()
        return f"{step}/{self.transformation(type, deep - 1)}" if deep else str(step)

    def aggregate(self, type: str) -> str:
        return str(self.one("$count as N", f"{self.path(type, 1)} with {self.one('sum', 'min', 'max', 'average', 'countdistinct', 'x.y')} as A", f"{self.value(type, 1)} with max as A", f"{self.path(type, 1)} with sum from {self.path(type, 1)} with max as A"))

    def option(self, type: str, deep: int = 2) -> str:
        name = self.one(*OPTIONS[:10])
        match name:
            case "$filter":
                text = self.condition(type)
            case "$orderby":
                text = f"{self.value(type, 1)}{self.one('', ' desc')},{self.path(type)}"
            case "$compute":
                text = f"{self.value(type)} as X,X add 1 as Y"
            case "$apply":
                text = self.transformation(type)
            case "$search":
                text = self.one("a", "NOT a", '"a b" OR c', "a AND (b OR NOT c)", "*", "%25", "'", "_", "\\", "AND")
            case "$expand" | "$select" if deep:
                path = self.path(type, 1)
                below = [each.type for each in self.model.navigations(type).values()] if type in self.types else []
                inner = self.one("", f"({self.option(self.one(*below, type), deep - 1)})", f"({self.option(self.one(*below, type), deep - 1)};{self.option(self.one(*below, type), deep - 1)})")
                text = self.one(path, "*", *(self.model.navigations(type) if type in self.types else ("x",))) + inner
            case _:
                text = self.one("1", "0", "true", "max", "*", "json", *NUMBERS)
        return f"{name}={text}"

    def generated(self) -> str:
        """A request for a set with options."""
        name = self.chance.choice(list(self.sources))
        type = self.sources[name]
        options = dict(self.option(type).split("=", 1) for _ in range(self.one(1, 1, 2, 3)))
        return f"{name}{self.one('', '', '/$count', '(1)', '/' + self.path(type))}?" + "&".join(f"{option}={text}" for option, text in options.items())

    # mutations

    def torn(self, line: str) -> str:
        tokens, other = TOKEN.findall(line), TOKEN.findall(self.chance.choice(self.lines)) or ["x"]
        for _ in range(self.one(1, 1, 2, 3, 6)):
            if not tokens:
                break
            at, from_ = self.chance.randrange(len(tokens)), self.chance.randrange(len(other))
            match self.chance.randrange(10):
                case 0 | 1:
                    tokens[at] = self.one(*PIECES)
                case 2:
                    tokens[at] = self.one(*self.members, *self.types, *self.operations, *self.roots)
                case 3:
                    tokens[at:at] = other[from_:from_ + self.one(1, 3, 9)]
                case 4:
                    tokens[at:] = other[from_:]
                case 5:
                    del tokens[at:at + self.one(1, 2, 5)]
                case 6:
                    tokens[at] = tokens[self.chance.randrange(len(tokens))]
                case 7:
                    times = self.one(2, 15, 60, 90, 400)
                    tokens[at] = self.one(lambda: tokens[at] * times, lambda: "(" * times + tokens[at] + ")" * times, lambda: "not " * times + tokens[at], lambda: f"{tokens[at]}/" * times, lambda: f"{tokens[at]}," * times,
                                          lambda: "tolower(" * times + tokens[at] + ")" * times, lambda: tokens[at] + f" or {tokens[at]} eq 1" * times, lambda: f"{tokens[at]}/any(x:" * times + "x" + ")" * times, lambda: f"{tokens[at]}($expand=" * times + "x" + ")" * times)()
                case 8:
                    tokens[at] = self.one(*(token for token in other))
                case _:
                    tokens.append(f"{self.one('?', '&', ';')}{self.one(*OPTIONS)}={self.one(*PIECES, *self.members)}")
        return "".join(tokens)

    def body(self, type: str = "") -> Any:
        """An object out of the tests, one that is like the type if possible; mostly changed."""
        members = {**self.model.properties(type), **self.model.navigations(type)} if type in self.types else {}
        alike = [each for each in self.objects if each.keys() <= members.keys()]
        value = copy.deepcopy(self.chance.choice(alike or self.objects))
        for _ in range(self.one(0, 0, 1, 2) if members else 0):
            name = self.one(*members)
            value[name] = self.fitting(getattr(members[name].type, "name", ""))
        if self.chance.random() < 0.25:
            return value
        for _ in range(self.one(1, 1, 2, 4)):
            self._changed(value)
        return value if self.chance.random() < 0.95 else self.one(*VALUES, [value], {"value": value}, {"value": [value, value]}, {"requests": [value]})

    def fitting(self, kind: str) -> Any:
        """A value of the edges of a type, as JSON."""
        text = self.one(*EXTREMES.get(kind, ("null",)))
        if kind in ("Edm.Duration", "Edm.Binary", "Edm.String") and "'" in text:
            text = text.split("'")[1]
        try:
            return unquote(text) if kind not in EXTREMES or kind in ("Edm.String", "Edm.Date", "Edm.DateTimeOffset", "Edm.Duration", "Edm.Binary", "Edm.Guid", "Edm.TimeOfDay") else json.loads(text)
        except ValueError:
            return text

    def _changed(self, value: Any) -> None:
        while isinstance(value, dict | list) and value:
            at = self.chance.choice(list(value)) if isinstance(value, dict) else self.chance.randrange(len(value))
            if isinstance(value[at], dict | list) and value[at] and self.chance.random() < 0.7:
                value = value[at]
                continue
            other = copy.deepcopy(self.one(*VALUES, *self.chance.sample(self.objects, min(5, len(self.objects)))))
            match self.chance.randrange(5):
                case 0:
                    del value[at]
                case 1 if isinstance(value, dict):
                    value[self.one(*MEMBERS, *self.members)] = value.pop(at)
                case 2 if isinstance(value, dict):
                    value[self.one(*MEMBERS, *self.members, f"{self.one(*self.members)}@odata.bind", f"{self.one(*self.members)}@odata.type", f"{self.one(*self.members)}@delta")] = other
                case 3:
                    for _ in range(self.one(1, 5, 95, 150)):
                        other = [other] if self.chance.random() < 0.5 else {self.one(*self.members): other}
                    value[at] = other
                case _:
                    value[at] = other
            return

    def request(self) -> tuple[str, str, dict[str, str], bytes]:
        """(method, target, headers, body)."""
        given = self.chance.choice(self.lines) if self.chance.random() < 0.55 else self.generated()
        method, _, rest = given.partition(" ")
        method, line = (method, rest) if method in METHODS else ("GET", given)
        if self.chance.random() < 0.55:
            line = self.torn(line)
        if self.chance.random() < 0.3:
            method = self.one("POST", "PATCH", "PUT", "DELETE", "POST", "PATCH", *METHODS, "get", "QUERY")
        source = ""
        if self.chance.random() < 0.15:
            source = self.one(*self.sources)
            method, line = self.one(("POST", source), ("POST", source), ("PATCH", self.one(*(line for line in self.lines if line.startswith(f"{source}(")), source)), ("PUT", self.one(*(line for line in self.lines if line.startswith(f"{source}(")), source)))
        headers = {name: self.one(*HEADERS[name]) for name in self.chance.sample(list(HEADERS), self.one(0, 0, 0, 1, 2, 4))}
        body = b""
        if method not in ("GET", "HEAD", "DELETE") or self.chance.random() < 0.02:
            body = json.dumps(self.body(self.sources.get(source, "")), ensure_ascii=self.chance.random() < 0.7).encode("utf-8", "surrogatepass")
            headers = {"Content-Type": "application/json", **headers}
        if line.startswith("$batch") and method == "POST" or self.chance.random() < 0.04:
            method, line, headers["Content-Type"], body = "POST", "$batch", *self.batch()
        if body and self.chance.random() < 0.08:
            at = self.chance.randrange(len(body))
            body = body[:at] + self.one(b"", b"\x00", b"\xff", b"\xed\xa0\x80", b"\"", b"}", b"]", b"\\u0000", b"\\ud800", b"[" * 500, b"\xef\xbb\xbf", b"1e999") + body[at + self.one(0, 1, 20):]
        return method, quote(line, safe=WIRE, errors="surrogatepass"), headers, body

    def batch(self) -> tuple[str, bytes]:
        """(content type, body) of some requests."""
        lines = [self.one(*self.lines) for _ in range(self.one(0, 1, 3, 5))]
        if self.chance.random() < 0.6:
            requests = []
            for number, line in enumerate(lines):
                method, target = split(line)
                one = {"id": str(number), "method": method, "url": target, **self.one({}, {"body": self.body(), "headers": {"content-type": "application/json"}}, {"atomicityGroup": "g"}, {"dependsOn": ["0"]}, {"if": "$0/succeeded"})}
                if self.chance.random() < 0.3:
                    one[self.one(*one, "x")] = self.one(*VALUES, "$0", "/$batch", "$0/x")
                requests.append(one)
            return "application/json", json.dumps({"requests": requests}).encode("utf-8", "surrogatepass")
        text = "".join(f"--b\r\nContent-Type: application/http\r\nContent-ID: {number}\r\n\r\n{' '.join(split(line))} HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{json.dumps(self.body()) if number % 2 else ''}\r\n"
                       for number, line in enumerate(lines)) + "--b--"
        if text and self.chance.random() < 0.5:
            at = self.chance.randrange(len(text))
            text = text[:at] + self.one("", "\r\n", "--b", "--b\r\nContent-Type: multipart/mixed;boundary=c\r\n\r\n--c\r\n", "\x00", ":", " ") + text[at + self.one(0, 1, 9):]
        return "multipart/mixed;boundary=b", text.encode()


# --- what holds for every answer -------------------------------------------------------------------------

def faults(answer: Answer, method: str) -> Iterator[str]:
    yield from well_formed(answer)
    for name, value in answer.headers.items():
        if not re.fullmatch(r"[!-~]+", name) or re.search("[\x00-\x1f\x7f]", value) or not value.isascii():
            yield f"header {name}: {value!r}"
    kind = answer.headers.get("content-type", "")
    if answer.status >= 400 and answer.status not in (400, 404, 405, 406, 409, 410, 412, 413, 414, 415, 416, 428, 501):
        yield f"status {answer.status}"
    if answer.body and "json" in kind:
        json.loads(answer.body.decode("utf-8"))
    elif answer.body and "xml" in kind:
        ET.fromstring(answer.body)


@pytest.mark.soak
@pytest.mark.parametrize("model", MODELS)
def test_mutated_requests(model: str, private: Callable[..., Client], store: str, pytestconfig: pytest.Config, record_property: Callable[[str, Any], None]) -> None:
    """Bounded in time and memory, too; the longest is told."""
    soak = bool(pytestconfig.getoption("--soak"))
    count, seed = int(os.environ.get("ODATA_SOAK", 20_000 if soak else 150)), os.environ.get("ODATA_SEED", "0")
    chance = random.Random(f"{seed} {model}")
    client = private(model)
    speech = Speech(client, chance, soak)
    found, statuses, longest, memory = list[str](), Counter[int](), (0.0, ""), resident()
    before = stored(client)
    for _ in range(count):
        method, target, headers, body = speech.request()
        told = f"{method} {target[:1500]} {headers} {body[:1500]!r}"
        begun = time.process_time()
        try:
            answer = client.through_wsgi(method, target, headers, body)
            problems = list(faults(answer, method))
        except Exception as error:
            found.append(f"{told}\n    {type(error).__name__}: {str(error)[:300]}")
            continue
        took = time.process_time() - begun
        longest = max(longest, (took, told))
        statuses[answer.status] += 1
        if took > 10:
            problems.append(f"took {took:.1f} s")
        if method not in ("GET", "HEAD", "OPTIONS"):
            after = stored(client)
            if answer.status >= 400 and after != before:
                problems.append("what was refused changed data")
            before = after
        if problems:
            found.append(f"{told}\n    {'; '.join(problems)} {answer.body[:500]!r}")
    grown = resident() - memory
    assert not found, f"{len(found)} of {count}:\n" + "\n".join(found[:40])
    assert grown < 400, f"{grown} MB more after {count} requests"
    record_property("count", f"requests, {store} {model}, seed {seed}: {count:,} mutated, {dict(statuses.most_common(6))}, the longest {longest[0] * 1000:.0f} ms ({longest[1][:150]}), {grown} MB more, never a failure")


def stored(client: Client) -> dict[str, list[str]]:
    """All data and what happened to it; not what the service keeps for itself (search indexes, waiting requests)."""
    return {name: rows for name, rows in everything(client.service.store).items() if name not in OWN}


def resident() -> int:
    """The largest memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
