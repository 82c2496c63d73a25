"""`lgsp fault`: troubles, ordered from a running process."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from lgsp.catalogue.units import parse_duration, parse_percent
from lgsp.cli.ask import ask_admin
from lgsp.cli.options import as_json, places, print_json
from lgsp.clock import SystemClock
from lgsp.edge.orders import PATH
from lgsp.errors import SettingsError
from lgsp.fault import BAD, DEFAULT_SECONDS, Kind

_admin = click.option(
    "--admin", default="http://127.0.0.1:8290", show_default=True, metavar="URL", help="The gateway's admin port."
)


@click.group()
def fault() -> None:
    """Inject troubles into a running bus, list them, end them. They end by themselves."""


@fault.command("add")
@click.argument("service", metavar="SERVICE")
@click.option("--kind", type=click.Choice([str(kind) for kind in Kind]), required=True, help="What is wrong.")
@click.option(
    "--value", default="", metavar="2s|503|WORD", help=f"How long, which status, or for bad-reply: {', '.join(BAD)}."
)
@click.option("--p", "part", default="100%", show_default=True, help="The part of the calls that it hits.")
@click.option("--when", default="*", show_default=True, metavar="PATTERN", help="Only these operations: 'POST *'.")
@click.option("--for", "long", default="", metavar="5m|inf", help="How long [1h].")
@click.option("--in", "begin", default="0s", show_default=True, help="When it begins.")
@click.option("--name", default="", help="Whose idea it was: the name of a drill.")
@_admin
@as_json
@places
def add(
    service: str,
    config: Path,  # noqa: ARG001 - stands on every command
    state: Path,
    *,
    kind: str,
    value: str,
    part: str,
    when: str,
    long: str,
    begin: str,
    name: str,
    admin: str,
    json_wanted: bool,
) -> None:
    """Inject a fault into SERVICE."""
    seconds = math.inf if long == "inf" else _read(parse_duration, long, "--for") if long else DEFAULT_SECONDS
    ordered = {
        "service": service,
        "kind": kind,
        "p": _read(parse_percent, part, "--p"),
        "when": when,
        "drill": name,
        "in": _read(parse_duration, begin, "--in"),
        "seconds": None if math.isinf(seconds) else seconds,
    } | _value(Kind(kind), value)
    made = ask_admin(admin, "POST", PATH, state, ordered)
    if json_wanted:
        print_json(made)
        return
    click.echo(made["id"])
    click.echo(
        f"{kind} of {service}{'' if math.isinf(seconds) else f' for {seconds:g} s'}; end it with: lgsp fault rm {made['id']}",
        err=True,
    )


def _value(kind: Kind, text: str) -> dict[str, Any]:
    if not text:
        return {}
    if kind is Kind.BAD_REPLY:
        return {"how": text}
    if kind is Kind.ERROR:
        if not text.isdigit():
            raise SettingsError(f"--value {text!r}: an HTTP status belongs here, as 503")
        return {"value": int(text)}
    return {"value": _read(parse_duration, text, "--value")}


def _read(parse: Any, text: str, option: str) -> float:  # noqa: ANN401 - one of the readers of units
    try:
        return float(parse(text))
    except ValueError as error:
        raise SettingsError(f"{option}: {error}") from error


@fault.command("ls")
@_admin
@as_json
@places
def list_faults(config: Path, state: Path, *, admin: str, json_wanted: bool) -> None:  # noqa: ARG001 - as above
    """List the faults that are under way or still to begin."""
    found = ask_admin(admin, "GET", PATH, state)
    if json_wanted:
        print_json(found)
        return
    now = SystemClock().now()
    table = Table(
        "id", "service", "kind", "value", "calls", "when", "begins in", "ends in", "drill", box=None, pad_edge=False
    )
    for each in found:
        table.add_row(
            each["id"],
            each["service"],
            each["kind"],
            each["how"] or (f"{each['value']:g}" if each["value"] else ""),
            f"{each['p']:.1%}",
            each["when"],
            f"{max(0.0, each['start'] - now):.0f} s",
            "never" if each["end"] is None else f"{each['end'] - now:.0f} s",
            each["drill"],
        )
    Console().print(table)


@fault.command("rm")
@click.argument("name", metavar="ID")
@_admin
@as_json
@places
def remove(name: str, config: Path, state: Path, *, admin: str, json_wanted: bool) -> None:  # noqa: ARG001 - as above
    """End the fault ID now."""
    _ended(ask_admin(admin, "DELETE", f"{PATH}/{name}", state), json_wanted=json_wanted)


@fault.command("clear")
@_admin
@as_json
@places
def clear(config: Path, state: Path, *, admin: str, json_wanted: bool) -> None:  # noqa: ARG001 - as above
    """End every fault."""
    _ended(ask_admin(admin, "DELETE", PATH, state), json_wanted=json_wanted)


def _ended(told: dict[str, int], *, json_wanted: bool) -> None:
    if json_wanted:
        print_json(told)
    else:
        click.echo(f"{told['ended']} ended", err=True)
