"""`lgsp record`: keep what is said, from now on or from the last minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lgsp.catalogue.units import parse_duration
from lgsp.cli.ask import ask_admin
from lgsp.cli.options import as_json, places, print_json
from lgsp.edge.recording import PATH
from lgsp.errors import SettingsError

_admin = click.option(
    "--admin", default="http://127.0.0.1:8290", show_default=True, metavar="URL", help="The process's admin port."
)
_name = click.option("--name", default="", help="Name of the capture in the state directory [the time].")


@click.group()
def record() -> None:
    """Record what a running process sees, masked before it is on disk."""


@record.command()
@_name
@_admin
@as_json
@places
def start(config: Path, state: Path, *, name: str, admin: str, json_wanted: bool) -> None:  # noqa: ARG001 - stands on every command
    """Begin to record."""
    _tell(ask_admin(admin, "POST", f"{PATH}/start", state, {"name": name}), json_wanted=json_wanted)


@record.command()
@_admin
@as_json
@places
def stop(config: Path, state: Path, *, admin: str, json_wanted: bool) -> None:  # noqa: ARG001 - as above
    """End the recording; exit 1 when anything was dropped."""
    told = ask_admin(admin, "POST", f"{PATH}/stop", state)
    _tell(told, json_wanted=json_wanted)
    raise click.exceptions.Exit(1 if told["dropped"] or told["error"] else 0)


@record.command()
@_admin
@as_json
@places
def status(config: Path, state: Path, *, admin: str, json_wanted: bool) -> None:  # noqa: ARG001 - as above
    """What is being recorded, and what the ring holds."""
    _tell(ask_admin(admin, "GET", PATH, state), json_wanted=json_wanted)


@record.command()
@click.option("--last", default="10m", show_default=True, help="How far back.")
@_name
@_admin
@as_json
@places
def save(config: Path, state: Path, *, last: str, name: str, admin: str, json_wanted: bool) -> None:  # noqa: ARG001 - as above
    """Write what was seen in the last minutes, as far as the ring of 8 MB goes back."""
    try:
        seconds = parse_duration(last)
    except ValueError as error:
        raise SettingsError(f"--last: {error}") from error
    told = ask_admin(admin, "POST", f"{PATH}/save", state, {"name": name, "seconds": seconds})
    _tell(told, json_wanted=json_wanted)


def _tell(told: dict[str, Any], *, json_wanted: bool) -> None:
    if json_wanted:
        print_json(told)
        return
    if path := told.get("path"):
        click.echo(path)
    click.echo("; ".join(f"{name} {value}" for name, value in told.items() if name != "path" and value != ""), err=True)
