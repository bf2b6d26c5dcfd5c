"""The text of a document: its encoding, its places, and what readers found wrong with it."""

from __future__ import annotations

import bisect
import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from app.edm import rules_document as _declared  # noqa: F401  (its rows are what `broken` and `report` name)
from app.edm.findings import Finding, finding
from app.edm.index import Model
from app.edm.model import Action, Function
from app.errors import Detail, ModelError

MAX_BYTES = 64 * 2**20
MAX_DEPTH = 100
ENCODINGS = {"utf-8", "utf-16", "utf-16-le", "utf-16-be", "ascii", "iso8859-1", "cp1252"}

AnyOperation = TypeVar("AnyOperation", Action, Function)

_WIDE = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, b"<\0\0\0", b"\0\0\0<", b"{\0\0\0", b"\0\0\0{")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DECLARED = re.compile(rb"\A\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")


class Broken(Exception):
    """A document that cannot be read any further; carries its finding."""

    def __init__(self, found: Finding) -> None:
        super().__init__(str(found))
        self.found = found


@dataclass
class Source:
    """A document: name for messages, bytes, text, and the findings of its reading."""

    name: str
    data: bytes
    text: str = ""
    findings: list[Finding] = field(default_factory=list)
    _lines: list[int] | None = None

    def decode(self) -> str:
        """The text without its byte order mark. Raises Broken: too large, empty, unknown or wrong encoding."""
        if len(self.data) > MAX_BYTES:
            raise self.broken("doc-size", size=len(self.data), allowed=MAX_BYTES)
        if not self.data.strip():
            raise self.broken("doc-empty")
        encoding = self._encoding()
        try:
            self.text = self.data.decode(encoding)
        except UnicodeDecodeError as error:
            self.text = self.data[:error.start].decode(encoding, "replace")
            raise self.broken("doc-encoding", len(self.text), reason=f"{error.reason} ({encoding})") from None
        return self.text

    def _encoding(self) -> str:
        if self.data.startswith(_WIDE):
            raise self.broken("doc-encoding", 0, reason=f"UTF-32 is not among {', '.join(sorted(ENCODINGS))}")
        for bom, encoding in _BOMS:
            if self.data.startswith(bom):
                return encoding
        if self.data[:4] in (b"<\0?\0", b"<\0e\0", b"<\0E\0", b"{\0\r\0", b"{\0\n\0"):
            return "utf-16-le"
        if self.data[:4] in (b"\0<\0?", b"\0<\0e", b"\0<\0E"):
            return "utf-16-be"
        declared = _DECLARED.match(self.data[:200])
        if declared is None:
            return "utf-8"
        try:
            name = codecs.lookup(declared[1].decode("ascii")).name
        except LookupError:
            name = ""
        if name not in ENCODINGS:
            raise self.broken("doc-encoding", 0,
                              reason=f"{declared[1].decode('ascii')} is not among {', '.join(sorted(ENCODINGS))}")
        return "utf-8" if name.startswith("utf-16") else name    # without a mark the bytes decide

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1, of an offset into the text."""
        if self._lines is None:
            self._lines = [0, *(match.end() for match in re.finditer("\r\n|\r|\n", self.text))]
        line = bisect.bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def broken(self, rule: str, offset: int | None = None, **values: object) -> Broken:
        """The exception for a finding that ends reading."""
        line, column = (1, 1) if offset is None else self.place(offset)
        return Broken(finding(rule, self.name, line, column, **values))


def refuse(findings: list[Finding]) -> ModelError:
    """The error for a document with these findings: the first is the message, all are details."""
    first, *rest = findings
    more = f" (and {len(rest)} more)" if rest else ""
    return ModelError(f"{first.file}:{first.line}:{first.column}: {first.message}{more}. {first.hint}".strip(),
                      target=f"{first.file}:{first.line}:{first.column}",
                      details=[Detail(each.rule, each.message, f"{each.file}:{each.line}:{each.column}")
                               for each in findings])


def by_name(operations: Iterable[AnyOperation]) -> tuple[AnyOperation, ...]:
    """Actions or functions sorted by name: CSDL JSON groups overloads, so the order of names says nothing."""
    return tuple(sorted(operations, key=lambda operation: operation.name))


@dataclass(frozen=True)
class Document:
    """A document read: its model, what was wrong, and where each object of the model stood (`check` asks for that)."""

    model: Model
    findings: tuple[Finding, ...] = ()
    places: dict[int, tuple[int, int]] = field(default_factory=dict)

    def checked(self) -> Model:
        """The model. Raises ModelError when a finding is an error."""
        errors = sorted(each for each in self.findings if each.severity == "error")
        if errors:
            raise refuse(errors)
        return self.model
