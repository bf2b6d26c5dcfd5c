"""docs/conformance.md: every id once, states that are states, places and tests that exist."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROW = re.compile(r"^\| (?P<id>[^|]+?) \| (?P<short>[^|]+?) \| (?P<state>[^|]+?) \| (?P<where>[^|]+?) \| (?P<test>[^|]+?) \|$", re.MULTILINE)
STATES = {"done", "partly", "501", "deviation"}


def rows() -> list[re.Match[str]]:
    text = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
    return [row for row in ROW.finditer(text) if row["id"] != "id" and not row["id"].startswith("---")]


@cache
def functions(file: Path) -> frozenset[str]:
    """The names of the tests of a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_line_of_a_table_is_a_row() -> None:
    lines = [line for line in (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    assert len(lines) == len(rows()) + 2 * sum(line.startswith("| id ") for line in lines)


def test_ids_stand_once() -> None:
    assert [name for name, count in Counter(row["id"] for row in rows()).items() if count > 1] == []
    assert len(rows()) > 200


def test_states() -> None:
    for row in rows():
        word, _, reason = row["state"].partition(":")
        assert word in STATES, row["id"]
        assert (word not in ("partly", "deviation")) or reason.strip(), row["id"]


def test_places_exist() -> None:
    for row in rows():
        for place in re.findall(r"`([^`]+)`", row["where"]):
            assert (ROOT / "app" / place).exists(), (row["id"], place)


def test_tests_exist() -> None:
    for row in rows():
        for name in re.findall(r"`([^`]+)`", row["test"]):
            file, _, function = name.partition("::")
            path = ROOT / file if "/" in file else ROOT / "tests" / "protocol" / file
            assert path.is_file(), (row["id"], name)
            assert not function or function in functions(path), (row["id"], name)
