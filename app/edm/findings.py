"""Findings: what is wrong with a model, where, and by which rule.

`RULES` is the table of all rules: each module that checks something declares its rows with `declare` when it
is imported (`rules_document` for what readers notice, `rules_*` for what the finished model shows).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table: `sentence` and `hint`, which says what to do about it, are format strings over the values of
    a finding, `section` the place in CSDL 4.01 (or another part, named)."""

    id: str
    severity: Severity
    section: str
    sentence: str
    hint: str


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One violation of one rule at one place; line and column count from 1, 0 where the place is unknown."""

    file: str
    line: int
    column: int
    rule: str
    message: str
    severity: Severity = "error"
    hint: str = ""
    section: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.severity}: {self.message} [{self.rule}]"


RULES: dict[str, Rule] = {}


def declare(*rows: tuple[str, Severity, str, str, str]) -> None:
    """Add rows (id, severity, section, sentence, hint) to the table; an id occurs once."""
    for row in rows:
        assert row[0] not in RULES, row[0]
        RULES[row[0]] = Rule(*row)


def finding(rule: str, file: str = "", line: int = 0, column: int = 0, /, **values: object) -> Finding:
    """A finding of the rule with this id, sentence and hint filled with `values` (long ones shortened)."""
    row = RULES[rule]
    short = {name: text if len(text := str(value)) <= 200 else text[:200] + "…" for name, value in values.items()}
    return Finding(file, line, column, rule, row.sentence.format(**short), row.severity, row.hint.format(**short), row.section)
