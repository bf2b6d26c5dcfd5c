"""docs/conformance.md: every id of the checklist once, states that are states, places and tests that exist.

The checklist's ids stand in `conformance_ids.txt`, a section in each line; where CONFORMANCE_REFERENCE names the checklist
itself (Markdown, ids in the first column of its tables), they are read off that.
"""

from __future__ import annotations

import ast
import os
import re
from collections import Counter
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROW = re.compile(r"^\| (?P<id>[^|]+?) \| (?P<short>[^|]+?) \| (?P<state>[^|]+?) \| (?P<where>[^|]+?) \| (?P<test>[^|]+?) \|$", re.MULTILINE)
FAILURE = re.compile(r"^\| (?P<id>F\d\d) \| (?P<what>[^|]+?) \| (?P<test>[^|]+?) \|$", re.MULTILINE)
LISTED = re.compile(r"^\| (?P<id>(?:[A-Z]+|V401)-[^| ]+|F\d\d) \|", re.MULTILINE)
IDS = Path(__file__).parent / "conformance_ids.txt"
FACTS = ("23.", "23b")      # sections of the checklist that tell of stores, not of what there is to do
STATES = {"done", "partly", "501", "deviation"}


def rows() -> list[re.Match[str]]:
    text = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
    return [row for row in ROW.finditer(text) if row["id"] != "id" and not row["id"].startswith("---")]


def failures() -> list[re.Match[str]]:
    return list(FAILURE.finditer((ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")))


def listed() -> dict[str, list[str]]:
    """Section of the checklist → its ids, as they are kept here."""
    lines = [line.split(": ") for line in IDS.read_text(encoding="utf-8").splitlines() if line]
    return {section: ids.split() for section, ids in lines}


def written() -> dict[str, list[str]]:
    """The same, read off the checklist that the environment names."""
    found: dict[str, list[str]] = {}
    for part in re.split(r"^#+ ", Path(os.environ["CONFORMANCE_REFERENCE"]).read_text(encoding="utf-8"), flags=re.MULTILINE):
        if part[:1].isdigit() and not part.startswith(FACTS) and (ids := LISTED.findall(part)):
            found[part.split()[0].rstrip(".")] = ids
    return found


@cache
def functions(file: Path) -> frozenset[str]:
    """The names of the tests of a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_line_of_a_table_is_a_row() -> None:
    lines = [line for line in (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    assert len(lines) == len(rows()) + len(failures()) + 2 * sum(line.startswith("| id ") for line in lines)


def test_ids_stand_once() -> None:
    assert [name for name, count in Counter(row["id"] for row in rows()).items() if count > 1] == []
    assert len(rows()) > 200


def test_every_id_of_the_checklist_has_a_row() -> None:
    present = {row["id"] for row in (*rows(), *failures())}
    for section, ids in (written() if "CONFORMANCE_REFERENCE" in os.environ else listed()).items():
        assert [each for each in ids if each not in present] == [], section
    assert len(failures()) == 40


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
    for row in (*rows(), *failures()):
        for name in re.findall(r"`([^`]+)`", row["test"]):
            file, _, function = name.partition("::")
            path = ROOT / file if "/" in file else ROOT / "tests" / "protocol" / file
            assert path.is_file(), (row["id"], name)
            assert not function or function in functions(path), (row["id"], name)
