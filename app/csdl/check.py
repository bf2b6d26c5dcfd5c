"""`odata check`: every finding of model files, as text, JSON or SARIF."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from app.csdl import profile as profiles
from app.csdl.load import read_document, resolve, source_of, vocabulary
from app.csdl.source import Broken
from app.edm import rules
from app.edm.findings import RULES, Finding, finding
from app.errors import ConfigurationError, ModelError

FORMATS = ("text", "json", "sarif")
_LEVELS = {"error": "error", "warning": "warning", "note": "note"}


def check(path: str | Path, profile: str | None = None) -> list[Finding]:
    """Every finding of a file, in document order; with a profile also what breaks those clients."""
    try:
        document = read_document(source_of(Path(path)), trace=True)
    except Broken as broken:
        return [broken.found]
    except ModelError as error:
        return [finding("doc-unreadable", str(path), 1, 1,
                        reason=str(error).partition("cannot be read: ")[2].rstrip("."))]
    found = list(document.findings)
    try:
        model = resolve(document.model, Path(path))
    except ModelError as error:
        model = document.model
        found.append(finding("doc-reference-broken", str(path), 1, 1, reason=str(error)))
    broken_lines = {each.line for each in found if each.severity == "error"}
    judged = rules.check(model, document.places, vocabulary)
    if profile is not None:
        judged += profiles.check(model, profile, document.places)
    found += [each for each in judged
              if each.line not in broken_lines]    # no second finding about what was not understood
    return sorted(found)


def check_command(paths: Iterable[str | Path], format: str = "text", profile: str | None = None) -> tuple[str, int]:
    """The report on files and the exit code: 1 when there is an error. Raises ConfigurationError for a bad option."""
    if format not in FORMATS:
        raise ConfigurationError(reason=f"There is no format '{format}': {', '.join(FORMATS)}")
    if profile is not None and profile not in profiles.PROFILES:
        raise ConfigurationError(reason=profiles.unknown(profile))
    files = list(paths)
    found = [each for path in files for each in check(path, profile)]
    errors = sum(each.severity == "error" for each in found)
    if format == "json":
        text = json.dumps({"findings": [asdict(each) for each in found], "errors": errors}, ensure_ascii=False,
                          indent=2)
    elif format == "sarif":
        text = json.dumps(_sarif(found), ensure_ascii=False, indent=2)
    else:
        text = _text(found, len(files), errors)
    return text, 1 if errors else 0


def _text(found: list[Finding], files: int, errors: int) -> str:
    lines: list[str] = []
    for each in found:
        lines += [str(each), f"    {each.hint} ({each.section})"]
    warnings = sum(each.severity == "warning" for each in found)
    count = f"{errors} error{'' if errors == 1 else 's'}, {warnings} warning{'' if warnings == 1 else 's'}"
    return "\n".join([*lines, f"{count} in {files} file{'' if files == 1 else 's'}"])


def _sarif(found: list[Finding]) -> dict[str, Any]:
    """SARIF 2.1.0, one run."""
    used = sorted({each.rule for each in found})
    described = [{"id": name, "shortDescription": {"text": RULES[name].sentence}, "help": {"text": RULES[name].hint},
                  "properties": {"section": RULES[name].section},
                  "defaultConfiguration": {"level": _LEVELS[RULES[name].severity]}}
                 for name in used]
    results = [{"ruleId": each.rule, "ruleIndex": used.index(each.rule), "level": _LEVELS[each.severity],
                "message": {"text": f"{each.message}. {each.hint}"}, "locations": [{"physicalLocation": {
                    "artifactLocation": {"uri": quote(Path(each.file).as_posix())},
                    "region": {"startLine": max(each.line, 1), "startColumn": max(each.column, 1)}}}]}
               for each in found]
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
            "runs": [{"tool": {"driver": {"name": "odata check", "rules": described}}, "results": results,
                      "columnKind": "unicodeCodePoints"}]}
