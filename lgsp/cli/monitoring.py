"""`lgsp monitoring`: the rules that watch it all, for Prometheus."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from lgsp.catalogue.calendar import read_zone
from lgsp.cli.options import places
from lgsp.clock import SystemClock
from lgsp.monitoring.profile import Profile, offset_of
from lgsp.monitoring.routing import Receivers, alertmanager
from lgsp.monitoring.rules import as_yaml, rules


@click.group()
def monitoring() -> None:
    """What watches lgsp: rules and alerts for Prometheus, routes for Alertmanager."""


_scale = click.option(
    "--scale",
    type=click.IntRange(min=1, max=3_600),
    default=1,
    show_default=True,
    help="Divide every time by this: 60 makes an hour a minute, for a demo.",
)
_output = click.option("--output", type=click.Path(path_type=Path), help="Write to this file instead of printing.")


def _profile(config: Path, **fields: Any) -> Profile:  # noqa: ANN401 - the profile's own
    """The profile of a configuration's calendar. Raises `SettingsError`, `CatalogueError`."""
    zone = read_zone(config)
    year = datetime.fromtimestamp(SystemClock().now(), UTC).year
    return Profile(zone=zone, offset=offset_of(zone, year), **fields)


def _give(document: dict[str, Any], command: str, scale: int, output: Path | None) -> None:
    text = as_yaml(document, command + (f" --scale {scale}" if scale != 1 else ""))
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"it lies in {output}", err=True)


@monitoring.command("rules")
@_scale
@_output
@places
def print_rules(config: Path, state: Path, scale: int, output: Path | None) -> None:  # noqa: ARG001 - on every command
    """Print the rule file: recording rules and alerts of every service, whichever there are."""
    _give(rules(_profile(config, scale=scale)), "lgsp monitoring rules", scale, output)


@monitoring.command("routes")
@_scale
@_output
@places
def print_routes(config: Path, state: Path, scale: int, output: Path | None) -> None:  # noqa: ARG001 - on every command
    """Print a configuration for Alertmanager: routes, inhibition, receivers by webhook and mail."""
    _give(alertmanager(_profile(config, scale=scale), Receivers()), "lgsp monitoring routes", scale, output)
