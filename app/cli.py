"""The `odata` command: serve a model, check it, convert it, compare two.

Exit status: 0 all well, 1 `check` or `diff` found something, 2 wrong usage or a model or settings that cannot be used.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import ConfigurationError, ODataError

if TYPE_CHECKING:
    from app.service.settings import Settings

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; what it prints is its result, errors go to standard error."""
    options = parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except ODataError as error:
        text = str(error)
        print(f"odata: {text}", file=sys.stderr)
        for detail in error.details:
            if detail.message not in text:
                print(f"  {f'{detail.target}: ' if detail.target else ''}{detail.message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="odata", description="OData 4.01 services from CSDL files.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("serve", help="serve a model", description="Serve a CSDL file. Every option that a "
                                  "variable of the environment sets too goes before the variable.")
    command.set_defaults(run=run_serve)
    add_settings(command)
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    command.add_argument("--port", type=int, default=8000, help="port to listen on; 0: any free one (default: 8000)")
    command.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)) if
                         hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
                         help="worker processes (default: one per core)")
    command.add_argument("--reset", action="store_true", help="empty the store first; asks unless --yes is given")
    command.add_argument("--yes", action="store_true", help="answer the question of --reset with yes")
    command.add_argument("--insecure", action="store_true",
                         help="allow an address others can reach without authentication")

    command = commands.add_parser("work", help="carry out asynchronous requests", description="Carry out the asynchronous "
                                  "requests of a service, beside `odata serve`, which runs one such process itself.")
    command.set_defaults(run=run_work)
    add_settings(command)
    command.add_argument("--once", action="store_true", help="end when nothing waits")

    command = commands.add_parser("check", help="check models", description="Check CSDL files.")
    command.set_defaults(run=run_check)
    command.add_argument("paths", metavar="FILE", nargs="+", type=Path, help="a model, CSDL XML or JSON")
    command.add_argument("--format", choices=("text", "json", "sarif"), default="text", help="form of the report")
    command.add_argument("--profile", help="also what breaks these clients: powerbi, excel, ui5, v2, dataverse")

    command = commands.add_parser("convert", help="convert a model",
                                  description="Convert a CSDL file between XML and JSON, by the names' endings.")
    command.set_defaults(run=run_convert)
    command.add_argument("source", type=Path, help="a model, CSDL XML or JSON")
    command.add_argument("target", type=Path, help="file to write: CSDL JSON where its name ends in .json, else XML; - prints "
                         "the other form")
    command.add_argument("--version", choices=("4.0", "4.01"), help="CSDL version to write (default: as it is)")

    command = commands.add_parser("diff", help="compare two models",
                                  description="What changed between two CSDL files, and what of it breaks clients.")
    command.set_defaults(run=run_diff)
    command.add_argument("old", type=Path, help="the model as it was")
    command.add_argument("new", type=Path, help="the model as it is")
    command.add_argument("--format", choices=("text", "json"), default="text", help="form of the report")
    return top


def add_settings(command: argparse.ArgumentParser) -> None:
    """The options that stand for variables of the environment."""
    from app.service.settings import catalogue
    for setting in catalogue():
        if setting.option is None:
            continue
        note = f"{setting.meaning} ({setting.variable}; default: {setting.shown_default})".replace("`", "")
        if setting.option == "MODEL":
            command.add_argument(setting.variable, metavar="MODEL", nargs="?", help=note)
        elif setting.shown_default == "off":
            command.add_argument(setting.option, dest=setting.variable, action="store_const", const="1", help=note)
        else:
            command.add_argument(setting.option, dest=setting.variable, metavar=setting.name.upper(), help=note)
    for name in ("operations", "data"):
        command.add_argument(f"--no-{name}", dest=f"ODATA_{name.upper()}", action="store_const", const="",
                             help=f"leave out the {name} file beside the model")


# --- serve ---------------------------------------------------------------------------------------

def run_serve(options: argparse.Namespace) -> int:
    """Make the store ready here, then let workers serve it."""
    from app.service.settings import Settings
    overrides = {name: text for name, text in vars(options).items() if name.startswith("ODATA_") and text is not None}
    settings = Settings.from_environment({**os.environ, **overrides})
    refuse_open_door(options, settings)
    if options.workers < 1:
        raise ConfigurationError("--workers takes a number of at least 1")
    if not 0 <= options.port <= 65535:
        raise ConfigurationError("--port takes a number from 0 to 65535")
    from app.service.service import Service
    from app.web.server import claim, serve
    if options.port:
        claim(options.host, options.port, patience=5.0)
    if options.reset and not reset(settings, options.yes):
        return 2
    service = Service.open(settings, progress=show_progress)
    namespace = service.namespace
    service.close()
    serve(settings, options.host, options.port, options.workers,
          lambda root: print(f"Serving {namespace} at {root}", flush=True))
    return 0


def run_work(options: argparse.Namespace) -> int:
    """Carry out asynchronous requests."""
    from app.service.settings import Settings
    from app.web.work import work
    overrides = {name: text for name, text in vars(options).items() if name.startswith("ODATA_") and text is not None}
    work(Settings.from_environment({**os.environ, **overrides}), options.once)
    return 0


def refuse_open_door(options: argparse.Namespace, settings: Settings) -> None:
    """Without authentication the service is for this machine alone, unless said otherwise."""
    if options.host not in LOOPBACK and settings.auth == "none" and not options.insecure:
        raise ConfigurationError(f"--host {options.host} lets others in, and nobody is asked who they are; "
                                 "add --insecure if that is meant")


def reset(settings: Settings, sure: bool) -> bool:
    """Empty the store, after a yes."""
    from app.service.settings import shown_database
    from app.store.schema import erase
    shown = shown_database(settings.database)
    if not sure:
        if not sys.stdin.isatty():
            raise ConfigurationError(f"--reset would empty {shown}; add --yes to say so where nobody can be asked")
        if input(f"Empty {shown}? [y/N] ").strip().lower() not in ("y", "yes"):
            return False
    erase(settings.database)
    return True


def show_progress(name: str, done: int, total: int) -> None:
    """Tell how far the data file is loaded: one line a set, counting where a person looks on."""
    if sys.stderr.isatty():
        print(f"\r{name}: {done:,} of {total:,}", end="\n" if done >= total else "", file=sys.stderr, flush=True)
    elif done >= total:
        print(f"{name}: {done:,}", file=sys.stderr, flush=True)


# --- models --------------------------------------------------------------------------------------

def run_check(options: argparse.Namespace) -> int:
    """Print what is wrong with the models."""
    from app.csdl.check import check_command
    report, status = check_command(options.paths, options.format, options.profile)
    print(report)
    return status


def run_convert(options: argparse.Namespace) -> int:
    """Write the model in the other form."""
    from app.csdl.convert import convert_command
    report, status = convert_command(options.source, options.target, options.version)
    print(report)
    return status


def run_diff(options: argparse.Namespace) -> int:
    """Print the differences."""
    from app.csdl.diff import diff_command
    report, status = diff_command(options.old, options.new, options.format)
    print(report)
    return status


if __name__ == "__main__":
    sys.exit(main())
