"""The architecture as a test: imports go down the floors, libraries have one home, files stay readable."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APP = ROOT / "app"
FILES = sorted(APP.rglob("*.py"))

FLOORS = ("errors", "edm", "csdl url", "bind store", "plan", "sql payload", "service", "v2", "web", "app cli testing")
RANK = {name: rank for rank, names in enumerate(FLOORS) for name in names.split()} | {"__init__": 9, "__main__": 10}

HOMES = {
    "lxml": {"csdl", "v2"}, "peewee": {"store", "sql"}, "playhouse": {"store", "sql"}, "psycopg": {"store"},
    "pymysql": {"store"}, "sqlite3": {"store"}, "marshmallow": {"payload"}, "orjson": {"payload"}, "flask": {"web"},
    "werkzeug": {"web"}, "granian": {"web"}, "re2": {"store", "payload"},
}

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}

MOST_LINES, MOST_FUNCTION_LINES = 600, 80


def named(file: Path) -> str:
    return str(file.relative_to(ROOT))


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def home(file: Path) -> str:
    """The package of a file, or its own name where it stands directly in app/."""
    return file.relative_to(APP).parts[0].removesuffix(".py")


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """(line, module) of every import, wherever it stands; `from app import x` is read as app.x where x is a floor."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{named(file)}:{node.lineno}: relative import"
            if node.module == "app":
                yield from ((node.lineno, f"app.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, node.module or ""


@pytest.mark.parametrize("file", FILES, ids=named)
def test_every_import_goes_down(file: Path) -> None:
    assert home(file) in RANK, f"{named(file)} stands on no floor"
    for line, module in imports(file):
        package, _, rest = module.partition(".")
        if package != "app":
            continue
        target = rest.partition(".")[0]
        assert target in RANK, f"{named(file)}:{line} imports {module}, which is for users of the package"
        assert target == home(file) or RANK[target] < RANK[home(file)], f"{named(file)}:{line} imports {module}"


@pytest.mark.parametrize("file", FILES, ids=named)
def test_every_library_has_one_home(file: Path) -> None:
    for line, module in imports(file):
        library = module.partition(".")[0]
        assert home(file) in HOMES.get(library, {home(file)}), f"{named(file)}:{line} imports {module}"


@pytest.mark.parametrize("file", FILES, ids=named)
def test_files_and_functions_stay_readable(file: Path) -> None:
    docstring = ast.get_docstring(tree(file))
    assert docstring, f"{named(file)} has no docstring"
    lines = len(file.read_text().splitlines())
    assert lines <= MOST_LINES or re.search(rf"(?i)\bover {MOST_LINES} lines\b", docstring), \
        f"{named(file)} has {lines} lines; a file over {MOST_LINES} lines gives its reason in its docstring"
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= MOST_FUNCTION_LINES, f"{named(file)}:{node.lineno}: {node.name} has {length} lines"


@pytest.mark.parametrize("file", FILES, ids=named)
def test_names_say_what_lives_there(file: Path) -> None:
    words = {word for part in file.relative_to(APP).parts for word in part.removesuffix(".py").split("_")}
    assert not words & FORBIDDEN_NAMES, named(file)


@pytest.mark.parametrize("file", FILES, ids=named)
def test_nothing_is_left_for_later(file: Path) -> None:
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", file.read_text()), named(file)


# --- app/ knows no model -------------------------------------------------------------------------

def declared_names() -> set[str]:
    """Names of types, sets, singletons and operations in the models we ship, where they are unlike common words."""
    names = set()
    for model in (ROOT / "edmx").glob("*.xml"):
        for element in re.finditer(r"<(EntityType|ComplexType|EnumType|EntitySet|Singleton|Action|Function)\b[^>]*?"
                                   r"\bName=\"([^\"]+)\"", model.read_text()):
            names.add(element[2])
    return {name for name in names if re.search(r"[a-z][A-Z]", name)}


def test_app_knows_no_entity_of_any_model() -> None:
    names = declared_names()
    pattern = re.compile(r"\b(" + "|".join(sorted(map(re.escape, names))) + r")\b") if names else None
    for file in FILES:
        found = pattern.search(file.read_text()) if pattern else None
        assert not found, f"{named(file)} names '{found[0] if found else ''}' of a model"
