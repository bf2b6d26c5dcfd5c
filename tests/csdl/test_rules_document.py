"""docs/rules.md is the table of rules; `--update-golden` rewrites it."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.csdl import check as _check    # noqa: F401  (declares every row)
from app.edm.findings import RULES

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"
HEAD = """# Rules that `odata check` applies

Made from the table in `app/edm` and `app/csdl/profile.py` by `pytest tests/csdl/test_rules_document.py --update-golden`.
Rules of clients (`bi-`, `excel-`, `ui5-`, `v2-`, `dataverse-`) apply with `--profile powerbi|excel|ui5|v2|dataverse`.

| rule | severity | section | finding | hint |
|---|---|---|---|---|
"""


def test_the_page_of_rules(pytestconfig: pytest.Config) -> None:
    rows = [f"| `{rule.id}` | {rule.severity} | {rule.section} | {rule.sentence} | {rule.hint} |".replace("<", "&lt;")
            for rule in sorted(RULES.values(), key=lambda rule: rule.id)]
    text = HEAD + "\n".join(rows) + "\n"
    if pytestconfig.getoption("--update-golden"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text
