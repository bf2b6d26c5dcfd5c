"""Settings: what a service is configured with, as one frozen value (DESIGN: fixed interfaces).

In: the environment (`ODATA_*`), or keyword values from Python. Out: `Settings`. A value that cannot be served and an
`ODATA_*` name that does not exist raise `ConfigurationError`, naming the closest valid name. `docs/configuration.md`
is generated from the fields below.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from app.errors import ConfigurationError, closest

PREFIX = "ODATA_"

# Leniencies beyond the standard, off unless named.
LENIENCIES: dict[str, str] = {
    "quoted-numbers": "Int64 and Decimal as strings in bodies that do not say IEEE754Compatible",
    "quoted-types": "a quoted qualified type name in `cast` and `isof`",
    "enum-numbers": "enumeration members written as numbers",
    "zoneless-times": "date-time literals and values without an offset, read as UTC",
    "unknown-nulls": "members the type does not declare, when their value is null",
}


# --- text to value -------------------------------------------------------------------------------

def _text(text: str) -> str:
    return text


def _optional_text(text: str) -> str | None:
    return text or None


def _optional_path(text: str) -> Path | None:
    return Path(text) if text else None


def _flag(text: str) -> bool:
    folded = text.strip().casefold()
    if folded in ("1", "true", "yes", "on"):
        return True
    if folded in ("", "0", "false", "no", "off"):
        return False
    raise ValueError("expected one of 1, 0, true, false, yes, no, on, off")


def _whole(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"\d{1,18}", text.strip()) or int(text) < least:
            raise ValueError(f"expected a whole number of at least {least}")
        return int(text)
    return read


def _seconds(text: str) -> float:
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text.strip()):
        raise ValueError("expected a number of seconds")
    return float(text)


def _list(text: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[,\s]+", text) if part)


def _root_path(text: str) -> str:
    path = "/" + text.strip("/") if text.strip("/") else ""
    if not re.fullmatch(r"(/[A-Za-z0-9._~!$&'()*+,;=:@-]+)*", path) or path == "/-" or path.startswith("/-/"):
        raise ValueError("expected a path such as /odata")
    return path


def _segment(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._~-]*", text) or text == "-":
        raise ValueError("expected one path segment, or nothing to switch it off")
    return text


def _networks(text: str) -> tuple[str, ...]:
    parts = _list(text)
    for part in parts:
        if part != "*":
            ipaddress.ip_network(part, strict=False)
    return parts


def _origins(text: str) -> tuple[str, ...]:
    parts = tuple(part.rstrip("/") for part in _list(text))
    for part in parts:
        if part != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/?#\s]+", part):
            raise ValueError(f"'{part}' is not an origin such as https://example.org, and not *")
    return parts


def _lenient(text: str) -> frozenset[str]:
    names = _list(text)
    for name in names:
        if name not in LENIENCIES:
            near = closest(name, LENIENCIES)
            raise ValueError(f"there is no leniency '{name}'" + (f"; did you mean '{near}'?" if near else
                                                                 f", but {', '.join(LENIENCIES)}"))
    return frozenset(names)


def _log(text: str) -> str:
    if text not in ("", "text", "json"):
        raise ValueError("expected text, json, or nothing")
    return text


def _instant(text: str) -> str | None:
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("expected an instant such as 2026-01-31T12:00:00Z") from None
    if instant.tzinfo is None:
        raise ValueError("the instant needs an offset, such as Z")
    shown = instant.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (shown.rstrip("0") if "." in shown else shown) + "Z"


# --- the settings --------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Setting:
    """How one setting is reached from outside: its variable, its command option (or None), what it means."""

    name: str
    variable: str
    option: str | None
    read: Callable[[str], Any]
    meaning: str
    shown_default: str


def _setting(read: Callable[[str], Any], meaning: str, default: Any = dataclasses.MISSING, *,
             option: str | None = None, shown: str | None = None, secret: bool = False) -> Any:
    metadata = {"read": read, "meaning": meaning, "option": option, "shown": shown, "secret": secret}
    if default is dataclasses.MISSING:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """One service's configuration. `Settings(model=…, database=…)` takes values as they are; `for_model` fills in what
    stands beside the model; `from_environment` reads text."""

    model: Path = _setting(
        Path, "the CSDL file (XML or JSON) to serve", option="MODEL", shown="the first `edmx/*.xml` by name")
    database: str = _setting(
        _text, "the store, as a URL: `sqlite:///…`, `postgresql://…`, `mysql://…`", option="--database",
        shown="`sqlite:///instance/M.db`", secret=True)
    operations: Path | None = _setting(
        _optional_path, "the Python file with the model's operations and rules; empty: none", None,
        option="--operations", shown="`M.py` beside the model")
    data: Path | None = _setting(
        _optional_path, "the JSON file that fills an empty store; empty: none", None, option="--data",
        shown="`M.data.json` beside the model")
    root_path: str = _setting(
        _root_path, "the path that the service root has on this server", "", option="--root-path", shown="`/`")
    page_size: int = _setting(
        _whole(0), "entities on a page when the client says nothing; 0: no server-driven paging", 1000,
        option="--page-size")
    max_page_size: int = _setting(_whole(1), "cap of `Prefer: maxpagesize`", 10_000)
    max_body: int = _setting(_whole(1), "largest request body, in bytes", 256 * 1024 * 1024)
    max_stream: int = _setting(_whole(1), "largest content of a stream that is uploaded, in bytes", 4 * 1024 * 1024 * 1024)
    threads: int = _setting(_whole(1), "requests a worker answers at once on a database server", 8)
    auth: str = _setting(
        _text, "how clients are authenticated: `none`, `apikey:…`, `basic:…`, `bearer:…` (docs/security.md)", "none", secret=True)
    policy: Path | None = _setting(
        _optional_path, "the JSON file that says which role or scope may do what (docs/security.md); empty: none", None)
    secret: str | None = _setting(
        _optional_text, "key that signs paging and delta tokens; the same on every host over one database", None,
        shown="made with the store and kept in it", secret=True)
    trusted_proxies: tuple[str, ...] = _setting(
        _networks, "addresses or networks whose `Forwarded` and `X-Forwarded-*` headers are believed; `*`: all", ())
    cors_origins: tuple[str, ...] = _setting(
        _origins, "origins whose pages may call the service; `*`: all", ())
    callback_hosts: tuple[str, ...] = _setting(_list, "hosts that may be called back", ())
    busy_timeout: float = _setting(_seconds, "seconds a write waits for another one before 503", 5.0)
    query_time: float = _setting(
        _seconds, "seconds that the database may take for one statement, or for the next rows of a stream; 0: no limit", 30.0)
    strict: bool = _setting(_flag, "keep to the letter where the service is lenient for known clients", False,
                            option="--strict")
    explain: bool = _setting(_flag, "answer `Accept: application/vnd.odata.plan+json` with the plan of a request", False)
    log: str = _setting(_log, "a line on standard error for every request, as `text` or `json`; empty: none", "", option="--log")
    lenient: frozenset[str] = _setting(
        _lenient, "leniencies beyond the standard: " + ", ".join(f"`{name}`" for name in LENIENCIES), frozenset(),
        option="--lenient")
    v2_path: str = _setting(_segment, "path segment of the face for OData 2.0; empty: off", "v2")
    bi_path: str = _setting(_segment, "path segment of the view for BI tools and other plain readers; empty: off", "bi")
    change_retention: int = _setting(
        _whole(1), "days that delta links stay valid and results of asynchronous requests are kept", 30)
    now: str | None = _setting(_instant, "an instant that stands for the present", None, shown="the clock")

    @classmethod
    def for_model(cls, model: str | Path, **values: Any) -> Settings:
        """Defaults for `model`: operations `M.py` and data `M.data.json` beside it where they exist, a SQLite store
        under `instance/`; `values` go before."""
        path = Path(model)
        if path.is_dir():
            raise ConfigurationError(f"{path} is a folder; a CSDL file is asked for")
        stem = path.name.split(".")[0]
        for name, beside in (("operations", f"{stem}.py"), ("data", f"{stem}.data.json")):
            if name not in values and path.with_name(beside).is_file():
                values[name] = path.with_name(beside)
        values.setdefault("database", f"sqlite:///instance/{stem}.db")
        return cls(model=path, **values)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Settings as the `ODATA_*` variables say. Raises ConfigurationError for a wrong value, an unknown name, and
        when no model is named and none is found."""
        environ = os.environ if environ is None else environ
        known = {setting.variable: setting for setting in catalogue()}
        values: dict[str, Any] = {}
        for variable in sorted(name for name in environ if name.startswith(PREFIX)):
            if variable not in known:
                raise ConfigurationError(f"There is no setting {variable}", target=variable,
                                         hint=closest(variable, known))
            setting = known[variable]
            try:
                values[setting.name] = setting.read(environ[variable])
            except ValueError as error:
                raise ConfigurationError(f"{variable}: {error}", target=variable) from None
        if not values.get("database", "unset"):
            del values["database"]
        return cls.for_model(values.pop("model", None) or default_model(), **values)

    @property
    def embedded(self) -> bool:
        """Whether the store is a SQLite file of this machine."""
        return self.database.partition(":")[0].startswith(("sqlite", "apsw"))

    def __repr__(self) -> str:
        """The settings without their secrets."""
        shown = []
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if item.name == "database":
                value = shown_database(value)
            elif item.name == "auth":
                value = value.partition(":")[0]
            elif item.metadata["secret"] and value is not None:
                value = "***"
            shown.append(f"{item.name}={value!r}")
        return f"Settings({', '.join(shown)})"


def catalogue() -> Iterator[Setting]:
    """Every setting, in the order of the fields."""
    for item in dataclasses.fields(Settings):
        known = item.metadata
        yield Setting(item.name, PREFIX + item.name.upper(), known["option"], known["read"], known["meaning"],
                      known["shown"] or _shown_default(item.default))


def _shown_default(default: object) -> str:
    match default:
        case bool():
            return "on" if default else "off"
        case float():
            return f"{default:g}"
        case () | None:
            return "none"
        case frozenset():
            return "none"
        case _:
            return f"`{default}`"


def default_model() -> Path:
    """The first model of `edmx/` under the working directory, by name."""
    found = sorted(Path("edmx").glob("*.xml"), key=lambda path: path.stem)
    if not found:
        raise ConfigurationError("No model is named: give the path of a CSDL file, or set ODATA_MODEL",
                                 target="ODATA_MODEL")
    return found[0]


def shown_database(url: str) -> str:
    """The database URL with any password masked."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if ":" in user:
        parts = parts._replace(netloc=f"{user.partition(':')[0]}:***{at}{host}")
    query = re.sub(r"(?i)(^|&)(password|passwd)=[^&]*", r"\1\2=***", parts.query)
    return url if query == parts.query and "***" not in parts.netloc else urlunsplit(parts._replace(query=query))
