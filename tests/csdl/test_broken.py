"""Broken documents give their rule, their line and column, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.csdl.check import check
from tests.csdl.broken_cases import FRAGMENTS
from tests.csdl.documents import document, place


@pytest.mark.parametrize("case", FRAGMENTS, ids=[f"{index}-{case[0]}" for index, case in enumerate(FRAGMENTS)])
def test_a_fragment_breaks_its_rule_at_its_place(case: tuple[Any, ...], tmp_path: Path) -> None:
    rule, fragment, version = case[0], case[1], case[2] if len(case) > 2 else "4.0"
    text = document(fragment, version, container="<EntityContainer" not in fragment or "Bax" in fragment)
    file = tmp_path / "broken.xml"
    file.write_text(text, encoding="utf-8")
    assert [(each.rule, each.line, each.column) for each in check(file)] == [(rule, *place(text))]
