"""Documents and code say the same: settings, options and errors are generated into docs/ and compared.

`pytest tests/test_docs.py --update-golden` rewrites the generated parts.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import Settings, create_app, errors
from app.cli import parser
from app.service.settings import LENIENCIES, catalogue

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


# --- what is generated ---------------------------------------------------------------------------

def settings_table() -> Iterator[str]:
    yield "| variable | option | meaning | default |"
    yield "|---|---|---|---|"
    for setting in catalogue():
        option = f"`{setting.option}`" if setting.option else ""
        yield f"| `{setting.variable}` | {option} | {setting.meaning} | {setting.shown_default} |"


def leniencies_table() -> Iterator[str]:
    yield "| name | accepts |"
    yield "|---|---|"
    for name, meaning in LENIENCIES.items():
        yield f"| `{name}` | {meaning} |"


def options_table() -> Iterator[str]:
    yield "| command | option | meaning |"
    yield "|---|---|---|"
    variables = {setting.variable for setting in catalogue()}
    commands = next(action for action in parser()._actions if action.choices)
    for name, command in commands.choices.items():      # type: ignore[union-attr]
        for action in command._actions:
            if action.dest == "help" or (action.dest in variables and not action.option_strings[:1] == ["--no-data"]
                                         and not action.option_strings[:1] == ["--no-operations"]):
                continue
            shown = ", ".join(action.option_strings) or (action.metavar or action.dest.upper())
            yield f"| `odata {name}` | `{shown}` | {action.help or ''} |"


def errors_table() -> Iterator[str]:
    yield "| class | status | code | message |"
    yield "|---|---|---|---|"
    for kind in error_classes(errors.ODataError):
        sentence = kind.message.replace("|", "\\|")
        yield f"| `{kind.__name__}` | {kind.status} | `{kind.code}` | {sentence} |"


def error_classes(root: type[errors.ODataError]) -> list[type[errors.ODataError]]:
    """Every class of app/errors.py, in the order of the file."""
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, root)]


def codes_table() -> Iterator[str]:
    """The codes that say more than that of their class, with one of the messages that they come with."""
    classes = {kind.__name__: kind for kind in error_classes(errors.ODataError)}
    known = {kind.code for kind in classes.values()}
    found: dict[str, tuple[set[int], str]] = {}
    for path in sorted((ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            given = next((each.value for each in node.keywords if each.arg == "code"), None)
            texts = [*node.args, *(each.value for each in node.keywords if each.arg == "reason")]
            if isinstance(node.func, ast.Name) and name in ("Fault", "refuse") and len(node.args) > 1:
                given, texts, status = node.args[0], node.args[1:2], 400
            elif name in classes:
                status = classes[name].status
            elif name == "__init__" and path.name == "errors.py":
                status = errors.DuplicateKey.status
            else:
                continue
            if isinstance(given, ast.Constant) and given.value not in known:
                statuses, text = found.setdefault(given.value, (set(), _sentence(texts)))
                statuses.add(status)
    yield "| code | status | as in |"
    yield "|---|---|---|"
    for code, (statuses, text) in sorted(found.items()):
        yield f"| `{code}` | {', '.join(map(str, sorted(statuses)))} | {text} |"


def _sentence(texts: list[ast.expr]) -> str:
    """A message as the code has it, … for what it puts in."""
    for text in texts:
        parts = [part for each in ast.walk(text) if isinstance(each, ast.JoinedStr) for part in each.values] or [text]
        said = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
        if said.strip("…"):
            return said.replace("|", "\\|").rstrip(".")
    return ""


GENERATED = [
    ("configuration.md", "settings", settings_table),
    ("configuration.md", "leniencies", leniencies_table),
    ("configuration.md", "options", options_table),
    ("errors.md", "errors", errors_table),
    ("errors.md", "codes", codes_table),
]


@pytest.mark.parametrize(("name", "part", "generate"), GENERATED, ids=[f"{row[0]} {row[1]}" for row in GENERATED])
def test_generated_parts_are_current(name: str, part: str, generate: object, request: pytest.FixtureRequest) -> None:
    text = (DOCS / name).read_text()
    begin, end = f"<!-- begin {part} -->\n", f"<!-- end {part} -->"
    assert begin in text and end in text, f"docs/{name} has no place for {part}"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    current = before + begin + "".join(f"{line}\n" for line in generate()) + end + after     # type: ignore[operator]
    if request.config.getoption("--update-golden"):
        (DOCS / name).write_text(current)
    assert (DOCS / name).read_text() == current, "run: pytest tests/test_docs.py --update-golden"


# --- what is written by hand ---------------------------------------------------------------------

DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_readme_begins_with_the_two_commands() -> None:
    start = (ROOT / "README.md").read_text()[:300]
    assert start.index("make serve") < start.index("make test")


def test_every_target_of_the_makefile_that_the_readme_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for name in re.findall(r"`make ([a-z-]+)", (ROOT / "README.md").read_text()):
        assert name in targets, name


def test_every_package_and_module_is_on_the_map() -> None:
    text = (DOCS / "architecture.md").read_text()
    told = set(re.findall(r"`(\w+)`", text.partition("## Where to find what")[2].partition("\n## ")[0]))
    modules = {path.stem for path in (ROOT / "app").rglob("*.py")} - {"__init__"}
    packages = {path.parent.name for path in (ROOT / "app").glob("*/__init__.py")}
    assert not modules - told, "these modules are not on the map of docs/architecture.md"
    assert not told - modules - packages - {"Model", "Store", "Operations", "Context", "matchesPattern"}, "these are no modules"
    for package in (path.parent.name for path in (ROOT / "app").glob("*/__init__.py")):
        assert f"`{package}`" in text, f"docs/architecture.md says nothing of {package}"


def test_the_shop_of_the_readme_can_be_served(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text()
    for name, language in (("shop.xml", "xml"), ("shop.py", "python")):
        (tmp_path / name).write_text(re.search(rf"```{language}\n(.*?)```", text, re.S)[1])     # type: ignore[index]
    (tmp_path / "shop.data.json").write_text(re.search(r"`(\{.*?\})`", text)[1])                # type: ignore[index]
    settings = Settings.for_model(tmp_path / "shop.xml", database=f"sqlite:///{tmp_path}/shop.db")
    client = create_app(settings).test_client()
    action = re.search(r"\$SERVICE(/orders/\S+?)`", text)[1]                                    # type: ignore[index]
    assert [client.post(action).status_code for _ in range(2)] == [204, 409]
    assert client.get("/orders(1)/shipped").json["value"]                                      # type: ignore[index]
