"""Settings: text to values, defaults beside the model, refusals, secrets kept out of sight (DESIGN §2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.errors import ConfigurationError
from app.service.settings import Settings, catalogue, shown_database

VALUES: list[tuple[str, str, Any]] = [
    ("ODATA_DATABASE", "postgresql://h/db", "postgresql://h/db"),
    ("ODATA_DATABASE", "", "sqlite:///instance/m.db"),
    ("ODATA_ROOT_PATH", "/x/", "/x"),
    ("ODATA_ROOT_PATH", "x/y", "/x/y"),
    ("ODATA_ROOT_PATH", "/", ""),
    ("ODATA_PAGE_SIZE", "0", 0),
    ("ODATA_MAX_PAGE_SIZE", "50", 50),
    ("ODATA_STRICT", "on", True),
    ("ODATA_STRICT", "", False),
    ("ODATA_LENIENT", "quoted-types, enum-numbers", frozenset({"quoted-types", "enum-numbers"})),
    ("ODATA_BUSY_TIMEOUT", "0.5", 0.5),
    ("ODATA_TRUSTED_PROXIES", "10.0.0.0/8,::1", ("10.0.0.0/8", "::1")),
    ("ODATA_CORS_ORIGINS", "https://a.example/ *", ("https://a.example", "*")),
    ("ODATA_NOW", "2025-11-29T16:10:00.50+01:00", "2025-11-29T15:10:00.5Z"),
    ("ODATA_NOW", "", None),
    ("ODATA_V2_PATH", "", ""),
    ("ODATA_SECRET", "", None),
]


@pytest.mark.parametrize(("variable", "text", "value"), VALUES)
def test_text_becomes_a_value(variable: str, text: str, value: Any) -> None:
    settings = Settings.from_environment({"ODATA_MODEL": "m.xml", variable: text})
    assert getattr(settings, variable.removeprefix("ODATA_").lower()) == value


REFUSED = [
    ({"ODATA_PAGESIZE": "5"}, "Did you mean 'ODATA_PAGE_SIZE'?"),
    ({"ODATA_PAGE_SIZE": "-1"}, "ODATA_PAGE_SIZE: expected a whole number of at least 0"),
    ({"ODATA_MAX_PAGE_SIZE": "0"}, "at least 1"),
    ({"ODATA_STRICT": "maybe"}, "expected one of"),
    ({"ODATA_LENIENT": "quoted-type"}, "did you mean 'quoted-types'?"),
    ({"ODATA_ROOT_PATH": "/-/x"}, "expected a path"),
    ({"ODATA_ROOT_PATH": "/a b"}, "expected a path"),
    ({"ODATA_V2_PATH": "a/b"}, "one path segment"),
    ({"ODATA_TRUSTED_PROXIES": "proxy"}, "ODATA_TRUSTED_PROXIES"),
    ({"ODATA_CORS_ORIGINS": "example.org"}, "not an origin"),
    ({"ODATA_NOW": "2025-11-29T15:10:00"}, "needs an offset"),
    ({"ODATA_NOW": "today"}, "expected an instant"),
]


@pytest.mark.parametrize(("environ", "message"), REFUSED, ids=[repr(environ) for environ, _ in REFUSED])
def test_what_cannot_be_served_is_refused(environ: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_environment({"ODATA_MODEL": "m.xml"} | environ)
    assert message in str(caught.value)


def test_other_variables_are_nobody_elses_business() -> None:
    assert Settings.from_environment({"ODATA_MODEL": "m.xml", "PATH": "/bin"}).page_size == 1000


def test_files_beside_the_model_are_found_and_can_be_left_out(tmp_path: Path) -> None:
    model = tmp_path / "shop.xml"
    for name in ("shop.xml", "shop.py", "shop.data.json"):
        (tmp_path / name).touch()
    settings = Settings.from_environment({"ODATA_MODEL": str(model)})
    assert (settings.operations, settings.data) == (tmp_path / "shop.py", tmp_path / "shop.data.json")
    assert settings.database == "sqlite:///instance/shop.db"
    without = Settings.from_environment({"ODATA_MODEL": str(model), "ODATA_OPERATIONS": "", "ODATA_DATA": ""})
    assert (without.operations, without.data) == (None, None)


def test_without_a_model_the_first_of_edmx_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError):
        Settings.from_environment({})
    (tmp_path / "edmx").mkdir()
    for name in ("b.xml", "a-2.xml", "a.xml"):
        (tmp_path / "edmx" / name).touch()
    assert Settings.from_environment({}).model == Path("edmx/a.xml")


def test_secrets_are_not_shown() -> None:
    shown = repr(Settings(model=Path("m.xml"), database="postgresql://u:p%40ss@h:5432/d?password=pass2&x=1",
                          secret="s3cret", auth="basic:u:pass3"))
    assert "u:***@h:5432/d?password=***&x=1" in shown and "auth='basic'" in shown
    for hidden in ("p%40ss", "pass2", "s3cret", "pass3"):
        assert hidden not in shown


def test_a_url_without_password_is_shown_as_it_is() -> None:
    for url in ("sqlite:///instance/m.db", "postgresql://u@h/d?host=/tmp/x", "mysql://h/d"):
        assert shown_database(url) == url


def test_every_setting_is_reached_by_its_own_name() -> None:
    assert [setting.variable for setting in catalogue()] == [
        f"ODATA_{setting.name.upper()}" for setting in catalogue()]
