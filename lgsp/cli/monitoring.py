"""`lgsp monitoring`: the rules that watch it all, for Prometheus."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from lgsp.catalogue.calendar import read_zone
from lgsp.cli.options import places
from lgsp.clock import SystemClock
from lgsp.monitoring.profile import Profile, offset_of
from lgsp.monitoring.rules import as_yaml, rules


@click.group()
def monitoring() -> None:
    """What watches lgsp: rules and alerts for Prometheus, routes for Alertmanager."""


@monitoring.command("rules")
@click.option(
    "--scale",
    type=click.IntRange(min=1, max=3_600),
    default=1,
    show_default=True,
    help="Divide every time by this: 60 makes an hour a minute, for a demo.",
)
@click.option("--output", type=click.Path(path_type=Path), help="Write to this file instead of printing.")
@places
def print_rules(config: Path, state: Path, scale: int, output: Path | None) -> None:  # noqa: ARG001 - on every command
    """Print the rule file: recording rules and alerts of every service, whichever there are."""
    zone = read_zone(config)
    year = datetime.fromtimestamp(SystemClock().now(), UTC).year
    profile = Profile(scale=scale, zone=zone, offset=offset_of(zone, year))
    command = "lgsp monitoring rules" + (f" --scale {scale}" if scale != 1 else "")
    text = as_yaml(rules(profile), command)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"rules lie in {output}", err=True)
